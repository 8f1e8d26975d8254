# SPDX-License-Identifier: Apache-2.0
"""The table of options of softwired's pages: softwired's own, the init script's, and what each option takes."""

import subprocess

import pytest
import tomllib

import softwired
from softwired import configuration
from softwired.service import checked
from tests.luci.server import TREE
from tests.luci.test_luci_protocols import VALUES
from tests.softwired.test_softwired_package import SHELLS, uci_to_toml

# Defaults that the pages say otherwise: of nothing, of the host's name, of what the init script puts in their place.
ELSE = {
    ("dstm", "", "name"): None,
    ("tunnels", "", "name"): None,
    ("prefix64", "page", "key_file"): "/etc/softwired.key",
}
# A list of words of which the first is a program.
COMMANDS = {("dhcp4o6", "callout", "command"), ("tunnels", "", "hook")}

VALUES = (
    VALUES
    + """
00 007 .5 5. 0.5 0.05 0.001 0.0009 1.0 1.2.3 1.25 60.5 600 599 3600 3600.5 4294967295 4294967296 200000 200001 1000000
1000001 32765 32766 255.5 2048 2047 128 129 256 32768 65536 512 100 101 1024 1025 4096 100000 100001 10000000 31536000
31536001 300 301 48 47 64 65 8 7 32 33 3650 3651 3601
198.51.100.0/24 198.51.100.1/24 198.51.100.0/31 198.51.100.0/32 198.51.100.0/024 0.0.0.0/0 0.0.0.0 224.0.0.0/24
240.0.0.0/24 255.0.0.0/24 127.0.0.0/8 198.51.100.8-198.51.100.15 198.51.100.15-198.51.100.8 198.51.100.8-
198.51.100.8-198.51.100.8 -198.51.100.8 198.51.100.8-2001:db8::1 192.0.2.0/24-192.0.2.9 169.254.1.0/24 254.1.1.1
2001:db8::1-2001:db8::9 2001:db8::9-2001:db8::1 2001:db8::1-2001:db8::1 2001:db8::/64-2001:db8::9 2001:db8::/0
::/0 ::/1 8000::/1 ::/127 ::2/127 fe80::/10 fe00::/7 fc00::/7 fec0::/10 ff00::/8 ::1/128 ::/128 2001:db8::/064
0/0 a/64 [::1]:8064 [::]:80 [::1] [::1]:0 [::1]:65536 [::1]:99999 [::1]:080 [x]:80 ::1:80 127.0.0.1:53 192.0.2.53:0
192.0.2.53:99999 192.0.2.53: 300.0.2.53:53 [2001:db8::53]:53 [192.0.2.1]:53 localhost:53
sqlite:// sqlite:///x sqlite:////x sqlite:////x?y sqlite:////a/b.db postgresql:// postgresql://u@/d postgresql mysql://x
/ /x /a/b relative a/b ./x DIGEST-MD5 PLAIN ANONYMOUS digest-md5 buffer6_send package.module:function a:b :b a: a.b
1a:b a.1b:c é:é ñ.x:y a_1:b_2 00:03:00:01 00:3 0:03 00:03:00:01:02:00 00::03 :00 00:0g hmac-sha256 hmac-sha512 hmac-md5
update yes no kernel link-local target en fr tunnels.example.org example. EXAMPLE.org -a.example a-.example a..example
1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa https://tunnels.example.org http://x:8041/y https://x/y?z ftp://x https:// http://[::1]/
a* *-x www mail-1 WWW a_b mail@example.org user@example user. eth0 eth0.5 br-lan wan_6 eth0:1 eth/0 . ..
enp0s31f6longname abcdefghijklmno abcdefghijklmnop""".split()
)
VALUES += [
    "a b", "/a b", "2001:db8::1 - 2001:db8::9", "198.51.100.8 - 198.51.100.15", "a<b", "a>b", 'a"b', "a\\b", "x" * 63,
    "x" * 64, "x" * 65, "x" * 200, "x" * 201, "00 03 00 01", "00 03 00 0", "a\x7fb", "aa" * 130, "aa" * 131,
    ".".join(["x" * 63] * 3), ".".join(["x" * 63] * 4),
]  # fmt: skip


def table(page):
    """{service: [table]} of the pages, in values that can leave the browser."""
    page.open("softwired/settings")
    return page.page.evaluate("""() => L.require('softwired.options').then(options => {
        const plain = rows => rows.map(row => Object.assign({}, row, { check: null }));
        const found = {};

        for (let name in options.services)
            found[name] = options.services[name].map(one => Object.assign({}, one, { rows: plain(one.rows) }));

        return found;
    })""")


def fields(service, table):
    """softwired's own fields of a table."""
    found = softwired.load(service).TABLE
    if table:
        found = found[table]
    found = found[0] if isinstance(found, list) else found
    return {name: field for name, field in found.items() if isinstance(field, configuration.Field)}


