# SPDX-License-Identifier: Apache-2.0
"""The guest itself as the host of a tunnel, its services systemd's; the server with monitor and page is a namespace."""

from __future__ import annotations

import re
import subprocess
import types

from tests.softwired.network import Namespace, until
from tests.system.tunnels.machine import NEIGHBOUR, SERVER, Machine

# What finds network cards for all of them; the image masks it.
UDEV = "systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket"
# What a failure shows.
STATE = (
    "ip -d address",
    "ip -6 route",
    "networkctl list --no-pager",
    "nmcli connection",
    "journalctl -q --no-pager -n 40",
)


def sh(command):
    """The output of a command that must succeed, in the guest's own namespace."""
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout


class Root(Namespace):
    """Where systemd and its services are."""

    def __init__(self):
        self.enter = []
        self.holder = types.SimpleNamespace(pid=1)

    def close(self):
        """Ends with the guest."""


class Visitor:
    """Somebody in a namespace who fills in the page's form."""

    def __init__(self, namespace, folder, page):
        self.namespace, self.folder, self.page = namespace, folder, page

    def curl(self, *words):
        """As a browser that keeps cookies."""
        jar = str(self.folder / "jar")
        return self.namespace.run("curl", "-sS", "--max-time", "60", "-b", jar, "-c", jar, *words)

    def fill_in(self, nicname, ipv4):
        """The address of the new tunnel's page."""
        mark = re.search(r'name="form" value="([^"]+)"', self.curl(f"{self.page}/new/networkd"))[1]
        told = {"form": mark, "ipv4": ipv4, "nicname": nicname, "country": "jp", "system": "networkd"}
        words = [word for key, value in told.items() for word in ("--data-urlencode", f"{key}={value}")]
        answer = self.curl("-w", "\n%{redirect_url}", *words, f"{self.page}/new")
        place = answer.splitlines()[-1]
        assert place, answer
        return place


class Host:
    """Has IPv4 alone, and a tunnel that it got by the page."""

    def __init__(self, folder):
        sh(f"systemctl unmask {UDEV}; systemctl daemon-reload; systemctl start {UDEV}")
        sh("udevadm trigger --subsystem-match=net; udevadm settle")
        self.machine = machine = Machine(folder, clients=Root())
        # A host forwards nothing; the page's echo requests need no rights.
        sh("sysctl -qw net.ipv6.conf.all.forwarding=0")
        machine.server.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
        page = '[tunnels.page]\nlisten = "[::]:80"\nkey_file = "FOLDER/key"\nallow = ["192.0.2.0/24"]\n'
        machine.configure(page, unreachable=100000)
        machine.start()
        log = folder / "page.log"
        with open(log, "w") as file:
            self.page = machine.server.start(
                *machine.command("tunnels", "page"), env=machine.environment(), stdout=file, stderr=file
            )
        until(lambda: "listens at" in log.read_text(), "the page listens", 120)
        self.visitor = Visitor(machine.clients, folder, f"http://{SERVER}")
        self.place = self.visitor.fill_in("laptop", NEIGHBOUR)
        until(lambda: machine.row().carried == machine.row().version, "the tunnel is carried", 60)
        self.address = machine.row().IPv6client

    def close(self):
        self.page.kill()
        self.page.wait()
        self.machine.close()

    def script(self, system):
        """As the page hands it out."""
        path = self.machine.folder / f"{system}.sh"
        path.write_text(self.visitor.curl("--fail", f"{self.place}/{system}.sh"))
        return path

    def has_ipv6(self):
        """Whether packets pass, asked for from both sides."""
        machine = self.machine
        return (
            machine.reaches("")
            and machine.reaches(self.address)
            and machine.reaches("", self.address, machine.world)
        )

    def must_have_ipv6(self, what):
        """After `what`; the monitor hears the host, too, and packets have the tunnel's size."""
        try:
            until(self.has_ipv6, f"IPv6 passes after {what}", 120)
            since = self.machine.row().answered or 0
            until(lambda: (self.machine.row().answered or 0) > since, "the monitor hears it", 60)
        except AssertionError as error:
            state = "\n".join(f"# {one}\n{subprocess.getoutput(one)}" for one in STATE)
            raise AssertionError(f"{error}\n{state}") from None
        assert self.machine.row().unreachable == 0
        assert " mtu 1480 " in sh("ip -o link show dev tunnel6")

    def has_none(self):
        """Whether nothing of it is left in the kernel."""
        return "tunnel6" not in sh("ip -o link; ip -6 route show table all")
