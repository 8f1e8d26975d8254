# SPDX-License-Identifier: Apache-2.0
"""`softwire doctor --report`: what a public bug report needs, without what is nobody's business."""

import binascii
import sys

from softwire import __version__, provisioning, sip, status
from softwire.dhcpv6 import duid_kind
from softwire.doctor import clean, examine, is_well, rows, softwires
from softwire.doctor.redact import HIDDEN, Redactor
from softwire.errors import ProvisioningError
from softwire.uci import sounds_secret

# Of the tunlink's options only those that cannot hold a secret.
LINE_OPTIONS = (
    "proto device reqaddress reqprefix norelease reqopts defaultreqopts clientid mac vendorclass ip6prefix ifaceid "
    "ip6ifaceid zone noclientfqdn noserverunicast noacceptreconfig forceprefix noslaaconly sourcefilter fakeroutes "
    "extendprefix keep_ra_dnslifetime ra_holdoff soltimeout skpriority verbose ip6addr ip6gw peerdns dns defaultroute "
    "metric auto disabled delegate voip line_type"
).split()
# Netifd's own, which every interface may have.
COMMON = "proto auto disabled defaultroute peerdns dns metric delegate ip4table ip6table".split()
LOG_LINES = 40
ADDRESS = "0123456789abcdefABCDEF:./-+() "


def main(interface, host, router, tell):
    """Prints the report of every softwire, or of one; exit status as the doctor's."""
    sections = router.uci("network")
    names = [interface] if interface else softwires(router) or ["wan"]
    handed_over = [router.settings(name) or {} for name in names]
    collected = [status.collect(name, router.status) for name in names]
    redactor = Redactor(
        secrets(sections, handed_over),
        list(addresses([options for _, _, options in sections] + handed_over + collected))
        + list(numbers(collected, router))
        + macs(router),
    )

    def show(text):
        """Redacted before anything is cut or replaced."""
        return clean(redactor.text(text))

    def tell_all(lines):
        for line in lines:
            tell(show(line))

    tell("softwire report: secrets and telephone numbers are left out, addresses are shortened")
    tell_all(versions(router))
    well = True
    for name, report in zip(names, collected):
        found = examine(name, router, host)
        well = well and is_well(found)
        tell_all(["", "# softwire doctor " + name])
        last = ""
        for step, finding in found:
            for row in rows("" if step == last else step, finding, show):
                tell(row)
            last = step
        options = dict(find(sections, name))
        tunlink = str(options.get("tunlink") or "")
        tell_all(["", "# configuration"])
        known = provisioning.known()
        tell_all(configuration(name, options, [word for word in known if not known[word]] + COMMON))
        tell_all(configuration(tunlink, find(sections, tunlink), LINE_OPTIONS))
        tell_all(["", "# softwire status " + name] + status.text(report, router.uptime()).split("\n"))
        tell_all(["", "# log"] + log(router, name, tunlink))
    return 0 if well else 1


def secrets(sections, handed_over):
    """Every value that must not be shown: of our secret options, and of whatever else sounds like one."""
    found: list = []
    known = provisioning.known()
    for options in [options for _, _, options in sections] + handed_over:
        for name in options:
            secret = known.get(name, sounds_secret(name))
            # A User-Name that is an address is found as such, in every spelling.
            if secret or (name == "user_name" and not list(addresses(options[name]))):
                found += options[name] if isinstance(options[name], list) else [str(options[name])]
    return found


def addresses(value):
    """Every text in a JSON value, or in options, that could be an address, a MAC address or a number."""
    if isinstance(value, dict):
        value = [value[name] for name in sorted(value)]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from addresses(item)
    elif isinstance(value, str) and len(value) > 6 and all([char in ADDRESS for char in value]):
        yield value


def numbers(collected, router):
    """The telephone numbers that DHCPv4 told on the lines."""
    for tunlink in sorted({report["tunlink"] for report in collected if report.get("tunlink")}):
        try:
            yield from sip.find(tunlink, router.status).numbers
        except ProvisioningError:
            pass


def macs(router):
    """The MAC addresses of the router's devices."""
    folder = "/sys/class/net"
    return [router.read("{}/{}/address".format(folder, name)) for name in router.listdir(folder)]


def find(sections, name):
    """The options of an interface; empty where there is none."""
    for section, kind, options in sections:
        if section == name and kind == "interface":
            return options
    return {}


def versions(router):
    """What runs here."""
    release = {}
    for line in router.read("/etc/openwrt_release").split("\n"):
        name, _, value = line.partition("=")
        release[name] = value.strip("'\"")
    interpreter = "{} {}".format(
        sys.implementation.name, ".".join([str(part) for part in sys.implementation.version[:3]])
    )
    yield "softwire     " + __version__
    yield "interpreter  " + interpreter
    described = release.get("DISTRIB_DESCRIPTION") or "no /etc/openwrt_release"
    yield "OpenWrt      {} {}".format(described, release.get("DISTRIB_TARGET") or "").rstrip()
    yield "kernel       " + (router.read("/proc/sys/kernel/osrelease") or "unknown")
    yield "model        " + (router.read("/tmp/sysinfo/model") or "unknown")


def configuration(name, options, known):
    """A section of /etc/config/network; a value of an option that is not known to be harmless is hidden."""
    if not name:
        return
    yield "config interface '{}'".format(name)
    for option in sorted(options):
        value = options[option]
        harmless = option in known and not sounds_secret(option) and option != "user_name"
        for item in value if isinstance(value, list) else [value]:
            if option == "clientid":
                item = client_id(item)
            yield "    {} {} '{}'".format(
                "list" if isinstance(value, list) else "option", option, item if harmless else HIDDEN
            )


def client_id(text):
    """What kind of client identifier it is, and nothing of who it is."""
    try:
        return (
            duid_kind(binascii.unhexlify("".join([char for char in text if char not in ":.- "])))
            + " "
            + HIDDEN
        )
    except ValueError:
        return HIDDEN


def log(router, name, tunlink):
    """The last log lines of the interface, of its tunlink and of the firewall, as octets."""
    wanted = " {} (".format(name), " {} (".format(tunlink), "'{}'".format(name), "softwire", "odhcp6c"
    return router.log(1000, [word.encode() for word in wanted], LOG_LINES)