def written(value):
    """A default as /etc/config/softwired would have it; None where nothing stands for it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        return f"[{value[0]}]:{value[1]}" if value[1] != 53 else value[0]
    if isinstance(value, list):
        return " ".join(str(one).removesuffix("/32").removesuffix("/128") for one in value) or None
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value not in (None, "", b"", configuration.MISSING) else None


def test_the_table_is_softwireds(page):
    """Every service, every table, every key and default; what must be there; of which tables there are several."""
    found = table(page)
    assert sorted(found) == softwired.installed()
    for service, tables in found.items():
        known = softwired.load(service).TABLE
        assert {one["table"] for one in tables} - {""} == {
            name for name, entry in known.items() if not isinstance(entry, configuration.Field)
        }
        for one in tables:
            name = one["table"]
            assert bool(one.get("several")) == (bool(name) and isinstance(known[name], list)), (service, name)
            own = fields(service, name)
            assert {row["name"] for row in one["rows"]} == set(own), (service, name)
            for row in one["rows"]:
                place = (service, name, row["name"])
                default = own[row["name"]].default
                assert bool(row.get("required")) == (default is configuration.MISSING), place
                assert row.get("fallback") == ELSE.get(place, written(default)), place


def test_the_table_is_the_init_scripts(page, tmp_path):
    """Every option that the pages write becomes a key of its kind."""
    found, lines = table(page), []
    for service, tables in found.items():
        for one in tables:
            name = f"{service}_{one['table']}" if one["table"] else f"{service}' '{service}"
            kind, _, given = name.partition("' '")
            lines.append(f"\nconfig {kind}" + (f" '{given}'\n\toption enabled '1'" if given else ""))
            lines += [f"\t{'list' if row.get('list') else 'option'} {row['name']} '1'" for row in one["rows"]]
    made = tomllib.loads(uci_to_toml(tmp_path, "ash", "\n".join(lines) + "\n"))
    for service, tables in found.items():
        for one in tables:
            values = made[service][one["table"]] if one["table"] else made[service]
            if one.get("several"):
                (values,) = values
            for row in one["rows"]:
                place = (service, one["table"], row["name"])
                assert row["name"] in values, place
                assert isinstance(values[row["name"]], list) == bool(row.get("list")), place
                assert isinstance(values[row["name"]], bool) == bool(row.get("flag")), place


def taken(values, tmp_path):
    """{kind: {value: what TOML has of it, or ValueError}}, by the init script's own functions."""
    init = (TREE / "package/softwired/files/softwired.init").read_text()
    functions = init[init.index("quoted() {") : init.index("# key <section>")]
    (tmp_path / "values").mkdir()
    script = [functions]
    for number, value in enumerate(values):
        (tmp_path / f"values/{number}").write_text(value)
        script.append(
            f'value=$(cat {tmp_path}/values/{number}); quoted "$value"; echo; plain "$value"; printf "\\n\\0"'
        )
    done = subprocess.run(
        [*SHELLS["ash"], "-c", "\n".join(script)], capture_output=True, text=True, check=True
    )
    found = {"quoted": {}, "plain": {}}
    for value, text in zip(values, done.stdout.split("\0"), strict=False):
        for kind, line in zip(found, text.split("\n"), strict=False):
            try:
                found[kind][value] = tomllib.loads(f"x = {line}\n")["x"]
            except tomllib.TOMLDecodeError as error:
                found[kind][value] = error
    return found


def numbers():
    """The names that the init script writes without quotes."""
    init = (TREE / "package/softwired/files/softwired.init").read_text()
    lines = [line for line in init.splitlines() if line.startswith(("NUMBERS=", "PORTS="))]
    return set(" ".join(lines).replace('"', " ").split())


