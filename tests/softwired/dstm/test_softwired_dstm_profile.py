# SPDX-License-Identifier: Apache-2.0
"""draft-bound-dstm-exp-00 appendix C, section by section, and RFC 5572's dialect: what nodes and border routers see."""

import time

import pytest

from softwire import tsp
from softwire.address import parse_ipv4, parse_ipv6
from tests.softwired.dstm import parts
from tests.softwired.network import certificate as make_certificate
from tests.softwired.network import until

FIRST = parse_ipv4("198.51.100.1")


def test_section_2_1_the_border_router_first(server, tep):
    """Tunnel Create to it, its Info, then Info to the node, with what the border router told of itself."""
    node = server.node()
    order = []

    def how(message):
        order.append(parts.wait_readable(node, 0.2))
        return 0

    tep.how = how
    code, info = node.ask(parts.create())
    # On a slow machine it may be told once more.
    assert order[:1] == [False], "the node was answered before the border router"
    assert code == 200 and (info.action, info.type) == ("info", "v4v6")
    assert info.client.ipv4 == FIRST and info.client.ipv6 == [parse_ipv6(parts.NODE)]
    assert (info.server.ipv4, info.server.ipv6) == (parse_ipv4(parts.TEP4), [parse_ipv6(parts.TEP6)])
    assert info.lifetime == 3600
    assert tep.commands == [("create", FIRST, parse_ipv6(parts.NODE))]


def test_section_2_1_authentication_failure(serve, tep, tmp_path):
    """300, and no address."""
    users = tmp_path / "users"
    server = serve(pool=[parts.pool()], tep=[parts.tep(tep)], mechanisms=["DIGEST-MD5"], users=str(users))
    assert "added" in server.ask("user", "add", parts.USER, given=parts.PASSWORD + "\n")
    assert parts.PASSWORD not in users.read_text() and users.stat().st_mode & 0o777 == 0o600
    for user, password in ((parts.USER, "wrong"), ("nobody", parts.PASSWORD)):
        node = parts.Node(server.port)
        node.send(b"VERSION=1.0\r\n")
        assert node.line() == b"CAPABILITY TUNNEL=V4V6 AUTH=DIGEST-MD5"
        assert node.authenticate("DIGEST-MD5", user, password) == 300
        assert node.closed()
    assert server.leases() == [] and not tep.commands
    node = server.node("DIGEST-MD5")
    assert node.ask(parts.create())[0] == 200
    assert server.leases()[0]["user"] == parts.USER
    # Anonymous is not what it takes, and nobody may go on without a login.
    node = parts.Node(server.port)
    node.send(b"VERSION=1.0\r\n")
    node.line()
    assert node.authenticate("ANONYMOUS") == 300
    node = parts.Node(server.port)
    node.send(b"VERSION=1.0\r\n" + parts.create())
    node.line()
    assert node.line().startswith(b"500")
    assert server.status()["counters"]["families"]["answers_total"]["values"]["300"] == 2


def test_section_2_1_a_digest_cannot_be_replayed(serve, tep, tmp_path):
    users = tmp_path / "users"
    server = serve(pool=[parts.pool()], tep=[parts.tep(tep)], mechanisms=["DIGEST-MD5"], users=str(users))
    server.ask("user", "add", parts.USER, given=parts.PASSWORD + "\n")
    node = parts.Node(server.port)
    node.send(b"VERSION=1.0\r\n")
    node.line()
    node.send(b"AUTHENTICATE DIGEST-MD5\r\n")
    answer, _ = tsp_answer(node.line())
    other = parts.Node(server.port)
    other.send(b"VERSION=1.0\r\n")
    other.line()
    other.send(b"AUTHENTICATE DIGEST-MD5\r\n")
    other.line()
    other.send(answer)
    assert other.line().startswith(b"300")
    node.send(answer)
    assert not node.line().startswith(b"300")


def tsp_answer(line):
    from softwire import tspdigest

    return tspdigest.answer(line, parts.USER.encode(), parts.PASSWORD.encode(), b"tsp/x", b"c")


def test_section_2_1_pool_exhausted(serve, tep):
    """306, and free again."""
    server = serve(pool=[parts.pool("198.51.100.8-198.51.100.9")], tep=[parts.tep(tep)])
    nodes = [server.node() for _ in range(3)]
    told = [node.ask(parts.create(f"2001:db8:1::{number}")) for number, node in enumerate(nodes, 1)]
    assert [code for code, _ in told] == [200, 200, 306]
    assert told[2][1] is None
    code, info = nodes[0].ask(parts.create("2001:db8:1::1", "198.51.100.8", action="delete"))
    assert (code, info.action) == (200, "info")
    until(lambda: nodes[2].ask(parts.create("2001:db8:1::3"))[0] == 200, "the address is free again")
    assert tep.twice == 0


