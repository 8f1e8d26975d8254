# SPDX-License-Identifier: Apache-2.0
"""What happens to a working line, and that the softwire follows by itself, or stays untouched where nothing changed."""

from tests.lab import addresses
from tests.system import capture
from tests.system.router import seconds_between

RELEASE = 8


def wait_for_softwire(line, endpoint, ipv4=addresses.IPV4):
    """Until the router has the softwire in all its parts, and the LAN host's packets pass."""
    line.need("ip-full")
    tunnel = f" remote {addresses.BORDER_ROUTER} local {endpoint} "
    line.router.wait_until(
        f"/sbin/ip -d link show dev sw-wan | grep -qF '{tunnel}'", 90, f"sw-wan goes from {endpoint}"
    )
    line.wait_for_softwire(ipv4)
    assert f" {ipv4}/32 " in line.router.check("/sbin/ip -4 -o address show dev sw-wan")
    assert line.router.check("/sbin/ip -4 route show default").startswith("default dev sw-wan ")
    assert line.endpoints() == [endpoint]


# --- the line changes


def test_renumbering(line):
    """A new prefix with the same IPv4 address, then one with a new address: the softwire and the LAN host follow."""
    with line.undone():
        line.access(f"renumber {addresses.NEXT_PREFIX} {addresses.IPV4}")
        wait_for_softwire(line, addresses.NEXT_ENDPOINT)
        assert f"from={addresses.NEXT_ENDPOINT} " in line.requests()[-1]
        line.wait(
            lambda: line.seen_by_ipv6().startswith("2001:db8:4000:500:"),
            30,
            "the LAN host has the new prefix",
        )

        # odhcp6c keeps a withdrawn prefix until the Reply after next; only then may it come again.
        line.renew()
        line.access(f"renumber {addresses.PREFIX} {addresses.NEXT_IPV4}")
        line.renew()
        wait_for_softwire(line, addresses.ENDPOINT, addresses.NEXT_IPV4)
        assert f"from={addresses.ENDPOINT} " in line.requests()[-1]
        line.wait(
            lambda: line.seen_by_ipv6().startswith("2001:db8:4000:300:"),
            30,
            "the LAN host has the old prefix",
        )

        # The same prefix, and the address of the beginning.
        line.access(f"subscriber 2001:0db8:4000:0300 {addresses.IPV4}")
        line.router.check("ubus call network.interface.wan renew")
        wait_for_softwire(line, addresses.ENDPOINT)


def test_line_down_and_up(line):
    """`ifdown wan6` takes the softwire along, `ifup wan6` brings both; no lease is ever released."""
    released = capture.dhcpv6_messages(line.lab.capture).count(RELEASE)
    with line.undone():
        line.router.check("/sbin/ifdown wan6")
        line.wait_until_gone()
        status, code = line.router.run("softwire status wan")
        assert code == 1 and "interface wan6 " in status
        line.router.check("/sbin/ifup wan6")
        wait_for_softwire(line, addresses.ENDPOINT)
    assert capture.dhcpv6_messages(line.lab.capture).count(RELEASE) == released


# --- the operator's server


def test_server_restart(line):
    """The RADIUS server away and back: nothing happens to a softwire that is up."""
    before = line.ifindex(), line.client(), line.requests()
    with line.undone():
        line.access("radius stop")
        assert line.seen_by_ipv4() == addresses.IPV4
        line.access("radius start")
    assert line.seen_by_ipv4() == addresses.IPV4
    assert (line.ifindex(), line.client(), line.requests()) == before


def test_server_starts_late(line):
    """While the RADIUS server is away wan says NO_ANSWER and IPv6 works; when it comes, so does the softwire."""
    with line.undone():
        line.access("radius stop")
        line.router.check("/sbin/ifup wan")
        line.wait_until_gone()
        assert addresses.RADIUS in line.wait_for_error("NO_ANSWER")
        assert line.seen_by_ipv4() == ""
        assert line.seen_by_ipv6().startswith("2001:db8:4000:300:")
        line.access("radius start")
        wait_for_softwire(line, addresses.ENDPOINT)
    assert line.errors() == []


def test_reauthentication(line):
    """`renew` asks the server at once, Session-Timeout in time; equal answers change nothing on the router."""
    before = line.ifindex(), line.client()
    with line.undone():
        line.access("radius reply 'update reply { &Session-Timeout := 60 }'")
        asked = len(line.requests())
        line.router.check("ubus call network.interface.wan renew")
        line.wait(lambda: len(line.requests()) == asked + 1, 30, "renew leads to a request")
        line.wait(lambda: len(line.requests()) == asked + 2, 75, "the session's end leads to a request")
        assert 45 <= seconds_between(*line.requests()[asked:]) <= 60
        line.access("radius accept")
        line.router.check("ubus call network.interface.wan renew")
        line.wait(lambda: len(line.requests()) == asked + 3, 30, "renew leads to a request")
        line.wait(lambda: line.status()["tunnel"]["refresh"] > 60, 30, "the session is long again")
    assert (line.ifindex(), line.client()) == before
    assert line.seen_by_ipv4() == addresses.IPV4


# --- the router's own doings


def test_reload_without_change(line):
    """A network reload without a change touches nothing and asks nobody."""
    before = line.ifindex(), line.client(), line.requests()
    events = '/sbin/logread -e "Interface \'wan" | wc -l'
    told = line.router.check(events)
    line.router.check("/etc/init.d/network reload")
    assert line.seen_by_ipv4() == addresses.IPV4
    assert (line.ifindex(), line.client(), line.requests()) == before
    assert line.router.check(events) == told


def test_down_and_up(line):
    """`ifdown wan` leaves no device, address, file or process, and native IPv6 alone; `ifup wan` brings all back."""
    with line.undone():
        line.router.check("/sbin/ifdown wan")
        line.wait_until_gone()
        line.wait(lambda: line.endpoints() == [], 30, "the endpoint is gone")
        line.router.wait_until("! ubus list network.interface.wan_ep", 30, "wan_ep is gone")
        assert line.router.check("ls /var/run/softwire").strip() == ""
        assert line.client() == []
        assert line.seen_by_ipv6().startswith("2001:db8:4000:300:")
        line.router.check("/sbin/ifup wan")
        wait_for_softwire(line, addresses.ENDPOINT)


def test_killed_client(line):
    """A client that dies is started again by netifd, and one softwire carries packets."""
    killed = line.client()
    assert len(killed) == 1
    with line.undone():
        line.router.check(f"kill -9 {killed[0]}")
        line.wait(lambda: len(line.client()) == 1 and line.client() != killed, 60, "another client runs")
        wait_for_softwire(line, addresses.ENDPOINT)
    assert line.router.check("echo /sys/class/net/sw-*").split() == ["/sys/class/net/sw-wan"]


def test_refused_tunnel(line):
    """Another tunnel between the same ends makes netifd refuse ours: HANDOVER_REFUSED, until the other one is gone."""
    line.need("ip-full")
    with line.undone():
        line.router.check("/sbin/ifdown wan")
        line.wait_until_gone()
        line.router.check(
            "/sbin/ip link add other type ip6tnl mode ipip6 dev eth1"
            f" local {addresses.ENDPOINT} remote {addresses.BORDER_ROUTER}"
        )
        line.router.check("/sbin/ifup wan")
        assert "netifd refused the softwire" in line.wait_for_error("HANDOVER_REFUSED")
        assert "HANDOVER_REFUSED" in line.router.run("softwire status wan")[0]
        line.router.check("/sbin/ip link delete other")
        wait_for_softwire(line, addresses.ENDPOINT)
    assert line.errors() == []
