# SPDX-License-Identifier: Apache-2.0
"""After everything else: neither the shared secret nor the password was seen where it must not be."""

import pytest

from tests.lab import addresses
from tests.system import processes

SECRETS = addresses.SHARED_SECRET, addresses.PASSWORD
# Matches the secrets, but not the command that looks for them.
PATTERN = "|".join(f"{secret[:-1]}[{secret[-1]}]" for secret in SECRETS)
CONFIGURATION = "/var/run/softwire/wan.config"


def test_files(line):
    """No log, state or temporary file has a secret, but the configuration that only root can read."""
    # OpenWrt's /var is its /tmp.
    files = line.router.check(
        f"find /var/log/ /var/run/ /tmp/ -type f -exec grep -lE '{PATTERN}' {{}} + | while read -r file; do"
        ' readlink -f "$file"; done | sort -u'
    ).split()
    assert files == line.router.check(f"readlink -f {CONFIGURATION}").split()
    assert line.router.check(f"find {CONFIGURATION} -user root -perm 600").strip() == CONFIGURATION


def test_output(line):
    """Nothing that people paste into a bug report has a secret."""
    for command in (
        "softwire status", "softwire status --json wan", "softwire probe wan",
        "ubus call network.interface dump", "/sbin/logread",
    ):  # fmt: skip
        output, status = line.router.run(command)
        assert status == 0 and output.strip()
        assert [secret for secret in SECRETS if secret in output] == [], command


def test_processes(line):
    """No process that runs has a secret among its arguments or in its environment."""
    found, status = line.router.run(
        f"cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -cE '{PATTERN}'"
    )
    assert (found.strip(), status) == ("0", 1)


def test_started_programs(line):
    """No program started in the whole run had one, but the handler and the jshn that reads its configuration.

    Both command lines are OpenWrt's own, of netifd (NETIFD.md) and of the library that all handlers use.
    """
    if not processes.watched(line.router):
        pytest.skip("this router's kernel has no kprobes")
    seen = processes.started(line.router, PATTERN)
    handler = [words for words in seen if words[0].endswith("softwire.sh") and words[1] == "softwire"]
    # They prove that a secret would have been seen.
    actions = {words[2] for words in handler}
    assert actions >= {"setup", "teardown"} or "(fault)" in actions
    others = [words for words in seen if words not in handler]
    assert [words for words in others if words[:2] != ["jshn", "-r"]] == []


def test_line(line):
    """No secret crosses the line in clear text."""
    octets = line.lab.capture.read_bytes()
    assert [secret for secret in SECRETS if secret.encode() in octets] == []
