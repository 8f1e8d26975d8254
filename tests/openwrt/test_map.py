# SPDX-License-Identifier: Apache-2.0
"""The stand-in for package map: RFC 7597's own example, and what comes out of the rules that we hand on."""

import importlib.machinery
import importlib.util
import ipaddress
import json
import sys

import pytest

from openwrt_root import HERE

sys.path.insert(0, str(HERE.parents[1] / "src"))
from softwire.provisioning.hb46pp import answer  # noqa: E402


@pytest.fixture(scope="module")
def mapcalc():
    loader = importlib.machinery.SourceFileLoader("mapcalc", str(HERE / "map/mapcalc"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mapcalc", loader))
    loader.exec_module(module)
    return lambda rules, prefix, legacy=False: (
        [str(item) for item in module.find(rules.split(" "), [ipaddress.IPv6Network(prefix)], legacy)]
    )


def test_the_example_of_the_rfc(mapcalc):
    """Appendix A, example 1."""
    rule = "type=map-e,ealen=16,prefix4len=24,prefix6len=40,ipv4prefix=192.0.2.0,ipv6prefix=2001:db8::,br=2001:db8::1"
    assert mapcalc(rule, "2001:db8:12:3400::/56")[:2] == ["192.0.2.18", "2001:db8:12:3400:0:c000:212:34"]


@pytest.mark.parametrize(
    ("version", "local"), [(0, "2001:db8:4000:300:cb:71:700:0"), (1, "2001:db8:4000:300:0:cb00:7107:0")]
)
def test_what_is_handed_on(mapcalc, version, local):
    """The lab's line."""
    told = {
        "version": version,
        "br": "2001:db8:b::1",
        "rules": [{"ipv6": "2001:db8:4000:300::/56", "ipv4": "203.0.113.7/32", "ea_length": 0}],
    }
    prefix = "2001:db8:4000:300::/56"
    found = answer.read(json.dumps({"order": ["map_e"], "map_e": told}).encode(), [prefix])
    handed_on = found["offers"][0][1]
    assert handed_on["legacy"] == (version == 0)
    assert mapcalc(handed_on["rule"], prefix, handed_on["legacy"]) == ["203.0.113.7", local, "2001:db8:b::1"]


@pytest.mark.parametrize("rule", ["", "x", "type=map-e", "ealen=49", "speed=9"])
def test_a_rule_that_is_none(mapcalc, rule):
    with pytest.raises(Exception, match=rule or "^$"):
        mapcalc(rule, "2001:db8::/56")
