# SPDX-License-Identifier: Apache-2.0
"""HB46PP beside a real resolver and web server: the way to the answer, and each end of it that is none."""

import pathlib

import pytest

from tests.methods.servers import HOST, RECORD

TOKEN = "0123456789abcdef" * 4
ANSWER = {
    "enabler_name": "例示ネット",
    "service_name": "固定 IPv4",
    "ttl": 86400,
    "order": ["ipip"],
    "ipip": [{"ipv6_local": "2001:db8:1:7::7", "ipv6_remote": "2001:db8:b::1", "ipv4": "203.0.113.7/32"}],
}
DSLITE = {"enabler_name": "VNE", "ttl": 3600, "order": ["dslite"], "dslite": {"aftr": "aftr.example"}}
REQUEST = "vendorid=000000-softwire&product=softwire&version=0_1_0&capability=dslite,ipip,lw4o6"


@pytest.fixture
def ready(line):
    line.resolve(RECORD)
    line.answer(ANSWER)
    line.serve()
    return line


def granted(found):
    assert "tunnel" in found, found
    return found["tunnel"]


def error(found):
    assert "tunnel" not in found, found
    return found["error"][0]


def at(path, check="b", scheme="https"):
    return f"v=v6mig-1 url={scheme}://{HOST}/{path} t={check}"


def test_ipip(ready):
    found = ready.provision()
    tunnel = granted(found)
    assert (tunnel["local"], tunnel["remote"]) == ("2001:db8:1:7::7", "2001:db8:b::1")
    assert tunnel["ipaddr"] == ["203.0.113.7/32"] and tunnel["mtu"] == 1460
    assert 86390 <= tunnel["refresh"] <= 86400
    # The server's name goes into the handshake.
    assert [row.replace("020000-softwire", "000000-softwire") for row in masked(ready.asked())] == [
        f"https://{HOST}/rule.cgi?{REQUEST} {HOST}"
    ]
    assert found["answer"]["names"][0] == ["enabler_name", "例示ネット"]
    assert found["answer"]["used"] == "ipip"
    assert found["stderr"] == "" and found["log"] == []


def masked(rows):
    """The MAC address is another one each time."""
    return [
        row.partition("vendorid=")[0] + "vendorid=000000" + row.partition("vendorid=")[2][6:] for row in rows
    ]


def test_dslite_by_name_and_by_address(ready):
    ready.answer(DSLITE)
    found = ready.provision()
    tunnel = granted(found)
    assert (tunnel["remote"], tunnel["ipaddr"]) == ("2001:db8:a::1", ["192.0.0.2/29"])
    assert tunnel["refresh"] == 120  # the name's lifetime
    assert tunnel["local"] == "2001:db8:1:0:1111:1111:1111:1111"
    ready.answer({**DSLITE, "dslite": {"aftr": "2001:db8:a::2"}})
    tunnel = granted(ready.provision())
    assert tunnel["remote"] == "2001:db8:a::2" and tunnel["refresh"] > 3500
    ready.answer({**DSLITE, "dslite": {"aftr": "no.example"}})
    assert error(ready.provision()) == "NOTHING_OFFERED"


def test_the_order_is_walked_from_the_front(ready):
    both = {**ANSWER, "dslite": {"aftr": "aftr.example"}}
    ready.answer({**both, "order": ["dslite", "ipip"]})
    assert ready.provision()["answer"]["used"] == "dslite"
    # What cannot be used gives way to the next, and is logged.
    ready.answer(
        {
            **both,
            "order": ["map_e", "ipip", "dslite"],
            "ipip": [{**ANSWER["ipip"][0], "ipv6_local": "2001:db8:2::7"}],
        }
    )
    found = ready.provision()
    assert found["answer"]["used"] == "dslite"
    assert [item[0] for item in found["answer"]["skipped"]] == ["map_e", "ipip"]
    assert len(found["log"]) == 2 and "an address in a prefix of this line" in found["log"][1]


