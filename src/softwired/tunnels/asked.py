# SPDX-License-Identifier: Apache-2.0
"""What strangers send: who they are, and an IPv4 address, nicname, country or name server that can be had, or why not.

A fault is a word of ours, which the page translates.
"""

from __future__ import annotations

import ipaddress
import re
import types
import typing

from softwired.tunnels import passwords

Environ = typing.Mapping[str, typing.Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# IANA's registry of special addresses (RFC 6890), and why nobody has a tunnel to one of them.
SPECIAL = [
    (ipaddress.IPv4Network(network), why)
    for network, why in (
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("100.64.0.0/10", "shared"),
        ("127.0.0.0/8", "special"),
        ("169.254.0.0/16", "special"),
        ("0.0.0.0/8", "special"),
        ("192.0.0.0/24", "special"),
        ("192.0.2.0/24", "documentation"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("192.88.99.0/24", "special"),
        ("198.18.0.0/15", "special"),
        ("224.0.0.0/3", "special"),
    )
]
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Names that mean something, or say who runs the service (RFC 2142 and what people call servers).
RESERVED = set(
    "www mail smtp imap pop mx ns ns1 ns2 dns ftp localhost local root admin administrator hostmaster postmaster"
    " webmaster abuse noc security info support sales wpad autoconfig autodiscover isatap gateway router server"
    " broadcasthost ipv4 ipv6 tunnel tunnels status api example test invalid onion".split()
)
# A few words that no host is called by, wherever they stand.
UGLY = ("fuck", "shit", "cunt", "nigger", "hitler", "porn", "rape")
COUNTRIES = set(
    "ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz"
    " ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et fi fj fk fm fo"
    " fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je"
    " jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo"
    " mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw"
    " py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm"
    " tn to tr tt tv tw tz ua ug um us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw".split()
)


class Fault(Exception):
    """A word that says what is wrong."""


class Asker(typing.NamedTuple):
    """Where a request came from; `proxy`: somebody between us says that it is another's."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    proxy: bool

    @property
    def ipv4(self) -> str:
        """'' for one that has none here."""
        return str(self.address) if self.address.version == 4 else ""

    @property
    def person(self) -> str:
        """What limits count by: the address, of IPv6 the /64."""
        return self.ipv4 or str(ipaddress.ip_network((str(self.address), 64), strict=False))

    @property
    def network(self) -> str:
        return str(ipaddress.ip_network((str(self.address), 24 if self.ipv4 else 48), strict=False))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def asker(environ: Environ, proxies: typing.Sequence[Network]) -> Asker:
    """X-Forwarded-For is believed from the right, as far as proxies of ours wrote it."""

    def ours(one: typing.Any) -> bool:
        return any(one.version == network.version and one in network for network in proxies)

    found = _address(str(environ.get("REMOTE_ADDR", ""))) or ipaddress.IPv6Address("::")
    forwarded = [
        part for part in str(environ.get("HTTP_X_FORWARDED_FOR", ""))[:1000].split(",") if part.strip()
    ]
    while forwarded and ours(found):
        told = _address(forwarded.pop())
        if told is None:
            break
        found = told
    return Asker(found, bool(forwarded) or bool(environ.get("HTTP_VIA") or environ.get("HTTP_FORWARDED")))


def scheme(environ: Environ, proxies: typing.Sequence[Network]) -> str:
    """http or https, as the person's browser has it."""
    near = _address(str(environ.get("REMOTE_ADDR", "")))
    ours = near is not None and any(near.version == one.version and near in one for one in proxies)
    told = str(environ.get("HTTP_X_FORWARDED_PROTO", "")) if ours else ""
    return "https" if "https" in (told, environ.get("wsgi.url_scheme")) else "http"


def host(environ: Environ) -> str:
    """What the page was called by; localhost for anything that is no host."""
    told = str(environ.get("HTTP_HOST", ""))
    return (
        told
        if re.fullmatch(r"[A-Za-z0-9.-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?", told)
        else "localhost"
    )


def cookie(environ: Environ, name: str) -> str:
    """A cookie of ours, 32 hexadecimal digits; '' without one, whatever else there is."""
    match = re.search(
        rf"(?:^|;) *{name}=([0-9a-f]{{32}}) *(?:;|$)", str(environ.get("HTTP_COOKIE", ""))[:4000]
    )
    return match[1] if match else ""


def ipv4(text: str, page: types.SimpleNamespace, ours: ipaddress.IPv4Address) -> str:
    """A client's address, as it is written; Fault."""
    try:
        address = ipaddress.IPv4Address(text.strip())
    except ValueError:
        raise Fault("no_ipv4") from None
    if address == ours:
        raise Fault("own")
    if any(address in network for network in page.refuse):
        raise Fault("refused")
    if any(address in network for network in page.allow):
        return str(address)
    for network, why in SPECIAL:
        if address in network:
            raise Fault(why)
    return str(address)


def nicname(text: str, reserved: typing.Sequence[str]) -> str:
    """One label of a name; Fault."""
    name = text.strip().lower()
    if not LABEL.fullmatch(name) or name[2:4] == "--" or name.isdigit():
        raise Fault("no_nicname")
    patterns = (re.escape(one).replace(r"\*", ".*") for one in reserved)
    plain = name.replace("-", "").translate(str.maketrans("013457", "oieast"))
    if name in RESERVED or any(re.fullmatch(one, name) for one in patterns):
        raise Fault("reserved")
    if any(word in plain for word in UGLY):
        raise Fault("reserved")
    return name


def account(text: str) -> str:
    """The name of an account; Fault."""
    name = text.strip().lower()
    if not re.fullmatch(r"[a-z][a-z0-9._-]{2,31}", name):
        raise Fault("no_account")
    if name in RESERVED:
        raise Fault("account_reserved")
    return name


def password(text: str, name: str) -> str:
    """A new one; Fault."""
    if len(text) < passwords.LEAST:
        raise Fault("password_short")
    if len(text) > passwords.MOST:
        raise Fault("password_long")
    if "\0" in text or text.strip().lower() == name or len(set(text)) < 4:
        raise Fault("password_weak")
    return text


def country(text: str) -> str:
    """ISO 3166-1's two letters; Fault."""
    code = text.strip().lower()
    if code not in COUNTRIES:
        raise Fault("no_country")
    return code


def length(text: str) -> int:
    """Of the prefix that is to be routed; Fault."""
    if not re.fullmatch(r"[0-9]{1,2}", text):
        raise Fault("no_routed")
    return int(text)


def nameservers(text: str) -> list[str]:
    """Host names with blanks or commas between, at most five; Fault."""
    found = [one.rstrip(".").lower() for one in re.split(r"[\s,]+", text.strip()) if one]
    for one in found:
        if len(one) > 190 or "." not in one or not all(LABEL.fullmatch(label) for label in one.split(".")):
            raise Fault("no_nameserver")
    if len(found) > 5:
        raise Fault("no_nameserver")
    return found
