#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs pytest twice at the same time, for a machine of two processors: the system tests, which wait for their machines
most of the time, beside all others.

    tests/beside.py REPORT FOLDER... -- FOLDER... -- WORD...

The first folders' run is shown as it goes, the second's when the first has ended; the words go to both. REPORT is the
JUnit file of both. The exit status is pytest's, the worse of the two.
"""

import contextlib
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
LOG = ROOT / "build/log/beside.log"
NOTHING_RAN = 5  # pytest's status where no test was selected


def parted(words):
    """The lists between words that are --."""
    parts = [[]]
    for word in words:
        if word == "--":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def status_of(statuses):
    """One of several: that one of them had nothing to run is well, where another had."""
    ran = [status for status in statuses if status != NOTHING_RAN]
    # A process that a signal ended has a status below zero.
    return max([abs(status) for status in ran], default=NOTHING_RAN)


def join(reports, report):
    """Puts the suites of the reports that are there into one; how often each outcome is in them."""
    whole = ElementTree.Element("testsuites", name="pytest tests")
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for path in reports:
        if path.exists():
            for suite in ElementTree.parse(path).getroot():
                whole.append(suite)
                for name in counts:
                    counts[name] += int(suite.get(name, 0))
            path.unlink()
    ElementTree.ElementTree(whole).write(report, encoding="utf-8", xml_declaration=True)
    return counts


def summary(counts, seconds):
    """In pytest's words."""
    failed, errors, skipped = counts["failures"], counts["errors"], counts["skipped"]
    told = [
        (failed, "failed"),
        (counts["tests"] - failed - errors - skipped, "passed"),
        (skipped, "skipped"),
        (errors, "errors"),
    ]
    words = ", ".join(f"{count} {word}" for count, word in told if count)
    return f"both runs: {words or 'no tests ran'} in {seconds:.0f} s"


def run(commands):
    """The exit status of each; the first one's output is here, the others' behind it, from the log."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    # What a shell runs in the background ignores it, and would hand that down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with LOG.open("wb") as log:
        running = [subprocess.Popen(commands[0])]
        running += [subprocess.Popen(words, stdout=log, stderr=log) for words in commands[1:]]

    def interrupt(*_):
        """What the terminal tells them itself; each takes its machines down."""
        for process in running:
            process.send_signal(signal.SIGINT)
        raise KeyboardInterrupt

    def show():
        """What came since."""
        shutil.copyfileobj(told, sys.stdout.buffer)
        sys.stdout.flush()

    signal.signal(signal.SIGTERM, interrupt)
    with LOG.open("rb") as told:
        try:
            running[0].wait()
            while [process for process in running if process.poll() is None]:
                show()
                time.sleep(0.2)
        except KeyboardInterrupt:
            for process in running:
                with contextlib.suppress(KeyboardInterrupt):
                    process.wait()
        show()
    return [process.wait() for process in running]


def main():
    started = time.monotonic()
    (report, *first), second, words = parted(sys.argv[1:])
    report = pathlib.Path(report)
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    reports = [report.with_suffix(f".{number}.xml") for number in range(2)]
    commands = []
    for number, folders in enumerate((first, second)):
        reports[number].unlink(missing_ok=True)
        # Each remembers what failed in it.
        own = [f"--junit-xml={reports[number]}", f"--override-ini=cache_dir=build/pytest/{number}"]
        commands.append([sys.executable, "-m", "pytest", *own, *words, *folders])
    statuses = run(commands)
    for status, folders in zip(statuses, (first, second)):
        if status < 0:
            print(f"signal {-status} ended the run of {' '.join(folders)}, which is not counted here:")
    print(summary(join(reports, report), time.monotonic() - started))
    return status_of(statuses)


if __name__ == "__main__":
    sys.exit(main())