def test_what_other_protocols_do(ready):
    """The server is told of those that are there, and only of those."""
    proto = ready.folder / "proto"
    proto.mkdir()
    for name in "map.sh", "464xlat.sh", "nat46":
        (proto / name).touch(0o755)
    rules = [{"ipv6": "2001:db8:1::/56", "ipv4": "203.0.113.7/32", "ea_length": 0, "psid_offset": 4}]
    told = {
        **ANSWER,
        "order": ["map_t", "map_e", "464xlat", "ipip"],
        "map_e": {"version": 1, "mesh": False, "br": "2001:db8:b::1", "rules": rules},
        "map_t": {"dmr": "64:ff9b::/96", "rules": []},
        "464xlat": {"nat64prefix": "64:ff9b::/96"},
    }
    ready.answer(told)
    found = ready.provision()
    assert (found["answer"]["used"], [name for name, _ in found["answer"]["skipped"]]) == (
        "map_e",
        ["map_t"],
    )
    rule = "type=map-e,ealen=0,prefix4len=32,prefix6len=56,ipv4prefix=203.0.113.7,ipv6prefix=2001:db8:1::"
    assert found["tunnel"]["options"] == {
        "type": "map-e",
        "rule": rule + ",offset=4,br=2001:db8:b::1",
        "mtu": 1460,
        "ttl": 64,
        "encaplimit": "ignore",
    }
    everything = "464xlat,dslite,ipip,lw4o6,map_e,map_t,hubspoke,mesh"
    assert f"capability={everything} " in ready.asked()[0]
    ready.answer({**told, "order": ["464xlat"]})
    found = ready.provision()
    assert found["tunnel"]["mode"] == "464xlat"
    assert found["tunnel"]["options"] == {
        "ip6prefix": "64:ff9b::/96",
        "ip6addr": "2001:db8:1:0:1111:1110:1111:1111",
    }
    (proto / "nat46").unlink()
    (proto / "464xlat.sh").unlink()
    found = ready.provision()
    assert error(found) == "NOTHING_OFFERED" and "OpenWrt's package 464xlat is not installed" in str(found)
    ready.answer(told)
    ready.asked()
    ready.provision()
    assert "capability=dslite,ipip,lw4o6,map_e,hubspoke,mesh " in ready.asked()[0]


def test_the_token_comes_back(ready):
    ready.answer({**ANSWER, "token": TOKEN})
    found = ready.provision()
    assert TOKEN not in str(found)
    ready.answer(ANSWER)
    for _ in range(2):  # it stays although the second answer has none
        ready.provision()
    rows = ready.asked()
    assert [TOKEN in row for row in rows] == [False, True, True]
    assert f"&token={TOKEN} " in rows[1]


def test_user_and_password(ready):
    words = {"user_name": "user-1", "password": "pass_word"}
    sent = "&user=user-1&pass=pass_word"
    ready.provision(**words)
    ready.provision(**words, server_name=HOST)
    ready.provision(**words, server_name="other.example")
    assert [sent in row for row in ready.asked()] == [True, True, False]
    # A certificate that is not checked proves nothing.
    ready.resolve(at("rule.cgi", "a"))
    ready.provision(**words, server_name=HOST)
    ready.resolve(at("rule.cgi", "a", "http"))
    ready.provision(**words, server_name=HOST)
    found = ready.provision(**words)
    assert [sent in row for row in ready.asked()] == [False, False, True]
    assert "pass_word" not in str(found)


def test_a_redirect_does_not_take_the_password_along(ready):
    """The server repeats the query of the request, which the next one must not see."""
    ready.certify("server", f"DNS:{HOST},DNS:other.example")
    ready.serve()
    ready.resolve(at("elsewhere"))
    assert "tunnel" in ready.provision(user_name="user-1", password="pass_word", server_name=HOST)
    first, second = ready.asked()
    assert "pass=pass_word" in first and f"//{HOST}/" in first
    assert "pass" not in second and second.startswith("https://other.example/rule.cgi?vendorid=")


def test_redirects(ready):
    for path, last in (("relative", "/rule.cgi?"), ("query?x=1", "/other?x=1&")):
        ready.resolve(at(path))
        assert "tunnel" in ready.provision(), path
        rows = ready.asked()
        assert len(rows) == 2 and last in rows[1] and rows[1].count("vendorid=") == 1
    ready.resolve(at("up", "a", "http"))
    assert "tunnel" in ready.provision()
    assert [row.partition(":")[0] for row in ready.asked()] == ["http", "https"]


def test_redirects_that_lead_nowhere(ready):
    ready.resolve(at("loop"))
    found = ready.provision()
    assert error(found) == "BAD_ANSWER" and len(ready.asked()) == 6
    ready.resolve(at("down"))
    found = ready.provision()
    assert error(found) == "BAD_ANSWER" and "from https to http" in found["error"][1]
    assert len(ready.asked()) == 1
    ready.resolve(at("nowhere"))
    assert error(ready.provision()) == "BAD_ANSWER"


def test_statuses(ready):
    for path, code in (
        ("gone", "NOT_KNOWN"),
        ("forbidden", "NOT_KNOWN"),
        ("broken", "NO_SERVER"),
        ("empty", "BAD_ANSWER"),
    ):
        ready.resolve(at(path))
        found = ready.provision()
        assert error(found) == code
        assert 600 <= found["error"][2] <= 1800 and not found["error"][3]


def test_an_answer_in_parts(ready):
    ready.answer({**ANSWER, "isp_name": "x" * 200, "padding": "y" * 100000})
    ready.resolve(at("chunked"))
    assert "tunnel" in ready.provision()


