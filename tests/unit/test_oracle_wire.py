# SPDX-License-Identifier: Apache-2.0
"""Every parser of line data under random octets and texts, and scapy beside our DHCPv6: CPython only.

A parser gives a value or its module's error, never another exception, never without end.
"""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers import dhcp6

from softwire import address, dhcpv6, ntt
from softwire.codes import CODES
from softwire.config import OPTIONS, Config
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.provisioning import find, names
from softwire.wire import Reader, WireError, record, records

OCTETS = st.binary(max_size=200)
# Labels, lengths and pointers are likelier in such octets than in random ones.
NAME_OCTETS = st.lists(
    st.sampled_from([b"\0", b"\1", b"\3", b"\x3f", b"\x40", b"\xc0", b"a", b".", b"-", b"\xff"])
)
LABEL = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1, max_size=63
)
NAME = st.lists(LABEL, min_size=1, max_size=6).map(".".join).filter(lambda name: len(name) < 254)
SUB_OPTION = st.tuples(st.sampled_from([0, 201, 202, 203, 204, 210, 255]), st.binary(max_size=40))


def value_or(error, parser, *arguments):
    """What the parser gives, or None if it raises its own error."""
    try:
        return parser(*arguments)
    except error:
        return None


@given(st.binary(max_size=4096))
@example(b"\0\0\0\0" * 1000)
def test_options(data):
    options = value_or(WireError, dhcpv6.read_options, data)
    if options is not None:
        assert b"".join(dhcpv6.write_option(code, value) for code, value in options) == data


@given(OCTETS)
def test_other_dhcpv6_values(data):
    vendor = value_or(WireError, dhcpv6.read_vendor_opts, data)
    assert vendor is None or vendor[0].to_bytes(4, "big") + vendor[1] == data
    addresses = value_or(WireError, dhcpv6.read_addresses, data)
    assert (addresses is None) == bool(len(data) % 16)
    assert dhcpv6.duid_kind(data).endswith(("DUID", "LL", "LLT", "EN", "UUID"))


@given(OCTETS | NAME_OCTETS.map(b"".join))
@example(b"\xc0\x00")
@example(b"\x3f" + b"a" * 62)
def test_names(data):
    name = value_or(WireError, dhcpv6.read_name, data)
    if name is not None:
        assert dhcpv6.write_name(name) in (data, data + b"\0")


@given(NAME)
def test_names_come_back(name):
    assert dhcpv6.read_name(dhcpv6.write_name(name)) == name


@given(st.text(max_size=80))
def test_any_text_as_a_name(text):
    octets = value_or(WireError, dhcpv6.write_name, text)
    if octets is not None:
        assert dhcpv6.read_name(octets) == text.rstrip(".")


@given(OCTETS, st.integers(1, 2))
def test_records(data, octets):
    row = value_or(WireError, lambda: list(records(data, octets, "x")))
    if row is not None:
        assert b"".join(record(code, value, octets) for code, value in row) == data


@given(OCTETS, st.lists(st.integers(-3, 60), max_size=9))
def test_reader_never_leaves_its_data(data, counts):
    reader = Reader(data)
    taken = b"".join(value_or(WireError, reader.take, count, "x") or b"" for count in counts)
    assert data.startswith(taken)
    assert taken + reader.rest() == data


def check_vendor_options(found):
    """What must hold for everything that is shown to people or sent to a server."""
    if found is not None:
        assert found.mac is None or address.format_mac(address.parse_mac(found.mac)) == found.mac
        assert all(number.isascii() and number.isprintable() for number in found.numbers)
        for name in (found.sip_domain, found.version_server):
            assert name is None or (name.isascii() and name.isprintable() and 0 < len(name) < 254)


@given(OCTETS | OCTETS.map(lambda data: b"\0\0\0\xd2" + data))
def test_vendor_options_of_dhcpv6(data):
    check_vendor_options(value_or(WireError, ntt.read_dhcpv6, data))


@given(OCTETS | OCTETS.map(lambda data: b"\0\0\0\xd2" + bytes([len(data)]) + data))
def test_vendor_options_of_dhcpv4(data):
    check_vendor_options(value_or(WireError, ntt.read_dhcpv4, data))


@given(st.lists(SUB_OPTION, max_size=8))
def test_vendor_options_are_the_same_in_both_framings(sub_options):
    data = b"".join(record(code, value, 1) for code, value in sub_options)
    v4 = ntt.read_dhcpv4(b"\0\0\0\xd2" + len(data).to_bytes(1, "big") + data) if len(data) < 256 else None
    v6 = ntt.read_dhcpv6(b"\0\0\0\xd2" + b"".join(record(code, value, 2) for code, value in sub_options))
    check_vendor_options(v6)
    # Nothing that was sent is lost.
    assert sum(code not in (201, 204, 210) for code, _ in sub_options) <= len(v6.numbers) + len(v6.unknown)
    if v4 is not None:
        assert vars(v4) == vars(v6)


