# SPDX-License-Identifier: Apache-2.0
"""`softwired tunnels page` as a process in the server's namespace, and people with public IPv4 addresses beside it."""

from __future__ import annotations

import os
import pathlib
import typing

from tests.softwired import network
from tests.softwired.processes import Processes

SERVER, PERSON = "203.0.114.1", "203.0.114.9"


class WebPage(Processes):
    """Of one cable; the person's side is its client."""

    service = "tunnels"
    table: typing.ClassVar[dict[str, typing.Any]] = {
        "name": "one",
        "address": SERVER,
        "prefix": "2001:db8:1::/48",
    }

    def __init__(self, cable: network.Cable, folder: pathlib.Path) -> None:
        super().__init__(cable, folder, folder)
        # Whether clients have to answer.
        self.echo = True
        # People have accounts, and choose what is routed.
        self.accounts = False
        cable.server.run("ip", "address", "add", f"{SERVER}/24", "dev", "vs")
        for last in range(9, 20):
            cable.client.run("ip", "address", "add", f"203.0.114.{last}/24", "dev", "vc")
        cable.server.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
        if os.geteuid() == 0:
            # Who the page becomes.
            self.user = "nobody"
            os.chown(folder, 65534, 65534)

    def begin(self, listen: str = "[::]:80", database: str = "", name: str = "page") -> None:
        """Until it listens."""
        page = {
            "listen": listen,
            "key_file": str(self.folder / "key"),
            "echo": self.echo,
            "accounts": self.accounts,
        }
        pool = [{"prefix": "2001:db8:4000::/40", "length": 56}] if self.accounts else []
        many = ("requests", "requests_of_a_network", "new", "new_of_a_network")
        limits = {"of_a_person": 0, "of_a_network": 0, **dict.fromkeys(many, 100000)}
        self.configure(
            database=database or f"sqlite:///{self.folder}/tunnels.db",
            routed="2001:db8:8000::/40",
            page=page,
            limits=limits,
            pool=pool,
        )
        self.page = self.start(name, *self.command("tunnels", "page"), ready="listens at")

    def curl(self, *words: str) -> str:
        """As the person, who keeps cookies."""
        jar = str(self.folder / "jar")
        return self.cable.client.run("curl", "-sS", "--max-time", "20", "-b", jar, "-c", jar, *words)

    def fill_in(self, nicname: str = "host1", ipv4: str = PERSON, base: str = f"http://{SERVER}") -> str:
        """The address of the new tunnel's page."""
        import re

        form = self.curl(f"{base}/new/iproute2")
        mark = re.search(r'name="form" value="([^"]+)"', form)
        assert mark, form
        told = {"form": mark[1], "ipv4": ipv4, "nicname": nicname, "country": "jp", "system": "iproute2"}
        words = [word for key, value in told.items() for word in ("--data-urlencode", f"{key}={value}")]
        answer = self.curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", *words, f"{base}/new")
        status, _, place = answer.partition(" ")
        assert status == "303", self.curl(*words, f"{base}/new")
        return place

    def listed(self) -> list[dict[str, typing.Any]]:
        import json

        told: list[dict[str, typing.Any]] = json.loads(self.ask("tunnels", "list", "--json"))
        return told
