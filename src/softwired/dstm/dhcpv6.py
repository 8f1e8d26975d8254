# SPDX-License-Identifier: Apache-2.0
"""DHCPv6's messages about an IA_DSTM: what a client asks for, and how it is answered (appendices A and B; RFC 8415).

It knows no sockets and no leases. The addresses of a client are those of one end of a tunnel, which it names itself in
a DSTM Tunnel Endpoint option of its own inside the IA_DSTM, our addition: the draft's server knows whom it gives an
address, and not where packets for it go.
"""

from __future__ import annotations

import hashlib
import ipaddress
import typing

from softwire import iadstm
from softwire.dhcpv6 import CLIENT_ID, only, read_message, write_message
from softwire.iadstm import Association

SOLICIT, ADVERTISE, REQUEST, RENEW, REBIND, REPLY, RELEASE, DECLINE = 1, 2, 3, 5, 6, 7, 8, 9
SERVER_ID, OPTION_REQUEST, RAPID_COMMIT, RECONFIGURE_ACCEPT = 2, 6, 14, 20
# RFC 8415 sections 16.2 to 16.9: what has to name this server, and what must not name one.
TO_ANY, TO_US = (SOLICIT, REBIND), (REQUEST, RENEW, RELEASE, DECLINE)
# Octets of a user's name in the store.
LONGEST = 64


class Question(typing.NamedTuple):
    """One client's message. `node` is where its tunnel ends, None where it does not tell; ipv4: what it holds."""

    kind: int
    transaction: int
    client: bytes
    rapid: bool
    # Whether it takes a Reconfigure.
    reconfigures: bool
    # Whether it asks for the DSTM Ports option, and so can do with a range of ports.
    shares: bool
    ia: Association
    node: ipaddress.IPv6Address | None
    ipv4: int | None

    @property
    def user(self) -> str:
        """The client as the store knows it."""
        text = "duid:" + self.client.hex()
        return text if len(text) <= LONGEST else "duid:" + hashlib.sha256(self.client).hexdigest()[:50]


def question(message: bytes, duid: bytes, codes: tuple[int, int, int]) -> Question | None:
    """None for what is not for us, or not about an IA_DSTM; WireError for what is malformed."""
    kind, transaction, options = read_message(message)
    if kind not in TO_ANY + TO_US:
        return None
    associations = iadstm.found(options, codes)
    if not associations:
        return None
    client = only(options, CLIENT_ID)
    named = [value for code, value in options if code == SERVER_ID]
    if named != ([duid] if kind in TO_US else []):
        return None
    # An address has one node: who sends more of them gets one.
    ia = associations[0]
    node = ipaddress.IPv6Address(ia.teps[0]) if ia.teps else None
    ipv4 = ia.addresses[0][0] if ia.addresses else None
    rapid, reconfigures = (
        any(code == wanted for code, _ in options) for wanted in (RAPID_COMMIT, RECONFIGURE_ACCEPT)
    )
    wanted = codes[2].to_bytes(2, "big")
    shares = any(
        wanted in (value[at : at + 2] for at in range(0, len(value), 2))
        for code, value in options
        if code == OPTION_REQUEST
    )
    return Question(kind, transaction, client, rapid, reconfigures, shares, ia, node, ipv4)


def given(ia: Association, ipv4: int, lifetime: int, tep: int, ports: tuple[int, int] | None) -> Association:
    """What a client gets. Section 4: "Recommended values for T1 and T2 are .5 and .8 times the shortest preferred
    lifetime"."""
    found = Association(ia.iaid, lifetime // 2, lifetime * 4 // 5)
    found.addresses.append((ipv4, lifetime, lifetime))
    found.teps.append(tep)
    found.ports = ports
    return found


def refused(ia: Association, code: int, text: str) -> Association:
    """Section 4: "The status of any operations involving this IA is indicated in a Status Code option"."""
    found = Association(ia.iaid)
    found.status = code, text
    return found


def answer(
    asked: Question,
    duid: bytes,
    codes: tuple[int, int, int],
    ia: Association | None,
    advertise: bool = False,
    more: typing.Sequence[tuple[int, bytes]] = (),
) -> bytes:
    """The message; ia: None where what was asked for is done (a Release); more: further options."""
    options = [(CLIENT_ID, asked.client), (SERVER_ID, duid)]
    if asked.kind == SOLICIT and not advertise:
        options.append((RAPID_COMMIT, b""))
    if ia is None:
        options.append((iadstm.STATUS, iadstm.status(iadstm.SUCCESS, "")))
    head: bytes = write_message(ADVERTISE if advertise else REPLY, asked.transaction, [*options, *more])
    return head if ia is None else head + typing.cast(bytes, iadstm.write(ia, codes))
