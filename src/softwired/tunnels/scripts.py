# SPDX-License-Identifier: Apache-2.0
"""The script for each system, made from one folder of templates: beside this file, in scripts/.

All that goes into one was checked: addresses, a nicname, secrets of our own letters, a host's name.
"""

from __future__ import annotations

import functools
import pathlib
import types
import typing

import jinja2

from softwired.tunnels.register import Tunnel

FOLDER = pathlib.Path(__file__).parent / "scripts"
# What the tunnel takes off a line of 1500; a line with PPPoE has less, which path MTU discovery finds.
MTU = 1480


class System(typing.NamedTuple):
    """How people call it, and the file that they get."""

    name: str
    title: str
    file: str
    # Whether the script changes nothing but this run of the system: after the next start it is to be run again.
    once: bool = False


SYSTEMS = {
    one.name: one
    for one in (
        System("openwrt", "OpenWrt", "openwrt.sh"),
        System("iproute2", "Linux (iproute2)", "iproute2.sh", True),
        System("networkmanager", "Linux (NetworkManager)", "networkmanager.sh"),
        System("networkd", "Linux (systemd-networkd)", "networkd.sh"),
        System("netplan", "Linux (netplan)", "netplan.sh"),
        System("freebsd", "FreeBSD", "freebsd.sh"),
        System("macos", "macOS", "macos.sh", True),
        System("windows", "Windows", "windows.cmd"),
        System("mikrotik", "MikroTik RouterOS", "mikrotik.rsc"),
        System("cisco", "Cisco IOS", "cisco.txt"),
    )
}


class Place(typing.NamedTuple):
    """What the page is called by."""

    scheme: str
    host: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"


@functools.cache
def templates() -> jinja2.Environment:
    """All of them, read once."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    for name in made.list_templates():
        made.get_template(name)
    return made


def of(
    system: str,
    one: Tunnel,
    values: types.SimpleNamespace,
    key: str,
    place: Place,
    words: typing.Mapping[str, str],
) -> str:
    """The text of a system's script; `key` is the tunnel's update key."""
    text = (
        templates()
        .get_template(f"{SYSTEMS[system].file}.j2")
        .render(
            words=words,
            id=one.id,
            name=one.name,
            server4=values.address,
            client4=one.IPv4client,
            server6=one.IPv6server,
            client6=one.IPv6client,
            routed=one.routed,
            mtu=MTU,
            user=one.name,
            key=key,
            scheme=place.scheme,
            https=int(place.scheme == "https"),
            host=place.host,
            path=place.path,
        )
    )
    # Whoever keeps scripts on Windows wants its line ends.
    return text.replace("\n", "\r\n") if system == "windows" else text
