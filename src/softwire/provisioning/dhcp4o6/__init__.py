# SPDX-License-Identifier: Apache-2.0
"""DHCPv4 over DHCPv6 (RFC 7341): the IPv4 address is a DHCPv4 lease, its messages go inside of DHCPv6.

With a port set (RFC 7618), or a border router beside the offer (RFC 8539), it is lightweight 4over6 (RFC 7596).
"""

from binascii import hexlify, unhexlify

from softwire import config, dhcpv4message, dhcpv6, dns, inform, provisioning
from softwire.address import format_ipv4, format_ipv6, is_global_ipv6, parse_ipv6, parse_mac
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import _lw4o6
from softwire.provisioning.dhcp4o6.lease import Lease
from softwire.provisioning.dhcp4o6.machine import HELD, PAUSES, Machine
from softwire.provisioning.dhcp4o6.transport import S46_BR, Transport, is_near, read_addresses, write_query
from softwire.tunnel import Tunnel, inner_mtu
from softwire.wire import WireError

# DHCPv6 options of the line: RFC 7341 section 7.2, RFC 7598 sections 4.2 and 5.3, RFC 6334.
SERVERS, CONTAINER_LW, AFTR_NAME = 88, 96, 64
TELLING = (S46_BR, CONTAINER_LW, AFTR_NAME)
GROUP = parse_ipv6("ff02::1:2")
KINDS = "? DISCOVER OFFER REQUEST DECLINE ACK NAK RELEASE".split()
MOST_STEPS, MOST_REASONS, MOST_SERVERS = 16, 8, 16
# The line's own IAID: odhcp6c's.
IAID = 1
NO_ROUTER = "no border router beside it"
# Tries until a refusal counts.
ATTEMPTS = 3


def is_server(address):
    """Whether a server could have this IPv6 address: global, link-local or a group."""
    return is_global_ipv6(address) or is_near(address)


def server(value):
    """-> 128-bit integer."""
    address = parse_ipv6(value)
    if not is_server(address):
        raise ValueError("a global, link-local or multicast IPv6 address would be right")
    return address