def test_answers_that_are_none(ready):
    for content in (b"<html></html>", b'{"order":["ipip"]', b"\xff", b"[]", b'{"order":["ipip"],}'):
        ready.answer(content)
        assert error(ready.provision()) == "BAD_ANSWER"


def test_a_large_answer(ready):
    room = (1 << 20) - len('{"order":[],"x":""}')
    ready.answer(b'{"order":[],"x":"' + b"y" * room + b'"}')
    assert error(ready.provision()) == "NOTHING_OFFERED"
    ready.answer(b'{"order":[],"x":"' + b"y" * (room + 1) + b'"}')
    found = ready.provision()
    assert error(found) == "BAD_ANSWER" and "1048576" in found["error"][1]


def test_nothing_is_offered(ready):
    for more, text in (
        ({}, "nothing for this line"),
        ({"auth": "req"}, "wants user_name"),
        ({"auth": "bad"}, "rejected"),
    ):
        ready.answer({"order": [], "ttl": 7200, **more})
        code, told, pause, ended = ready.provision()["error"]
        assert code == "NOTHING_OFFERED" and text in told and ended
        assert 7100 <= pause <= 7201


def test_records_that_are_none(ready):
    for records, code in (
        ((), "NO_DISCOVERY"),
        (("v=spf1 -all",), "BAD_ANSWER"),
        (("v=v6mig-2 url=https://vne.example/ t=b",), "BAD_ANSWER"),
        (("v=v6mig-1 t=b",), "BAD_ANSWER"),
        (("v=v6mig-1 url=https://vne.example/",), "BAD_ANSWER"),
        (("v=v6mig-1 url=https://vne.example/ t=c",), "BAD_ANSWER"),
        (("v=v6mig-1 url=http://vne.example/ t=b",), "BAD_ANSWER"),
        (("v=v6mig-1 url=https://192.0.2.1/ t=b",), "BAD_ANSWER"),
    ):
        ready.resolve(*records)
        found = ready.provision()
        assert error(found) == code, records
        assert 3600 <= found["error"][2] <= 10800
        assert found["error"][3] == (code == "NO_DISCOVERY")
    assert ready.asked() == []
    # Another's record beside it, and members of a later version.
    ready.resolve("v=spf1 -all", f"x=y {RECORD} later=1")
    assert "tunnel" in ready.provision()


def test_no_resolver(ready):
    ready.stop("unbound")
    found = ready.provision()
    assert error(found) == "NAME_UNRESOLVED" and "refused" in found["error"][1]
    assert 60 <= found["error"][2] <= 600 and not found["error"][3]


def test_a_server_without_an_address(ready):
    ready.resolve("v=v6mig-1 url=https://no.example/ t=b")
    assert error(ready.provision()) == "NAME_UNRESOLVED"


def test_nobody_at_the_address(ready):
    ready.stop("nginx")
    found = ready.provision()
    assert error(found) == "NO_SERVER" and "refused" in found["error"][1]


def test_certificates(ready):
    # Of a name that is not the server's; of nobody's authority; out of date.
    ready.resolve("v=v6mig-1 url=https://other.example/rule.cgi t=b")
    found = ready.provision()
    assert error(found) == "BAD_CERTIFICATE" and "other.example" in found["error"][1]
    ready.resolve(RECORD)
    ready.certify("server", f"DNS:{HOST}", days=-1)
    ready.serve()
    assert error(ready.provision()) == "BAD_CERTIFICATE"
    authority = ready.folder / "ca.pem"
    (ready.folder / "ca.key").unlink()
    authority.unlink()
    found = ready.provision()
    assert error(found) == "NO_CA_BUNDLE" and "install ca-bundle" in found["error"][1]
    ready.certify("server", f"DNS:{HOST}")  # of another authority, which nginx does not have yet
    assert error(ready.provision()) == "BAD_CERTIFICATE"
    authority.write_text("no certificate")
    assert error(ready.provision()) == "NO_CA_BUNDLE"
    # None of it matters where nobody checks.
    ready.resolve(at("rule.cgi", "a"))
    assert "tunnel" in ready.provision()


def test_the_last_good_answer_outlives_an_outage(ready):
    ready.provision()
    ready.stop("nginx")
    found = ready.provision()
    assert found["tunnel"]["ipaddr"] == ["203.0.113.7/32"]
    assert found["tunnel"]["refresh"] <= 1800 and "what the server told before" in found["log"][0]
    # Not once the operator says that there is nothing any more.
    ready.resolve()
    assert error(ready.provision()) == "NO_DISCOVERY"
    ready.resolve(RECORD)
    assert error(ready.provision()) == "NO_SERVER"


def test_the_run_directory_holds_no_password(ready):
    ready.provision(user_name="user-1", password="pass_word")
    (ready.folder / "wan.config").unlink()
    for path in pathlib.Path(ready.folder).glob("*"):
        if path.is_file() and path.name != "asked":
            assert b"pass_word" not in path.read_bytes(), path
