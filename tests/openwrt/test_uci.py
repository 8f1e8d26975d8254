# SPDX-License-Identifier: Apache-2.0
"""uci files and the uci command: quoting, lists, sections, staged changes."""

import os
import resource
import subprocess
import sys

import pytest

from openwrt_root import ROOT
from standin import uci

NETWORK = """
config interface 'wan6'
\toption device 'eth1'   # the line
\toption proto "flets"

config interface wan
\toption proto softwire
\toption password 'it'\\''s a "secret" # here'
\tlist auth_server '2001:db8:1812::1'
\tlist auth_server '2001:db8:1812::2'

config device
\toption name 'br-lan'
\tlist ports 'eth0'
"""


@pytest.fixture
def command(tmp_path):
    """uci(…) -> (exit status, output) on a configuration folder of its own."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/network").write_text(NETWORK)

    def run(*words, text="", largest=resource.RLIM_INFINITY):
        line = [
            sys.executable,
            str(ROOT / "sbin/uci"),
            "-c",
            str(tmp_path / "config"),
            "-p",
            str(tmp_path / "stage"),
        ]
        environment = dict(os.environ, PYTHONPATH=str(ROOT / "usr/lib/openwrt-standin"))
        done = subprocess.run(
            line + list(words),
            env=environment,
            stdout=subprocess.PIPE,
            input=text,
            text=True,
            check=False,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY)),
        )
        return done.returncode, done.stdout.rstrip("\n")

    return run


def test_parse():
    wan6, wan, device = uci.parse(NETWORK, "network")
    assert (wan6.kind, wan6.name, wan6.options) == ("interface", "wan6", {"device": "eth1", "proto": "flets"})
    assert wan.options["password"] == 'it\'s a "secret" # here'
    assert wan.options["auth_server"] == ["2001:db8:1812::1", "2001:db8:1812::2"]
    assert device.anonymous and device.options["ports"] == ["eth0"]


def test_render_and_parse_again():
    first = uci.parse(NETWORK, "network")
    again = uci.parse(uci.render(first), "network")
    assert [(one.kind, one.options) for one in first] == [(one.kind, one.options) for one in again]


@pytest.mark.parametrize(
    "text",
    [
        "option proto 'x'",
        "config interface 'a b'",
        "config interface 'wan\n",
        "config interface wan\n\toption 'bad-name' 1",
        "nonsense",
        "config interface wan\n\toption a b;c",
    ],
)
def test_what_uci_refuses(text):
    with pytest.raises(uci.UciError):
        uci.parse(text, "network")


def test_command(command):
    assert command("get", "network.wan.proto") == (0, "softwire")
    assert command("get", "network.wan.auth_server") == (0, "2001:db8:1812::1 2001:db8:1812::2")
    assert command("get", "network.@device[0].name") == (0, "br-lan")
    assert command("get", "network.@interface[-1].proto") == (0, "softwire")
    assert command("-q", "get", "network.wan.none") == (1, "")
    assert command("show", "network.wan6") == (
        0,
        "network.wan6=interface\nnetwork.wan6.device='eth1'\nnetwork.wan6.proto='flets'",
    )


def test_staged_until_commit(command, tmp_path):
    assert command("set", "network.wan.mac=02:00:00:00:00:01")[0] == 0
    assert command("add_list", "network.wan.auth_server=2001:db8::3")[0] == 0
    assert command("set", "network.guest=interface")[0] == 0
    assert command("delete", "network.wan6")[0] == 0
    assert command("get", "network.wan.mac") == (0, "02:00:00:00:00:01")
    assert "mac" not in (tmp_path / "config/network").read_text()
    assert "network.wan.mac='02:00:00:00:00:01'" in command("changes")[1]
    assert command("commit", "network")[0] == 0
    assert command("changes") == (0, "")
    text = (tmp_path / "config/network").read_text()
    assert (
        "list auth_server '2001:db8::3'" in text and "config interface 'guest'" in text and "wan6" not in text
    )
    assert command("set", "network.nowhere.proto=static")[0] == 1


def test_add_and_revert(command):
    status, name = command("add", "network", "route")
    assert status == 0 and command("get", f"network.{name}") == (0, "route")
    command("revert", "network")
    assert command("-q", "get", f"network.{name}")[0] == 1


# What uci of 23.05 made of these lines.
BATCH = r"""
set network.wan.password='it'\''s #a; "b" \ $c `d` パス  two '
set network.nowhere.x='y'
nonsense
delete network.wan.nothere
set network.wan.multi='a
b'
set network.wan.hash=a#b
set network.wan.double="a \"b" # comment
set network.wan.mac=''
add_list network.wan.auth_server='2001:db8::3'
commit network
"""


def test_batch(command, tmp_path):
    """Goes on after a line that is wrong, and says 0 in the end."""
    assert command("batch", text=BATCH) == (0, "")
    assert command("get", "network.wan.password") == (0, 'it\'s #a; "b" \\ $c `d` パス  two ')
    assert command("get", "network.wan.multi") == (0, "a\nb")
    assert command("get", "network.wan.hash") == (0, "a")
    assert command("get", "network.wan.double") == (0, 'a "b')
    assert command("get", "network.wan.auth_server")[1].endswith(" 2001:db8::3")
    assert command("changes") == (0, "")
    wan = uci.parse((tmp_path / "config/network").read_text(), "network")[1]
    assert wan.options["multi"] == "a\nb" and wan.options["password"].startswith("it's #a;")


def test_an_empty_value_is_none():
    assert (
        uci.parse("config interface wan\n\toption a ''\n\toption b 1\n\toption b ''\n", "network")[0].options
        == {}
    )


def test_commit_keeps_the_mode(command, tmp_path):
    (tmp_path / "config/network").chmod(0o640)
    command("set", "network.wan.mtu=1400")
    command("commit", "network")
    assert (tmp_path / "config/network").stat().st_mode & 0o777 == 0o640


def test_commit_without_room(command, tmp_path):
    """An empty file, and no word about it: seen on 23.05 with a full overlay."""
    command("set", "network.wan.mtu=1400")
    assert command("commit", "network", largest=0) == (0, "")
    assert (tmp_path / "config/network").read_bytes() == b""
