# SPDX-License-Identifier: Apache-2.0
"""The doctor's steps, in the order of the way."""

from softwire.doctor import line, ports, tunnel
from softwire.doctor.handedon import ours

# A name, and what looks at it. Behind SOFTWIRE, steps need a softwire that is up.
SOFTWIRE = "softwire"
BORDER_ROUTER = "border router"
# Those that send packets, or look at what packets left.
NEED_ADDRESS = BORDER_ROUTER, "packet size", "ports", "IPv4"
STEPS = (
    ("router", line.check_router),
    ("settings", line.check_settings),
    ("cable", line.check_cable),
    ("line's router", line.check_advertisement),
    ("DHCPv6", line.check_dhcpv6),
    ("prefix", line.check_prefix),
    ("vendor options", line.check_vendor),
    ("endpoint", tunnel.check_endpoint),
    ("route", tunnel.check_route),
    ("exchange", tunnel.check_exchange),
    (SOFTWIRE, tunnel.check_softwire),
    (BORDER_ROUTER, ours(tunnel.check_border_router)),
    ("packet size", ours(tunnel.check_mtu)),
    ("firewall", tunnel.check_firewall),
    ("ports", ours(ports.check_ports)),
    ("IPv4", ours(tunnel.check_ipv4)),
)
