# SPDX-License-Identifier: Apache-2.0
"""DSTM by DHCPv6: a server gives an IPv4 address for a time, and names the border router (see softwire/iadstm.py).

It asks beside the line's own DHCPv6 client, under the same DUID, with an IAID of its own.
"""

from softwire import config, dhcpv6, iadstm, inform, provisioning
from softwire.address import format_ipv6
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import _demand
from softwire.tunnel import PortSet, Tunnel, check_endpoint, check_ipv4, inner_mtu
from softwire.wire import WireError

SOLICIT, ADVERTISE, REQUEST, RENEW, REBIND, REPLY, RELEASE = 1, 2, 3, 5, 6, 7, 8
SERVER_ID, AUTH, RECONFIGURE_ACCEPT = 2, 11, 20
# RFC 8415's maximum; what T1 and T2 may be.
FOREVER = iadstm.FOREVER
LONGEST = 31536000
# Status code: our code, and what to do about it.
REFUSED = {
    iadstm.NO_ADDRESSES: ("POOL_EXHAUSTED", "it has no address left; one may be free later", 60),
    iadstm.NO_BINDING: ("LEASE_ENDED", "it does not know the address as ours", None),
}


class Method(provisioning.Method):
    """One lease. Between two renewals nothing is sent, and nothing open but where the server may call for one."""

    options = (
        ("peeraddr", config.endpoint, None),
        ("clientid", config.duid, None),
        ("norelease", config.flag, False),
        ("shared", config.flag, False),
        ("require_auth", config.flag, False),
        ("code_ia_dstm", config.number(1, 65535), iadstm.IA_DSTM),
        ("code_dstm_tep", config.number(1, 65535), iadstm.DSTM_TEP),
        ("code_dstm_ports", config.number(1, 65535), iadstm.DSTM_PORTS),
    ) + _demand.OPTIONS
    demand = True

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        self.codes = tuple([config["code_" + name] for name in ("ia_dstm", "dstm_tep", "dstm_ports")])
        self.line: Line  # _attach() is given it
        self.source = 0
        self.server = b""  # whose lease is held
        self.rebind = None  # when any server is asked
        self.due = None  # the same, until it was
        self.ignored: set = set()
        self.auth = None  # the options of the last Reply, if a key was among them
        self.ear = None  # where a Reconfigure comes

    # The exchange

    def provision(self, line, source):
        """See softwire.provisioning."""
        self.server = b""
        self._deaf()
        server, ia = self._solicit(line, source)
        return self._granted(*self._ask(REQUEST, REPLY, ia.addresses, server))

    def refresh(self, line, source, held):
        """Renew with the server that gave it; Rebind with any once it is time for that."""
        if not self.server or source != held.local:
            return self.provision(line, source)
        self._attach(line, source)
        address = [(held.addresses[0][0], 0, 0)]
        if self.rebind is not None and self.clock() >= self.rebind:
            self.due = None
            return self._granted(*self._ask(REBIND, REPLY, address))
        return self._granted(*self._ask(RENEW, REPLY, address, self.server))

    def probe(self, line, source):
        """An Advertise promises nothing, and changes nobody's lease."""
        return self._tunnel(self._solicit(line, source)[1])

    def _solicit(self, line, source):
        self._attach(line, source)
        return self._ask(SOLICIT, ADVERTISE)

    def _attach(self, line, source):
        self.line, self.source, self.ignored = line, source, set()

    def _identity(self):
        return inform.identity(self.line, self.config["clientid"])

    def _iaid(self):
        # Appendix A section 4: "unique among the identifiers for all of this client's IAs"; odhcp6c has 1.
        return self.config["interface_id"] & 0xFFFFFFFF or 0x44535444

    def _message(self, addresses, server):
        """The options of a question behind the client's identifier."""
        ia = iadstm.Association(self._iaid())
        ia.addresses = addresses
        # Where packets for us shall go; see softwire/iadstm.py.
        ia.teps = [self.source]
        octets = dhcpv6.write_option(dhcpv6.CLIENT_ID, self._identity())
        if server:
            octets += dhcpv6.write_option(SERVER_ID, server)
        return octets + iadstm.write(ia, self.codes)

    def _ask(self, kind, wanted, addresses=(), server=b""):
        """-> (server, Association); NO_ANSWER, or the error of a status."""
        more = dhcpv6.write_option(RECONFIGURE_ACCEPT, b"") + self._message(list(addresses), server)
        asked_for = [self.codes[2]] if self.config["shared"] else []
        if self.tell:
            self.tell("asks for an IA_DSTM ({})".format(kind))
        try:
            found = inform.exchange(
                self.line,
                lambda transaction: inform.write_question(kind, transaction, None, asked_for, more),
                lambda data, transaction: self._judge(inform.read_answer(data, wanted, transaction), server),
                self.wait,
                self.clock,
            )
        except OSError as error:
            raise ProvisioningError("NO_ANSWER", "DHCPv6 cannot be asked: {}".format(error))
        if found is None:
            raise ProvisioningError(
                "NO_ANSWER",
                "no DHCPv6 server of the line answers with option {} (IA_DSTM)".format(self.codes[0])
                + ("; ignored: " + ", ".join(sorted(self.ignored)) if self.ignored else ""),
            )
        code, text = found[1].status
        if code:
            self.server = b""
            ours, hint, pause = REFUSED.get(
                code, ("SERVER_REFUSED", "RFC 8415 section 21.13 has its codes", None)
            )
            raise ProvisioningError(
                ours,
                "the server says {} {}: {}".format(code, text, hint),
                pause,
                code == iadstm.NO_BINDING,
            )
        return found

    def _judge(self, options, server):
        """(server, Association) of an answer, or None for what is none; WireError."""
        if dhcpv6.only(options, dhcpv6.CLIENT_ID) != self._identity():
            return None
        named = dhcpv6.only(options, SERVER_ID)
        if server and named != server:
            return None
        found = [ia for ia in iadstm.found(options, self.codes) if ia.iaid == self._iaid()]
        if not found:
            return self._ignore("no IA_DSTM of ours")
        if self.config["require_auth"]:
            # Nothing that RFC 8415 has authenticates these messages: section 20.4's key is for Reconfigure alone.
            return self._ignore("not authenticated, as option require_auth wants it")
        ia = found[0]
        if ia.t1 > ia.t2 > 0:
            return self._ignore("T1 behind T2")
        if not ia.status[0] and not [item for item in ia.addresses if item[2]]:
            ia.status = iadstm.NO_BINDING, "an IA_DSTM without an address"
        self.auth = options if [code for code, _ in options if code == AUTH] else None
        return named, ia

    def _ignore(self, reason):
        self.ignored.add(reason)

    def _granted(self, server, ia):
        tunnel = self._tunnel(ia)
        if server != self.server:
            self._deaf()
        self.server = server
        if self.auth:
            self._listen(self.auth)
        self.rebind = self.due = self.clock() + ia.t2 if ia.t2 and ia.t2 != FOREVER else None
        self.answer = {
            "server": "DUID " + ":".join(["{:02x}".format(octet) for octet in server]),
            "iaid": ia.iaid,
            "t1": ia.t1,
            "t2": ia.t2,
            "lifetime": ia.addresses[0][2],
            "ports": tunnel.ports and list(tunnel.ports.key()),
        }
        return tunnel

    def _listen(self, options):
        """Where a Reply has brought a key, a Reconfigure may follow (RFC 8415 section 20.4)."""
        try:
            from softwire import reconfigure  # only where a server can

            counter, key = reconfigure.read_auth(options, reconfigure.KEY)
            self._deaf()
            self.ear = reconfigure.Ear(self.line, key, counter)
        except (ImportError, OSError, WireError) as error:  # without MD5 there is no telling whose it is
            self.log("a Reconfigure of this server will not be heard: {}".format(error))

    def _deaf(self):
        if self.ear:
            self.ear.close()
            self.ear = None

    def _tunnel(self, ia):
        try:
            address, _, valid = [item for item in ia.addresses if item[2]][0]
            check_ipv4(address, "our address")
            remote = self.config["peeraddr"] or (ia.teps[0] if ia.teps else 0)
            check_endpoint(remote, "the border router")
            if remote == self.source:
                raise ValueError("the border router {} is our own address".format(format_ipv6(remote)))
            ports = PortSet.of_range(ia.ports)
        except ValueError as error:
            raise ProvisioningError("BAD_ANSWER", str(error))
        # Section 4: with both 0 "the server does not intend for a client to extend the lifetimes".
        refresh = ia.t1 or ia.t2
        return Tunnel(
            self.source,
            remote,
            [(address, 32)],
            inner_mtu(self.config, self.line),
            self.config["ttl"],
            ports=ports,
            refresh=None if refresh in (0, FOREVER) else min(refresh, LONGEST),
            expires=None if valid == FOREVER else min(valid, LONGEST),
        )

    # What is held

    def release(self, held):
        """Once, without waiting for the Reply: the address is free with its time at the latest."""
        if not self.server or self.config["norelease"]:
            return
        more = self._message([(held.addresses[0][0], 0, 0)], self.server)
        self.server = b""
        self._deaf()
        try:
            inform.exchange(
                self.line,
                lambda transaction: inform.write_question(RELEASE, transaction, None, (), more),
                None,
                self.wait,
                self.clock,
                0,
            )
        except OSError as error:
            self.log("the lease is not given back: {}".format(error))

    def drop(self):
        """See softwire.provisioning."""
        self.server = b""
        self.rebind = self.due = None
        self._deaf()

    def sockets(self):
        """See softwire.provisioning."""
        return (self.ear.sock,) if self.ear else ()

    def heard(self, sock):
        """Appendix A section 6: a Reconfigure that asks for the IA_DSTM."""
        wanted = self.ear and self.ear.heard(self._identity(), self.server, self.codes[0])
        if not wanted:
            return
        self.log("the server asks for a {}".format("Renew" if wanted == RENEW else "Rebind"))
        if wanted == REBIND:
            self.rebind = self.clock()
        raise provisioning.Refresh()

    def tick(self, now):
        """T2 comes while Renews are not answered."""
        if self.due is not None and now >= self.due:
            self.due = None
            raise provisioning.Refresh()
        return self.due
