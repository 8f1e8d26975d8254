# SPDX-License-Identifier: Apache-2.0
"""The configuration as a whole: what is right, and what is said of each kind of fault."""

import pytest

from softwired import configuration, service
from softwired.dhcp4o6 import options

RIGHT = """
[softwired]
user = "nobody"

[dhcp4o6]
port = 6767
servers = ["2001:db8:1::1", "ff02::1:2"]
duid = "00:03:00:01:02:00:00:00:00:aa"

[[dhcp4o6.interface]]
name = "eth1"
addresses = ["2001:db8:1::1"]
serve_information = true

[[dhcp4o6.class]]
name = "gateway"
option = 16
starts_with = "00 00 00 d2"

[[dhcp4o6.subnet]]
prefix = "2001:db8:1::/48"
interface = "eth1"
client_class = "gateway"

[[dhcp4o6.callout]]
command = ["/usr/bin/mark", "--all"]
time_limit = 0.5

[dhcp4o6.limits]
in_flight = 8
"""


@pytest.fixture
def faults(tmp_path):
    """What is said of a file, without the file's name."""
    path = tmp_path / "softwired.toml"

    def told(text):
        path.write_text(text)
        try:
            service.checked(str(path))
        except configuration.ConfigurationError as error:
            lines = str(error).splitlines()
            assert all(line.startswith(f"{path}: ") for line in lines)
            return [line.removeprefix(f"{path}: ") for line in lines]
        return []

    told.path = path
    return told


def test_right(faults):
    assert faults(RIGHT) == []
    values = service.checked(str(faults.path))
    assert values["softwired"].user == "nobody"
    assert values["softwired"].run_directory == "/run/softwired"
    table = values["dhcp4o6"]
    assert table.port == 6767
    assert [str(server) for server in table.servers] == ["2001:db8:1::1", "ff02::1:2"]
    assert table.duid.hex() == "000300010200000000aa"
    (interface,) = table.interface
    assert (interface.name, interface.serve_information) == ("eth1", True)
    assert getattr(table, "class")[0].starts_with == bytes.fromhex("000000d2")
    assert str(table.subnet[0].prefix) == "2001:db8:1::/48" and table.subnet[0].servers is None
    assert table.callout[0].command == ["/usr/bin/mark", "--all"] and table.callout[0].hook == "buffer6_send"
    assert (table.limits.in_flight, table.limits.waiting) == (8, 4096)


def test_nothing_configured(faults):
    assert faults("") == []
    with pytest.raises(
        configuration.ConfigurationError, match=r"dhcp4o6: missing: a table \[dhcp4o6\] would be right"
    ):
        service.values_of("dhcp4o6", str(faults.path))


def test_no_file(tmp_path):
    with pytest.raises(configuration.ConfigurationError, match="none.toml: No such file or directory"):
        service.checked(str(tmp_path / "none.toml"))


@pytest.mark.parametrize("text", ["[dhcp4o6", "port 5", "a = 1\na = 2", "\udcff"])
def test_no_toml(faults, text):
    faults.path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(configuration.ConfigurationError, match="softwired.toml: not TOML: "):
        service.checked(str(faults.path))


