# SPDX-License-Identifier: Apache-2.0
"""DNS in words (RFC 1035): what was asked, and what the resolver has to say."""

import typing

from scapy.layers import dns

PORT = 53
TYPES = {1: "A", 16: "TXT", 28: "AAAA"}
REFUSALS = {2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


def message(packet: typing.Any) -> tuple[str, list[str], bool]:
    """(name, details, whether it refuses) of a datagram from or to a resolver."""
    if dns.DNS not in packet or not packet[dns.DNS].qdcount:
        return "malformed DNS message", [], True
    told = packet[dns.DNS]
    asked = told.qd[0] if isinstance(told.qd, list) else told.qd
    kind = TYPES.get(asked.qtype, f"type {asked.qtype}")
    question = f"{kind} of {asked.qname.decode('ascii', 'replace').rstrip('.')}"
    if not told.qr:
        return "DNS: " + question, [], False
    refused = REFUSALS.get(told.rcode)
    details = [refused] if refused else []
    for number in range(told.ancount):
        record = told.an[number]
        if record.type == asked.qtype:
            texts = record.rdata if isinstance(record.rdata, list) else [record.rdata]
            details.append("".join(text.decode() if isinstance(text, bytes) else str(text) for text in texts))
            details[-1] += f", for {record.ttl} s"
    return "DNS: answer, " + question, details or ["nothing"], bool(refused)
