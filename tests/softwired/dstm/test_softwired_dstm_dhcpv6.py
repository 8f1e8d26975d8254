# SPDX-License-Identifier: Apache-2.0
"""IA_DSTM on a link of its own, direct and relayed: the real server and, on both interpreters, the real client.

Sections are those of draft-bound-dstm-exp-00 appendix A (IA_DSTM) and B (ports), where nothing else is said.
"""

import hashlib
import hmac
import socket
import subprocess

import pytest
from scapy.layers import dhcp6

from softwire import dhcpv6, iadstm
from softwire.address import format_ipv4, parse_ipv4, parse_ipv6
from tests.softwired import network
from tests.softwired.dstm import parts
from tests.softwired.kea.household import DUID, ENDPOINT, Household, interpreters
from tests.softwired.network import until

CODES = iadstm.CODES
SOLICIT, ADVERTISE, REQUEST, RENEW, REBIND, REPLY, RELEASE = 1, 2, 3, 5, 6, 7, 8
TAKES_RECONFIGURE = {"more": [(20, b"")]}
TEP = "2001:db8:b::1"
OTHER = b"\0\3\0\1\x02\0\0\0\0\x09"


@pytest.fixture
def server(cable, tmp_path):
    made = parts.Server(
        tmp_path / "one",
        pool=[{"addresses": ["198.51.100.1-198.51.100.2"], "teps": [TEP]}],
        tep=[{"address": TEP, "tell": False, "ipv4": parts.TEP4}],
        interface=[{"name": "vs", "addresses": [network.SERVER]}],
        clients=["2001:db8::/32", "::1/128"],
        lifetime=600,
    )
    made.popen = cable.server.start
    yield made.start()
    made.kill()
    assert "internal" not in made.log and "Traceback" not in made.log, made.log


class Client:
    """Asks as a client or a relay of its own would."""

    def __init__(self, cable, address=network.CLIENT_LINK_LOCAL, port=546):
        self.socket = network.Client(cable, address, port)
        self.codes = CODES
        self.number = 0

    def message(self, kind, server=b"", ipv4="", node=ENDPOINT, client=DUID, iaid=7, more=()):
        self.number += 1
        ia = iadstm.Association(iaid)
        ia.addresses = [(parse_ipv4(ipv4), 0, 0)] if ipv4 else []
        ia.teps = [parse_ipv6(node)] if node else []
        options = [(1, client)] + ([(2, server)] if server else []) + list(more)
        return dhcpv6.write_message(kind, self.number, options) + iadstm.write(ia, self.codes)

    def ask(self, kind, server=b"", **how):
        """(type, server, the IA_DSTM, all options) of the answer."""
        self.socket.send(self.message(kind, server, **how))
        return self.hear()

    def hear(self):
        return self.parsed(self.socket.hear()[0])

    def parsed(self, data):
        kind, number, options = dhcpv6.read_message(data)
        assert number == self.number
        assert dhcpv6.only(options, 1) in (DUID, OTHER)
        found = iadstm.found(options, self.codes)
        return kind, dhcpv6.only(options, 2), found[0] if found else None, options

    def get(self, **how):
        """(server, address) of a lease."""
        _, server, _, _ = self.ask(SOLICIT, **how)
        kind, server, ia, _ = self.ask(REQUEST, server, **how)
        assert kind == REPLY and not ia.status[0], ia.status
        return server, format_ipv4(ia.addresses[0][0])

    def silent(self, message):
        """Nothing comes, and what is asked next is answered."""
        self.socket.send(message)
        assert self.socket.nothing()


@pytest.fixture
def client(cable):
    made = Client(cable)
    yield made
    made.socket.close()


def addresses(server):
    return [(one["address"], one["node"], one["user"]) for one in server.leases()]


