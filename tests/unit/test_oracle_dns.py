# SPDX-License-Identifier: Apache-2.0
"""The resolver's octets beside scapy's: its questions read, its answers written, names compressed or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softwire import dns

layers = pytest.importorskip("scapy.layers.dns")

label = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
name = st.lists(label, min_size=1, max_size=6).map(".".join)
lifetime = st.integers(0, 0x7FFFFFFF)
address = st.binary(min_size=16, max_size=16)


@given(name)
def test_a_question_reads_the_same(wanted):
    found = layers.DNS(dns.write_query(b"\1\2", wanted, dns.AAAA))
    assert (found.id, found.rd, found.qr, found.opcode) == (0x0102, 1, 0, 0)
    question = found.qd[0]
    assert (question.qname, question.qtype, question.qclass) == (wanted.encode() + b".", dns.AAAA, 1)


@given(name, name, st.lists(st.tuples(address, lifetime), min_size=1, max_size=8), lifetime, st.booleans())
def test_an_answer_reads_the_same(wanted, alias, addresses, alias_lifetime, compressed):
    if alias == wanted:
        alias = "x" + alias
    records = [layers.DNSRR(rrname=wanted, type="CNAME", ttl=alias_lifetime, rdata=alias)]
    for octets, ttl in addresses:
        text = ":".join(octets[at : at + 2].hex() for at in range(0, 16, 2))
        records.append(layers.DNSRR(rrname=alias, type="AAAA", ttl=ttl, rdata=text))
    query = dns.write_query(b"\1\2", wanted, dns.AAAA)
    answer = layers.DNS(id=0x0102, qr=1, rd=1, ra=1, qd=layers.DNSQR(qname=wanted, qtype="AAAA"), an=records)
    if compressed:
        answer = layers.dns_compress(answer)
    values, least, end = dns.read_answer(bytes(answer), query, dns.AAAA)
    assert values == [octets for octets, _ in addresses]
    assert least == min([alias_lifetime] + [ttl for _, ttl in addresses])
    assert end == alias


@given(name, st.lists(st.binary(max_size=255), min_size=1, max_size=4))
def test_texts_read_the_same(wanted, strings):
    query = dns.write_query(b"\1\2", wanted, dns.TXT)
    record = layers.DNSRR(rrname=wanted, type="TXT", ttl=60, rdata=strings)
    answer = layers.DNS(id=0x0102, qr=1, qd=layers.DNSQR(qname=wanted, qtype="TXT"), an=[record])
    values, _, _ = dns.read_answer(bytes(answer), query, dns.TXT)
    assert [dns.read_text(value) for value in values] == [b"".join(strings)]
