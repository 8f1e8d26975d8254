# SPDX-License-Identifier: Apache-2.0
"""A line that nothing is known of, beside a real DHCPv6 server, resolver and web server."""

from tests.methods.test_dslite_servers import AFTR
from tests.methods.test_hb46pp_servers import ready

__all__ = ["ready"]
AUTO = {"provisioning": "auto"}
# RFC 8026: DS-Lite, then MAP-E; the value of MAP-E's container is nobody's business here.
PRIORITY = {"code": 111, "space": "dhcp6", "csv-format": False, "data": "0040005e", "always-send": True}
MAP_E = {"code": 94, "space": "dhcp6", "csv-format": False, "data": "", "always-send": True}


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
    ready.lease([AFTR, MAP_E, PRIORITY])
    found = ready.provision(**AUTO)
    assert (found["answer"]["method"], found["answer"]["tried"]) == ("dslite", [])


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