def test_4_solicit_request_and_what_is_in_it(server, client):
    kind, duid, ia, options = client.ask(SOLICIT)
    assert kind == ADVERTISE and duid[:4] == b"\0\3\0\1" and not server.leases()
    # The oracle: scapy finds an option of this code whose value is what the draft draws.
    client.socket.send(client.message(REQUEST, duid))
    data, *_ = client.socket.hear()
    told = dhcp6.DHCP6_Reply(data)
    assert bytes(told[dhcp6.DHCP6OptServerId].duid) == duid
    value = bytes(told[dhcp6.DHCP6OptUnknown].data)
    assert told[dhcp6.DHCP6OptUnknown].optcode == 65361
    inside = dhcp6.DHCP6OptIAAddress(value[12:])
    assert (inside.addr, inside.preflft, inside.validlft) == ("::ffff:198.51.100.1", 600, 600)
    kind, _, ia, _ = client.parsed(data)
    assert (kind, ia.iaid, ia.addresses) == (REPLY, 7, [(parse_ipv4("198.51.100.1"), 600, 600)])
    # "Recommended values for T1 and T2 are .5 and .8 times the shortest preferred lifetime".
    assert (ia.t1, ia.t2) == (300, 480)
    # "A DSTM Tunnel End Point option MAY be encapsulated in an IA_DSTM option".
    assert (ia.teps, ia.ports) == ([parse_ipv6(TEP)], None)
    assert addresses(server) == [("198.51.100.1", ENDPOINT, "duid:" + DUID.hex())]


def test_4_renew_and_rebind(server, client):
    duid, address = client.get()
    for kind, to in ((RENEW, duid), (REBIND, b"")):
        answered, _, ia, _ = client.ask(kind, to, ipv4=address)
        assert (answered, ia.addresses[0][0], ia.status[0]) == (REPLY, parse_ipv4(address), 0)
        # "The status of any operations involving this IA is indicated in a Status Code option in the IA-options".
        for wrong in ({"ipv4": "198.51.100.77"}, {}):
            _, _, ia, options = client.ask(kind, to, **wrong)
            assert ia.status[0] == iadstm.NO_BINDING and 13 not in dict(options)
    assert len(server.leases()) == 1


def test_release(server, client):
    duid, address = client.get()
    # Whose it is not cannot give it back.
    kind, _, ia, _ = client.ask(RELEASE, duid, ipv4=address, client=OTHER)
    assert (kind, ia.status[0]) == (REPLY, iadstm.NO_BINDING)
    kind, _, ia, options = client.ask(RELEASE, duid, ipv4=address)
    assert (kind, ia, dict(options)[13][:2]) == (REPLY, None, b"\0\0")
    until(lambda: not server.leases(), "it is free")


def test_rapid_commit(server, client):
    kind, _, ia, options = client.ask(SOLICIT, more=[(14, b"")])
    assert kind == REPLY and 14 in dict(options) and ia.addresses
    assert len(server.leases()) == 1


def test_pool_exhausted_and_free_again(server, client):
    held = [client.get(node=f"2001:db8:4000:{number}::1") for number in (1, 2)]
    kind, duid, ia, _ = client.ask(SOLICIT)
    assert (kind, ia.status[0], ia.addresses) == (ADVERTISE, iadstm.NO_ADDRESSES, [])
    _, _, ia, _ = client.ask(REQUEST, duid)
    assert ia.status[0] == iadstm.NO_ADDRESSES
    client.ask(RELEASE, duid, ipv4=held[0][1], node="2001:db8:4000:1::1")
    until(lambda: len(server.leases()) == 1, "one is free")
    assert client.get()[1] == held[0][1]


def test_one_node_has_one_address(server, client, cable):
    """What it had under another name, or by TSP, ends when it asks by DHCPv6."""
    client.get(client=OTHER)
    client.get()
    until(lambda: [one[1:] for one in addresses(server)] == [(ENDPOINT, "duid:" + DUID.hex())], "the new one")
    connection = cable.server.open(socket.AF_INET6, socket.SOCK_STREAM)
    connection.connect(("::1", server.port))
    asked = parts.Node(connection).login()
    code, told = asked.ask(parts.create(ENDPOINT))
    assert code == 200
    until(lambda: [one[1:] for one in addresses(server)] == [(ENDPOINT, "")], "by TSP")
    client.get()
    until(lambda: [one[1:] for one in addresses(server)] == [(ENDPOINT, "duid:" + DUID.hex())], "by DHCPv6")


