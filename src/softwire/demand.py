# SPDX-License-Identifier: Apache-2.0
"""On demand: an IPv4 address is asked for when a packet wants out, and given back when none has left for a while.

While nothing is held, the default route leads into a tunnel device without an address, to a place that discards.
netfilter keeps the packets that would go there in a queue (nfnetlink_queue, kmod-nft-queue): the first one makes the
client's one wait end, and all go on once there is an address. The rules stay as they are: while nobody listens to the
queue, packets pass by it. Loaded where option demand is set, and nowhere else.
"""

import socket
import struct

from softwire import kernel
from softwire.address import parse_ipv6
from softwire.errors import ProvisioningError
from softwire.portnat import begin
from softwire.provisioning import Refresh
from softwire.tunnel import Tunnel, device_of, inner_mtu
from softwire.watch import STATISTICS, read_counter

# RFC 6666: whatever is sent there is discarded; our own firewall does it, without a word.
NOWHERE = parse_ipv6("100::1")
# Linux' numbers (linux/netlink.h, nfnetlink.h, nfnetlink_queue.h).
AF_NETLINK, NETLINK_NETFILTER = 16, 12
REQUEST, ACK = 1, 4
PACKET, CONFIG, VERDICT_BATCH = 0x300, 0x302, 0x303
CMD, PARAMS, MAXLEN, VERDICT_HDR = 1, 2, 3, 2
BIND, META, ACCEPT = 1, 1, 1
# Packets are counted from 1 on: a verdict on this one is one on all.
EVERY = 0x7FFFFFFF
EAGAIN, ENOBUFS = 11, 105
# Packets that are kept, at most.
MOST = 128
# Seconds between two questions that were refused, doubled each time up to the longest.
FIRST, LONGEST = 1, 300

# Behind the marks of policy routing. Where there is no route at all, ours is just being made. Packets of the router's
# own go with the device that they are meant for: TCP sends them again. What nobody keeps is not even sent.
RULES = """\
table ip softwire {{
	chain want_{name} {{
		type filter hook prerouting priority mangle + 1; policy accept;
		ct state established,related accept
		fib daddr type != unicast accept
		fib daddr . mark oifname "{device}" queue flags bypass to {queue}
		fib daddr . mark oif missing queue flags bypass to {queue}
	}}
	chain own_want_{name} {{
		type filter hook output priority mangle + 1; policy accept;
		oifname "{device}" ct state new queue flags bypass to {queue}
	}}
}}
insert rule inet fw4 output ip6 daddr 100::1 drop
"""


def number(interface):
    """The number of an interface's queue, always the same: others begin to count at 0."""
    found = 0
    for octet in interface.encode():
        found = (found * 31 + octet) & 0x3FFF
    return 0xC000 | found


def write(file, name, device, queue):
    """Writes the rules of an interface."""
    begin(file, RULES, name)
    file.write(RULES.format(name=name, device=device, queue=queue))


