# SPDX-License-Identifier: Apache-2.0
"""The protocol of one interface at run time: none, static, or a handler script with its task and messages
(NETIFD.md)."""

import signal
import socket

from . import status
from .blob import ARRAY, BOOL, INT32, STRING, TABLE, compact, select
from .device import NameTooLong
from .process import Process
from .tunnel import Tunnel

NOTIFY = {
    "action": INT32,
    "error": ARRAY,
    "command": ARRAY,
    "env": ARRAY,
    "signal": INT32,
    "available": BOOL,
    "link-up": BOOL,
    "ifname": STRING,
    "address-external": BOOL,
    "routes": ARRAY,
    "routes6": ARRAY,
    "tunnel": TABLE,
    "data": TABLE,
    "keep": BOOL,
    "host": STRING,
    "dns": ARRAY,
    "dns_search": ARRAY,
}
ARGV_MAX, ENVIRONMENT_MAX, ERROR_MAX = 62, 30, 15
ABORT_SECONDS, TEARDOWN_SECONDS = 1, 5


class Immediate:
    """`none`: up and down without anything to do."""

    def __init__(self, handler, interface):
        self.handler = handler
        self.interface = interface

    def command(self, name):
        if not self.run(name):
            return False
        if name == "setup":
            self.interface.proto_up()
        elif name == "teardown":
            self.interface.proto_down()
        return True

    def run(self, name):
        return True

    def notify(self, message):
        return status.NOT_SUPPORTED

    def free(self):
        pass


class Static(Immediate):
    def run(self, name):
        if name != "setup":
            return True
        self.interface.set_l3(self.interface.main.device)
        return self.interface.proto_settings.from_static(self.interface.config)


class Dependency:
    """`proto_add_host_dependency`: met while some interface has a way to the host."""

    def __init__(self, owner, host, v6, name):
        self.owner, self.host, self.v6, self.name = owner, host, v6, name
        self.interface = None

    def look(self):
        daemon = self.owner.interface.daemon
        if self.interface is None:
            chosen = daemon.interfaces.get(self.name) if self.name else None
            if self.name and (chosen is None or chosen.state != "up"):
                found = None
            elif self.host is None:
                found = chosen
            else:
                found = daemon.way_to(self.host, self.v6, chosen)
            if found:
                self.interface = found
                found.users.append(self.lost)
        self.owner.check_dependencies()

    def lost(self, interface, event):
        if event not in ("ifdown", "ifup-failed", "free"):
            return
        self.release()
        self.owner.dependency_lost()

    def release(self):
        if self.interface and self.lost in self.interface.users:
            self.interface.users.remove(self.lost)
        self.interface = None


