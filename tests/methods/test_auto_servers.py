# SPDX-License-Identifier: Apache-2.0
"""A line that nothing is known of, beside a real DHCPv6 server, resolver and web server."""

from tests.methods.test_dslite_servers import AFTR
from tests.methods.test_hb46pp_servers import ready

__all__ = ["ready"]
AUTO = {"provisioning": "auto"}
# RFC 8026: DS-Lite, then MAP-E.
PRIORITY = {"code": 111, "space": "dhcp6", "csv-format": False, "data": "0040005e", "always-send": True}


def container(code, octets):
    """A container of RFC 7598's; Kea does not look into it."""
    return {
        "code": code,
        "space": "dhcp6",
        "csv-format": False,
        "data": octets.hex(),
        "always-send": True,
    }


# A rule for 2001:db8:1::/48, 203.0.113.0/24 and eight bits; a whole address; the border router, and MAP-T's.
BR = bytes.fromhex("005a 0010 20010db8000b00000000000000000001")
RULE = bytes.fromhex("0059 000e 00 08 18 cb007100 30 20010db80001")
BIND = bytes.fromhex("005c 000c cb007110 38 20010db8000100")
DMR = bytes.fromhex("005b 0009 40 20010db8000b0000")
MAP_E = container(94, RULE + BR)


def test_dhcpv6_then_hb46pp(ready):
    ready.lease([AFTR])
    found = ready.provision(**AUTO)
    assert found["tunnel"]["remote"] == "2001:db8:a::1" and found["answer"]["method"] == "dslite"
    assert ready.asked() == [], "the first that gives a softwire is the last that is asked"

    ready.lease([])
    found = ready.provision(**AUTO)
    assert (found["answer"]["method"], found["answer"]["used"]) == ("hb46pp", "ipip")
    assert found["answer"]["tried"] == [] and found["tunnel"]["ipaddr"] == ["203.0.113.7/32"]

    # An AFTR whose name is nobody's: told, and the next one is asked.
    ready.lease([{**AFTR, "data": "no.example"}])
    found = ready.provision(**AUTO)
    assert found["answer"]["method"] == "hb46pp"
    assert found["answer"]["tried"][0][0] == "dslite" and "NAME_UNKNOWN" in found["answer"]["tried"][0][1]


def test_the_lines_own_order(ready):
    ready.lease([AFTR, MAP_E])
    found = ready.provision(**AUTO)
    assert [name for name, _ in found["answer"]["tried"]] == ["map_e"], "ours, where the line has none"
    assert found["answer"]["tried"][0][1] == "MISSING_PACKAGE: OpenWrt's package map is not installed"
    ready.lease([AFTR, MAP_E, PRIORITY])
    found = ready.provision(**AUTO)
    assert (found["answer"]["method"], found["answer"]["tried"]) == ("dslite", [])


def test_what_a_container_tells(ready):
    """Lightweight 4over6 is our own; MAP goes to the protocol that is there, MAP-T where the kernel can do it."""
    ready.lease([container(96, BIND + BR), MAP_E])
    found = ready.provision(**AUTO)
    assert found["answer"] == {"server": "the line's DHCPv6 server", "method": "lw4o6", "tried": []}
    tunnel = found["tunnel"]
    assert (tunnel["local"], tunnel["remote"]) == ("2001:db8:1::cb00:7110:0", "2001:db8:b::1")
    assert (tunnel["ipaddr"], tunnel["ports"]) == (["203.0.113.16/32"], [0, 0, 0])

    (ready.folder / "proto").mkdir()
    handler = ready.folder / "proto/map.sh"
    handler.touch()
    ready.lease([container(95, RULE + DMR), MAP_E])
    found = ready.provision(**AUTO)
    assert "not executable" in dict(found["answer"]["tried"])["map_e"], "netifd does not see it"
    handler.chmod(0o755)
    found = ready.provision(**AUTO)
    assert (found["answer"]["method"], found["tunnel"]["mode"]) == ("map_e", "map")
    rule = "type=map-e,ealen=8,prefix4len=24,prefix6len=48,ipv4prefix=203.0.113.0,ipv6prefix=2001:db8:1::"
    assert found["tunnel"]["options"]["rule"] == rule + ",br=2001:db8:b::1"
    ready.lease([container(95, RULE + DMR)])
    assert "kmod-nat46" in dict(ready.provision(**AUTO)["answer"]["tried"])["map_t"]
    (ready.folder / "proto/nat46").touch()
    found = ready.provision(**AUTO)
    assert found["tunnel"]["options"] == {
        "type": "map-t",
        "rule": rule.replace("map-e", "map-t") + ",dmr=2001:db8:b::/64",
    }

    # A rule that is another line's: told, and the next one is asked.
    ready.lease([container(94, RULE.replace(b"\x0d\xb8", b"\x0d\xb9") + BR)])
    found = ready.provision(**AUTO)
    assert found["answer"]["method"] == "hb46pp"
    assert "BAD_ANSWER: DHCPv6's map_e: no rule is for" in found["answer"]["tried"][0][1]


def test_nothing(ready):
    """Nobody answers, nobody has a record; a login for RADIUS is not shown to the provisioning server."""
    ready.resolve()
    found = ready.provision(**AUTO)
    code, text, pause, _ = found["error"]
    assert code == "NOTHING_FOUND" and text.startswith("hb46pp: NO_DISCOVERY")
    assert 3600 <= pause <= 10800
    ready.resolve("v=v6mig-1 url=https://vne.example/rule.cgi t=b")
    login = {"auth_server": "2001:db8:1812::1", "shared_secret": "secret", "password": "pass_word"}
    found = ready.provision(**AUTO, **login, user_name="user-1")
    assert found["answer"]["method"] == "hb46pp"
    rows = ready.asked()
    assert rows and "user-1" not in str(rows) and "pass_word" not in str(rows) + str(found)
