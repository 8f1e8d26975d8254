# SPDX-License-Identifier: Apache-2.0
"""Queries, responses and the relay messages around them, as octets; sockets and Kea are in kea/."""

import pytest

from softwire.wire import WireError
from softwired import relay
from softwired.dhcp4o6 import information, messages
from tests.softwired import packets

SOURCE = packets.address("fe80::2")


def query(data):
    layers, message = relay.unwrap(data)
    relay.refuse_loop(layers)
    return messages.query(layers, message, "vs", SOURCE, 546)


def test_the_recorded_query():
    """As Kea 2.2.0 was seen to send it: PROTOCOLS section 5, with these names and addresses."""
    found = query(packets.query(packets.bootp(), 0x800000))
    head = (
        "14800000 0011 0024 000009bf ea60 0002 7673 ea61 0010 fe800000000000000000000000000002 ea62 0002 0222"
    )
    assert found.datagram == bytes.fromhex(head) + packets.option(87, packets.bootp())
    assert found.exchange == ("vs", SOURCE, 546, bytes.fromhex("01020304"), packets.MAC + bytes(10))


@pytest.mark.parametrize(("reason", "data"), packets.WRONG)
def test_wrong_queries(reason, data):
    kinds = {"too_many_layers": relay.TooManyLayers, "relay_loop": relay.Loop}
    if reason == "oversize":
        return  # by its length alone, which the server looks at first
    try:
        query(data)
    except messages.Refused as error:
        assert error.kind == reason
    except WireError as error:
        assert isinstance(error, kinds.get(reason, WireError))
    else:
        pytest.fail("nothing was said")


def test_every_truncation_of_a_query():
    data = packets.relayed(packets.query(packets.bootp()), "2001:db8::1")
    for end in range(len(data)):
        with pytest.raises((WireError, messages.Refused)):
            query(data[:end])


def test_a_query_that_grows_too_long():
    """ISC's option may not make it one."""
    data = packets.query(packets.bootp(options=b"\0" * (messages.LONGEST - 300)))
    assert len(data) < messages.LONGEST < len(data) + 50
    with pytest.raises(messages.Refused, match="oversize"):
        query(data)


def test_32_relays():
    layers, message = relay.unwrap(packets.deep(32))
    assert len(layers) == 32 and message == packets.query(packets.bootp())
    assert relay.wrap(layers, message) == packets.deep(32)
    assert len(query(packets.deep(32)).datagram) == len(packets.deep(32)) + 40


def test_a_response_both_ways():
    offer = packets.bootp(2, op=2)
    where = packets.isc("vs", "fe80::2", 546)
    found = messages.response(packets.response(offer, where, 0x800000))
    assert found == (query(packets.query(packets.bootp())).exchange, False, packets.response(offer))
    layered = packets.relayed(packets.response(offer, where), "2001:db8::5", kind=13)
    found = messages.response(layered)
    assert found.relayed and found.datagram == packets.relayed(
        packets.response(offer), "2001:db8::5", kind=13
    )


def test_what_else_is_in_isc_s_option_stays():
    rest = packets.option(5, b"x")
    where = packets.isc("vs", "fe80::2", 546)[4:]
    offer = packets.bootp(2, op=2)
    found = messages.response(packets.response(offer, packets.option(17, where + rest)))
    assert found.datagram == packets.response(offer, packets.option(17, packets.ISC + rest))


def test_every_truncation_of_a_response():
    data = packets.response(packets.bootp(2, op=2), packets.isc("vs", "fe80::2", 546))
    for end in range(len(data)):
        with pytest.raises(messages.Refused):
            messages.response(data[:end])


def test_dhcpds_form_both_ways():
    """As ISC's dhcpd 4.4.3-P1 was seen to write and read it; nothing is put into the message."""
    data = packets.relayed(packets.query(packets.bootp()), "2001:db8::1")
    layers, message = relay.unwrap(data)
    found = messages.query(layers, message, "vs", SOURCE, 546, "dhcpd")
    head = b"vs" + bytes(14) + SOURCE + b"\x02\x22\0\0"
    assert found.datagram == head + data
    offer = packets.bootp(2, op=2)
    answer = messages.response(head + packets.response(offer, flags=0x800000), "dhcpd")
    assert answer == (found.exchange, False, packets.response(offer))
    foreign = packets.response(offer, packets.isc("vs", "fe80::2", 546))
    assert messages.response(head + foreign, "dhcpd").datagram == foreign
    for end in range(len(head)):
        with pytest.raises(messages.Refused, match="malformed"):
            messages.response(head[:end], "dhcpd")


def test_relay_messages_of_two_kinds():
    data = packets.relayed(packets.relayed(packets.query(packets.bootp()), kind=13))
    with pytest.raises(WireError):
        relay.unwrap(data)


def test_the_same_relay_for_two_interfaces_is_no_loop():
    data = packets.query(packets.bootp())
    for number in range(2):
        data = packets.relayed(data, "::", "fe80::9", packets.option(18, bytes([number])))
    relay.refuse_loop(relay.unwrap(data)[0])


def test_an_information_request_without_its_end():
    data = packets.information_request(88)
    for end in range(len(data)):
        try:
            assert information.answer(data[:end], b"\0\3", [], 600) is None
        except WireError:
            pass
    assert information.answer(data, b"\0\3", [], 600)
