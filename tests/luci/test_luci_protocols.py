# SPDX-License-Identifier: Apache-2.0
"""The protocols' pages in a real browser: filled in wrongly and rightly, and what of it reaches uci."""

import copy
import re

import pytest

from softwire import codes, config, provisioning
from softwire.config import Config
from softwire.errors import ProvisioningError
from tests.luci.server import TREE

METHODS = provisioning.names()
# What a method cannot do without, as one types it.
NEEDED = {
    "softbank": {"auth_server": ["2001:db8::1"], "shared_secret": "s3cret", "password": "word"},
    "static": {"peeraddr": "2001:db8:b::1", "ipaddr": "192.0.2.1"},
    "tsp": {"server": ["2001:db8::1"], "user_name": "me", "password": "word"},
    "auto": {"auth_server": ["2001:db8::1"], "shared_secret": "s3cret", "password": "word"},
    "hb46pp": {"user_name": "me", "password": "word"},
}


def table(page):
    """The pages' own table of options, in values that can leave the browser."""
    page.interface("wan")
    return page.page.evaluate("""() => L.require('softwire.options').then(options => {
        const plain = rows => rows.map(row => Object.assign({}, row, { check: null }));
        const methods = {};

        for (let name in options.methods)
            methods[name] = plain(options.methods[name].rows);

        return { methods: methods, common: plain(options.common), flets: plain(options.flets) };
    })""")


def fallback(row):
    """What the page says of a missing value, as the helper has it."""
    value = row.get("fallback")
    return "" if value is None else value


