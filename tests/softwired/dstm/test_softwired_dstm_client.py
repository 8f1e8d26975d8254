# SPDX-License-Identifier: Apache-2.0
"""The router's provisioning method `tsp` beside the real server."""

import select

import pytest

from softwire import provisioning, tsp
from softwire.address import format_ipv4, parse_ipv4, parse_ipv6
from softwire.errors import ProvisioningError
from softwire.line import Line
from tests.softwired.dstm import parts
from tests.softwired.network import certificate as make_certificate
from tests.softwired.network import until

SOURCE = parse_ipv6("::1")


@pytest.fixture
def make(monkeypatch):
    """make(server, options) -> the method, which says that its tunnel's end is a global address."""
    real = tsp.Side

    def side(ipv4=None, ipv6=(), ports=None):
        return real(ipv4, [parse_ipv6(parts.NODE) if one == SOURCE else one for one in ipv6], ports)

    made = []

    def build(port, **options):
        words = {
            "tunlink": "wan6",
            "provisioning": "tsp",
            "server": ["::1"],
            "server_port": str(port),
            **options,
        }
        method = provisioning.load(words, "wan")
        method.logged, method.told = [], []
        method.log, method.tell = method.logged.append, method.told.append
        method.line = Line("wan6", {"up": True, "l3_device": "lo"}, lambda path: "1500")
        made.append(method)
        monkeypatch.setattr(tsp, "Side", side)
        return method

    yield build
    for method in made:
        method.close()


def ask(method):
    return method.provision(method.line, SOURCE)


def hear(method):
    """Waits for what comes on the kept connection, and lets the method have it."""
    assert select.select(method.sockets(), [], [], 10)[0]
    method.heard(method.sockets()[0])


def refused(method, held=None):
    with pytest.raises(ProvisioningError) as caught:
        if held:
            method.refresh(method.line, SOURCE, held)
        else:
            ask(method)
    return caught.value


def test_address_renewal_and_the_way_back(server, tep, make):
    """One connection for all of it; nothing is told to the border router by a renewal."""
    method = make(server.port)
    tunnel = ask(method)
    assert tunnel.ipaddr() == ["198.51.100.1/32"] and tunnel.remote == parse_ipv6(parts.TEP6)
    assert tunnel.expires == 3600 and 2880 <= tunnel.refresh <= 3240 and tunnel.mtu == 1460
    sock = method.sock
    again = method.refresh(method.line, SOURCE, tunnel)
    assert again == tunnel and method.sock is sock and tep.count("create") == 1
    rows = dict(provisioning.explain("tsp").rows(method.answer))
    assert rows == {"login": "ANONYMOUS", "TSP version": "1.0", "lifetime": "1 h"}
    method.release(tunnel)
    until(lambda: not server.leases(), "it was given back")


def test_the_servers_delete(server, make):
    """Obeyed at once, answered with Tunnel Info; the next question is a new one."""
    method = make(server.port)
    ask(method)
    server.ask("revoke", "198.51.100.1")
    with pytest.raises(ProvisioningError) as caught:
        hear(method)
    assert (caught.value.code, caught.value.ended) == ("LEASE_ENDED", True)
    method.drop()
    until(lambda: not server.leases(), "it is over")
    assert ask(method).expires == 3600


def test_a_connection_that_ends(server, tep, make):
    """Ends nothing else; within a minute the held address is renewed on a new one."""
    method = make(server.port)
    tunnel = ask(method)
    server.stop()
    hear(method)
    assert method.sockets() == () and "connects again" in method.logged[-1]
    now = method.clock()
    due = method.tick(now)
    assert 19 < due - now < 61
    assert refused(method, tunnel).code == "NO_ANSWER"
    server.start()
    with pytest.raises(provisioning.Refresh):
        method.tick(due)
    assert method.refresh(method.line, SOURCE, tunnel) == tunnel