def test_what_is_not_answered(server, client):
    duid, address = client.get()
    wrong = [
        client.message(REQUEST),  # RFC 8415 section 16.4: no server identifier
        client.message(REQUEST, OTHER),
        client.message(RENEW, OTHER, ipv4=address),
        client.message(SOLICIT, duid),  # section 16.2
        client.message(REBIND, duid, ipv4=address),
        client.message(4),  # Confirm
        client.message(11),
        client.message(ADVERTISE, duid),
        dhcpv6.write_message(SOLICIT, 1, [(1, DUID)]),  # another server's matter
        # Sections 5 and B 4: what stands beside an IA_DSTM is nothing.
        dhcpv6.write_message(SOLICIT, 1, [(1, DUID), (CODES[1], bytes(16)), (CODES[2], bytes(4))]),
        client.message(SOLICIT)[:-3],
        bytes([12]) + bytes(33) + dhcpv6.write_option(9, b"\1"),
        b"\1",
    ]
    for message in wrong:
        client.silent(message)
    client.socket.send(client.message(SOLICIT), network.SERVER)  # section 16: to one address go relays alone
    assert client.socket.nothing()
    assert client.ask(RENEW, duid, ipv4=address)[0] == REPLY
    dropped = server.status()["counters"]["families"]["dhcpv6_dropped_total"]["values"]
    assert dropped["malformed"] == 3 and not dropped["internal"]


def test_who_may_ask(server, client):
    """A tunnel ends at an address of `clients`, and where it says so."""
    for node in ("2001:db9::1", "", "ff02::1", "::ffff:192.0.2.1"):
        _, _, ia, _ = client.ask(SOLICIT, node=node)
        assert ia.status[0] == iadstm.UNSPECIFIED, node


def test_through_a_relay(server, cable):
    relay = Client(cable, network.CLIENT, 547)
    try:
        inner = relay.message(SOLICIT)
        head = bytes([12, 0]) + parse_ipv6("2001:db8:4000::1").to_bytes(16, "big")
        head += parse_ipv6("fe80::77").to_bytes(16, "big")
        relay.socket.send(
            head + dhcpv6.write_option(18, b"port 7") + dhcpv6.write_option(9, inner), network.SERVER
        )
        data, _, _ = relay.socket.hear()
        assert data[0] == 13 and data[2:34] == head[2:]
        options = dhcpv6.read_options(data[34:])
        assert dhcpv6.only(options, 18) == b"port 7"
        kind, _, ia, _ = relay.parsed(dhcpv6.only(options, 9))
        assert kind == ADVERTISE and ia.addresses
    finally:
        relay.socket.close()


def key_of(options):
    """RFC 8415 section 20.4.1: counter and key in option Authentication; section 21.20."""
    value, options = dict(options)[11], dict(options)
    assert value[:3] == b"\3\1\0" and value[11] == 1 and len(value) == 28 and options[20] == b""
    return int.from_bytes(value[3:11], "big"), value[12:]


def reconfigure(data, duid, key, before):
    """What is in a Reconfigure, by scapy and by the standard library's HMAC; its counter."""
    told = dhcp6.DHCP6_Reconf(data)
    assert (told.msgtype, told.trid) == (10, 0)
    assert bytes(told[dhcp6.DHCP6OptClientId].duid) == DUID
    assert bytes(told[dhcp6.DHCP6OptServerId].duid) == duid
    assert told[dhcp6.DHCP6OptReconfMsg].msgtype == RENEW
    assert told[dhcp6.DHCP6OptOptReq].reqopts == [CODES[0]]
    proof = told[dhcp6.DHCP6OptAuth]
    assert (proof.proto, proof.alg, proof.rdm, proof.authinfo[:1]) == (3, 1, 0, b"\2")
    counter, digest = int.from_bytes(bytes(proof)[7:15], "big"), proof.authinfo[1:]
    assert counter > before
    assert hmac.new(key, data.replace(digest, bytes(16)), hashlib.md5).digest() == digest
    return counter


def test_a_client_that_takes_reconfigure_is_told_of_the_end(server, client):
    """RFC 8415 section 18.3.11: a Renew is asked for, again after REC_TIMEOUT, until there is one."""
    _, duid, _, options = client.ask(SOLICIT, **TAKES_RECONFIGURE)
    assert not {11, 20} & dict(options).keys()
    _, _, ia, options = client.ask(REQUEST, duid, **TAKES_RECONFIGURE)
    counter, key = key_of(options)
    _, _, _, options = client.ask(RENEW, duid, ipv4=format_ipv4(ia.addresses[0][0]), **TAKES_RECONFIGURE)
    assert 11 not in dict(options)
    server.ask("revoke", "198.51.100.1")
    for _ in range(2):
        counter = reconfigure(client.socket.hear()[0], duid, key, counter)
    _, _, ia, _ = client.ask(RENEW, duid, ipv4="198.51.100.1", **TAKES_RECONFIGURE)
    assert ia.status[0] == iadstm.NO_BINDING
    counted = server.status()["counters"]["families"]["reconfigures_total"]["values"]
    assert counted == {"sent": 2, "answered": 1, "unanswered": 0}
    # Who does not take it has no key, and is sent nothing.
    _, _, _, options = client.ask(REQUEST, duid, client=OTHER)
    assert 11 not in dict(options)
    server.ask("revoke", "198.51.100.2")
    until(lambda: not server.leases(), "it is over")
    assert client.socket.nothing()