def shown(value):
    """A default of the helper's as it would be written."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return "1111:1111:1111:1111" if value == 0x1111111111111111 else str(value)


def test_the_table_is_the_helpers(page):
    found = table(page)
    assert sorted(found["methods"]) == METHODS
    ours = [
        (name, shown(default))
        for name, _, default in config.OPTIONS
        if name not in ("tunlink", "provisioning")
    ]
    assert sorted((row["name"], fallback(row)) for row in found["common"]) == sorted(ours)
    for name in METHODS:
        method, rows = provisioning.find(name), found["methods"][name]
        assert [(row["name"], fallback(row)) for row in rows] == [
            (option, shown(default)) for option, _, default in method.options
        ]
        for word, names in (
            ("list", method.lists),
            ("secret", method.secrets),
            ("required", [row[0] for row in method.required]),
        ):
            assert sorted(row["name"] for row in rows if row.get(word)) == sorted(names), (name, word)


# Values that some option takes and others do not; most are near an edge. Not 'True', as which netifd's boolean comes.
VALUES = """0 1 2 15 16 17 19 20 60 67 68 253 254 255 256 1812 65495 65496 65535 65536 86400 86401 2592000 2592001
-1 +1 1.5 1e3 0x10 007 auto next cross off send require none on true wan wan6 sw-wan a.b a_b a/b a,b a@b
a..b .a a. example.org 1.2.3 192.0.2.1 192.0.2.256 192.0.2.01 192.0.2.1/29 192.0.2.0/29 192.0.2.7/29 192.0.2.7/31
192.0.2.1/0 192.0.2.1/32 192.0.2.1/33 192.0.2.1/ 192.0.2.1/a 0.0.0.1 127.0.0.1 169.254.1.1 224.0.0.1 255.255.255.255
223.255.255.255 192.0.0.1 192.0.0.2 192.0.0.6 192.0.0.7
2001:db8::1 2001:DB8::1 2001:db8::/56 2001:db8::/15 2001:db8::/16 2001:db8::/64 2001:db8::/65 2001:db8::/128
2001:db8::1/64 2001:db8::/ 2001:db8::/5a 2001:db8::/56/1 fe80::/64 fd00::/48 ::/16 ff02::/16
:: ::1 ::2 1::2::3 :1 1: ::1: 1:2:3:4 1:2:3:4:5 0:0:0:1 0:0:0:2 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7::
1::3:4:5:6:7:8 1::2:3:4:5:6:7:8 12345::1 ::ffff:192.0.2.1 ::192.0.2.1 2001:db8::192.0.2.1 2001:db8::192.0.2 1.2.3.4::
fe80::1 fe80::1%eth0 fec0::1 fd00::1 ff02::1:2 ff0e::1 2001:db8::g ::ffff 1111:1111:1111:1111 ::1111:1111:1111:1111
00:00:5e:00:53:01 00-00-5e-00-53-01 00:00-5e:00-53:01 00005e005301 0:0:5e:0:53:1 00:00:5e:00:53:0g 00:00:5e:00:53
00:00:5e:00:53:01:02 00030001 0003 000300015254 00030001525400123456 0003000 00zz01 0x0003""".split()
VALUES += [
    " ", "a b", "a\tb", "a\x01b", "パスワード", "x" * 60, "x" * 61, "x" * 253, "x" * 254, "あ" * 20, "あ" * 21,
    "00005e", "00005E", "00005", "00005e-", "00005e-router", "00005e-a_b", "00005e-a-b", "00005e-" + "x" * 24,
    "00005e-" + "x" * 25, "x" * 32, "x" * 33, "a-b", "seconds", "minutes",
    "x" * 63 + ".example", "x" * 64 + ".example", ".".join(["x" * 62] * 4), ".".join(["x" * 63] * 4), "aa" * 130,
    "aa" * 131,
]  # fmt: skip


def takes(check, value):
    try:
        check(value)
    except ValueError:
        return False
    return True


def test_the_checks_are_the_helpers(page):
    """Every value for every option: the page takes what the helper takes, and nothing else."""
    page.interface("wan")
    for name in METHODS:
        compare_checks(page, name)


def compare_checks(page, name):
    method = provisioning.find(name)
    rows = [row for row in config.OPTIONS if row[0] not in ("tunlink", "provisioning")] + list(method.options)
    said = page.page.evaluate(
        """([method, names, values]) => L.require('softwire.options').then(options => names.map(
            name => values.map(value => options.check(method, name, value))))""",
        [name, [row[0] for row in rows], VALUES],
    )
    for (option, check, _), answers in zip(rows, said, strict=True):
        for value, answer in zip(VALUES, answers, strict=True):
            assert (answer is True) == takes(check, value), (option, value, answer)
            assert answer is True or "would be right" in answer, (option, value, answer)


PORT_SETS = [
    {"psid": psid, "psidlen": length, "offset": offset, "ip6addr": own}
    for psid in ("", "0", "52", "63", "64")
    for length in ("", "0", "6", "16")
    for offset in ("", "10", "11")
    for own in ("", "2001:db8::2", "2001:db8:b:0::1")
]


def test_what_fixed_parameters_mean_together(page):
    page.interface("wan")
    base = {"tunlink": "wan6", "peeraddr": "2001:db8:b::1", "ipaddr": "192.0.2.1"}
    said = page.page.evaluate(
        """sets => L.require('softwire.options').then(options => sets.map(set => Object.keys(set).map(
            name => options.check('static', name, set[name], other => set[other] || '')).filter(
            said => said !== true).length == 0))""",
        [{**base, **one} for one in PORT_SETS],
    )
    method = provisioning.find("static")
    for one, taken in zip(PORT_SETS, said, strict=True):
        try:
            method(Config({**base, **one}, method))
        except ProvisioningError:
            assert not taken, one
        else:
            assert taken, one
    assert {True, False} == set(said)


def test_a_login_is_whole_or_not_there(page):
    page.interface("wan")
    for login in ({"user_name": "a"}, {"password": "b"}, {"user_name": "a", "password": "b"}, {}):
        taken = page.page.evaluate(
            """set => L.require('softwire.options').then(options => [ 'user_name', 'password' ].every(
                name => options.check('hb46pp', name, set[name] || '', other => set[other] || '') === true))""",
            login,
        )
        assert taken == (len(login) != 1)


def test_every_error_code_is_told(page):
    page.interface("wan")
    texts = page.page.evaluate("""() => L.require('softwire.codes').then(codes => {
        const found = {};

        for (let code in codes.codes)
            found[code] = codes.text(code);

        return found;
    })""")
    assert set(texts) == set(codes.CODES)
    assert all(text.endswith(f"({code})") and len(text) > len(code) + 20 for code, text in texts.items())
    # It is what LuCI shows beside an interface, in a line that it breaks nowhere by itself.
    assert page.page.evaluate("() => window.shown.errors") == [texts["NO_ANSWER"]]
    spaces = page.page.evaluate(
        """() => [ 'wan-ifc-description', 'wan-ifc-status', 'other' ].map(id => {
            const line = E('span', { 'class': 'nowrap', 'style': id == 'other' ? 'white-space: nowrap' : null });

            document.body.appendChild(E('div', { 'id': id }, [ line ]));
            return getComputedStyle(line).whiteSpace;
        })"""
    )
    assert spaces == ["normal", "normal", "nowrap"]


def test_names(page):
    page.interface("wan")
    told = page.page.evaluate(
        "() => { const s = window.shown; return [s.i18n, s.device, s.packages, s.network.isVirtual(),"
        " s.network.isFloating(), s.network.getDevices()]; }"
    )
    assert told == ["Softwire (IPv4 over IPv6)", "sw-wan", ["softwire", "softwire"], True, True, None]
    page.interface("wan6")
    assert page.page.evaluate("() => [window.shown.device, window.shown.packages]") == [
        "eth1",
        ["softwire"] * 2,
    ]


def test_options_by_method(page):
    """The form shows a method's own options, and those of no other; nobody can read a secret over the shoulder."""
    page.interface("wan")
    for name in METHODS:
        page.choose("provisioning", name)
        own = {row[0] for row in provisioning.find(name).options}
        common = {row[0] for row in config.OPTIONS}
        assert {option for option in provisioning.known() if page.visible(option)} == own | common
    for option in ("shared_secret", "password"):
        assert page.input(option).get_attribute("type") == "password"