def test_section_2_1_configuration_error_at_the_border_router(server, tep):
    """307 is passed on, and the address is nobody's again."""
    tep.how = lambda message: 307 if message.action == "create" else 0
    node = server.node()
    assert node.ask(parts.create()) == (307, None)
    until(lambda: not server.leases(), "the lease is gone")
    assert tep.count("delete") == 1
    tep.how = lambda message: 0
    assert node.ask(parts.create())[0] == 200


def test_section_2_2_renewal(server, tep):
    """The lifetime begins anew; nothing is sent to the border router; with the held address in it or another node's."""
    node = server.node()
    node.ask(parts.create())
    before = server.leases()[0]["expires"]
    # It is told in seconds.
    time.sleep(1)
    for held in ("198.51.100.1", ""):
        code, info = node.ask(parts.create(ipv4=held))
        assert code == 200 and info.client.ipv4 == FIRST and info.lifetime == 3600
    assert server.leases()[0]["expires"] > before
    # On another connection, too.
    assert server.node().ask(parts.create(ipv4="198.51.100.1"))[0] == 200
    assert tep.count("create") == 1


def test_section_2_2_an_extension_that_is_refused(server, tep):
    """308, and the tunnel is deleted at the border router: here since another configuration has another pool."""
    node = server.node()
    assert node.ask(parts.create(ipv4="198.51.100.7"))[0] == 308
    assert node.ask(parts.create())[0] == 200
    assert node.ask(parts.create(ipv4="198.51.100.7"))[0] == 308
    server.configure(pool=[parts.pool("203.0.113.0/24")])
    server.reload()
    assert node.ask(parts.create(ipv4="198.51.100.1"))[0] == 308
    until(lambda: tep.count("delete") == 1, "the border router is told")
    assert node.ask(parts.create())[1].client.ipv4 == parse_ipv4("203.0.113.1")


def test_section_2_3_the_end(server, tep):
    """Tunnel Delete to node and border router with all addresses, without waiting for the node."""
    node = server.node()
    node.ask(parts.create())
    assert "ends, 1" in server.ask("revoke", "198.51.100.1")
    code, message = node.hear()
    assert code == 200 and message.action == "delete"
    assert message.client.ipv4 == FIRST and message.client.ipv6 == [parse_ipv6(parts.NODE)]
    assert message.server.ipv4 == parse_ipv4(parts.TEP4)
    until(lambda: not server.leases(), "the node's answer is not waited for")
    assert tep.commands[-1] == ("delete", FIRST, parse_ipv6(parts.NODE)) and not tep.mappings
    node.send(tsp.frame(tsp.Message("info", message.client).xml()))
    # A second connection of the node's that came and went takes nothing from the first.
    assert node.ask(parts.create())[0] == 200
    beside = server.node()
    assert beside.ask(parts.create())[0] == 200
    beside.close()
    until(lambda: server.status()["counters"]["gauges"]["connections"]["value"] == 1, "it is gone")
    address = server.leases()[0]["address"]
    server.ask("revoke", address)
    assert node.hear()[1].action == "delete"
    until(lambda: not server.leases(), "it is over")
    assert node.ask(parts.create())[0] == 200
    assert "nobody has it" in server.ask("revoke", "198.51.100.99", fails=True)


def test_section_2_3_no_second_node_before_the_border_router_forgot(serve, tep):
    """An address whose Delete is not acknowledged is nobody else's."""
    server = serve(pool=[parts.pool("198.51.100.8-198.51.100.8")], tep=[parts.tep(tep)])
    node = server.node()
    assert node.ask(parts.create())[0] == 200
    tep.how = lambda message: None if message.action == "delete" else 0
    server.ask("revoke", "198.51.100.8")
    node.hear()
    other = server.node()
    for _ in range(3):
        assert other.ask(parts.create("2001:db8:1::2"))[0] in (306, 307)
    assert server.leases()[0]["ending"]
    tep.how = lambda message: 0
    until(lambda: other.ask(parts.create("2001:db8:1::2"))[0] == 200, "it is free", 30)
    assert tep.twice == 0