def test_a_pool_that_leads_elsewhere_has_its_clients_ask(server, client):
    """Another border router, or other addresses, at a reload."""
    _, duid, _, _ = client.ask(SOLICIT, **TAKES_RECONFIGURE)
    counter, key = key_of(client.ask(REQUEST, duid, **TAKES_RECONFIGURE)[3])
    other = "2001:db8:b::2"
    server.configure(
        pool=[{"addresses": ["198.51.100.1-198.51.100.2"], "teps": [other]}],
        tep=[{"address": one, "tell": False, "ipv4": parts.TEP4} for one in (TEP, other)],
    )
    server.reload()
    reconfigure(client.socket.hear()[0], duid, key, counter)
    _, _, ia, _ = client.ask(RENEW, duid, ipv4="198.51.100.1", **TAKES_RECONFIGURE)
    assert ia.status[0] == iadstm.NO_BINDING
    _, _, ia, _ = client.ask(REQUEST, duid, **TAKES_RECONFIGURE)
    assert ia.teps == [parse_ipv6(other)]


def test_a_border_router_that_is_gone_has_its_clients_ask(server, client, cable):
    """The address stays theirs until they do."""
    lost = "2001:db8:b::9"
    cable.server.run("ip", "address", "replace", f"{lost}/128", "dev", "lo", "nodad")
    tep = parts.Tep(address=lost, make=cable.server.open)
    try:
        server.configure(
            pool=[
                {"addresses": ["198.51.100.1"], "teps": [lost]},
                {"addresses": ["198.51.100.2"], "teps": [TEP]},
            ],
            tep=[parts.tep(tep, gone_after=1), {"address": TEP, "tell": False, "ipv4": parts.TEP4}],
        )
        server.reload()
        until(lambda: server.status()["teps"][0]["alive"], "the border router is there")
        _, duid, _, _ = client.ask(SOLICIT, **TAKES_RECONFIGURE)
        counter, key = key_of(client.ask(REQUEST, duid, **TAKES_RECONFIGURE)[3])
        assert [one["address"] for one in server.leases()] == ["198.51.100.1"]
    finally:
        tep.close()
    reconfigure(client.socket.hear()[0], duid, key, counter)
    assert [one["address"] for one in server.leases()] == ["198.51.100.1"]
    _, _, ia, _ = client.ask(RENEW, duid, ipv4="198.51.100.1", **TAKES_RECONFIGURE)
    assert ia.status[0] == iadstm.NO_BINDING
    _, _, ia, _ = client.ask(REQUEST, duid, **TAKES_RECONFIGURE)
    assert (ia.addresses[0][0], ia.teps) == (parse_ipv4("198.51.100.2"), [parse_ipv6(TEP)])


def test_reconfigure_through_a_relay(server, cable):
    """RFC 8415 section 19.3: in a Relay-reply, by the way that the client's message came."""
    relay = Client(cable, network.CLIENT, 547)
    try:
        head = bytes(1) + parse_ipv6("2001:db8:4000::1").to_bytes(16, "big")
        head += parse_ipv6("fe80::77").to_bytes(16, "big")

        def ask(*words):
            inner = dhcpv6.write_option(9, relay.message(*words, **TAKES_RECONFIGURE))
            relay.socket.send(b"\x0c" + head + dhcpv6.write_option(18, b"port 7") + inner, network.SERVER)
            return relay.parsed(heard())

        def heard():
            data, _, _ = relay.socket.hear()
            options = dhcpv6.read_options(data[34:])
            assert data[:34] == b"\x0d" + head and dhcpv6.only(options, 18) == b"port 7"
            return dhcpv6.only(options, 9)

        duid = ask(SOLICIT)[1]
        counter, key = key_of(ask(REQUEST, duid)[3])
        server.ask("revoke", "198.51.100.1")
        reconfigure(heard(), duid, key, counter)
    finally:
        relay.socket.close()