@given(st.text(max_size=60) | st.from_regex(r"[0-9a-fA-F:.%/]{0,45}", fullmatch=True))
@example("²")
@example("1::/²")
@example("\0")
@example("2001:db8::1\0")
def test_address_texts(text):
    for parse, write in (
        (address.parse_ipv4, address.format_ipv4),
        (address.parse_ipv6, address.format_ipv6),
    ):
        value = value_or(ValueError, parse, text)
        assert value is None or parse(write(value)) == value
    prefix = value_or(ValueError, address.parse_prefix, text)
    assert prefix is None or address.parse_prefix(address.format_prefix(*prefix)) == prefix
    value_or(ValueError, address.parse_prefix, text, address.parse_ipv4, 32)
    identifier = value_or(ValueError, address.parse_interface_id, text)
    assert identifier is None or identifier >> 64 == 0
    mac = value_or(ValueError, address.parse_mac, text)
    assert mac is None or address.format_mac(mac) == text.lower().replace("-", ":")


@given(st.integers(0, (1 << 128) - 1))
def test_ipv6_comes_back(value):
    assert address.parse_ipv6(address.format_ipv6(value)) == value
    assert address.parse_ipv6(address.expand(value)) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


ROWS = {row[0]: row for row in OPTIONS}
METHODS = {row[0]: find(name) for name in names() for row in find(name).options}
ROWS.update({row[0]: row for method in METHODS.values() for row in method.options})


@pytest.mark.parametrize("name", sorted(ROWS))
@given(value=JSON | st.text(st.characters(codec="ascii"), max_size=40))
def test_any_value_of_an_option(name, value):
    method = type("Optional", (METHODS.get(name, find("static")),), {"required": ()})
    config = value_or(ProvisioningError, Config, {"tunlink": "wan6", name: value}, method)
    assert config is None or config[name] is not None or ROWS[name][2] is None


@given(OCTETS | OCTETS.map(lambda data: b"\0\x11" + len(data).to_bytes(2, "big") + data))
def test_any_passthru(data):
    line = Line("wan6", {"data": {"passthru": data.hex()}})
    check_vendor_options(ntt.read_line(line))
    assert all(isinstance(problem, str) for problem in line.problems)


ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "address": st.sampled_from(["2001:db8::", "2001:db8:1::", "fe80::1", "fd00::", "x", "", None]),
        "mask": st.sampled_from([0, 48, 56, 64, 65, 128]),
        "preferred": st.integers(0, 2**32 - 1),
    },
)


@given(st.lists(ENTRY, max_size=4), st.lists(ENTRY, max_size=4))
def test_any_prefixes(prefixes, onlink):
    line = Line("wan6", json.loads(json.dumps({"ipv6-prefix": prefixes, "ipv6-address": onlink})))
    try:
        prefix, length = line.delegated_prefix()
    except ProvisioningError as error:
        assert error.code in CODES
    else:
        assert length <= 64
        assert prefix == address.network(prefix, length)


# Scapy as the oracle: another reader of RFC 8415 must find the same options in the same octets.


def scapy_options(message):
    """[(code, octets)] of a message as scapy builds it, taken from its own fields."""
    found = []
    option = message.payload
    while option:
        raw = bytes(option)[: 4 + option.optlen]
        found.append((option.optcode, raw[4:]))
        option = option.payload
    return found


@given(
    st.lists(st.sampled_from(["2001:db8:53::1", "2001:db8:53::2", "::"]), max_size=4),
    NAME,
    st.lists(SUB_OPTION),
)
def test_scapy_writes_and_we_read(resolvers, name, sub_options):
    vendor = [dhcp6.VENDOR_SPECIFIC_OPTION(optcode=code, optdata=value) for code, value in sub_options]
    mac = "52:54:00:12:34:01"
    message = (
        dhcp6.DHCP6_Reply(trid=1)
        / dhcp6.DHCP6OptClientId(duid=dhcp6.DUID_LL(lladdr=mac))
        / dhcp6.DHCP6OptVendorSpecificInfo(enterprisenum=210, vso=vendor)
        / dhcp6.DHCP6OptDNSServers(dnsservers=resolvers)
        / dhcp6.DHCP6OptDNSDomains(dnsdomains=[name])
    )
    parsed = dhcp6.DHCP6_Reply(bytes(message))
    options = dhcpv6.read_options(bytes(message)[4:])
    assert options == scapy_options(parsed)
    assert options[0] == (1, dhcpv6.duid_ll(address.parse_mac(mac)))
    assert dhcpv6.read_vendor_opts(options[1][1])[0] == 210
    assert list(records(options[1][1][4:], 2, "sub-option")) == sub_options
    assert [address.format_ipv6(value) for value in dhcpv6.read_addresses(options[2][1])] == resolvers
    assert dhcpv6.read_name(options[3][1]) == name


@given(NAME, st.binary(min_size=6, max_size=6), st.lists(st.binary(max_size=20), min_size=1, max_size=3))
def test_we_write_and_scapy_reads(name, mac, classes):
    octets = (
        dhcpv6.write_option(dhcpv6.CLIENT_ID, dhcpv6.duid_ll(mac))
        + dhcpv6.write_option(dhcpv6.VENDOR_CLASS, dhcpv6.write_vendor_class(210, classes))
        + dhcpv6.write_option(24, dhcpv6.write_name(name))
    )
    message = dhcp6.DHCP6_Request(b"\3\0\0\1" + octets)
    assert message[dhcp6.DHCP6OptClientId].duid.lladdr == address.format_mac(mac)
    vendor_class = message[dhcp6.DHCP6OptVendorClass]
    assert vendor_class.enterprisenum == 210
    assert [bytes(item.data) for item in vendor_class.vcdata] == classes
    assert message[dhcp6.DHCP6OptDNSDomains].dnsdomains[0].rstrip(".") == name
    assert bytes(message)[4:] == octets
