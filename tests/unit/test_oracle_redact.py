# SPDX-License-Identifier: Apache-2.0
"""The report's redaction under cases, spellings and surroundings of hypothesis' making: CPython only.

Of no secret, number, MAC address or prefix of a case eight characters in a row are shown, nor eight digits of what they
mean; but for a MAC address' maker and the first 32 bits of a prefix, which are the operator's.
"""

import ipaddress
import json
import shlex
from urllib.parse import quote, quote_plus

from hypothesis import example, given
from hypothesis import strategies as st

from softwire.doctor.redact import Redactor

# Stand-ins are in lower case, so that none of them is part of a secret.
SECRET = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789äöüß€日本😀 '\"\\/%+$`&!#~", min_size=4, max_size=40)
NUMBER = st.from_regex(r"0[1-9][0-9]{8,9}", fullmatch=True)
MAC = st.binary(min_size=6, max_size=6)
PREFIX = st.integers(0x20000000000000, 0x3FFFFFFFFFFFFF)  # a /56
AROUND = st.text("0123456789abcdefABCDEFgxz:.-_ ,;%\\/'\"(){}[]=@\n", max_size=40) | st.text(max_size=20)


def pieces(text, shown=0, size=8):
    """Every so many characters in a row that are not all within the first `shown`, nor could be there by chance."""
    size = min(size, len(text))
    found = {text[at : at + size] for at in range(len(text) - size + 1) if at + size > shown}
    return {piece for piece in found if len(set(piece.lower()) - set(":.-_ ,%\\x")) > 2}


def redact(secrets, known, text):
    """What is shown of it, the same whether it comes as text or as octets."""
    shown = Redactor(secrets, known).text(text)
    assert shown.isascii()
    assert Redactor(secrets, known).text(text.encode()) == shown
    return shown


def digits_of(shown):
    """What is left without all that may stand between digits."""
    return "".join(char for char in shown.lower().replace("\\x", "").replace("0x", "") if char.isalnum())


def written(octets, gap, form="{:02x}"):
    return gap.join(form.format(octet) for octet in octets)


def spelled_secrets(secret):
    octets = secret.encode()
    as_json = json.dumps(secret)[1:-1]
    return [
        secret,
        as_json,
        as_json.replace("/", "\\/"),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        shlex.quote(secret),
        secret.replace("'", "'\\''"),
        json.dumps(shlex.quote(secret)),
        shlex.quote(as_json),
        "".join(char if char.isalnum() else "\\" + char for char in secret),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(quote(secret)),
        written(octets, "", "%{:02x}"),
        written(octets, "", "\\x{:02x}"),
        written(octets, "", "\\{:03o}"),
        "".join(chr(octet) if 48 <= octet < 91 else f"\\x{octet:02X}" for octet in octets),
        octets.hex(),
        octets.hex().upper(),
        "0x" + octets.hex(),
        *(written(octets, gap) for gap in (" ", ":", "-", ", ", ", 0x")),
    ]


def spelled_numbers(number):
    octets = number.encode()
    return [
        number,
        f"{number[:2]}-{number[2:6]}-{number[6:]}",
        f"{number[:3]}-{number[3:6]}-{number[6:]}",
        f"({number[:2]}) {number[2:6]} {number[6:]}",
        f"{number[:4]}.{number[4:6]}.{number[6:]}",
        f"{number[:2]}\N{EN DASH}{number[2:6]}\N{EN DASH}{number[6:]}",
        f"+81{number[1:]}",
        f"+81-{number[1]}-{number[2:6]}-{number[6:]}",
        octets.hex(),
        "ca0a" + octets.hex() + "cb",
        "0x" + octets.hex(),
        *(written(octets, gap) for gap in (" ", ":", ", 0x")),
        written(octets, "", "\\u{:04x}"),
        written(octets, "", "%{:02X}"),
        written(octets, "", "\\{:o}"),
    ]


def spelled_macs(mac):
    digits = mac.hex()
    return [
        digits,
        "0x" + digits,
        ".".join((digits[:4], digits[4:8], digits[8:])),
        "00:03:00:01:" + written(mac, ":"),
        "00030001" + digits,
        "0010000c000000d20006" + digits,
        written(mac, "", "\\x{:02x}"),
        *(written(mac, gap) for gap in (":", "-", ".", " ", "_", " 0x")),
    ]


def spelled_interface_ids(mac):
    found = []
    for first in (mac[0] ^ 2, mac[0]):
        digits = bytes([first, *mac[1:3], 0xFF, 0xFE, *mac[3:]]).hex()
        groups = [digits[at : at + 4] for at in range(0, 16, 4)]
        short = ":".join(group.lstrip("0") or "0" for group in groups)
        found += [digits, ":".join(groups), short, "fe80::" + short, "2001:db8:4000:300:" + short]
        found.append(".".join(reversed(digits)) + ".ip6.arpa")
    return found


def spelled_prefixes(prefix):
    address = ipaddress.IPv6Address(prefix << 72)
    groups = address.exploded[:19]
    digits = groups.replace(":", "")
    return [
        groups,
        address.exploded,
        str(address),
        f"{address}/56",
        f"src:{address}1",
        digits,
        "38" + digits + "0" * 16,
        written(bytes.fromhex(digits), " "),
        written(bytes.fromhex(digits), "", "\\x{:02x}"),
        groups.replace(":", "-"),
        address.reverse_pointer,
    ]


def drawn(data, spelled):
    """One of the spellings, in its letters or in capital ones."""
    text = data.draw(st.sampled_from(spelled))
    return text.upper().replace("X", "x") if data.draw(st.booleans()) else text


def check_digits(known, form, telling, before, after):
    shown = redact([], [known], before + form + after)
    left = digits_of(shown)
    assert not [piece for piece in telling if piece in left], (form, shown)


@given(SECRET, AROUND, AROUND, st.data())
def test_secrets(secret, before, after, data):
    shown = redact([secret], [], before + data.draw(st.sampled_from(spelled_secrets(secret))) + after)
    assert not [piece for piece in pieces(secret) if piece in shown]
    left = digits_of(shown)
    assert not [piece for piece in pieces(secret.encode().hex(), 0, 16) if piece in left], shown


@given(NUMBER, AROUND, AROUND, st.data())
def test_numbers(number, before, after, data):
    form = data.draw(st.sampled_from(spelled_numbers(number)))
    check_digits(number, form, pieces(number[1:]) | pieces(number.encode().hex(), 0, 16), before, after)
    assert not [piece for piece in pieces(form) if piece in redact([], [number], before + form + after)]


@given(MAC, AROUND, AROUND, st.data())
def test_macs(mac, before, after, data):
    check_digits(written(mac, ":"), drawn(data, spelled_macs(mac)), pieces(mac.hex()), before, after)


@given(MAC, AROUND, AROUND, st.data())
def test_interface_ids(mac, before, after, data):
    digits = bytes([mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]]).hex()
    form = drawn(data, spelled_interface_ids(mac))
    check_digits(written(mac, ":"), form, pieces(digits, 8), before, after)


@given(PREFIX, AROUND, AROUND, st.data())
def test_prefixes(prefix, before, after, data):
    known = f"{ipaddress.IPv6Address(prefix << 72)}/56"
    check_digits(known, drawn(data, spelled_prefixes(prefix)), pieces(f"{prefix:014x}", 8), before, after)


@given(st.binary(max_size=400))
@example(b"\xff")
@example(b"%\\")
def test_any_octets(octets):
    assert Redactor(["SECRET%41"], ["52:54:00:12:34:01"]).text(octets).isascii()