class Method(provisioning.Method):
    """One lease. While it is held, nothing is open and nothing is sent until T1."""

    options = (
        ("server", server, None),
        ("peeraddr", config.endpoint, None),
        ("clientid", config.duid, None),
        ("norelease", config.flag, False),
        ("persist", config.flag, False),
    )
    lists = ("server",)
    asked_for = (SERVERS,)

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        self.machine = Machine(self._send, self._judge, lambda: self.clock())
        self.transport = Transport(None, 0, [])
        self.line: Line  # _attach() is given it
        self.source = self.local = self.remote = 0
        self.told = 0  # the border router that the line tells, or 0
        self.fresh = False  # whether a DHCPACK came that nobody was told of yet
        self.asked = self.since = 0.0  # when it was asked, and when the steps began
        self.who = ""  # who answered last
        self.ignored: dict = {}  # reason: how many
        self.steps: list = []

    # What it needs of the line

    def endpoint(self, line, held):
        """See softwire.provisioning; that of the lease that is held, or was before a restart."""
        local = super().endpoint(line, held)
        before = held.local if held else _integer(self.before(), "local")
        return before if before and before >> 64 == local >> 64 else local

    def before(self):
        """What was held before a restart, or None."""
        return self.kept() or (self.kept(True) if self.config["persist"] else None)

    def needs(self, line):
        """The servers, and what tells the border router."""
        return self.servers_of(line), [line.option(code) for code in TELLING]

    def servers_of(self, line):
        """[integer] of option server, else of option 88; NO_4O6_SERVER."""
        found = self.config["server"]
        if not found:
            value = line.option(SERVERS)
            if value is not None:
                # An empty one means the group.
                found = [item for item in read_addresses(value) if is_server(item)] if value else [GROUP]
            if not found:
                raise ProvisioningError(
                    "NO_4O6_SERVER",
                    "DHCPv6 of interface {} {}, and there is no option server".format(
                        line.name,
                        "has no option 88"
                        if value is None
                        else "has {} octets of option 88 without a server's address".format(len(value)),
                    ),
                )
        return [item for index, item in enumerate(found) if item not in found[:index]][:MOST_SERVERS]

    def servers(self, line):
        """See softwire.provisioning."""
        return [(format_ipv6(item), 547) for item in self.servers_of(line) if not is_near(item)]

    def client_id(self, line):
        """Option 61 (RFC 4361 section 6.1): the line's DUID; each further softwire of a line has an IAID of its own."""
        identity = inform.identity(line, self.config["clientid"])
        own = self.config["interface_id"]
        iaid = IAID if own == 0x1111111111111111 else own & 0xFFFFFFFF
        return b"\xff" + iaid.to_bytes(4, "big") + identity

    def border_router(self, line, source):
        """The remote end as option peeraddr or the line tells it, 0 where none does; NAME_UNKNOWN, NAME_UNRESOLVED."""
        if self.config["peeraddr"]:
            return self.config["peeraddr"]
        told = [item for item in line.options if item[0] in TELLING]
        if not told:
            # odhcp6c keeps them for itself.
            try:
                found = inform.ask(line, TELLING, self.wait, self.clock)
            except OSError:
                found = None
            if found is None:  # silent for once
                return self.told
            told = found
        routers, names = [], []
        try:
            for code, value in told:
                if code == AFTR_NAME:
                    names.append(dhcpv6.read_name(value))
                for inner, octets in dhcpv6.read_options(value) if code == CONTAINER_LW else ((code, value),):
                    if inner == S46_BR:
                        routers += read_addresses(octets)
        except WireError as error:
            self.log("option {} of the line: {}".format(code, error))
        if names and not routers:
            try:
                resolver = dns.Resolver(line.dns, format_ipv6(source), line.device, self.wait, self.clock)
                routers = resolver.addresses(names[0])[0]
            except dns.DnsError as error:
                raise ProvisioningError(error.code, str(error))
        routers = [router for router in routers if is_global_ipv6(router)]
        if self.told in routers and not self.silent:
            return self.told
        return routers[0] if routers else 0

    # The exchange

    def provision(self, line, source):
        """See softwire.provisioning."""
        machine = self._begin(line, source)
        self._recall()
        if not self.config["persist"]:
            self.keep(None, True)
        for _ in range(ATTEMPTS):
            machine.event("begin")
            self._talk(HELD)
            if machine.state in HELD:
                return self._granted()
            if machine.ended == "silence":
                raise self._silence()
            self.keep(None)
        raise self._refused()

    def refresh(self, line, source, held):
        """A DHCPACK may have come already; else the server is asked now."""
        machine = self.machine
        if machine.state not in HELD:
            return self.provision(line, source)
        self.asked = self.clock()
        moved = self._attach(line, source)
        if not self.fresh:
            self.told = self.border_router(line, source)
            if self.told and not machine.source:
                self.remote = self.told
            for pause in PAUSES[:2]:
                machine.event("moved" if moved else "asked")
                self._talk(("BOUND",), self.clock() + pause)
                if machine.state in ("BOUND", "INIT"):
                    break
            else:
                raise self._silence()
        if machine.state not in HELD:
            raise self._refused()
        return self._granted()

    def probe(self, line, source):
        """An offer changes nobody's lease: it is not taken."""
        machine = self._begin(line, source)
        machine.event("probe")
        self._talk(("OFFERED",))
        if machine.state != "OFFERED":
            raise self._silence()
        tunnel = self._tunnel(machine.lease)
        self._tell_answer(machine.lease)
        self.transport.close()
        return tunnel

    # What is held

    def release(self, held):
        """See softwire.provisioning. A line that is gone releases nothing: the lease is remembered then."""
        try:
            if not self.config["norelease"] and self.machine.event("release"):
                self._forget()
        except OSError as error:
            self.log("the lease is not released, but remembered: {}".format(error))

    def drop(self):
        """See softwire.provisioning."""
        self.machine.event("expired")
        self._forget()

    def _forget(self):
        self.fresh = False
        self.transport.close()
        self.keep(None)
        self.keep(None, True)

    def sockets(self):
        """See softwire.provisioning."""
        return self.transport.sockets()

    def heard(self, sock):
        """See softwire.provisioning."""
        if self.machine.state not in HELD:  # an exchange that was broken off
            self.transport.close()
            return
        self._receive()
        if self.fresh:
            self.transport.close()
            raise provisioning.Refresh()
        if self.machine.state not in HELD:
            raise self._refused()

    def tick(self, now):
        """See softwire.provisioning."""
        machine = self.machine
        if machine.state not in HELD:
            return None
        if now < machine.end:  # the end itself is the client's
            machine.tick()
        return machine.next()

    # Its parts

    def _begin(self, line, source):
        self.asked = self.clock()
        self._attach(line, source)
        self.told = self.border_router(line, source)
        machine = self.machine
        machine.state = "INIT"
        machine.forget()
        machine.client_id = self.client_id(line)
        machine.hardware = hardware(line)
        self._clear()
        self.answer = {}
        self.fresh = False
        return machine

    def _attach(self, line, source):
        """Sees to it that the right servers are asked; whether that is a change."""
        servers, before = self.servers_of(line), self.transport
        if self.source == source and before.servers == servers:
            before.line = self.line = line
            return False
        before.close()
        self.line, self.source = line, source
        self.transport = Transport(line, source, servers)
        return before.servers != servers

    def _recall(self):
        """After a restart the lease that was held is asked for again, if it is of this endpoint."""
        kept = self.before()
        if not kept or _integer(kept, "local") != self.source:
            return
        try:
            if unhexlify(kept["client"]) != self.machine.client_id:
                return
            octets = unhexlify(kept["ack"])
            message = dhcpv4message.Message(dhcpv4message.read_options(octets[4:]))
            message.yiaddr = int.from_bytes(octets[:4], "big")
            lease = Lease(message)
            bound = kept["bound"]
            self.local, self.remote = self.source, _integer(kept, "remote") if bound else self.told
            if self.remote:
                self.machine.recall(lease, self.local if bound else 0, kept.get("at"))
        except (KeyError, TypeError, ValueError, WireError):  # another version's
            pass

    def _talk(self, states, until=None):
        """Until the machine is in one of the states, has given up, or it is `until`."""
        machine, transport = self.machine, self.transport
        while machine.state not in states and machine.state != "INIT":
            now = self.clock()
            pause = machine.next() - now
            if until is not None:
                if now >= until:
                    return
                pause = min(pause, until - now)
            sockets = transport.sockets()
            if not sockets:
                raise ProvisioningError(
                    "NO_ANSWER", "{} cannot be asked: error {}".format(self.transport.names, machine.failure)
                )
            if pause > 0 and self.wait(sockets[0], int(pause * 1000) + 1, sockets[1:]):
                self._receive()
            elif self.clock() >= machine.next():
                machine.tick()
                # Whoever else is there had the time to offer more.
                if NO_ROUTER in self.ignored and machine.lease is None:
                    raise self._silence()

    def _receive(self):
        before = self.machine.lease
        for response, reason in self.transport.receive():
            if response:
                at = len(self.steps)
                reason = self.machine.received(response)
                if reason is None:
                    kind = response.message.option(53)[0]
                    # What it led to stands behind it.
                    self._step("{} from {}".format(KINDS[kind], response.server), at)
                    self.who = response.server
            if reason:
                ignored = self.ignored
                if reason not in ignored and len(ignored) >= MOST_REASONS:
                    reason = "others"
                ignored[reason] = ignored.get(reason, 0) + 1
        self.fresh = self.fresh or self.machine.lease is not before and self.machine.state == "BOUND"

    def _send(self, message, unicast):
        kind = message.option(53)[0]
        self._step(
            "{} to {}, {}".format(KINDS[kind], self.transport.names, "unicast" if unicast else "broadcast")
        )
        self.transport.send(write_query(message, unicast))

    def _judge(self, response, lease):
        """Machine.judge: an offer needs a border router (RFC 8539 section 7.1)."""
        routers = [router for router in response.routers if is_global_ipv6(router)]
        remote = self.config["peeraddr"] or (routers[0] if routers else self.told)
        if not remote:
            return NO_ROUTER
        if routers or lease.ports:
            psid = lease.ports.psid if lease.ports else 0
            self.local = _lw4o6.source(self.line, self.source, response.bind_prefix, lease.address, psid)
        else:
            self.local = super().endpoint(self.line, None)
        if self.local == remote:
            return "the border router has our address"
        self.remote = remote
        self.machine.source = self.local if routers else 0
        return None

    def _granted(self):
        """What is held, remembered and told."""
        machine = self.machine
        lease = machine.lease
        self.fresh = False
        transport = self.transport
        transport.close()
        for problem in lease.problems:
            self.log("DHCPv4: " + problem)
        if self.source != self.local:
            if [item for item in transport.servers if not is_near(item)]:
                # They shall know: RFC 7618 section 7 binds a lease to the address that it is asked from.
                machine.t1 = machine.sent
            self.source = transport.source = self.local
        self._remember()
        self._tell_answer(lease)
        return self._tunnel(lease)

    def _tunnel(self, lease):
        mtu = inner_mtu(self.config, self.line)
        if lease.mtu and not self.config["mtu"]:
            mtu = min(mtu, lease.mtu)
        end = self.machine.end
        return Tunnel(
            self.local,
            self.remote,
            [(lease.address, 32)],
            mtu,
            self.config["ttl"],
            lease.dns,
            lease.routes,
            lease.ports,
            expires=None if end == float("inf") else end - self.asked,
        )

    def _remember(self):
        machine = self.machine
        lease = machine.lease
        octets = lease.address.to_bytes(4, "big") + dhcpv4message.write_options(lease.options)
        kept = {
            "local": format_ipv6(self.local),
            "remote": format_ipv6(self.remote),
            "bound": bool(machine.source),
            "client": hexlify(machine.client_id).decode(),
            "ack": hexlify(octets).decode(),
        }
        # Flash is not written where nothing is new.
        if self.config["persist"] and self.kept(True) != kept:
            self.keep(kept, True)
        kept["at"] = machine.sent
        self.keep(kept)

    # What is told

    def _step(self, text, at=MOST_STEPS):
        steps = self.steps
        if not steps:
            self.since = self.clock()
        if self.tell:
            self.tell(text)
        elif len(steps) < MOST_STEPS:
            steps.insert(min(at, len(steps)), [round(self.clock() - self.since, 1), text])

    def _tell_answer(self, lease):
        machine = self.machine
        self.answer = {
            "server": self.who or "nobody; remembered",
            "dhcpv4_server": format_ipv4(lease.server),
            "tries": max(1, machine.tries),
            "ignored": self.ignored,
            "steps": self.steps,
            "times": [
                None if when == float("inf") else when for when in (machine.t1, machine.t2, machine.end)
            ],
            "lease": lease.time,
            "softwire_source": bool(machine.source),
            "problems": lease.problems,
        }
        self._clear()

    def _clear(self):
        self.who, self.ignored, self.steps = "", {}, []

    def _silence(self):
        self.transport.close()
        ignored = self.ignored
        if NO_ROUTER in ignored:
            return ProvisioningError(
                "NO_AFTR",
                "{} offers an address, and nobody tells the border router: option peeraddr would be right".format(
                    self.transport.names
                ),
            )
        told = "; ignored: " + ", ".join(sorted(ignored)) if ignored else ""
        return ProvisioningError("NO_ANSWER", "{}: silent{}".format(self.transport.names, told), PAUSES[-1])

    def _refused(self):
        self.transport.close()
        text = self.machine.text
        return ProvisioningError(
            "LEASE_REFUSED",
            "the DHCPv4 server refused the address (NAK){}".format(": '{}'".format(text) if text else ""),
            ended=True,
        )


def hardware(line):
    """The MAC address of the line's device as octets, none where it has another kind, or none."""
    try:
        return parse_mac(line.mac or "")
    except ValueError:
        return b""


def _integer(kept, name):
    """An IPv6 address out of what was kept, or 0."""
    try:
        return parse_ipv6(kept[name]) if kept else 0
    except (KeyError, TypeError, ValueError):
        return 0
