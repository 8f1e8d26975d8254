# SPDX-License-Identifier: Apache-2.0
"""Puts router discovery, client and state script together, and obeys signals."""

import os
import signal
import sys

from standin.loop import Loop

from .client import Client
from .options import USAGE, BadUsage, Options
from .router import Router
from .script import SYNC_DELAY, UPDATE_DELAY, Script, environment


class Program:
    def __init__(self, options):
        self.options = options
        self.loop = Loop()
        self.heard = False
        self.script = Script(self.loop, options.script, options.device, self.describe)
        self.client = Client(self.loop, options, self.log, self.script)
        self.router = Router(self.loop, options, self.log, self.client.clock, self.advertised)
        self.signals = []
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda received, _: self.loop.after(0, lambda: self.signalled(received)))

    @staticmethod
    def log(text):
        print(text, file=sys.stderr, flush=True)

    def describe(self):
        return environment(self.client, self.router, self.client.clock())

    def run(self):
        self.script.call("started")
        self.router.solicit()
        self.client.start()
        self.loop.run()

    def advertised(self, news, new_prefix_and_server):
        if new_prefix_and_server:
            self.client.release_and_restart()
        if news and (self.client.bound or self.options.slaac_only):
            first = not self.heard and not self.client.bound
            self.script.call("ra-updated", SYNC_DELAY if first else UPDATE_DELAY)
            self.heard = True

    def signalled(self, number):
        if number == signal.SIGUSR1:
            self.client.told_to_renew()
        elif number == signal.SIGUSR2:
            self.client.release_and_restart()
        else:
            self.client.stop()
            self.script.call("stopped", resume=True)
            self.script.flush()
            self.loop.running = False


def main(words):
    try:
        options = Options(words)
    except BadUsage:
        sys.stderr.write(USAGE)
        return 1
    try:
        program = Program(options)
    except OSError as problem:
        sys.stderr.write(f"failed to initialize: {problem.strerror}\n")
        return 4
    if options.daemonize and os.fork():
        return 0
    pid_file = options.pid_file or (f"/var/run/odhcp6c.{options.device}.pid" if options.daemonize else None)
    if pid_file:
        with open(pid_file, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    program.run()
    return 0
