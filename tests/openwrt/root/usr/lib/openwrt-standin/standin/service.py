# SPDX-License-Identifier: Apache-2.0
"""The ubus side: objects network, network.device, network.interface and network.interface.X, with ubus's
codes (ubus -v list)."""

import os
import socket

from . import dump, status
from .blob import ARRAY, BOOL, NAMES, STRING, compact, kind_of, parse, pretty

SOCKET = "/var/run/ubus/ubus.sock"
DEVICE_ARGS = {"name": STRING, "link-ext": BOOL, "vlan": ARRAY}
INTERFACE_METHODS = {
    "up": {},
    "down": {},
    "renew": {},
    "status": {},
    "prepare": {},
    "dump": {},
    "add_device": DEVICE_ARGS,
    "remove_device": DEVICE_ARGS,
    "notify_proto": {},
    "remove": {},
    "set_data": {},
}
NETWORK_METHODS = {
    "restart": {},
    "reload": {},
    "add_host_route": {"target": STRING, "v6": BOOL, "interface": STRING, "exclude": BOOL},
    "get_proto_handlers": {},
    "add_dynamic": {"name": STRING},
}
DEVICE_METHODS = {"status": {"name": STRING}}
PREFIX = "network.interface."


class Service:
    """One request a connection: NUL-terminated words in up to the end of stream, a status line and the
    text to print out."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.loop = daemon.loop
        os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(SOCKET)
        os.chmod(SOCKET, 0o600)
        self.socket.listen(64)
        self.socket.setblocking(False)
        self.loop.on_readable(self.socket.fileno(), self.accept)

    def accept(self):
        try:
            peer, _ = self.socket.accept()
        except OSError:
            return
        peer.setblocking(False)
        received = bytearray()

        def read():
            try:
                data = peer.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            received.extend(data)
            if data:
                return
            self.loop.forget(peer.fileno())
            self.answer(peer, bytes(received))

        self.loop.on_readable(peer.fileno(), read)

    def answer(self, peer, request):
        words = request.decode(errors="surrogateescape").split("\0")[:-1]
        code, text = self.handle(words)
        peer.setblocking(True)
        peer.settimeout(5)
        try:
            peer.sendall(f"{code}\n{text}".encode(errors="surrogateescape"))
        except OSError:
            pass
        peer.close()

    def handle(self, words):
        if words[:1] == ["list"]:
            return self.list_objects(words[1], words[2:] == ["v"])
        if words[:1] != ["call"] or len(words) != 5:
            return status.INVALID_COMMAND, ""
        _, style, path, method, argument = words
        try:
            message = parse(argument or "{}")
        except (ValueError, RecursionError):
            return status.PARSE_ERROR, ""
        code, reply = self.call(path, method, message)
        if code or reply is None:
            return code, ""
        return code, (compact if style == "S" else pretty)(reply) + "\n"

    def objects(self):
        found = {
            "network": NETWORK_METHODS,
            "network.device": DEVICE_METHODS,
            "network.interface": dict(INTERFACE_METHODS),
        }
        for name in sorted(self.daemon.interfaces):
            found[PREFIX + name] = INTERFACE_METHODS
        return found

    def list_objects(self, pattern, verbose):
        found = self.objects()
        if pattern.endswith("*"):
            chosen = [path for path in found if path.startswith(pattern[:-1])]
        else:
            chosen = [path for path in found if pattern in ("", path)]
        if not chosen:
            return status.NOT_FOUND, ""
        lines = []
        for path in chosen:
            if not verbose:
                lines.append(path)
                continue
            lines.append(f"'{path}' @{abs(hash(path)) & 0xFFFFFFFF:08x}")
            for method, arguments in found[path].items():
                shown = {name: NAMES[kind] for name, kind in arguments.items()}
                lines.append(f'\t"{method}":{compact(shown)}')
        return status.OK, "\n".join(lines) + "\n"

    def call(self, path, method, message):
        if path.startswith(PREFIX):
            interface = self.daemon.interfaces.get(path[len(PREFIX) :])
            if interface is None:
                return status.NOT_FOUND, None
            return self.interface(interface, method, message)
        if path == "network":
            return self.network(method, message)
        if path == "network.device":
            return self.device(method, message)
        if path == "network.interface":
            if method not in INTERFACE_METHODS:
                return status.METHOD_NOT_FOUND, None
            if method == "dump":
                return status.OK, self.dump()
            name = message.get("interface")
            if kind_of(name) != STRING:
                return status.INVALID_ARGUMENT, None
            interface = self.daemon.interfaces.get(name)
            return self.interface(interface, method, message) if interface else (status.NOT_FOUND, None)
        return status.NOT_FOUND, None

    def dump(self):
        return {
            "interface": [
                {"interface": name, **dump.interface(self.daemon.interfaces[name])}
                for name in sorted(self.daemon.interfaces)
            ]
        }

    def interface(self, interface, method, message):
        if method not in INTERFACE_METHODS:
            return status.METHOD_NOT_FOUND, None
        if method == "status":
            return status.OK, dump.interface(interface)
        if method == "dump":
            return status.OK, self.dump()
        if method == "up":
            interface.set_up()
        elif method == "down":
            interface.set_down()
        elif method == "renew":
            if interface.state not in ("teardown", "down"):
                interface.proto.command("renew")
        elif method == "remove":
            return (status.OK if interface.remove() else status.INVALID_ARGUMENT), None
        elif method == "notify_proto":
            return interface.proto.notify(message), None
        elif method == "set_data":
            interface.updated = set()
            interface.set_data(message)
            if interface.updated and interface.state == "up":
                interface.event("ifupdate")
        elif method == "prepare":
            return status.OK, {}
        else:
            return status.NOT_SUPPORTED, None
        return status.OK, None

    def network(self, method, message):
        if method not in NETWORK_METHODS:
            return status.METHOD_NOT_FOUND, None
        if method == "restart":
            self.daemon.restart()
        elif method == "reload":
            if not self.daemon.read_config():
                return status.UNKNOWN_ERROR, None
        elif method == "get_proto_handlers":
            return status.OK, self.daemon.handlers.shown()
        elif method == "add_dynamic":
            return self.daemon.add_dynamic(message), None
        else:
            return self.daemon.host_route(message)
        return status.OK, None

    def device(self, method, message):
        if method not in DEVICE_METHODS:
            return status.METHOD_NOT_FOUND, None
        devices = self.daemon.devices.devices
        name = message.get("name")
        if kind_of(name) == STRING:
            if name not in devices:
                return status.INVALID_ARGUMENT, None
            return status.OK, dump.device(devices[name])
        return status.OK, {each: dump.device(devices[each]) for each in sorted(devices)}