def fill(page, options):
    for option, value in options.items():
        if isinstance(value, list):
            for item in value:
                page.add(option, item)
        elif value in ("off", "send", "require", "next", "cross"):
            page.choose(option, value)
        else:
            page.type(option, value)


def empty(router):
    """A softwire of which nothing is known but its line."""
    section = router.uci.committed["network"]["wan"]
    for name in [name for name in section if not name.startswith(".") and name not in ("proto", "tunlink")]:
        del section[name]
    router.uci.staged = copy.deepcopy(router.uci.committed)


# What LuCI of 23.05 writes although it is the default.
DEFAULTS = {
    "lifetime_unit": "auto",
    "line_type": "auto",
    "message_authenticator": "off",
    "reqaddress": "none",
}


def staged(router, name="wan"):
    """What the form has written, without values that a missing option has as well."""
    return {
        option: value
        for option, value in router.uci.staged["network"][name].items()
        if not option.startswith(".") and DEFAULTS.get(option) != value
    }


@pytest.mark.parametrize("name", METHODS)
def test_filled_in_rightly(page, router, name):
    """What reaches uci is what was typed, and the helper takes it."""
    empty(router)
    page.interface("wan")
    page.choose("provisioning", name)
    wanted = {**NEEDED.get(name, {}), "mtu": "1400", "interface_id": "2222:2222:2222:2222"}
    fill(page, wanted)
    assert page.save() is True
    found = staged(router)
    assert found == {"proto": "softwire", "tunlink": "wan6", "provisioning": name, **wanted}
    provisioning.load(found)


def test_every_option_of_softbank(page, router):
    empty(router)
    page.interface("wan")
    wanted = {
        "auth_server": ["2001:db8::1", "radius.example.org"], "auth_port": "1645", "shared_secret": "s 'e\"cret",
        "password": "パスワード", "line_type": "cross", "user_name": "user", "mac": "00:00:5e:00:53:01",
        "manufacturer": "m", "software_version": "s", "hardware_version": "h", "message_authenticator": "require",
        "nas_identifier": "id", "reauth": "600", "ip6prefix": "2001:db8:1::/56", "mtu": "1280", "ttl": "32",
        "watch": "0", "zone": "wan2", "interface_id": "::5",
    }  # fmt: skip
    fill(page, wanted)
    page.tick("nas_ipv6_address")
    assert page.save() is True
    found = staged(router)
    assert found == {
        "proto": "softwire", "tunlink": "wan6", "provisioning": "softbank", "nas_ipv6_address": "1", **wanted
    }  # fmt: skip
    provisioning.load(found)


WRONG = (
    ("mtu", "67", "a number from 68 to 65495"),
    ("mtu", "1400.5", "a number from 68 to 65495"),
    ("interface_id", "::1", "the LAN's"),
    ("ip6prefix", "fe80::/64", "a global prefix from /16 to /64"),
    ("shared_secret", "", "empty"),
    ("mac", "00:00:5e", "00:00:5e:00:53:01"),
)


