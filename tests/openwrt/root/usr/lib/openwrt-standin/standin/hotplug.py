# SPDX-License-Identifier: Apache-2.0
"""Interface events for /sbin/hotplug-call: one at a time, one pending an interface, later ones merge
(NETIFD.md, hotplug)."""

import os
import subprocess

COMMAND = "/sbin/hotplug-call"
EVENTS = ("ifup", "ifdown", "ifup-failed", "ifupdate")


class Hotplug:
    def __init__(self, loop, log):
        self.loop = loop
        self.log = log
        self.waiting = {}  # interface -> event, in order of arrival
        self.current = None
        self.running = None

    def queue(self, interface, event):
        if event == "free":
            self.waiting.pop(interface, None)
            if self.current and self.current[0] is interface:
                self.current = None
            return
        if event not in EVENTS:
            return
        waiting = self.waiting.get(interface)
        if self.current and self.current[0] is interface:
            if waiting:
                if event != "ifupdate":
                    self.waiting[interface] = event
            elif event != self.current[1] or event == "ifupdate":
                self.waiting[interface] = event
        elif waiting:
            if not (waiting == "ifup" and event == "ifupdate"):
                self.waiting[interface] = event
        else:
            self.waiting[interface] = event
        self.next()

    def next(self):
        if self.running is not None or not self.waiting:
            return
        interface = next(iter(self.waiting))
        event = self.waiting.pop(interface)
        self.current = (interface, event)
        environment = dict(os.environ, ACTION=event, INTERFACE=interface.name)
        if event in ("ifup", "ifupdate") and interface.l3.device:
            environment["DEVICE"] = interface.l3.device.ifname
        if event == "ifupdate":
            environment.update({f"IFUPDATE_{what.upper()}": "1" for what in interface.updated})
        child = subprocess.Popen([COMMAND, "iface"], env=environment, stdin=subprocess.DEVNULL)
        self.running = child
        self.loop.on_exit(child.pid, self.done)

    def done(self, status):
        self.running.returncode = os.waitstatus_to_exitcode(status)
        self.running = self.current = None
        self.next()
