# SPDX-License-Identifier: Apache-2.0
"""An input that makes a parser hang fails its test instead of holding up all others."""

import signal

import pytest

LONGEST = 120  # seconds for all inputs of one target


@pytest.fixture(autouse=True)
def alarm():
    def fail(*_):
        raise TimeoutError(f"still running after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