def test_section_3_2_addresses_of_the_node(serve, tep):
    """309 for none, two, or one that is not of the network that asks; 310 for what is no host's."""
    server = serve(pool=[parts.pool()], tep=[parts.tep(tep)])
    node = server.node()
    for address in ("ff02::1", "::", "::1", "::ffff:192.0.2.1"):
        assert node.ask(parts.create(address))[0] == 309
    both = tsp.Side(None, [parse_ipv6("2001:db8::1"), parse_ipv6("2001:db8::2")])
    assert node.ask(tsp.frame(tsp.Message("create", both).xml()))[0] == 309
    assert node.ask(tsp.frame(tsp.Message("create").xml()))[0] == 309
    assert node.ask(parts.create(ipv4="0.0.0.1"))[0] == 310
    assert node.ask(tsp.frame(tsp.Message("create", type="v6v4").xml()))[0] == 303
    assert node.ask(tsp.frame(tsp.Message("dance").xml()))[0] == 500
    server.configure(same_prefix=64)
    server.reload()
    assert node.ask(parts.create())[0] == 309
    assert server.leases() == []


def test_section_4_1_the_example(server):
    """The octets of the document: its request is answered by what its answer looks like."""
    node = parts.Node(server.port)
    node.send(b"VERSION=1.0\r\n")
    assert node.line() == b"CAPABILITY TUNNEL=V4V6 AUTH=ANONYMOUS"
    node.send(b"AUTHENTICATE ANONYMOUS\r\n")
    assert node.line() == b"OK Authentication successful"
    body = (
        b'<tunnel action="create" type="v4v6">\n<client>\n'
        b'<address type="ipv6">fe80:0000:0000:0000:0000:0000:0000:0001</address>\n'
        b'<address type="ipv6">3ffe:0b00:0c18:ffff:0000:0000:0000:0001</address>\n</client>\n</tunnel>\r\n'
    )
    node.send(b"Content-length: %d\r\n" % len(body) + body)
    head = node.line()
    assert head.startswith(b"Content-length: ")
    assert node.line() == b"200 OK"
    assert node.line().startswith(b'<tunnel action="info" type="v4v6" lifetime="3600"><server><address type=')


def test_rfc_5572(server):
    """2.0.x: numbers, minutes, an accept that nobody answers; 302 for what is neither."""
    node = parts.Node(server.port)
    node.send(b"VERSION=2.0.0\r\n")
    node.line()
    node.send(b"AUTHENTICATE ANONYMOUS\r\n")
    assert node.line() == b"200 Success"
    code, info = node.ask(parts.create())
    assert code == 200 and info.lifetime == 60
    node.send(b'Content-length: 35\r\n<tunnel action="accept"></tunnel>\r\n')
    assert node.ask(parts.create(ipv4="198.51.100.1"))[0] == 200
    node = parts.Node(server.port)
    node.send(b"VERSION=3.0\r\n")
    assert node.line().startswith(b"302")
    assert node.closed()


def test_one_connection_after_the_other_command(server, tep):
    """Several at once are answered in their order; too many are too many."""
    node = server.node()
    node.send(b"".join(parts.create(f"2001:db8:1::{number}") for number in (1, 2, 3)))
    addresses = [node.hear()[1].client.ipv4 for _ in range(3)]
    assert addresses == [FIRST, FIRST + 1, FIRST + 2]
    node.send(b"".join(parts.create() for _ in range(50)))
    assert node.closed()


def test_a_shared_address(serve, tep):
    """Ranges of ports, to who says that it takes one."""
    table = parts.pool("198.51.100.8-198.51.100.8", ports_of_a_node=16384, first_port=1024)
    server = serve(pool=[table], tep=[parts.tep(tep)])
    assert server.node().ask(parts.create())[0] == 306
    told = [server.node().ask(parts.create(f"2001:db8:1::{one}", ports=())) for one in range(1, 5)]
    assert [code for code, _ in told] == [200, 200, 200, 306]
    assert [info.client.ports for _, info in told[:3]] == [(16384, 32767), (32768, 49151), (49152, 65535)]
    assert "ports 16384-32767" in server.ask("had", "198.51.100.8", "--port", "20000")
    server.ask("had", "198.51.100.8", "--port", "80", fails=True)