@pytest.mark.parametrize(
    ("code", "said", "ended"),
    [(307, "TEP_FAILED", False), (306, "POOL_EXHAUSTED", False), (308, "LEASE_ENDED", True)],
)
def test_codes(server, tep, make, code, said, ended):
    method = make(server.port)
    if code == 307:
        tep.how = lambda message: code
        error = refused(method)
    elif code == 306:
        server.configure(limits={"leases_of_a_prefix": 1})
        server.reload()
        assert server.node().ask(parts.create("2001:db8:1::98"))[0] == 200
        error = refused(method)
        assert error.retry_after == 60
    else:
        tunnel = ask(method)
        server.configure(pool=[parts.pool("203.0.113.0/24")])
        server.reload()
        error = refused(method, tunnel)
    assert (error.code, error.ended) == (said, ended) and str(code) in error.text


def test_logins(serve, tep, make, tmp_path):
    """DIGEST-MD5; a wrong password, no user, and PLAIN without leave are refused with what is wrong."""
    server = serve(
        pool=[parts.pool()], tep=[parts.tep(tep)], mechanisms=["DIGEST-MD5"], users=str(tmp_path / "u")
    )
    server.ask("user", "add", parts.USER, given=parts.PASSWORD)
    login = {"user_name": parts.USER, "password": parts.PASSWORD}
    method = make(server.port, **login)
    assert ask(method).ipaddr() == ["198.51.100.1/32"] and method.mechanism == "DIGEST-MD5"
    assert not [line for line in method.told + method.logged if parts.PASSWORD in line]
    error = refused(make(server.port, **{**login, "password": "wrong"}))
    assert (error.code, error.ended) == ("AUTH_REJECTED", True) and "wrong" not in error.text
    assert "offers DIGEST-MD5, and not ANONYMOUS" in refused(make(server.port)).text


def test_tls(serve, tep, make, tmp_path):
    """PLAIN needs no leave there; a certificate that nobody vouches for is none."""
    certificate, key = make_certificate(tmp_path, "::1")
    keys = {"certificate": certificate, "key": key}
    server = serve(
        pool=[parts.pool()],
        tep=[parts.tep(tep)],
        mechanisms=["PLAIN"],
        users=str(tmp_path / "u"),
        port=0,
        tls={**keys, "port": (port := parts.free_port())},
    )
    server.ask("user", "add", parts.USER, given=parts.PASSWORD)
    login = {"user_name": parts.USER, "password": parts.PASSWORD, "tls": "1"}
    method = make(port, tls_ca=keys["certificate"], **login)
    tunnel = ask(method)
    assert method.mechanism == "PLAIN" and method.refresh(method.line, SOURCE, tunnel) == tunnel
    error = refused(make(port, **login))
    assert error.code == "NO_ANSWER" and "certificate" in error.text


def test_a_shared_address(serve, tep, make):
    server = serve(pool=[parts.pool("198.51.100.8", ports_of_a_node=16384)], tep=[parts.tep(tep)])
    assert refused(make(server.port)).code == "POOL_EXHAUSTED"
    tunnel = ask(make(server.port, shared="1"))
    assert tunnel.ports.ranges() == [(16384, 32767)]
    assert format_ipv4(tunnel.addresses[0][0]) == "198.51.100.8"


def test_rfc_5572_and_the_manual_border_router(make):
    """A server of 2.0 alone: 302 first; minutes; our accept; option peeraddr; a keepalive."""
    served = []

    class Broker(parts.Tep):
        def _take(self, one, message):
            served.append((one.version, message.action))
            if message.action == "create":
                info = tsp.Message(
                    "info", tsp.Side(parse_ipv4("192.0.2.9")), tsp.Side(parse_ipv4("192.0.2.1")), 2
                )
                info.keepalive = (30, "127.0.0.1")
                one.info(info)

    broker = Broker()
    from softwired import tsp as session

    versions, session.VERSIONS = session.VERSIONS, ("2.0",)
    try:
        method = make(broker.port, peeraddr="2001:db8:b::7")
        tunnel = ask(method)
        until(lambda: ("2.0.0", "accept") in served, "it says that it accepts")
    finally:
        session.VERSIONS = versions
        broker.close()
    assert tunnel.expires == 120 and tunnel.remote == parse_ipv6("2001:db8:b::7")
    assert method.keepalive[:2] == (30, "192.0.2.1")
    # It is nobody's who would want to keep an address that is had on demand.
    assert method.own_packets == 0
    assert method.tick(method.keepalive[2]) > method.clock() and method.own_packets == 1
