# SPDX-License-Identifier: Apache-2.0
"""`softwire probe`: one dry run of the whole way, every step told; nothing on the router changes."""

from softwire import ntt, portuse, provisioning, state
from softwire.address import format_ipv6, format_prefix, parse_ipv6
from softwire.endpoint import present
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.netifd import Netifd
from softwire.status import explain


def _tell(step, text):
    print("{:<15} {}".format(step, text))


def dry_run(interface, method, line, tell):
    """One exchange of the method, told step by step with tell(step, text) -> Tunnel, which nobody is given."""
    method.tell = lambda text: tell("exchange", text)
    return method.probe(line, find_source(interface, method, line, tell))


def find_source(interface, method, line, tell):
    """The address to ask from: the softwire's own where the router has it, else a LAN's of the same prefix."""
    tunnel = state.held(interface)
    own = [parse_ipv6(tunnel["local"])] if tunnel else []
    wanted = method.endpoint(line, None)
    for address in own + [wanted] + line.lan_addresses:
        if present(format_ipv6(address)):
            if address not in own and address != wanted:
                tell(
                    "",
                    "the softwire's own is not configured, and the server may look at the sender's address",
                )
            return address
    raise ProvisioningError(
        "NO_ENDPOINT", "the router has no address of the prefix to ask from: is the LAN up?"
    )


def run(interface):
    """Goes the way; ProvisioningError where it ends."""
    options = state.read(state.config_path(interface))
    if options is None:
        raise ProvisioningError("NO_LINE", _why_not_set_up(interface))
    method = provisioning.load(options, interface)
    config = method.config
    name = config["tunlink"]
    _tell("configuration", "ok: provisioning {}, tunlink {}".format(config["provisioning"], name))

    netifd = Netifd()
    status = netifd.status(name)
    line = Line(name, status or {}, prefix=config["ip6prefix"])
    if not line.up or not line.default_route:
        reason = explain(interface, netifd.status)
        raise ProvisioningError("NO_LINE", reason or "interface {} is not up".format(name))
    _tell("line", "ok: {} is up on {}, MTU {}, MAC {}".format(name, line.device, line.mtu, line.mac))
    vendor = ntt.read_line(line)
    if vendor:
        told = "MAC echo {}, {} telephone number(s), SIP domain {}"
        _tell("vendor options", "ok: " + told.format(vendor.mac, len(vendor.numbers), vendor.sip_domain))
    else:
        _tell("vendor options", "none of NTT's (option 17, enterprise 210) came")
    for problem in line.problems + (vendor.problems if vendor else []):
        _tell("", problem)
    _tell("endpoint", "would be {}".format(format_ipv6(method.endpoint(line, None))))
    if line.prefixes:
        _tell("", "in " + format_prefix(*line.delegated_prefix()))

    try:
        tunnel = dry_run(interface, method, line, _tell)
    finally:
        # An answer that is called bad is what one wants to see.
        if method.answer:
            _tell_answer(provisioning.explain(config["provisioning"]), method.answer)
    if tunnel.kind == "tunnel":
        _tell("softwire", "would be {} -> {}".format(format_ipv6(tunnel.local), format_ipv6(tunnel.remote)))
        _tell("", "IPv4 {}, MTU {}".format(", ".join(tunnel.ipaddr()), tunnel.mtu))
    else:
        _tell("softwire", "would be handed on to proto {}:".format(tunnel.mode))
        for name in sorted(tunnel.options):
            _tell("", "{} {}".format(name, tunnel.options[name]))
    if tunnel.ports:
        ranges = tunnel.ports.ranges()
        _tell("", "ports of a shared address: " + portuse.ranges_text(len(ranges), ranges[0]))
    if tunnel.refresh:
        _tell("", "to be asked for again after {:.0f} s".format(tunnel.refresh))
    if tunnel.expires:
        _tell("", "valid for {:.0f} s".format(tunnel.expires))


def _tell_answer(words, answer):
    _tell("answer", "from {}".format(answer["server"]))
    for heading, text in words.rows(words.describe(answer)):
        _tell("", "{}{}".format(heading + ": " if heading else "", text))


def _why_not_set_up(interface):
    from softwire.status import collect

    report = collect(interface)
    return "netifd has not set up interface {}: {}".format(
        interface,
        report.get("hint") or ", ".join(report["netifd_errors"]) or "it is not of proto softwire, or down",
    )


def main(interface):
    """Exit status 0 if the exchange gave a softwire, 1 otherwise."""
    try:
        run(interface)
    except ProvisioningError as error:
        _tell("failed", str(error))
        return 1
    return 0
