# SPDX-License-Identifier: Apache-2.0
"""The router on which `softwire configure` is tried, and a person at its terminal."""

import pytest

import uci_router


@pytest.fixture(params=uci_router.VARIANTS, ids="-".join)
def router(request, tmp_path):
    """One with OpenWrt's default configuration."""
    return uci_router.make(tmp_path, request.param)


@pytest.fixture
def person(router):
    """person(words...): a terminal on which the command runs."""
    opened = []

    def open_terminal(*words):
        opened.append(router.terminal(*words))
        return opened[-1]

    yield open_terminal
    for terminal in opened:
        terminal.close()
