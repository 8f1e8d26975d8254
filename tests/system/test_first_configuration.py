# SPDX-License-Identifier: Apache-2.0
"""`softwire configure` on a router that has a LAN alone: the line comes up by it, and goes by --undo."""

import shlex
from pathlib import Path

import pytest

from tests.lab import addresses

TERMINAL = Path(__file__).parents[1] / "handler/terminal.py"
WORDS = f"configure softbank --wan eth1 --auth-server {addresses.RADIUS}"
SECRETS = (("shared_secret", addresses.SHARED_SECRET), ("password", addresses.PASSWORD))
BEFORE = "/etc/softwire/before.json"

# Runs on the router, beside terminal.py; the secrets come from a file, where no list of processes shows them.
PERSON = f"""
import os, sys
from terminal import Terminal
person = Terminal(["/bin/sh", "/usr/sbin/softwire", *{WORDS.split()!r}], dict(os.environ))
for line in open("/etc/secrets").read().splitlines():
    name, _, secret = line.partition("=")
    person.see(name + " (not shown): ")
    person.see_silence()
    person.type(sys.argv[1] if len(sys.argv) > 1 else secret + "\\n")
    if len(sys.argv) > 1:
        break
else:
    person.see("Write this? [y/N] ")
    assert person.echo()
    person.type("y\\n")
if len(sys.argv) > 1:
    person.see("Nothing was changed.")
    assert person.echo()
status = person.end()
print(person.shown)
sys.exit(status)
"""


@pytest.fixture
def bare(line):
    """The router without interfaces wan and wan6, the secrets in a file."""
    line.changed = True
    line.router.check("uci delete network.wan; uci delete network.wan6; uci commit network")
    line.router.check("/etc/init.d/network reload")
    line.wait(lambda: line.router.run("ifstatus wan6")[1] != 0, 60, "there is no wan6")
    text = "".join(f"{name}={secret}\n" for name, secret in SECRETS)
    line.router.check(f"umask 077; printf %s {shlex.quote(text)} > /etc/secrets")
    yield line
    line.router.check(f"rm -f /etc/secrets {BEFORE}")


def configuration(router):
    return router.check("cat /etc/config/network")


def settings(router):
    """The same whatever the order of a section's lines."""
    return sorted(router.check("uci show network").splitlines())


def test_the_line_comes_up_and_goes(bare):
    before = configuration(bare.router)
    rights = bare.router.check("ls -l /etc/config/network").split()[:4]
    done = bare.router.check(f"softwire {WORDS} --secrets /etc/secrets --yes --apply", 120)
    assert "Interface wan: (none) becomes softwire" in done and "Warning" not in done
    assert [secret for _, secret in SECRETS if secret in done] == []
    bare.wait_for_softwire()
    assert "Nothing to change" in bare.router.check(f"softwire {WORDS} --yes")
    assert bare.router.check("ls -l /etc/config/network").split()[:4] == rights
    assert bare.router.check(f"find {BEFORE} -perm 600").split() == [BEFORE]

    assert "Removed: wan, wan6." in bare.router.check("softwire configure --undo --yes --apply", 120)
    bare.wait(lambda: bare.router.run("ifstatus wan6")[1] != 0, 60, "there is no wan6")
    assert configuration(bare.router) == before
    assert bare.router.run(f"test -e {BEFORE}")[1] == 1


def test_a_line_on_an_alias(bare):
    """OpenWrt's most common dual-stack form, without --wan: line and softwire come up, and nothing rides on itself."""
    router = bare.router
    router.check(
        "uci batch <<'EOF'\nset network.wan=interface\nset network.wan.device=eth1\nset network.wan.proto=none\n"
        "set network.wan6=interface\nset network.wan6.device=@wan\nset network.wan6.proto=flets\ncommit network\nEOF"
    )
    before = settings(router)
    words = WORDS.replace(" --wan eth1", "")
    done = router.check(f"softwire {words} --secrets /etc/secrets --yes --apply", 120)
    assert (
        "Warning: interface wan6 rides on wan (@wan), which becomes the softwire over it: it moves to the"
        in done
    )
    bare.wait_for_softwire()
    assert "Put back as before: wan, wan6." in router.check("softwire configure --undo --yes --apply", 120)
    assert settings(router) == before


