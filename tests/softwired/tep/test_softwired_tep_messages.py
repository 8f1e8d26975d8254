# SPDX-License-Identifier: Apache-2.0
"""What a server may ask for, by the sections of the profile (draft-bound-dstm-exp-00, appendix C); what is refused."""

import ipaddress

import pytest

from softwire import tsp
from softwired.tep import learning, messages, sharing

OWN = ipaddress.IPv6Address("2001:db8:b::1")
PREFIXES = [ipaddress.IPv4Network("198.51.100.0/24")]
NODE = int(ipaddress.IPv6Address("2001:db8:c::7"))
LINK_LOCAL = int(ipaddress.IPv6Address("fe80::7"))
ADDRESS = int(ipaddress.IPv4Address("198.51.100.7"))


def asked(message):
    return messages.request(tsp.read_message(message.xml()), PREFIXES, OWN)


def test_c_2_1_create_with_the_global_ipv6_and_the_allocated_ipv4_address():
    found = asked(tsp.Message("create", tsp.Side(ADDRESS, [NODE])))
    assert found == ("create", ADDRESS.to_bytes(4, "big"), NODE.to_bytes(16, "big"), None)


def test_c_2_3_delete_with_both_addresses():
    assert asked(tsp.Message("delete", tsp.Side(ADDRESS, [NODE]))).action == "delete"


def test_c_3_2_the_link_local_address_may_be_told_too():
    found = asked(tsp.Message("create", tsp.Side(ADDRESS, [LINK_LOCAL, NODE])))
    assert found.ipv6 == NODE.to_bytes(16, "big")


def test_c_2_1_info_has_the_border_routers_addresses():
    request = asked(tsp.Message("create", tsp.Side(ADDRESS, [NODE])))
    told = tsp.read_message(messages.info(request, OWN, ipaddress.IPv4Address("203.0.113.1")).xml())
    assert (told.action, told.type) == ("info", "v4v6")
    assert (told.server.ipv4, told.server.ipv6) == (int(ipaddress.IPv4Address("203.0.113.1")), [int(OWN)])
    assert (told.client.ipv4, told.client.ipv6) == (ADDRESS, [NODE])


@pytest.mark.parametrize("action", ["info", "accept", "reject"])
def test_what_needs_no_answer(action):
    assert asked(tsp.Message(action, tsp.Side(ADDRESS, [NODE]))) is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (tsp.TUNNEL_TYPE, tsp.Message("create", tsp.Side(ADDRESS, [NODE]), type="v6v4")),
        (tsp.BAD_IPV4, tsp.Message("create", tsp.Side(None, [NODE]))),
        (tsp.BAD_IPV4, tsp.Message("create", tsp.Side(int(ipaddress.IPv4Address("192.0.2.1")), [NODE]))),
        (tsp.BAD_IPV6, tsp.Message("create", tsp.Side(ADDRESS, []))),
        (tsp.BAD_IPV6, tsp.Message("create", tsp.Side(ADDRESS, [LINK_LOCAL]))),
        (tsp.BAD_IPV6, tsp.Message("create", tsp.Side(ADDRESS, [NODE, NODE + 1]))),
        (tsp.BAD_IPV6, tsp.Message("create", tsp.Side(ADDRESS, [int(OWN)]))),
        (tsp.BAD_IPV6, tsp.Message("create", tsp.Side(ADDRESS, [0xFF02 << 112 | 1]))),
        (tsp.BAD_IPV6, tsp.Message("create", tsp.Side(ADDRESS, [0]))),
        (tsp.BAD_IPV6, tsp.Message("create", tsp.Side(ADDRESS, [1]))),
        (tsp.BAD_IPV6, tsp.Message("create", tsp.Side(ADDRESS, [0xFFFF << 32 | ADDRESS]))),
        (tsp.TEP_ERROR, tsp.Message("create", tsp.Side(ADDRESS, [NODE], (1024, 2047)))),
    ],
)
def test_what_is_refused(code, message):
    with pytest.raises(messages.Refused) as found:
        asked(message)
    assert found.value.code == code


def test_a_learned_sender():
    outer = bytes([0x60, 0, 0, 0, 0, 20, 4, 64]) + NODE.to_bytes(16, "big") + OWN.packed
    inner = bytes([0x45]) + bytes(11) + ADDRESS.to_bytes(4, "big") + bytes(4)
    found = (NODE.to_bytes(16, "big"), ADDRESS.to_bytes(4, "big"))
    assert learning.sender(outer + inner) == found
    options = outer[:6] + bytes([60]) + outer[7:] + bytes([4, 0, 1, 4, 0, 0, 0, 0]) + inner
    assert learning.sender(options) == found
    for end in range(len(outer + inner)):
        assert learning.sender((outer + inner)[:end]) is None
    for end in range(len(options)):
        assert learning.sender(options[:end]) is None
    # An extension header that says it is longer than the packet, and what is no IPv4 in IPv6.
    assert learning.sender(outer[:6] + bytes([60]) + outer[7:] + bytes([60, 255]) + bytes(30)) is None
    assert learning.sender(outer[:6] + bytes([41]) + outer[7:] + inner) is None


SHARED = [sharing.Shared(ipaddress.IPv4Network("198.51.100.0/28"), 2048)]


def test_a_range_of_a_shared_address():
    """Appendix B by TSP: a slot is the address and where its range begins; Info says all of it again."""
    message = tsp.Message("create", tsp.Side(ADDRESS, [NODE], (4096, 6143)))
    found = messages.request(message, PREFIXES, OWN, SHARED)
    assert found.slot == ADDRESS.to_bytes(4, "big") + b"\x10\0" and sharing.table(found.slot) == 0x36531000
    assert sharing.shown(found.slot, SHARED) == "198.51.100.7 ports 4096-6143"
    told = messages.info(found, OWN, ipaddress.IPv4Address("203.0.113.1"))
    assert (told.client.ipv4, told.client.ports) == (ADDRESS, (4096, 6143))


@pytest.mark.parametrize("ports", [None, (), (4096, 6144), (4095, 6142), (4096, 8191), (0, 65535)])
def test_what_is_no_range_of_it(ports):
    message = tsp.Message("create", tsp.Side(ADDRESS, [NODE], ports))
    with pytest.raises(messages.Refused) as found:
        messages.request(message, PREFIXES, OWN, SHARED)
    assert found.value.code == tsp.TEP_ERROR and "a range of 2048 would be right" in str(found.value)
    # The end of what was never there is no error.
    message.action = "delete"
    assert messages.request(message, PREFIXES, OWN, SHARED).action == "delete"