def test_other_codes(server, client):
    server.configure(code_ia_dstm=150, code_dstm_tep=151, code_dstm_ports=152)
    server.reload()
    client.silent(client.message(SOLICIT))
    client.codes = (150, 151, 152)
    assert client.ask(SOLICIT)[2].teps == [parse_ipv6(TEP)]


def test_b_4_a_range_of_ports(server, client):
    server.configure(pool=[{"addresses": ["198.51.100.1"], "teps": [TEP], "ports_of_a_node": 4096}])
    server.reload()
    # Who does not ask for the option cannot do with some of the ports.
    assert client.ask(SOLICIT)[2].status[0] == iadstm.NO_ADDRESSES
    asks = {"more": [(6, CODES[2].to_bytes(2, "big"))]}
    found = []
    for number in (1, 2):
        node = f"2001:db8:4000:{number}::1"
        _, duid, _, _ = client.ask(SOLICIT, node=node, **asks)
        _, _, ia, _ = client.ask(REQUEST, duid, node=node, **asks)
        found.append((ia.addresses[0][0], ia.ports))
        # A renewal says so again.
        assert client.ask(RENEW, duid, node=node, ipv4="198.51.100.1", **asks)[2].ports == ia.ports
    address = parse_ipv4("198.51.100.1")
    assert found == [(address, (4096, 8191)), (address, (8192, 12287))]


@pytest.fixture(params=interpreters())
def household(request, cable, tmp_path):
    made = Household(cable, tmp_path, request.param)
    # Its Ethernet address is another one than that of who asked before.
    cable.server.run("ip", "neighbour", "flush", "dev", "vs")
    yield made
    made.close()


def test_the_real_client(server, household, cable):
    """Address, renewal, revocation, another address, and the way back."""
    household.line(o1=DUID)
    household.start(provisioning="dstm", peeraddr="")
    bound = household.bound()
    assert bound["IPADDR"].startswith("198.51.100.1") and bound["REMOTE"] == TEP
    assert addresses(server) == [("198.51.100.1", ENDPOINT, "duid:" + DUID.hex())]
    household.tell("renew")
    until(lambda: server.leases()[0]["renewed"] > server.leases()[0]["since"], "it is renewed")
    assert len(household.events("bound")) == 1
    # The server's Reconfigure has it ask at once.
    server.ask("revoke", "198.51.100.1")
    bound = household.bound(2)
    assert bound["IPADDR"].startswith("198.51.100.2")
    assert household.teardown() == 0
    until(lambda: not server.leases(), "it is given back")
    assert "Traceback" not in household.log()


def test_the_real_client_with_ports(server, household):
    server.configure(pool=[{"addresses": ["198.51.100.1"], "teps": [TEP], "ports_of_a_node": 4096}])
    server.reload()
    household.line(o1=DUID)
    household.start(provisioning="dstm", peeraddr="", shared="1")
    household.bound()
    assert household.state()["tunnel"]["ports"] == [0, 4, 1]


def test_the_real_client_while_the_server_is_away(server, household):
    """It dies, and is back before the lifetime is over: the softwire stays as it is."""
    household.line(o1=DUID)
    household.start(provisioning="dstm", peeraddr="")
    household.bound()
    server.kill()
    household.tell("renew")
    until(lambda: "no DHCPv6 server of the line answers" in household.log(), "it was asked in vain", 30)
    assert household.events("unbound") == []
    server.start()
    household.tell("renew")
    until(lambda: server.leases()[0]["renewed"] > server.leases()[0]["since"], "it is renewed", 60)
    assert len(household.events("bound")) == 1


@pytest.mark.parametrize("word", ["code_ia_dstm = 150\ncode_dstm_tep = 150", 'duid = "00:03"'])
def test_configuration(server, word):
    text = server.path.read_text().replace("[dstm]\n", f"[dstm]\n{word}\n", 1)
    server.path.write_text(text)
    done = subprocess.run(
        server.command("check"),
        env=server.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 1 and word.partition(" ")[0] in done.stdout and "would be right" in done.stdout