HEAD = '[dhcp4o6]\nport = 6767\n[[dhcp4o6.interface]]\nname = "eth1"\n'
KNOWN = "unknown; known are addresses, name, serve_information"
ADDRESS = "an IPv6 address such as '2001:db8::1' would be right"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[dhcp4]\n", "dhcp4 = {}: unknown; known are dhcp4o6, dstm, prefix64, softwired, tep, tunnels"),
        ("dhcp4o6 = 1\n", "dhcp4o6 = 1: a table [dhcp4o6] would be right"),
        (
            "[softwired]\nuser = 5\n",
            "softwired.user = 5: a user, or '' to stay who starts it, would be right",
        ),
        (
            HEAD + "adresses = []\n",
            f"dhcp4o6.interface[1].adresses = []: {KNOWN}",
        ),
        (HEAD + 'addresses = "::1"\n', "dhcp4o6.interface[1].addresses = '::1': a list would be right"),
        (HEAD + 'addresses = ["x"]\n', f"dhcp4o6.interface[1].addresses = ['x']: 'x': {ADDRESS}"),
        (
            HEAD + 'addresses = ["fe80::1"]\n',
            "dhcp4o6.interface[1].addresses = ['fe80::1']: 'fe80::1': "
            "a unicast address that is not link-local would be right",
        ),
        (
            HEAD + "serve_information = 1\n",
            "dhcp4o6.interface[1].serve_information = 1: true or false would be right",
        ),
        (
            HEAD + '[[dhcp4o6.interface]]\nname = "eth1"\n',
            "dhcp4o6.interface[2].name = 'eth1': there once already; another one would be right",
        ),
        (
            HEAD + '[[dhcp4o6.interface]]\nname = "a b"\n',
            "dhcp4o6.interface[2].name = 'a b': a network device's name such as 'eth1' would be right",
        ),
        (
            HEAD + "[dhcp4o6.limits]\nin_flight = true\n",
            "dhcp4o6.limits.in_flight = True: a whole number from 1 to 1024 would be right",
        ),
        (
            HEAD + '[[dhcp4o6.subnet]]\nprefix = "2001:db8::1/64"\n',
            "dhcp4o6.subnet[1].prefix = '2001:db8::1/64': "
            "an IPv6 prefix such as '2001:db8:1::/48', host bits zero, would be right",
        ),
        (
            HEAD + '[[dhcp4o6.subnet]]\nprefix = "2001:db8::/64"\nclient_class = "x"\n',
            "dhcp4o6.subnet[1].client_class = 'x': the name of a [[dhcp4o6.class]] would be right",
        ),
        (
            HEAD + "[[dhcp4o6.callout]]\n",
            "dhcp4o6.callout[1].function = '': either function or command would be right",
        ),
        (
            HEAD + '[[dhcp4o6.callout]]\nfunction = "a.b"\n',
            "dhcp4o6.callout[1].function = 'a.b': an entry point such as 'package.module:function' would be right",
        ),
        (
            HEAD + '[[dhcp4o6.callout]]\ncommand = ["mark"]\n',
            "dhcp4o6.callout[1].command = ['mark']: a program by its absolute path, then its arguments, would be right",
        ),
        (
            HEAD + '[[dhcp4o6.callout]]\nfunction = "a:b"\ntime_limit = 0\n',
            "dhcp4o6.callout[1].time_limit = 0: seconds from 0.001 to 60 would be right",
        ),
        (
            HEAD + 'x = "' + "y" * 99 + '"\n',
            "dhcp4o6.interface[1].x = '" + "y" * 56 + f"...: {KNOWN}",
        ),
        (
            '[dhcp4o6]\nport = 1\nduid = "00"\n',
            "dhcp4o6.duid = '00': a type of 2 octets and 1 to 128 octets more would be right",
        ),
    ],
)
def test_one_fault(faults, text, said):
    assert said in faults(text)


def test_every_fault_at_once(faults):
    assert faults('[dhcp4o6]\nservers = ["::1"]\n[softwired]\nrun_directory = "run"\n') == [
        "softwired.run_directory = 'run': an absolute path would be right",
        "dhcp4o6.port: missing, and there is no default",
        "dhcp4o6.servers = ['::1']: '::1': an address that clients can send to would be right",
    ]
    assert faults("[dhcp4o6]\nport = 6767\n") == [
        "dhcp4o6.interface = []: at least one table [[dhcp4o6.interface]] would be right"
    ]


def test_every_key_has_a_default_or_is_needed():
    """A default has to pass its own check, or stand for "not given"."""

    def walk(table):
        for entry in table.values():
            if isinstance(entry, configuration.Field):
                if entry.default not in (configuration.MISSING, None, "", b"", []):
                    entry.check(
                        entry.default if not isinstance(entry.default, bytes) else entry.default.hex()
                    )
            else:
                walk(entry[0] if isinstance(entry, list) else entry)

    walk(options.TABLE)
