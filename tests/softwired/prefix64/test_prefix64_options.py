# SPDX-License-Identifier: Apache-2.0
"""The table [prefix64], and ndppd's configuration as one."""

import tomllib

import pytest

from softwired import configuration
from softwired.prefix64 import ndppd, options


def check(text):
    raw = tomllib.loads("[prefix64]\n" + text)
    tables = {"prefix64": options.TABLE}
    return configuration.check("file", raw, tables, {"prefix64": options.TOGETHER})["prefix64"]


def ranged(*ranges):
    return "".join(f'[[prefix64.range]]\ninterface = "vs"\n{keys}\n' for keys in ranges)


PREFIX = 'prefix = "2001:db8:1::/64"'


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "range = []: at least one table"),
        (ranged(""), "range[1].prefix = 'None': either prefix or delegated"),
        (ranged(PREFIX + '\ndelegated = "wan"'), "either prefix or delegated"),
        (ranged('prefix = "2001:db8:1::1/64"'), "host bits zero"),
        (ranged('prefix = "fe80::/64"'), "global or unique local unicast"),
        (ranged('prefix = "ff02::/64"'), "global or unique local unicast"),
        (ranged('prefix = "::/0"'), "global or unique local unicast"),
        (ranged(PREFIX, PREFIX), "overlaps 2001:db8:1::/64 of the same interface"),
        (ranged(PREFIX, 'prefix = "2001:db8:1:0:8::/80"'), "overlaps 2001:db8:1::/64 of the same interface"),
        (ranged('delegated = "wan"', 'delegated = "wan"'), "there once already"),
        (ranged(PREFIX + '\nexceptions = ["2001:db8:2::1"]'), "addresses of 2001:db8:1::/64 would be right"),
        (
            ranged(PREFIX + '\nexceptions = ["2001:db8:1::-2001:db8:1::9", "2001:db8:1::9"]'),
            "overlaps 2001:db8:1::-2001:db8:1::9",
        ),
        (ranged(PREFIX + '\nexceptions = ["2001:db8:1::/64"]'), "nothing of 2001:db8:1::/64 is left"),
        (ranged(PREFIX + '\nexceptions = ["2001:db8:1::9-2001:db8:1::1"]'), "two addresses as"),
        (ranged(PREFIX + '\nexceptions = ["2001:db8:1::9%eth0"]'), "two addresses as"),
        (
            ranged(PREFIX + '\njoin = ["2001:db8:2::1"]'),
            "join = '2001:db8:2::1': addresses of 2001:db8:1::/64",
        ),
        (ranged(PREFIX + '\nanswer = "maybe"'), "one of 'yes', 'no', 'kernel' would be right"),
        (ranged(PREFIX + '\nanswer = "kernel"'), "a prefix of one address (/128) would be right"),
        (ranged(PREFIX + '\nforward = "eth1"'), "local = false and answer = 'yes' beside it"),
        (ranged(PREFIX + '\nlocal = false\nforward = "vs"'), "another interface than the range's own"),
        (ranged(PREFIX + '\nlocal = false\nanswer = "no"'), "does nothing: leave it out"),
        (ranged(PREFIX + "\nports = [0]"), "a whole number from 1 to 65535"),
        (ranged(PREFIX + "\ndelay = 2"), "seconds from 0 to 1"),
    ],
)
def test_what_is_wrong(text, said):
    with pytest.raises(configuration.ConfigurationError) as error:
        check(text)
    assert said in str(error.value)


def test_join_is_bounded():
    many = ", ".join(f'"2001:db8:1::{number:x}"' for number in range(options.MOST_JOINED + 1))
    with pytest.raises(configuration.ConfigurationError, match="at most 1024 addresses"):
        check(ranged(f"{PREFIX}\njoin = [{many}]"))


def test_the_least():
    (entry,) = check(ranged(PREFIX)).range
    assert (entry.local, entry.answer, entry.ports, entry.echo) == (True, "yes", [80, 443], True)
    assert (entry.source, entry.router, entry.override, entry.defend) == ("link-local", False, False, True)


def test_the_same_prefix_on_two_interfaces():
    """On one link it is answered for, after the other was asked."""
    text = ranged(PREFIX + '\nlocal = false\nforward = "eth1"')
    assert (
        len(check(text + text.replace('"vs"', '"eth1"').replace('forward = "eth1"', 'forward = "vs"')).range)
        == 2
    )


# ndppd

DIST = """
# A comment
route-ttl 30000
proxy eth0 {   // another
   router yes
   timeout 500
   ttl 30000
   rule 1111:: {
      auto
   }
   rule 2001:db8:1::/64 { static }
   rule 2001:db8:1::5:0/112 { iface eth2 }  /* covered
   */
}
proxy "eth1" {
   router no; autowire yes; autovia yes
   rule 2001:db8:2::1/112 { iface eth0 }
   rule 2001:db8:2::/64 {
   }
}
"""


def test_ndppd():
    imported = ndppd.read(DIST)
    assert imported.ranges == [
        {
            "router": True,
            "timeout": 0.5,
            "ttl": 30.0,
            "interface": "eth0",
            "prefix": "1111::/128",
            "local": False,
            "forward": "auto",
        },
        {"router": True, "interface": "eth0", "prefix": "2001:db8:1::/64", "local": False},
        {
            "router": False,
            "wire": True,
            "interface": "eth1",
            "prefix": "2001:db8:2::/112",
            "local": False,
            "forward": "eth0",
        },
        {
            "router": False,
            "interface": "eth1",
            "prefix": "2001:db8:2::/64",
            "local": False,
            "exceptions": ["2001:db8:2::/112"],
        },
    ]
    assert [remark.split(":")[0] for remark in imported.remarks] == [
        "route-ttl 30000",
        "rule 2001",
        "autovia",
        "rule 2001",
    ]
    assert "NOT DONE here" in imported.remarks[2]
    check(ndppd.toml(imported).partition("[prefix64]")[2])


@pytest.mark.parametrize(
    "text, said",
    [
        ("proxy eth0 {", "line 1: proxy: '}' is missing"),
        ("proxy", "proxy: a value is missing"),
        ("proxy eth0\nrule", "proxy: '{' is missing"),
        ("proxy eth0 {\n rule 1234::/129 { }\n}", "line 2: rule 1234::/129: an IPv6 address or prefix"),
        ("proxy eth0 {\n rule ::1 {\n  static\n  auto }\n}", "only one of static, auto, iface"),
        ("proxy eth0 {\n ttl soon\n}", "line 2: ttl soon: milliseconds"),
        ("proxy eth0 {\n router maybe\n}", "line 2: router maybe: yes or no"),
        ("proxy eth0 {\n colour blue\n}", "line 2: colour: unknown"),
        ("proxy eth0 {\n rule ::1 { iface }\n}", "iface: a value is missing"),
        ('"', "line 1: '\"' is no token"),
        ("}", "}: unknown"),
        ("a\0b", "line 1: 'a\\x00b' is no token"),
    ],
)
def test_what_ndppd_could_not_read(text, said):
    with pytest.raises(ndppd.NdppdError) as error:
        ndppd.read(text)
    assert said in str(error.value)
