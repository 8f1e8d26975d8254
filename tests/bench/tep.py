# SPDX-License-Identifier: Apache-2.0
"""softwired tep beside a plain tunnel device: packets, start, memory.

python -m tests.bench.tep
"""

from __future__ import annotations

import json
import sys

from tests.bench import counted
from tests.bench.dhcp4o6 import OUT, table
from tests.lab.guest import LabError


def main() -> int:
    try:
        result = counted.measure("tep", ["src", "tests/softwired", "tests/system/tep"])
    except LabError as error:
        print(f"bench: not measured: {error}", file=sys.stderr)
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "tep.json").write_text(json.dumps(result, indent=2) + "\n")
    print(table(counted.of_plain(result, result["tep"])))
    print(f"start with nothing in the kernel, 10^9 instructions: {result['start_seconds']}")
    print(f"restart with all mappings in the kernel: {result['restart_seconds']:.2f}")
    for name in ("kernel", "process"):
        told = result[f"{name}_bytes"]
        print(f"{name}: {(told['10000'] - told['1']) / 9999:,.0f} octets a mapping")
    return 0


if __name__ == "__main__":
    sys.exit(main())