def test_limits(serve, tep, tmp_path):
    """Of a user, and of a /64."""
    server = serve(
        pool=[parts.pool()],
        tep=[parts.tep(tep)],
        mechanisms=["DIGEST-MD5"],
        users=str(tmp_path / "users"),
        limits={"leases_of_a_user": 2, "leases_of_a_prefix": 1},
    )
    for user in ("ann", "bob"):
        server.ask("user", "add", user, given=parts.PASSWORD)
    ann, bob = server.node("DIGEST-MD5", user="ann"), server.node("DIGEST-MD5", user="bob")
    assert ann.ask(parts.create("2001:db8:1::1"))[0] == 200
    assert bob.ask(parts.create("2001:db8:1::2"))[0] == 306  # the /64 has one
    assert ann.ask(parts.create("2001:db8:2::1"))[0] == 200
    assert ann.ask(parts.create("2001:db8:3::1"))[0] == 306  # ann has two
    assert bob.ask(parts.create("2001:db8:3::1"))[0] == 200
    # A user taken out gets in no more.
    server.ask("user", "remove", "bob")
    node = parts.Node(server.port)
    node.send(b"VERSION=1.0\r\n")
    node.line()
    assert node.authenticate("DIGEST-MD5", "bob") == 300


def test_another_user_of_the_same_node(serve, tep, tmp_path):
    """Does not get what the first one had."""
    server = serve(
        pool=[parts.pool()], tep=[parts.tep(tep)], mechanisms=["DIGEST-MD5"], users=str(tmp_path / "users")
    )
    for user in ("ann", "bob"):
        server.ask("user", "add", user, given=parts.PASSWORD)
    first = server.node("DIGEST-MD5", user="ann").ask(parts.create())[1].client.ipv4
    assert server.node("DIGEST-MD5", user="bob").ask(parts.create(ipv4="198.51.100.1"))[0] == 308
    second = server.node("DIGEST-MD5", user="bob").ask(parts.create())[1].client.ipv4
    assert first != second
    assert "ann" in server.ask("had", "198.51.100.1", "--at", while_it_was_held(server))


def while_it_was_held(server):
    import datetime
    import sqlite3

    database = sqlite3.connect(server.folder / "dstm.db")
    since, until = database.execute("SELECT since, until FROM dstm_history ORDER BY since").fetchone()
    database.close()
    return datetime.datetime.fromtimestamp((since + until) / 2).isoformat()


def test_clients_of_other_networks(serve, tep):
    server = serve(pool=[parts.pool()], tep=[parts.tep(tep)], clients=["2001:db8:1::/48"])
    assert parts.Node(server.port).closed()
    server.configure(clients=["::/64"])
    server.reload()
    assert server.node().ask(parts.create())[0] == 200


@pytest.fixture
def certificate(tmp_path):
    make_certificate(tmp_path, "::1")
    return tmp_path


def test_tls_and_plain(serve, tep, certificate):
    """Over TLS, PLAIN as well; no word of the plain protocol on that port."""
    import ssl

    context = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    server = serve(
        pool=[parts.pool()],
        tep=[parts.tep(tep)],
        mechanisms=["DIGEST-MD5", "PLAIN"],
        users=str(certificate / "users"),
        port=0,
        tls={
            "certificate": str(certificate / "cert.pem"),
            "key": str(certificate / "key.pem"),
            "port": (port := parts.free_port()),
        },
    )
    server.ask("user", "add", parts.USER, given=parts.PASSWORD)
    for mechanism in ("PLAIN", "DIGEST-MD5"):
        node = parts.Node(port, context).login(mechanism)
        assert node.ask(parts.create())[0] == 200
    node = parts.Node(port, context)
    node.send(b"VERSION=1.0\r\n")
    node.line()
    assert node.authenticate("PLAIN", password="wrong") == 300
    node = parts.Node(port)
    node.send(b"VERSION=1.0\r\n")
    assert node.closed()


def test_the_border_router_wants_a_login(serve, tmp_path):
    """DIGEST-MD5, and one that does not know the password itself is none."""
    tep = parts.Tep(mechanisms=["DIGEST-MD5"])
    password = tmp_path / "password"
    password.write_text("wrong\n")
    table = parts.tep(tep, user=parts.USER, password_file=str(password))
    server = serve(pool=[parts.pool()], tep=[table])
    until(lambda: "300" in server.status()["teps"][0]["problem"], "it refuses")
    assert server.node().ask(parts.create())[0] == 307
    password.write_text(parts.PASSWORD + "\n")
    until(lambda: server.status()["teps"][0]["alive"], "it lets us in")
    assert server.node().ask(parts.create())[0] == 200
    assert parts.PASSWORD not in server.log
    tep.close()
