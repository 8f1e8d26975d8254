# SPDX-License-Identifier: Apache-2.0
"""The report on bad days: a run of one part keeps what the others have said, and the rows that it left out."""

import json

from tests.system import reliability
from tests.system.reliability import CLIENT, FUZZED, TUNNELS, Recovery, Report, merged


def rows(table, **told):
    """A report's, by name and what was meanwhile."""
    made = Report(table)
    for name, meanwhile in told.items():
        if table is CLIENT:
            one = Recovery(name, meanwhile, "NO_ANSWER")
            one.over()
            made.add(one)
        else:
            made.read(json.dumps({"name": name, "meanwhile": meanwhile, "seconds": 1.25}) + "\n")
    return made.rows


def test_one_table_keeps_the_other():
    both = merged("", CLIENT, rows(CLIENT, radius="silent", cable="out"), f"{FUZZED}: 5.\nMore.\n")
    both = merged(both, TUNNELS, rows(TUNNELS, bind="down"), "")
    again = merged(both, TUNNELS, rows(TUNNELS, bind="up", clock="set"), "")
    assert both.count("\n|") == again.count("\n|") - 1
    for text in ("| radius | silent | `NO_ANSWER` | 0 s |", "| cable | out |", f"\n\n{FUZZED}: 5.\nMore.\n"):
        assert text in both and text in again
    assert "| bind | up | 1.2 s |\n| clock | set | 1.2 s |\n" in again and "down" not in again
    assert merged(again, CLIENT, rows(CLIENT, radius="back"), "").count("\n|") == again.count("\n|")
    assert merged(again, CLIENT, {}, "") == again


def test_a_part_that_tells_nothing():
    """What a guest's console makes of an empty file."""
    made = Report(TUNNELS)
    made.read("\n")
    assert made.rows == {}


def test_the_report_that_is_there():
    """It is what the program would write of it."""
    told = (reliability.ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    assert merged(told, CLIENT, {}, "") == told