def test_a_big_firewall(bare):
    """Four hundred rules, and the router's own interpreter with its heap."""
    router = bare.router
    rule = r"\nconfig rule\n\toption enabled 0\n\toption name \"service $i\"\n\toption src wan\n\toption dest_port $i\n"
    router.check(
        "cp -p /etc/config/firewall /tmp/firewall; uci del_list firewall.@zone[1].network=wan6; uci commit"
    )
    try:
        router.check(
            f'i=10000; while [ $i -lt 10400 ]; do printf "{rule}"; i=$((i + 1)); done >> /etc/config/firewall'
        )
        before = router.check("uci show firewall"), configuration(router)
        done = router.check(f"softwire {WORDS} --secrets /etc/secrets --yes", 120)
        assert "+     list network 'wan6'" in done
        assert "Removed: wan, wan6." in router.check("softwire configure --undo --yes", 120)
        assert (router.check("uci show firewall"), configuration(router)) == before
    finally:
        router.check("cp -p /tmp/firewall /etc/config/firewall; rm /tmp/firewall")


def test_a_full_flash_loses_nothing(bare):
    before = configuration(bare.router)
    # Where each file takes whole pages, too.
    bare.router.check("umask 077; mkdir /tmp/copy && cp -p /etc/config/* /tmp/copy")
    bare.router.check("mount -t tmpfs -o size=$(($(du -sk /tmp/copy | cut -f 1) + 8))k tmpfs /etc/config")
    try:
        bare.router.check("cp -p /tmp/copy/* /etc/config")
        bare.router.run("cat /dev/zero > /etc/config/.fill")
        files = bare.router.check("ls -A /etc/config")
        told, status = bare.router.run(f"softwire {WORDS} --secrets /etc/secrets --yes")
        assert status == 1 and "CANNOT_WRITE: " in told and "No space left on device" in told
        assert configuration(bare.router) == before
        assert bare.router.check("ls -A /etc/config") == files
    finally:
        bare.router.check("umount /etc/config; rm -r /tmp/copy")


def test_a_file_that_cannot_be_replaced(bare):
    """The second of two: the first is as it was, too."""
    router = bare.router
    router.check(
        "cp -p /etc/config/firewall /tmp/firewall; uci del_list firewall.@zone[1].network=wan6; uci commit"
    )
    before = router.check("ls -l /etc/config; cat /etc/config/network /etc/config/firewall")
    router.check("mount --bind /etc/config/firewall /etc/config/firewall")
    try:
        told, status = router.run(f"softwire {WORDS} --secrets /etc/secrets --yes")
        assert status == 1 and "CANNOT_WRITE: " in told and "Nothing was changed." in told
        now = router.check("ls -l /etc/config; cat /etc/config/network /etc/config/firewall")
        assert now == before and router.run(f"test -e {BEFORE}")[1] == 1
    finally:
        router.check(
            "umount /etc/config/firewall; cp -p /tmp/firewall /etc/config/firewall; rm /tmp/firewall"
        )


def test_a_person_at_the_terminal(bare):
    """The router's own interpreter: what is typed is not shown, and Ctrl-C leaves everything as it was."""
    bare.need("python3-light")
    before = configuration(bare.router)
    bare.router.push(TERMINAL.read_text(encoding="utf-8"), "/etc/terminal.py")
    bare.router.push(PERSON, "/etc/person.py")
    try:
        shown, status = bare.router.run("python3 -B /etc/person.py \"$(printf '\\003')\"", 180)
        assert status == 130, shown
        assert configuration(bare.router) == before

        shown = bare.router.check("python3 -B /etc/person.py", 180)
        assert [secret for _, secret in SECRETS if secret in shown] == []
        assert "option shared_secret (not shown)" in shown
        assert bare.router.check("uci get network.wan.password").strip() == addresses.PASSWORD
    finally:
        bare.router.check("rm -f /etc/terminal.py /etc/person.py")
