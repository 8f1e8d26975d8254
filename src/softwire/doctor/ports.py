# SPDX-License-Identifier: Apache-2.0
"""The doctor's step over a shared address: whether the kernel's NAT uses its ports, and whether any are left."""

from softwire import portuse
from softwire.doctor import firewall
from softwire.doctor.finding import ok, wrong


def check_ports(case):
    """The port set's rules, and the connections that use them."""
    use = portuse.of_tunnel(case.tunnel, case.router.connections)
    if use is None:
        inner = (case.tunnel.get("ipaddr") or [""])[0]
        # RFC 6333 section 5.7: a B4's address says that the NAT is the AFTR's.
        yield ok(
            "the operator's NAT has them: where it has none left, new connections fail and old ones go on"
            if inner.startswith("192.0.0.")
            else "the address is not shared"
        )
        return
    loaded = case.router.run("nft", "list", "chain", "ip", "softwire", "nat_" + case.interface)
    if '"{}"'.format(case.device) not in loaded:
        # Without them connections get ports that are somebody else's.
        text = "the firewall does not keep to the {} ports that are ours".format(use["count"])
        yield firewall.not_loaded(case, "nat_" + case.interface, text)
        return
    for protocol, host, port in use["full"] or ():
        yield wrong(
            "PORTS_USED_UP",
            "all {} ports are taken by connections to {}, {}".format(
                use["count"], host, "{} port {}".format(protocol.upper(), port) if port else protocol.upper()
            ),
            portuse.text(use),
            "end some of them, or wait until they have ended; other hosts and ports are reached; only the operator "
            "has more ports",
        )
    if not use["full"]:
        yield ok(portuse.text(use))
