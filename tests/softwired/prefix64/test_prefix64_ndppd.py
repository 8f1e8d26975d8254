# SPDX-License-Identifier: Apache-2.0
"""Beside Debian's ndppd on the same link: its configuration, imported, makes the same advertisements."""

import shutil

import pytest

from softwired.prefix64 import solicitation
from tests.softwired import network
from tests.softwired.prefix64 import lab

CONFIGURATION = """
route-ttl 30000
proxy vs {
    router %s
    timeout 500
    ttl 30000
    rule 2001:db8:1::/112 {
        static
    }
    rule 2001:db8:1:0:1::/80 {
        iface inside
    }
    rule 2001:db8:1:0:2::/80 {
        auto
    }
}
"""
TARGETS = {
    "2001:db8:1::77": True,
    "2001:db8:1::1:77": False,
    "2001:db8:1:0:1::77": True,
    "2001:db8:1:0:1::78": False,
    "2001:db8:1:0:2::77": True,
    "2001:db8:1:0:2::78": False,
}


@pytest.fixture
def inside(cable):
    """A host behind the machine."""
    host = network.Namespace(cable.server)
    pid = str(host.holder.pid)
    cable.server.run("ip", "link", "add", "inside", "type", "veth", "peer", "name", "eth0", "netns", pid)
    for namespace, device, address in ((cable.server, "inside", "fe80::1"), (host, "eth0", "fe80::2")):
        namespace.run("ip", "link", "set", device, "up")
        namespace.run("ip", "address", "add", f"{address}/64", "dev", device, "nodad")
    for address in ("2001:db8:1:0:1::77", "2001:db8:1:0:2::77"):
        host.run("ip", "address", "add", f"{address}/128", "dev", "eth0", "nodad")
    cable.server.run("ip", "route", "add", "2001:db8:1:0:2::/80", "dev", "inside")
    yield host
    host.close()


def answers(router):
    """Target: its advertisement; all of them are asked for several times, as a router does."""
    found = {}
    router.socket.settimeout(0.3)
    for _ in range(3):
        for target in TARGETS:
            router.ask(target)
        try:
            while True:
                frame = router.hear()
                found[frame[solicitation.TARGET : solicitation.OPTIONS]] = frame
        except TimeoutError:
            pass
    return {target: found.get(lab.packed(target)) for target in TARGETS}


@pytest.mark.skipif(
    not shutil.which("ndppd", path="/usr/sbin:/usr/bin"), reason="no ndppd: tests/setup.sh server installs it"
)
@pytest.mark.parametrize("flag", ["yes", "no"])
def test_the_same_advertisements(cable, machine, router, inside, flag):
    path = machine.folder / "ndppd.conf"
    path.write_text(CONFIGURATION % flag)
    process = machine.start("ndppd", "ndppd", "-c", str(path), "-p", str(machine.folder / "pid"))
    network.until(lambda: any(answers(router).values()), "ndppd answers")
    theirs = answers(router)
    process.terminate()
    process.wait()
    machine.running.remove(process)
    done = machine.inside("prefix64", "import-ndppd", str(path))
    assert done.returncode == 0
    (machine.folder / "softwired.toml").write_text(
        f'[softwired]\nuser = ""\nrun_directory = "{machine.folder}/run"\n' + done.stdout
    )
    machine.start("softwired", *machine.command("run", "prefix64"), ready="ready (version")
    ours = answers(router)
    assert {target: bool(frame) for target, frame in ours.items()} == TARGETS
    assert {target: bool(frame) for target, frame in theirs.items()} == TARGETS
    for target in (one for one, answered in TARGETS.items() if answered):
        # But for the flow label, which the kernel makes up for ndppd.
        mine, others = ours[target], theirs[target]
        assert mine[:15] + mine[18:] == others[:15] + others[18:], target
