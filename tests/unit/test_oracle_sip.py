# SPDX-License-Identifier: Apache-2.0
"""Option 120 and `softwire sip` under random octets and texts, scapy and ipaddress beside us: CPython only."""

import ipaddress
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers.dns import dns_get_str

from softwire import sip
from softwire.codes import CODES
from softwire.dhcpv4 import is_host, read_sip_servers
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.wire import WireError

OCTETS = st.binary(max_size=300)
LABEL = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
NAMES = st.lists(st.lists(LABEL, min_size=1, max_size=3), min_size=1, max_size=4)
# Labels, lengths and pointers are likelier in such octets than in random ones.
NAME_OCTETS = st.lists(
    st.sampled_from(
        [b"\0", b"\1", b"\3", b"\x3f", b"\x40", b"\xc0", b"\xff", b"a", b".", b";", b"\x01a", b"\xc0\0"]
    )
).map(b"".join)

# What may stand in the forms: no value of the line may begin another option, section or comment.
ACCOUNT = re.compile(r'(# )?<sip:[0-9]+@[\w.-]+;transport=udp>(;outbound[12]="sip:[\w.-]+")+;regint=3600')


def servers_or_none(octets):
    try:
        return read_sip_servers(octets)
    except WireError:
        return None


@given(st.lists(st.ip_addresses(v=4), min_size=1, max_size=4))
def test_addresses(addresses):
    octets = b"\1" + b"".join(address.packed for address in addresses)
    assert read_sip_servers(octets) == [str(address) for address in addresses]
    assert [ipaddress.ip_address(text) for text in read_sip_servers(octets)] == addresses


@given(NAMES)
def test_compressed_names(names):
    """Each suffix that was there before is a pointer (RFC 1035 section 4.1.4); read as we and as scapy read it."""
    data, seen = b"", {}
    for labels in names:
        for index, label in enumerate(labels):
            suffix = tuple(labels[index:])
            if suffix in seen:
                data += (0xC000 | seen[suffix]).to_bytes(2, "big")
                break
            seen[suffix] = len(data)
            data += bytes([len(label)]) + label.encode()
        else:
            data += b"\0"
    wanted = [".".join(labels) for labels in names]
    assert read_sip_servers(b"\0" + data) == wanted
    rest, found = data, []
    while rest:
        name, rest = dns_get_str(rest, full=data)[:2]
        found.append(name.decode().rstrip("."))
    assert found == wanted


@given(OCTETS | NAME_OCTETS.map(lambda data: b"\0" + data) | OCTETS.map(lambda data: b"\1" + data))
@example(b"\0" + b"\xc0\0" * 150)
@example(b"\0" + b"\x01a" * 150)
def test_any_octets(octets):
    found = servers_or_none(octets)
    if found is not None:
        assert 0 < len(found) <= len(octets)
        assert all(is_host(server) for server in found)
        if octets[0] == 1:
            assert b"".join(ipaddress.IPv4Address(server).packed for server in found) == octets[1:]


def hexadecimal(octets):
    return octets.hex()


LEASE = st.fixed_dictionaries(
    {},
    optional={
        "sipsrv": st.text(max_size=80) | st.sampled_from(["192.0.2.129", "a.example b.example"]),
        "opt120": st.text(max_size=20) | (OCTETS | st.just(b"\1\xc0\0\2\x81")).map(hexadecimal),
        "opt125": st.text(max_size=20)
        | OCTETS.map(hexadecimal)
        | st.lists(
            st.tuples(
                st.sampled_from([201, 202, 203, 204]),
                st.binary(max_size=20) | st.sampled_from([b"0312", b"\1a\2bc\0"]),
            ),
            max_size=6,
        )
        .map(lambda items: b"".join(bytes([code, len(value)]) + value for code, value in items))
        .map(lambda data: (b"\0\0\0\xd2" + bytes([len(data)]) + data).hex()),
        "refused": st.text(max_size=20),
    },
)


@given(LEASE)
@example({"sipsrv": "192.0.2.129", "opt125": "000000d20aca0430333132cc02016100"})
@example({"sipsrv": "192.0.2.129", "opt125": "000000d20bca0430333132cc03016100"})
def test_any_lease(lease):
    """Whatever the network tells: an error with a code of ours, or configurations in which nothing is smuggled."""
    side = {"up": True, "device": "eth1", "addresses": ["192.0.2.6/30"], "errors": []}
    telephone = sip.Telephone(Line("wan6", {}), side, lease)
    json.dumps(sip.describe(telephone))
    try:
        telephone.check()
    except ProvisioningError as error:
        assert error.code == "NO_SIP_DATA" and error.code in CODES
        return
    accounts = [line for line in sip.baresip(telephone).splitlines() if "<sip:" in line]
    assert len(accounts) == len(telephone.numbers)
    assert all(ACCOUNT.fullmatch(line) for line in accounts)
    assert not accounts[0].startswith("#")
    lines = sip.pjsip(telephone).splitlines()
    assert sum(line.startswith("[") for line in lines) == 6
    assert all(re.fullmatch(r"|;.*|\[[a-z-]+\]|[a-z_]+ = [\w.:@;\\-]+", line) for line in lines)


def silent(_):
    raise ProvisioningError("NETIFD_SILENT", "netifd does not answer")


@pytest.mark.parametrize(
    ("as_json", "form"), [(False, None), (True, None), (False, "baresip"), (False, "pjsip")]
)
@pytest.mark.parametrize(
    ("status_of", "code"), [(lambda _: None, "NO_LINE"), (silent, "NETIFD_SILENT")], ids=["unknown", "silent"]
)
def test_error_is_named(capsys, as_json, form, status_of, code):
    """Standard output stays empty for a program that would take it for a configuration; JSON holds the error."""
    assert sip.main("wan6", as_json, form, status_of, lambda _: None) == 1
    told = capsys.readouterr()
    if as_json:
        assert json.loads(told.out)["error"]["code"] == code and told.err == ""
    else:
        assert told.out == "" and told.err.startswith(f"softwire: {code}: ")