class External:
    """A handler script: idle, setup, setup-abort, teardown."""

    def __init__(self, handler, interface):
        self.handler = handler
        self.interface = interface
        self.loop = interface.daemon.loop
        self.state = "idle"
        self.dependencies = []
        self.last_error = None
        self.renew_pending = False
        self.task_killed = False
        self.timeout = None
        directory = interface.daemon.handlers.directory
        self.config = interface.config
        self.script = Process(self.loop, interface.log, interface.name, directory, self.script_ended)
        self.task = Process(self.loop, interface.log, interface.name, directory, self.task_ended)

    def free(self):
        self.cancel_timeout()
        self.clear_dependencies()
        self.script.kill()
        self.task.kill()

    def cancel_timeout(self):
        if self.timeout:
            self.timeout.cancel()

    def set_timeout(self, seconds):
        self.cancel_timeout()
        self.timeout = self.loop.after(seconds, self.timed_out)

    def timed_out(self):
        self.script.kill()
        self.task.kill()
        self.progress(None)

    # commands of the interface

    def command(self, name):
        environment = []
        if name == "setup":
            if self.state != "idle":
                return False
            self.last_error = None
            self.clear_dependencies()
            self.state = "setup"
        elif name == "renew":
            if not self.handler.renewable or self.state in ("teardown", "setup-abort"):
                return True
            if self.script.pending:
                self.renew_pending = True
                return True
            self.renew_pending = False
        else:
            if self.state == "setup" and self.script.pending:
                self.set_timeout(ABORT_SECONDS)
                self.script.signal(signal.SIGTERM)
                self.task.signal(signal.SIGTERM)
                self.renew_pending = False
                self.state = "setup-abort"
                return True
            if self.state == "teardown":
                return True
            if self.state == "setup-abort":
                return False
            self.renew_pending = False
            self.state = "teardown"
            if self.last_error is not None:
                environment.append(f"ERROR={self.last_error}")
            self.set_timeout(TEARDOWN_SECONDS)
        argv = [self.handler.script, self.handler.name, name, self.interface.name, compact(self.config)]
        if self.interface.main.device:
            argv.append(self.interface.main.device.ifname)
        self.script.start(argv, environment)
        return True

    def script_ended(self, process, code):
        self.progress(process)

    def task_ended(self, process, code):
        if self.state in ("idle", "setup"):
            self.last_error = code
        self.progress(process)

    def progress(self, process):
        """A script or task has ended: what follows depends on the state alone."""
        if self.state in ("idle", "setup"):
            if process is self.task:
                if self.state == "idle":
                    self.interface.proto_link_lost()
                self.command("teardown")
            elif process is self.script:
                if self.renew_pending:
                    self.command("renew")
                elif not self.handler.no_task and not self.task.pending and self.state == "setup":
                    self.command("teardown")
        elif self.state == "setup-abort":
            if self.script.pending or self.task.pending:
                return
            self.cancel_timeout()
            self.state = "idle"
            self.command("teardown")
        elif self.state == "teardown":
            if self.script.pending:
                return
            if self.task.pending:
                if not self.task_killed:
                    self.task.signal(signal.SIGTERM)
                return
            self.cancel_timeout()
            self.state = "idle"
            self.interface.proto_down()

    # dependencies

    def clear_dependencies(self):
        for dependency in self.dependencies:
            dependency.release()
        self.dependencies = []

    def check_dependencies(self):
        self.interface.set_available(all(dependency.interface for dependency in self.dependencies))

    def interfaces_changed(self, event):
        """Some interface came up or changed: an unmet dependency may be met now."""
        if event in ("ifup", "ifupdate"):
            for dependency in [each for each in self.dependencies if each.interface is None]:
                dependency.look()

    def dependency_lost(self):
        if self.state == "idle":
            self.interface.proto_link_lost()
            self.command("teardown")

    # messages of the handler: ubus method notify_proto

    def notify(self, message):
        message_all, message = message, select(NOTIFY, message)
        actions = (
            self.update,
            self.run_command,
            self.kill_command,
            self.notify_error,
            self.block_restart,
            self.available,
            self.add_dependency,
            self.setup_failed,
        )
        number = message.get("action", -1)
        if not 0 <= number < len(actions):
            return status.INVALID_ARGUMENT
        if number in (0, 1, 6) and self.state in ("teardown", "setup-abort"):
            return status.PERMISSION_DENIED
        return actions[number](message, message_all)

    def update(self, message, message_all):
        interface = self.interface
        if "link-up" not in message:
            return status.INVALID_ARGUMENT
        if not message["link-up"]:
            interface.proto_link_lost()
            return status.OK
        keep = message.get("keep", False) and interface.state == "up" and interface.l3.device is not None
        if not keep:
            code = self.take_device(message)
            if code:
                return code
        interface.updated = set()
        settings = interface.proto_settings
        settings.begin(keep)
        settings.from_update(message_all, message.get("address-external", False))
        settings.add_routes(message.get("routes", []), False)
        settings.add_routes(message.get("routes6", []), True)
        settings.add_dns(message.get("dns", []))
        settings.add_search(message.get("dns_search", []))
        interface.set_data(message.get("data", {}))
        settings.finish()
        interface.proto_up()
        self.state = "idle"
        return status.OK

    def take_device(self, message):
        interface, devices = self.interface, self.interface.daemon.devices
        device = interface.main.device
        if "ifname" in message:
            name = message["ifname"]
            if "tunnel" in message:
                device = self.tunnel(name, message["tunnel"])
            else:
                device = devices.get(name)
        if device is None:
            return status.INVALID_ARGUMENT
        interface.set_l3(device)
        return status.OK if interface.l3.claim() else status.UNKNOWN_ERROR

    def tunnel(self, name, attributes):
        devices = self.interface.daemon.devices
        device = devices.find(name)
        if not isinstance(device, Tunnel):
            try:
                device = Tunnel(devices, name, self.interface.daemon.l3_name)
            except NameTooLong:
                return None
            devices.add(device)
            device.apply(attributes)
            device.start()
            return device
        device.apply(attributes)
        return device

    def run_command(self, message, _):
        if "command" not in message:
            return status.INVALID_ARGUMENT
        argv, environment = message["command"], message.get("env", [])
        if not all(isinstance(word, str) for word in argv + environment) or not argv:
            return status.INVALID_ARGUMENT
        if len(argv) > ARGV_MAX or len(environment) > ENVIRONMENT_MAX:
            return status.INVALID_ARGUMENT
        self.task_killed = False
        self.task.start(argv, environment)
        return status.OK

    def kill_command(self, message, _):
        number = message.get("signal", -1)
        number = number if 0 <= number <= 31 else int(signal.SIGTERM)
        if self.task.pending:
            if number in (signal.SIGTERM, signal.SIGKILL):
                self.task_killed = True
            self.task.signal(number)
        return status.OK

    def notify_error(self, message, _):
        words = message.get("error", [])
        if not words or len(words) > ERROR_MAX or not all(isinstance(word, str) for word in words):
            return status.INVALID_ARGUMENT
        self.interface.add_error(self.handler.name, words[0], words[1:])
        return status.OK

    def block_restart(self, message, _):
        self.interface.autostart = False
        return status.OK

    def available(self, message, _):
        if "available" not in message:
            return status.INVALID_ARGUMENT
        self.interface.set_available(message["available"])
        return status.OK

    def add_dependency(self, message, _):
        name, host, v6 = message.get("ifname", ""), message.get("host", ""), False
        if host or not name:
            try:
                socket.inet_pton(socket.AF_INET, host)
            except OSError:
                try:
                    socket.inet_pton(socket.AF_INET6, host)
                except OSError:
                    return status.INVALID_ARGUMENT
                v6 = True
        dependency = Dependency(self, host or None, v6, name)
        self.dependencies.append(dependency)
        dependency.look()
        return status.OK if dependency.interface else status.NOT_FOUND

    def setup_failed(self, message, _):
        if self.state == "idle":
            self.interface.proto_link_lost()
        elif self.state != "setup":
            return status.PERMISSION_DENIED
        self.command("teardown")
        return status.OK
