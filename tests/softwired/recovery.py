# SPDX-License-Identifier: Apache-2.0
"""How long a service took to be right again behind a fault; rows of the report, also from inside the guest.

They go, a JSON object a line, into the file that RECOVERIES names, which tests/system/reliability.py reads.
"""

from __future__ import annotations

import json
import os
import time
import typing

from tests.softwired.network import until

FILE = "RECOVERIES"
# Each fault as long and as often as the report is to say; short otherwise.
LONG = bool(os.environ.get("FAULTS_LONG"))


def recovered(
    name: str, meanwhile: str, good: typing.Callable[[], object], longest: float = 60.0, began: float = 0.0
) -> None:
    """The fault of this name ended now, or at `began`; waits until all is good again."""
    began = began or time.monotonic()
    until(good, f"all is right again behind: {name}", longest)
    row = {"name": name, "meanwhile": meanwhile, "seconds": time.monotonic() - began}
    path = os.environ.get(FILE)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
