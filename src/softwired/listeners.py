# SPDX-License-Identifier: Apache-2.0
"""The sockets of port 547: multicast groups and link-local address of each interface, and unicast addresses.

What is there is made to agree with what the configuration wants whenever the kernel tells of a change: an interface
may come late, go, and come back under another index.
"""

from __future__ import annotations

import errno
import functools
import socket
import struct
import sys
import types
import typing

from softwire.dhcpv6 import duid_ll
from softwired import relay
from softwired.interfaces import Changes, link_local_addresses, mac
from softwired.log import Log

CLIENT_PORT, SERVER_PORT = 546, 547
# RFC 8415 section 7.1: All_DHCP_Relay_Agents_and_Servers, All_DHCP_Servers
GROUPS = ("ff02::1:2", "ff05::1:3")
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER = 4 << 20
SPARE = 8
# For what came before a socket was given up: a whole buffer is less.
MOST_TURNS = 256

Key = tuple[str, str, int, str]  # kind, interface's name and index, address
Peer = tuple[str, int, int, int]


class Listener(typing.NamedTuple):
    """One socket. `interface` is where its packets come from; '' if each packet tells."""

    key: Key
    socket: socket.socket
    interface: str


class Origin(typing.NamedTuple):
    """Where a message came from, and so where its answer goes."""

    listener: Listener
    interface: str
    peer: Peer


def duid(interfaces: list[types.SimpleNamespace]) -> bytes:
    """A server's, of the first of these interfaces that has an Ethernet address; b'' while none has."""
    return next((duid_ll(found) for found in (mac(one.name) for one in interfaces) if found), b"")


class Listeners:
    """Calls `arrived(listener)` when one of its sockets can be read; that tells whether there may be more."""

    def __init__(
        self,
        log: Log,
        watch: typing.Callable[[int, typing.Callable[[], object]], None],
        forget: typing.Callable[[int], None],
        arrived: typing.Callable[[Listener], bool],
    ) -> None:
        self.log, self.watch, self.forget, self.arrived = log, watch, forget, arrived
        self.open_ones: dict[Key, Listener] = {}
        self.problems: dict[str, str] = {}
        self.interfaces: list[types.SimpleNamespace] = []
        self.sources: dict[str, bytes] = {}
        self.spare: list[socket.socket] = []
        # A server without IPv6 or without netlink still runs, and says what it lacks.
        self.changes = Changes()

    def reserve(self, interfaces: list[types.SimpleNamespace]) -> None:
        """Sockets for these and some more, as long as one may give them large buffers; interfaces come later."""
        wanted = sum(1 + len(GROUPS) + len(interface.addresses) for interface in interfaces)
        self.spare = [new() for _ in range(2 * wanted + SPARE)]

    def want(self, interfaces: list[types.SimpleNamespace]) -> None:
        """From now on these of the configuration."""
        self.interfaces = interfaces
        self.reconcile()

    def reconcile(self) -> None:
        """Opens what lacks, closes what is too much."""
        wanted = self._wanted()
        for key in [key for key in self.open_ones if key not in wanted]:
            self._close(key)
        for key in wanted:
            if key not in self.open_ones:
                self._try(key)

    def _wanted(self) -> list[Key]:
        link_local = link_local_addresses()
        self.sources = {name: socket.inet_pton(socket.AF_INET6, text) for name, text in link_local.items()}
        wanted: list[Key] = []
        problems: dict[str, str] = {}
        for interface in self.interfaces:
            name = interface.name
            try:
                index = socket.if_nametoindex(name)
            except OSError:
                problems[name] = "there is no such interface"
                continue
            for address in interface.addresses:
                wanted.append(("unicast", "", 0, str(address)))
            if name not in link_local:
                problems[name] = "has no link-local address that could be used (down, or still tentative)"
                continue
            wanted.append(("link-local", name, index, link_local[name]))
            wanted += [("multicast", name, index, group) for group in GROUPS]
        for name, problem in problems.items():
            if self.problems.get(name) != problem:
                self.log.warning(f"interface {name}: {problem}; it is waited for")
        self.problems = problems
        return wanted

    def _try(self, key: Key) -> None:
        kind, name, index, address = key
        place = address + (f"%{name}" if name else "")
        try:
            listener = Listener(key, self._socket(kind, index, address), name)
        except OSError as error:
            said = f"cannot listen at [{place}]:{SERVER_PORT}: {error.strerror}"
            if error.errno == errno.EADDRINUSE and kind == "link-local":
                return  # another DHCPv6 server's; what is sent to the group comes all the same
            if error.errno == errno.EADDRINUSE:
                said += ": another DHCPv6 server has it"
            elif error.errno == errno.EADDRNOTAVAIL:
                said += ": this machine does not have the address (yet); it is waited for"
            if place not in self.problems:
                self.log.seldom("listen " + place, said)
            self.problems[place] = said
            return
        self.open_ones[key] = listener
        self.watch(listener.socket.fileno(), functools.partial(self.arrived, listener))
        self.log.info(f"listens at [{place}]:{SERVER_PORT}")

    def _socket(self, kind: str, index: int, address: str) -> socket.socket:
        made = self.spare.pop() if self.spare else new()
        try:
            if kind == "multicast":
                # Another DHCPv6 server beside us gets its own copy.
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.setsockopt(
                    socket.SOL_SOCKET, socket.SO_BINDTODEVICE, socket.if_indextoname(index).encode() + b"\0"
                )
                group = socket.inet_pton(socket.AF_INET6, address) + struct.pack("@I", index)
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
            elif kind == "unicast":
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            made.bind((address, SERVER_PORT, 0, index))
        except OSError:
            if kind == "multicast":
                made.close()
            else:
                self.spare.append(made)  # it will be tried again
            raise
        return made

    def _close(self, key: Key) -> None:
        listener = self.open_ones.pop(key)
        self.forget(listener.socket.fileno())
        # What has come already is still served; the socket stays for answers as long as one of them needs it.
        for _ in range(MOST_TURNS):
            if not self.arrived(listener):
                break
        self.log.info(f"no longer listens at [{key[3]}{'%' + key[1] if key[1] else ''}]:{SERVER_PORT}")

    def close(self) -> None:
        """All of them."""
        for listener in self.open_ones.values():
            self.forget(listener.socket.fileno())
            listener.socket.close()
        for spare in self.spare:
            spare.close()
        self.open_ones.clear()
        self.changes.close()

    def answer(self, listener: Listener, data: bytes, peer: Peer) -> None:
        """Sends from where the peer expects it: the address that it asked, else one of its scope; OSError."""
        kind, name, index, _ = listener.key
        if kind != "multicast":
            listener.socket.sendto(data, peer)
            return
        # A group is no source. Who asks from a link-local address is answered from one (peer[3] is its link), a relay
        # that used a site's group from what the kernel would take.
        source = self.sources.get(name) if peer[3] else socket.inet_pton(socket.AF_INET6, source_for(peer))
        if source is None:
            raise OSError(errno.EADDRNOTAVAIL, f"interface {name} has no link-local address")
        where = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source + index.to_bytes(4, sys.byteorder))
        listener.socket.sendmsg((data,), (where,), 0, peer)


