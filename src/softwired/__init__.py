# SPDX-License-Identifier: Apache-2.0
"""The other end: services that hand out softwires and tunnels, for networks of one's own."""

from __future__ import annotations

import importlib
import importlib.util
import types

__version__ = "0.1.0"

# Each is a package of this name beside this file, and may be left out of an installation.
SERVICES = ("dhcp4o6", "dstm", "prefix64", "tep", "tunnels")


def installed() -> list[str]:
    """The services that are here."""
    return [name for name in SERVICES if importlib.util.find_spec(f"softwired.{name}")]


def load(name: str) -> types.ModuleType:
    """The package of a service; only then what it needs is imported."""
    return importlib.import_module(f"softwired.{name}")
