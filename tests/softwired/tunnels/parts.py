# SPDX-License-Identifier: Apache-2.0
"""Values of a configuration and rows, as tests need them."""

from __future__ import annotations

from softwired import service
from softwired.store import Store
from softwired.tunnels import register

BASE = """
[softwired]
user = ""
run_directory = "FOLDER/run"
[tunnels]
name = "one"
address = "192.0.2.1"
prefix = "2001:db8:1::/48"
database = "sqlite:///FOLDER/tunnels.db"
"""


def values(folder, text="", base=BASE):
    """The checked values of [tunnels]."""
    path = folder / "softwired.toml"
    path.write_text((base + text).replace("FOLDER", str(folder)))
    return service.values_of("tunnels", str(path))[1]


def store(url):
    made = Store(url, register.metadata)
    made.create()
    return made


def request(number, **changed):
    """Somebody asks."""
    ipv4 = f"198.51.{100 + number // 250}.{1 + number % 250}"
    told = {
        "ipv4": ipv4,
        "nicname": f"host{number}",
        "country": "jp",
        "system": "iproute2",
        "asker": ipv4,
        "network": register.network_of(ipv4, 24),
        "link": f"{number:064x}",
        "key": "0" * 64,
        **changed,
    }
    return register.Request(**told)


def no_names(_):
    return {}
