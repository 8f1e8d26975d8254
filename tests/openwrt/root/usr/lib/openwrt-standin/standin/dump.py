# SPDX-License-Identifier: Apache-2.0
"""What `ubus call network.interface.X status` and `network.device status` say, field by field in netifd's
order (recorded/*/*-status.json)."""

from . import kernel
from .addressing import now

UPDATED = ("addresses", "routes", "prefixes", "data")
STATISTICS = (
    "collisions",
    "rx_frame_errors",
    "tx_compressed",
    "multicast",
    "rx_length_errors",
    "tx_dropped",
    "rx_bytes",
    "rx_missed_errors",
    "tx_errors",
    "rx_compressed",
    "rx_over_errors",
    "tx_fifo_errors",
    "rx_crc_errors",
    "rx_packets",
    "tx_heartbeat_errors",
    "rx_dropped",
    "tx_aborted_errors",
    "tx_packets",
    "rx_errors",
    "tx_bytes",
    "tx_window_errors",
    "rx_fifo_errors",
    "tx_carrier_errors",
)


def interface(it):
    result = {
        "up": it.state == "up",
        "pending": it.state == "setup",
        "available": it.available,
        "autostart": it.autostart,
        "dynamic": it.dynamic,
    }
    if it.state == "up":
        result["uptime"] = now() - it.start_time
        if it.l3.device:
            result["l3_device"] = it.l3.device.ifname
    result["proto"] = it.handler.name
    if it.main.device and not it.main.device.hidden and not it.handler.no_device:
        result["device"] = it.main.device.ifname
    if it.state == "up":
        result.update(details(it))
    result["data"] = dict(([("zone", it.zone)] if it.zone else []) + sorted(it.data.items()))
    if it.errors:
        result["errors"] = it.errors
    return result


def details(it):
    result = {}
    if it.updated:
        result["updated"] = [name for name in UPDATED if name in it.updated]
    for name in ("ip4table", "ip6table"):
        if getattr(it, name):
            value = getattr(it, name)
            result[name] = int(value) if value.isdigit() else value
    result.update(metric=it.metric, dns_metric=it.dns_metric, delegation=not it.proto_settings.no_delegation)
    if it.assign_weight:
        result["ip6weight"] = it.assign_weight
    both = (it.config_settings, it.proto_settings)
    result.update(
        {
            "ipv4-address": addresses(both, False, True),
            "ipv6-address": addresses(both, True, True),
            "ipv6-prefix": [prefix.shown() for prefix in it.proto_settings.prefixes.values()],
            "ipv6-prefix-assignment": it.assignments.of(it),
            "route": routes(both, True),
            "dns-server": servers(both, "dns", True),
            "dns-search": servers(both, "search", True),
            "neighbors": [],
            "inactive": {
                "ipv4-address": addresses(both, False, False),
                "ipv6-address": addresses(both, True, False),
                "route": routes(both, False),
                "dns-server": servers(both, "dns", False),
                "dns-search": servers(both, "search", False),
                "neighbors": [],
            },
        }
    )
    return result


def addresses(both, v6, enabled):
    return [
        item.shown()
        for settings in both
        for item in sorted(settings.addresses.values(), key=lambda each: each.index)
        if item.v6 == v6 and item.enabled == enabled
    ]


def routes(both, enabled):
    return [
        item.shown()
        for settings in both
        for item in sorted(settings.routes.values(), key=lambda each: (-each.length, each.effective_metric))
        if item.enabled == enabled
    ]


def servers(both, what, enabled):
    return [item for settings in both for item in getattr(settings, what) if settings.no_dns != enabled]


def device(it):
    name = it.ifname
    result = {
        "external": False,
        "present": it.present,
        "type": it.label,
        "up": bool(it.active),
        "carrier": it.link_active,
        "auth_status": False,
    }
    if isinstance(getattr(it, "ports", None), dict):
        result["bridge-members"] = sorted(it.ports)
    if not kernel.exists(name):
        return result
    result["mtu"] = kernel.number(name, "mtu")
    mtu6 = kernel.sysctl(name, "mtu")
    if mtu6:
        result["mtu6"] = int(mtu6)
    result["macaddr"] = kernel.read(kernel.link_file(name, "address"))[:17]
    result["txqueuelen"] = kernel.number(name, "tx_queue_len")
    result["ipv6"] = kernel.sysctl(name, "disable_ipv6") != "1"
    counters = {item: kernel.number(name, f"statistics/{item}") for item in STATISTICS}
    result["statistics"] = counters
    return result
