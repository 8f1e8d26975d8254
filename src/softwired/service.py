# SPDX-License-Identifier: Apache-2.0
"""A service's life: start, readiness, reload (SIGHUP), stop (SIGTERM); privileges shed in between."""

from __future__ import annotations

import os
import pwd
import signal
import time
import types
import typing

import softwired
from softwired import configuration, control, privileges, readiness
from softwired.counters import Counters
from softwired.log import Log
from softwired.loop import Loop


class StartError(Exception):
    """Why a service cannot run, in one line that says what would be right."""


class Service(typing.Protocol):
    """What a service is to its frame. Its module has TABLE, TOGETHER, CAPABILITIES and make(frame, values)."""

    def open(self) -> None:
        """Opens what needs privileges; StartError."""

    def start(self) -> None:
        """Starts the rest, without privileges."""

    def reload(self, values: types.SimpleNamespace) -> None:
        """Goes on with other values, and loses nothing that is on its way."""

    def stop(self) -> None:
        """Closes everything."""

    def status(self) -> dict[str, typing.Any]:
        """What `softwired SERVICE status` shows beside the frame's own."""


class Frame(typing.NamedTuple):
    """What a service is given."""

    loop: Loop
    log: Log
    counters: Counters
    # Where it may keep what lasts as long as it runs.
    run_directory: str


def checked(path: str) -> dict[str, types.SimpleNamespace]:
    """The values of every table of the file; ConfigurationError."""
    modules = {name: softwired.load(name) for name in softwired.installed()}
    tables = {name: module.TABLE for name, module in modules.items()}
    together = {name: module.TOGETHER for name, module in modules.items()}
    return configuration.check(path, configuration.read(path), tables, together)


def values_of(name: str, path: str) -> tuple[types.SimpleNamespace, types.SimpleNamespace]:
    """(common values, the service's values)"""
    values = checked(path)
    if name not in values:
        raise configuration.ConfigurationError(f"{path}: {name}: missing: a table [{name}] would be right")
    return values["softwired"], values[name]


class Runner:
    """One service in this process."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self.module = softwired.load(name)
        self.common, values = values_of(name, path)
        self.frame = Frame(Loop(), Log(name), Counters(f"softwired_{name}"), self.common.run_directory)
        self.service: Service = self.module.make(self.frame, values)
        self.started = time.time()
        self.reloaded: dict[str, typing.Any] = {}
        self.problems: list[str] = []

    def run(self) -> int:
        """Until a signal; the exit status."""
        log, loop = self.frame.log, self.frame.loop
        self._make_run_directory()
        self.service.open()
        self.problems = privileges.shed(self.common.user, self.module.CAPABILITIES)
        for problem in self.problems:
            log.warning(problem)
        address = control.path(self.common.run_directory, self.name)
        try:
            told = control.Control(address, self.status)
        except OSError as error:
            said = error.strerror or str(error)
            raise StartError(f"cannot listen at {address} (softwired.run_directory): {said}") from None
        loop.on_signals({signal.SIGHUP: self.reload, signal.SIGTERM: loop.stop, signal.SIGINT: loop.stop})
        self.service.start()
        loop.watch(told.socket.fileno(), told.heard)
        readiness.notify(readiness.READY)
        log.info(f"ready (version {softwired.__version__})")
        try:
            loop.run()
        finally:
            readiness.notify(readiness.STOPPING)
            self.service.stop()
            told.close()
        log.info("stopped")
        return 0

    def reload(self) -> None:
        """A file with a fault changes nothing."""
        log = self.frame.log
        readiness.notify(readiness.reloading())
        self.reloaded = {"at": time.time(), "error": None}
        try:
            common, values = values_of(self.name, self.path)
            self.service.reload(values)
        except (configuration.ConfigurationError, StartError) as error:
            self.reloaded["error"] = str(error)
            for line in str(error).splitlines():
                log.error(line)
            log.error("not reloaded: goes on as before")
        else:
            if common != self.common:
                log.warning("softwired.user and softwired.run_directory take effect at the next start")
            log.info("reloaded")
        readiness.notify(readiness.READY)

    def status(self) -> dict[str, typing.Any]:
        """All that is told."""
        found = privileges.state()
        return {
            "service": self.name,
            "version": softwired.__version__,
            "pid": os.getpid(),
            "configuration": self.path,
            "started": self.started,
            "reloaded": self.reloaded,
            "user": _user_name(found["uid"]),
            "capabilities": f"{found['effective']:#x}",
            "no_new_privs": bool(found["no_new_privs"]),
            "problems": self.problems,
            **self.service.status(),
            "counters": self.frame.counters.values(),
        }

    def _make_run_directory(self) -> None:
        folder = self.common.run_directory
        try:
            os.makedirs(folder, 0o755, exist_ok=True)
            if os.geteuid() == 0 and self.common.user:
                entry = pwd.getpwnam(self.common.user)
                os.chown(folder, entry.pw_uid, entry.pw_gid)
        except KeyError:
            pass  # privileges.shed tells it
        except OSError as error:
            raise StartError(f"cannot make {folder} (softwired.run_directory): {error.strerror}") from None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