def test_filled_in_wrongly(page, router):
    """The field says what would be right, and nothing reaches uci."""
    before = staged(router)
    page.interface("wan")
    for option, value, right in WRONG:
        was = page.input(option).input_value()
        page.type(option, value)
        assert right in page.complaint(option)
        assert page.save() is not True
        assert staged(router) == before
        page.type(option, was)
        assert page.complaint(option) is None
    page.add("auth_server", "not a host")
    assert "would be right" in page.complaint("auth_server")
    assert staged(router)["auth_server"] == ["2001:db8:1812::1"]


@pytest.mark.parametrize(("method", "name"), [("softbank", "auth_server"), ("tsp", "server")])
def test_a_list_without_an_item(page, router, method, name):
    """The helper refuses it where the method cannot do without."""
    empty(router)
    page.interface("wan")
    page.choose("provisioning", method)
    fill(page, {option: value for option, value in NEEDED[method].items() if option != name})
    assert page.save() is not True
    assert "empty" in page.complaint(name)
    page.add(name, NEEDED[method][name][0])
    assert page.complaint(name) is None
    assert page.save() is True
    assert staged(router)[name] == NEEDED[method][name]


def test_a_line_that_is_gone(page, router):
    """Nothing else is put into its place unless somebody chooses it."""
    router.uci.staged["network"]["wan"]["tunlink"] = "gone"
    page.interface("wan")
    page.type("mtu", "1400")
    assert page.save() is not True
    assert "empty" in page.complaint("tunlink")
    assert staged(router)["tunlink"] == "gone"
    page.choose("tunlink", "wan6")
    assert page.complaint("tunlink") is None
    assert page.save() is True
    assert staged(router)["tunlink"] == "wan6"


def test_another_method_takes_the_old_ones_options_away(page, router):
    page.interface("wan")
    page.choose("provisioning", "dslite")
    assert page.save() is True
    assert staged(router) == {"proto": "softwire", "tunlink": "wan6", "provisioning": "dslite"}


def test_a_method_that_looks_at_others_options_keeps_them(page, router):
    router.uci.staged["network"]["wan"].update({"line_type": "cross", "persist": "1"})
    page.interface("wan")
    page.choose("provisioning", "auto")
    assert page.save() is True
    found = staged(router)
    assert (found["provisioning"], found["line_type"], found["persist"]) == ("auto", "cross", "1")


def test_fixed_parameters_typed_one_after_the_other(page, router):
    """A value that is wrong beside another one is right again once the other is."""
    empty(router)
    page.interface("wan")
    page.choose("provisioning", "static")
    fill(page, {**NEEDED["static"], "psid": "52"})
    assert "would be right" in page.complaint("psid")
    assert page.save() is not True
    page.type("psidlen", "6")
    assert page.complaint("psid") is None
    assert page.save() is True
    assert staged(router)["psid"] == "52"


def test_the_line(page, router):
    page.map = "network.wan6"
    page.interface("wan6")
    assert not page.visible("voip_zone")
    page.tick("voip")
    assert page.visible("voip_zone")
    page.tick("norelease", False)
    page.type("reqprefix", "no")
    page.type("mac", "00:00:5e:00:53:01")
    page.add("reqopts", "24")
    assert page.save() is True
    assert staged(router, "wan6") == {
        "device": "eth1", "proto": "flets", "voip": "1", "norelease": "0", "reqprefix": "no",
        "mac": "00:00:5e:00:53:01", "reqopts": ["24"],
    }  # fmt: skip
    for option, value in (("reqprefix", "half"), ("clientid", "123"), ("mac", "0"), ("soltimeout", "0")):
        page.type(option, value)
        assert "would be right" in page.complaint(option)
        page.type(option, "")


def test_the_lines_options_are_the_handlers(page):
    handler = (TREE / "lib/netifd/proto/flets.sh").read_text()
    declared = re.findall(r"proto_config_add_(string|boolean|int|array) (\w+)", handler)
    rows = {row["name"]: row for row in table(page)["flets"]}
    assert set(rows) == {name for _, name in declared}
    for kind, name in declared:
        assert (kind == "array") == bool(rows[name].get("list")), name
        assert kind != "boolean" or rows[name].get("flag"), name
