# SPDX-License-Identifier: Apache-2.0
"""Fuzzes the targets one after the other under atheris, counts the inputs, saves crashers and what reached new code.

Each target has a working corpus in build/fuzz/<target>/; --keep takes from it what tests/corpus/<target>/ lacks,
cut down to inputs that reach a line no other one does.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

from tests.fuzz import seed, targets

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/fuzz"
CORPUS = ROOT / "tests/corpus"
# What the smallest sources reach is worth more than what long ones do.
MOST_KEPT = 8192


def save(folder, data):
    """One input under the name of its content."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (hashlib.sha256(data).hexdigest()[:16] + ".bin")
    path.write_bytes(data)
    return path


def fuzz(name, words):
    """Runs one target to its end; a row of the report."""
    log = WORK / f"{name}.log"
    for old in WORK.glob(f"{name}.fault-*"):
        old.unlink()
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.engine", name, WORK / name, CORPUS / name, *words]
    command += ["-timeout=5", "-rss_limit_mb=1024", f"-max_len={targets.LONGEST}", "-print_final_stats=1"]
    with open(log, "w") as output:
        done = subprocess.run(
            ["nice", "-n", "19", *command, f"-artifact_prefix={WORK / name}.fault-"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    told = log.read_text(errors="replace")
    faults = [save(CORPUS / name, path.read_bytes()) for path in sorted(WORK.glob(f"{name}.fault-*"))]
    return {
        "target": name,
        "inputs": number(r"number_of_executed_units:\s+(\d+)", told),
        "peak_rss_mb": number(r"peak_rss_mb:\s+(\d+)", told),
        "slowest_s": number(r"slowest_unit_time_sec:\s+(\d+)", told),
        "faults": [str(path.relative_to(ROOT)) for path in faults],
        "ended_well": done.returncode == 0,
    }


def add_up(row):
    """Adds one target's inputs to those of earlier runs in build/fuzz/inputs.json; the sum of all."""
    path = WORK / "inputs.json"
    ever = json.loads(path.read_text()) if path.exists() else {}
    ever[row["target"]] = ever.get(row["target"], 0) + row["inputs"]
    path.write_text(json.dumps(ever, indent=1) + "\n")
    return sum(ever.values())


def number(pattern, text):
    """The last number that the pattern finds, or 0."""
    return int((re.findall(pattern, text) or ["0"])[-1])


def reached(name, data):
    """The lines of the product that one input reaches, each with the one before."""
    found, last = set(), None

    def trace(frame, event, _):
        nonlocal last
        if not frame.f_code.co_filename.startswith(str(ROOT / "src")):
            return None
        place = (frame.f_code.co_filename, frame.f_lineno)
        found.add((last, place))
        last = place
        return trace

    sys.settrace(trace)
    try:
        targets.run(name, data)
    finally:
        sys.settrace(None)
    return found


def keep(name):
    """Adds to the saved corpus what reaches something new: real messages first, then the shortest inputs."""
    paths = sorted((CORPUS / name).glob("*.bin"))
    known = set().union(*(reached(name, path.read_bytes()) for path in paths)) if paths else set()
    size = sum(path.stat().st_size for path in paths)
    added = 0
    # libFuzzer's have no suffix.
    for path in sorted(
        (WORK / name).iterdir(), key=lambda path: (path.suffix == "", path.stat().st_size, path.name)
    ):
        data = path.read_bytes()
        new = reached(name, data)
        if not new <= known and size + len(data) <= MOST_KEPT:
            save(CORPUS / name, data)
            known |= new
            size += len(data)
            added += 1
    return f"{name}: {len(paths) + added} inputs, {size} octets, {added} of them new"


def main():
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=10, help="for each target (10)")
    parser.add_argument("--inputs", type=int, help="for each target, instead of a time")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument(
        "--seed", nargs="*", metavar="PCAP", help="begin with tests' fixtures and these captures"
    )
    parser.add_argument("--keep", action="store_true", help="afterwards take what is new into tests/corpus")
    parser.add_argument("target", nargs="*", help=", ".join(sorted(targets.TARGETS)))
    given = parser.parse_args()
    names = given.target or sorted(targets.TARGETS)
    for name in names:
        if name not in targets.TARGETS:
            parser.error(f"no target '{name}'")
        (WORK / name).mkdir(parents=True, exist_ok=True)
    if given.seed is not None:
        for pairs in (seed.from_tests(), *(seed.from_capture(path) for path in given.seed)):
            for name, data in pairs:
                if len(data) <= targets.LONGEST:
                    save(WORK / name, data)
    words = [f"-runs={given.inputs}"] if given.inputs else [f"-max_total_time={given.seconds}"]
    report = []
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(fuzz, name, words) for name in names]):
            row = done.result()
            report.append(row)
            total = add_up(row)
            print(
                "{target:18} {inputs:>10,} inputs, {peak_rss_mb} MB".format(**row), *row["faults"], flush=True
            )
            if not row["ended_well"]:
                print(f"{'':18} stopped: the end of build/fuzz/{row['target']}.log says why")
    print(f"{'together':18} {sum(row['inputs'] for row in report):>10,} inputs; {total:,} since make clean")
    if given.keep:
        for name in names:
            print(keep(name))
    return 0 if all(row["ended_well"] for row in report) else 1


if __name__ == "__main__":
    sys.exit(main())