def takes(check, value):
    if isinstance(value, Exception):
        return False
    try:
        check(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("service", softwired.installed())
def test_the_checks_are_softwireds(page, tmp_path, service):
    """Every value for every option: the page takes what softwired takes of it, and nothing else."""
    toml, unquoted = taken(VALUES, tmp_path), numbers()
    tables = table(page)[service]
    said = page.page.evaluate(
        """([service, values]) => L.require('softwired.options').then(options => options.services[service].map(
            one => one.rows.map(row => values.map(value => options.check(row, value)))))""",
        [service, VALUES],
    )
    compared = 0
    for one, answers_of_table in zip(tables, said, strict=True):
        own = fields(service, one["table"])
        for row, answers in zip(one["rows"], answers_of_table, strict=True):
            place = (service, one["table"], row["name"])
            for value, answer in zip(VALUES, answers, strict=True):
                read = toml["plain" if row["name"] in unquoted else "quoted"][value]
                if row.get("flag"):
                    read = {"0": False, "1": True}.get(value, ValueError())
                elif place in COMMANDS and not isinstance(read, Exception):
                    read = ["/bin/true", read]
                elif row.get("list") and not isinstance(read, Exception):
                    read = [read]
                right = takes(own[row["name"]].check, read)
                if row["name"] == "duid":
                    right = right and 3 <= len(own["duid"].check(read)) <= 130
                assert (answer is True) == right, (*place, value, answer)
                assert answer is True or "would be right" in answer, (*place, value, answer)
                compared += 1
    assert compared > 1000


# Sections beside the others' least, and the key of the fault that softwired tells of them, or None.
TOGETHER = {
    ("dhcp4o6", "callout"): [
        {}, {"function": "a:b"}, {"command": ["/bin/true"]}, {"function": "a:b", "command": ["/bin/true"]},
    ],
    ("prefix64", "range"): [
        {"prefix": "2001:db8::/64"}, {"delegated": "eth1"}, {}, {"prefix": "2001:db8::/64", "delegated": "eth1"},
        {"prefix": "2001:db8::/64", "answer": "kernel"}, {"prefix": "2001:db8::1/128", "answer": "kernel"},
        {"prefix": "2001:db8::/64", "forward": "auto"}, {"prefix": "2001:db8::/64", "forward": "auto", "local": "0"},
        {"prefix": "2001:db8::/64", "forward": "auto", "local": "0", "answer": "no"},
        {"prefix": "2001:db8::/64", "forward": "eth0", "local": "0"}, {"prefix": "2001:db8::/64", "wire": "1"},
        {"prefix": "2001:db8::/64", "forward": "eth7", "wire": "1", "local": "0"},
        {"prefix": "2001:db8::/64", "local": "0", "answer": "no"}, {"prefix": "2001:db8::/64", "answer": "no"},
    ],
    ("dstm", ""): [
        {}, {"users": "/x"}, {"mechanisms": ["ANONYMOUS"]}, {"mechanisms": ["ANONYMOUS", "DIGEST-MD5"]},
        {"users": "/x", "code_ia_dstm": "65362"}, {"users": "/x", "code_dstm_tep": "65363"},
    ],
    ("dstm", "tep"): [
        {}, {"user": "a"}, {"password_file": "/x"}, {"user": "a", "password_file": "/x"}, {"tell": "0"},
        {"tell": "0", "ipv4": "192.0.2.1"},
    ],
    ("dstm", "tls"): [{}, {"certificate": "/x"}, {"key": "/x"}, {"certificate": "/x", "key": "/y"}],
    ("tep", ""): [{}, {"servers": ["2001:db8::53"]}, {"servers": ["2001:db8::53"], "learn": "1"}],
    ("tep", "tls"): [
        {}, {"certificate": "/x"}, {"authorities": "/x"}, {"certificate": "/x", "key": "/y", "authorities": "/z"},
    ],
    ("tunnels", "dns"): [
        {}, {"type": "update"}, {"type": "update", "zone": "a.example"},
        {"type": "update", "zone": "a.example", "key_name": "k", "key_file": "/x"},
    ],
}  # fmt: skip
LEAST = {
    "dhcp4o6": {"": {"port": "6767"}, "interface": {"name": "eth0"}},
    "prefix64": {"": {}, "range": {"interface": "eth0"}},
    "dstm": {
        "": {},
        "tep": {"address": "2001:db8:b::1"},
        "pool": {"addresses": ["198.51.100.0/24"], "teps": ["2001:db8:b::1"]},
    },
    "tep": {"": {"address": "2001:db8:b::1", "ipv4": "203.0.113.1", "prefixes": ["198.51.100.0/24"]}},
    "tunnels": {"": {"address": "192.0.2.1", "prefix": "2001:db8:1::/48"}},
}


def uci_of(service, sections):
    """/etc/config/softwired with one service that is turned on."""
    lines = []
    for table, options in sections.items():
        lines.append(
            f"config {service}_{table}" if table else f"config {service} '{service}'\n\toption enabled '1'"
        )
        for name, value in options.items():
            many = isinstance(value, list)
            lines += [f"\tlist {name} '{one}'" for one in value] if many else [f"\toption {name} '{value}'"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("place", TOGETHER, ids=["-".join(place) for place in TOGETHER])
def test_what_options_mean_together(page, tmp_path, place):
    """Where the page complains softwired does, and the other way round, as far as one section can tell."""
    service, table = place
    said = page.open("softwired/settings").page.evaluate(
        """([service, name, sections]) => Promise.all(
            [ 'options', 'together' ].map(one => L.require('softwired.' + one))).then(([ options, together ]) => {
            const table = options.services[service].find(one => one.table == name);

            return sections.map(values => together.fault(service, name, option => {
                const given = values[option] || table.rows.find(row => row.name == option).fallback || '';

                return Array.isArray(given) ? given.join(' ') : given;
            }));
        })""",
        [service, table, [{**LEAST[service].get(table, {}), **one} for one in TOGETHER[place]]],
    )
    seen = set()
    for number, (one, answer) in enumerate(zip(TOGETHER[place], said, strict=True)):
        base = dict(LEAST[service])
        if place != ("dstm", "") and service == "dstm":
            base[""] = {**base[""], "users": "/x"}
        if place != ("tep", "") and service == "tep":
            base[""] = {**base[""], "servers": ["2001:db8::53"]}
        base[table] = {**base.get(table, {}), **one}
        folder = tmp_path / str(number)
        folder.mkdir()
        config = folder / "softwired.toml"
        config.write_text(uci_to_toml(folder, "ash", uci_of(service, base)))
        try:
            checked(str(config))
        except configuration.ConfigurationError as error:
            assert answer is not None, (one, str(error))
        else:
            assert answer is None, one
        seen.add(answer is None)
    assert seen == {True, False}
