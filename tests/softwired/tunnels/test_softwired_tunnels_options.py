# SPDX-License-Identifier: Apache-2.0
"""The table [tunnels]: each fault names key, value and what would be right; and the operator's commands."""

import json

import pytest

from softwired import __main__ as program
from softwired import configuration
from softwired.tunnels import options, register
from tests.softwired.tunnels import parts

DNS = '[tunnels.dns]\ntype = "update"\nzone = "t.example.org"\nkey_name = "k"\nkey_file = "/k"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "tunnels = 70000\n",
            "tunnels.prefix = '2001:db8:1::/48': room for tunnels.tunnels = 70000 of /64, so a /47 or shorter,"
            " would be right (this one has 65535)",
        ),
        (
            'routed = "2001:db8:1:8000::/49"\n',
            "tunnels.routed = '2001:db8:1:8000::/49': one that does not overlap tunnels.prefix (2001:db8:1::/48)"
            " would be right",
        ),
        (
            'routed = "2001:db8:2::/48"\nrouted_length = 56\n',
            "tunnels.routed = '2001:db8:2::/48': room for tunnels.tunnels = 1000 of /56, so a /46 or shorter,"
            " would be right (this one has 255)",
        ),
        (
            '[[tunnels.pool]]\nprefix = "2001:db8:2::/64"\nlength = 64\n',
            "tunnels.pool[1].prefix = '2001:db8:2::/64': room for a /64, so a /63 or shorter, would be right",
        ),
        (
            '[[tunnels.pool]]\nprefix = "2001:db8:1:ff00::/56"\n',
            "tunnels.pool[1].prefix = '2001:db8:1:ff00::/56': one that does not overlap tunnels.prefix",
        ),
        (
            '[[tunnels.pool]]\nprefix = "2001:db8:2::/48"\n[[tunnels.pool]]\nprefix = "2001:db8:2::/56"\n',
            "tunnels.pool[2].prefix = '2001:db8:2::/56': one that does not overlap tunnels.pool[1].prefix",
        ),
        (
            '[[tunnels.pool]]\nprefix = "2001:db8:2::/48"\n[[tunnels.pool]]\nprefix = "2001:db8:3::/48"\n',
            "tunnels.pool[2].length = 64: a length that neither tunnels.routed_length nor another pool has",
        ),
        (
            '[[tunnels.pool]]\nprefix = "2001:db8:2::/48"\nlength = 65\n',
            "tunnels.pool[1].length = 65: a whole number from 48 to 64 would be right",
        ),
        ('address = "127.0.0.1"\n', "an address of this machine that others reach would be right"),
        ('database = "sqlite:///x"\n', "sqlite:/// and an absolute path, so four slashes, would be right"),
        ('hook = ["mail"]\n', "a program by its absolute path, then its arguments, would be right"),
        (
            '[tunnels.dns]\ntype = "update"\n',
            "tunnels.dns.zone = '': the zone of the names, or dns.type = 'none'",
        ),
        (
            DNS + 'reverse = ["9.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"]\n',
            "one that holds names of tunnels.prefix, 1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa, would be right",
        ),
        ('[tunnels.dns]\nserver = "ns1"\n', "an address such as '192.0.2.53', '192.0.2.53:53' or '[::1]:53'"),
        (
            '[tunnels.page]\nlisten = "80"\n',
            "an address and a port such as '[::1]:8041', '[::]:80' would be right",
        ),
        ('[tunnels.page]\nurl = "x"\n', "such as 'https://tunnels.example.org', or '', would be right"),
        (
            '[tunnels.page]\nproxies = ["x"]\n',
            "an address or a prefix such as '127.0.0.1' or '::1' would be right",
        ),
        (
            '[tunnels.page]\nproxies = ["fe80::1%eth0"]\n',
            "an address or a prefix such as '127.0.0.1' or '::1' would be right",
        ),
        ('[tunnels.page]\nlanguages = ["fr"]\n', "one of 'en', 'ja' would be right"),
    ],
)
def test_faults(tmp_path, text, said):
    base = "\n".join(
        line
        for line in parts.BASE.splitlines()
        if line.partition(" ")[0] not in text.split("\n")[0].split(" ")[:1]
    )
    with pytest.raises(configuration.ConfigurationError) as caught:
        parts.values(tmp_path, text, base + "\n")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('key "k" {\n\talgorithm hmac-sha256;\n\tsecret "c2VjcmV0c2VjcmV0";\n};\n', "c2VjcmV0c2VjcmV0"),
        ("key:\n  - id: k\n    algorithm: hmac-sha256\n    secret: c2VjcmV0c2VjcmV0\n", "c2VjcmV0c2VjcmV0"),
        ("c2VjcmV0c2VjcmV0\n", "c2VjcmV0c2VjcmV0"),
        ("secret", None),
        ("", None),
    ],
)
def test_key_files(tmp_path, text, found):
    """As tsig-keygen and keymgr write them."""
    path = tmp_path / "key"
    path.write_text(text)
    if found:
        assert options.secret(str(path)) == found
    else:
        with pytest.raises(ValueError, match="would be right"):
            options.secret(str(path))


def ask(tmp_path, capsys, *words):
    status = program.main(["--config", str(tmp_path / "softwired.toml"), "tunnels", *words])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_operator(tmp_path, capsys, values, database):
    """list, show, suspend, resume and delete; what they say is in the database, for the monitor to do."""
    for number in (1, 2):
        database.run([lambda c, number=number: register.create(c, values, parts.request(number), 1000.0)])
    status, out, _ = ask(tmp_path, capsys, "list")
    assert status == 0
    assert out.splitlines()[0] == "1  198.51.100.2  2001:db8:1:1::2  -  host1.jp  new"
    told = json.loads(ask(tmp_path, capsys, "list", "--json")[1])
    assert [one["nicname"] for one in told] == ["host1", "host2"]
    assert not {"link", "key"} & told[0].keys()
    for words in ("1", "host1.jp", "198.51.100.2", "2001:db8:1:1::9"):
        assert "nicname: host1\n" in ask(tmp_path, capsys, "show", words)[1]
    database.run([lambda c: register.renew(c, "one", 5000.0) or register.share(c, "one", 1.0)])
    database.run([lambda c: register.counted(c, "one", {1: (1, 120, 2, 240)})])
    assert "\noctets_from_client: 120\n" in ask(tmp_path, capsys, "show", "1")[1]
    for words, state in (("suspend", "suspended"), ("resume", "on"), ("delete", "ending")):
        status, out, _ = ask(tmp_path, capsys, words, "host1.jp")
        assert status == 0 and out.startswith("1 (host1.jp, 198.51.100.2): ")
        found = json.loads(ask(tmp_path, capsys, "list", "--json")[1])[0]
        assert found["state"] == state
    assert ask(tmp_path, capsys, "delete", "1")[0] == 1
    status, _, err = ask(tmp_path, capsys, "show", "host9.jp")
    assert status == 1 and "tunnel 'host9.jp': there is none; a number, an address or a name" in err