class Queue:
    """The kernel's queue of packets that want out; there while it is open."""

    def __init__(self, number):
        self.number = number
        self.sock = None

    def open(self):
        """Has packets kept from now on; OSError."""
        if self.sock:
            return
        self.sock = socket.socket(AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        try:
            self.sock.setblocking(False)
            self.sock.send(
                self._message(
                    CONFIG,
                    REQUEST | ACK,
                    _attribute(CMD, bytes([BIND, 0, 0, 0]))
                    + _attribute(PARAMS, b"\0\0\0\0" + bytes([META]))
                    + _attribute(MAXLEN, struct.pack("!I", MOST)),
                )
            )
            errno = -struct.unpack("@i", self.sock.recv(512)[16:20])[0]
            if errno:
                raise OSError(errno, "netlink")
        except OSError:
            self.close()
            raise

    def heard(self):
        """Whether a packet came, of all that the kernel has told."""
        found = False
        while self.sock:
            try:
                found = _kind(self.sock.recv(512)) == PACKET or found
            except OSError as error:
                if error.errno == EAGAIN:
                    break
                if error.errno != ENOBUFS:
                    raise
                found = True  # there was more than it could tell
        return found

    def let_go(self):
        """All that are kept go on, and later ones pass by."""
        if self.sock:
            self.heard()
            verdict = _attribute(VERDICT_HDR, struct.pack("!II", ACCEPT, EVERY))
            try:
                self.sock.send(self._message(VERDICT_BATCH, REQUEST, verdict))
            except OSError:  # then they are dropped
                pass
            self.close()

    def close(self):
        """Drops what is kept; later ones pass by."""
        if self.sock:
            self.sock.close()
            self.sock = None

    def _message(self, kind, flags, attributes):
        octets = struct.pack("@IHHII", 20 + len(attributes), kind, flags, 0, 0)
        return octets + struct.pack("!BBH", 0, 0, self.number) + attributes


def _kind(octets):
    return struct.unpack("@H", octets[4:6])[0] if len(octets) >= 20 else None


def _attribute(kind, value):
    return struct.pack("@HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def lacking():
    """The package that is not there, or None."""
    for module, package in ("nft_queue", "kmod-nft-queue"), ("nft_fib_ipv4", "kmod-nft-fib"):
        if not kernel.has_module(module):
            return package
    return None if "fw4" in kernel.listdir("/sbin") else "firewall4"


def on_demand(base):
    """The class of a provisioning method -> the same, asking on demand."""

    class Demand(base):  # type: ignore[misc,valid-type]
        """See the module."""

        def __init__(self, config, interface=""):
            base.__init__(self, config, interface)
            self.queue = Queue(number(interface))
            self.ports = None  # of the last address: the firewall's rules can stay
            self.wanted = False  # whether a packet waits for an address
            self.pause = 0
            self.lease = False  # whether an address is held
            self.idle = False  # whether it is to be given back
            self.sent = None  # packets that had left at the last look
            self.since = self.look = 0.0  # when that number was a new one, and when to look again

        def provision(self, line, source):
            """Nobody is asked yet."""
            return self.waiting(line, source)

        def refresh(self, line, source, held):
            """Asks where a packet waits, renews, or gives back."""
            if held.addresses and not self.idle:
                return self.got(base.refresh(self, line, source, held))
            if held.addresses:
                tunnel = self.waiting(line, source)
                base.release(self, held)
                base.drop(self)
                return tunnel
            if not self.wanted:
                return self.waiting(line, source)
            try:
                return self.got(base.provision(self, line, source))
            except ProvisioningError as error:
                # Nobody wakes the client until it is time to ask again; then the next packet does.
                self.queue.close()
                self.wanted = False
                self.pause = min(LONGEST, self.pause * 2 or FIRST)
                error.retry_after = max(self.pause, error.retry_after or 0)
                raise

        def waiting(self, line, source):
            """The Tunnel that packets are kept from."""
            package = lacking()
            if package:
                raise ProvisioningError(
                    "MISSING_PACKAGE", "option demand '1' needs the package {}".format(package)
                )
            try:
                self.queue.open()
            except OSError as error:
                raise ProvisioningError(
                    "INTERNAL",
                    "netfilter's queue {} cannot be had, error {}: has somebody else taken it?".format(
                        self.queue.number, error.errno
                    ),
                )
            self.lease = self.idle = False
            self.answer = {}
            return Tunnel(
                source,
                NOWHERE,
                [],
                inner_mtu(self.config, line),
                self.config["ttl"],
                ports=self.ports,
                queue=self.queue.number,
            )

        def got(self, tunnel):
            """The Tunnel of an answer."""
            if not self.lease:
                self.lease = True
                self.sent = None
                self.look = 0.0
            self.wanted = False
            self.pause = 0
            self.ports = tunnel.ports
            tunnel.queue = self.queue.number
            return tunnel

        def release(self, held):
            """At teardown: what is kept is lost."""
            self.queue.close()
            if held.addresses:
                base.release(self, held)

        def drop(self):
            """Who asks for what cannot be had shall hear of it."""
            self.queue.close()
            self.lease = self.idle = self.wanted = False
            base.drop(self)

        def sockets(self):
            """See softwire.provisioning."""
            return tuple(base.sockets(self)) + ((self.queue.sock,) if self.queue.sock else ())

        def heard(self, sock):
            """A packet wants out, or what the method itself waits for."""
            if sock is not self.queue.sock:
                base.heard(self, sock)
            elif self.queue.heard() and not self.lease:
                self.wanted = True
                raise Refresh()

        def tick(self, now):
            """Lets go what is kept, and looks four times in option idle whether packets leave."""
            if not self.lease:
                return None
            self.queue.let_go()
            due = base.tick(self, now)
            if now >= self.look:
                # What the method sends by itself keeps nothing.
                sent = read_counter(STATISTICS.format(device_of(self.interface), "tx")) - self.own_packets
                if sent != self.sent:
                    self.sent, self.since = sent, now
                elif now - self.since >= self.config["idle"]:
                    self.log("nothing has left for {} s: giving the address back".format(self.config["idle"]))
                    self.idle = True
                    raise Refresh()
                self.look = min(now + self.config["idle"] / 4, self.since + self.config["idle"])
            return self.look if due is None else min(due, self.look)

    return Demand
