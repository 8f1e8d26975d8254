# SPDX-License-Identifier: Apache-2.0
"""The unit tests on the MicroPython that the router has: real sockets and MD5, where tests/floor has stand-ins."""

import re


def test_unit_tests(lab):
    output, status = lab.access.run("micropython /lab/tree/tests/unit/run_micropython.py", timeout=300)
    assert status == 0, output
    ran = re.search(r"ran (\d+) tests: 0 failed, 0 modules broken, (\d+) skipped on .*MicroPython", output)
    assert ran, output
    assert int(ran.group(1)) > 100
    assert ran.group(2) == "0"