def receive(listener: Listener, most: int) -> tuple[bytes, Origin]:
    """The next datagram, cut to so many octets; its interface is '' if that went meanwhile. OSError: there is none."""
    if listener.interface:
        data, peer = listener.socket.recvfrom(most)
        return data, Origin(listener, listener.interface, peer)
    data, ancillary, _, peer = listener.socket.recvmsg(most, 64)
    return data, Origin(listener, arrival(ancillary), peer)


def back(origin: Origin, layers: list[relay.Layer]) -> Origin:
    """Where the answer to a message goes: the client's port, the relay's, or by RFC 8357 section 5.2 its own."""
    address, source_port, flow, scope = origin.peer
    port = CLIENT_PORT
    if layers:
        port = source_port if layers[0].option(relay.RELAY_PORT) is not None else SERVER_PORT
    return Origin(origin.listener, origin.interface, (address, port, flow, scope))


def packed(peer: Peer) -> bytes:
    """The 16 octets of a socket's address, which may name its interface."""
    return socket.inet_pton(socket.AF_INET6, peer[0].partition("%")[0])


def new() -> socket.socket:
    """A UDP socket that is bound to nothing yet."""
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    grow(made)
    return made


def source_for(peer: Peer) -> str:
    """The address that the kernel would send from."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asked:
        asked.connect(peer)
        return str(asked.getsockname()[0])


def grow(made: socket.socket) -> None:
    """As large a receive buffer as one may have: a whole network may come back at once after a power cut."""
    try:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except OSError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def arrival(ancillary: list[tuple[int, int, bytes]]) -> str:
    """The interface's name out of a packet's own information; '' if it went meanwhile."""
    for level, kind, value in ancillary:
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(value) >= 20:
            try:
                return socket.if_indextoname(struct.unpack_from("@I", value, 16)[0])
            except OSError:
                return ""
    return ""
