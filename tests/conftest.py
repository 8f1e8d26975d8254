# SPDX-License-Identifier: Apache-2.0
"""What all tests under pytest share: one running lab for those that want machines, and settings of hypothesis."""

import pathlib
import time

import hypothesis.configuration
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]

hypothesis.configuration.set_hypothesis_home_dir(ROOT / "build/hypothesis")
# A failure must be the change's, not the draw's: `pytest --hypothesis-profile=search` looks further.
hypothesis.settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, max_examples=200
)
hypothesis.settings.register_profile("search", database=None, deadline=None, max_examples=20000)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def lab(request):
    """Access network and router, running; logs and capture in build/test/ whatever happens."""
    from tests.lab.lab import Lab

    started = time.monotonic()
    terminal = request.config.pluginmanager.getplugin("terminalreporter")

    def tell(text):
        terminal.write_line(f"lab: {time.monotonic() - started:5.1f} s  {text}")

    machines = Lab(ROOT / "build/test", tell)
    try:
        machines.start()
        yield machines
        machines.collect()
    finally:
        machines.stop()
