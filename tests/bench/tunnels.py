# SPDX-License-Identifier: Apache-2.0
"""softwired tunnels, ten thousand: a round of echoes beside fping, packets beside a plain sit device, start, memory,

and requests of the page while the monitor runs.

python -m tests.bench.tunnels
"""

from __future__ import annotations

import json
import sys

from tests.bench import counted
from tests.bench.dhcp4o6 import OUT, table
from tests.lab.guest import LabError


def main() -> int:
    try:
        result = counted.measure(
            "tunnels", ["src", "tests/softwired", "tests/system/tunnels", "tests/system/tep"], 3600
        )
    except LabError as error:
        print(f"bench: not measured: {error}", file=sys.stderr)
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "tunnels.json").write_text(json.dumps(result, indent=2) + "\n")
    print(table(counted.of_plain(result, result["tunnels"])))
    print("\nTen thousand tunnels; an instruction is a nanosecond:")
    for name, told in result["start"].items():
        print(f"  start, {name}: {told:.2f} s")
    one = result["round"]
    print(
        f"  a round of echoes: {one['seconds']:.1f} s, {one['answered']:,} answers,"
        f" {one['cpu_seconds']:.2f} s of the processor; fping: {one['fping_seconds']:.1f} s,"
        f" {one['fping_answered']:,} answers, {one['fping_cpu_seconds']:.2f} s"
    )
    for name, told in result["requests"].items():
        print(
            f"  {name} while the monitor runs: {told['per_second']:.0f} a second,"
            f" median {told['p50_ms']:.1f} ms, p99 {told['p99_ms']:.1f} ms"
        )
    print(f"  memory: monitor {result['monitor_bytes'] >> 20} MiB, page {result['page_bytes'] >> 20} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
