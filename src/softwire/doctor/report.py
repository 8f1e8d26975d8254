# SPDX-License-Identifier: Apache-2.0
"""`softwire doctor --report`: what a public bug report needs, without what is nobody's business."""

import sys

from softwire import __version__, status
from softwire.config import OPTIONS
from softwire.doctor import clean, examine, is_well, rows, softwires
from softwire.doctor.redact import HIDDEN, Redactor

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


def main(interface, host, router, tell):
    """Prints the report of every softwire, or of one; exit status as the doctor's."""
    sections = router.uci("network")
    names = [interface] if interface else softwires(router) or ["wan"]
    redactor = Redactor(secrets(sections, [router.settings(name) or {} for name in names]))
    lines = ["softwire report: secrets and telephone numbers are left out, addresses are shortened"]
    lines += list(versions(router))
    well = True
    for name in names:
        found = examine(name, router, host)
        well = well and is_well(found)
        lines += ["", "# softwire doctor " + name]
        last = ""
        for step, finding in found:
            lines += list(rows("" if step == last else step, finding))
            last = step
        options = dict(find(sections, name))
        tunlink = str(options.get("tunlink") or "")
        lines += ["", "# configuration"]
        lines += list(configuration(name, options, list(OPTIONS) + COMMON))
        lines += list(configuration(tunlink, find(sections, tunlink), LINE_OPTIONS))
        lines += ["", "# softwire status " + name] + current(name, router)
        lines += ["", "# log"] + log(router, name, tunlink)
    for line in lines:
        tell(redactor.text(line))
    return 0 if well else 1


def secrets(sections, handed_over):
    """Every value that must not be shown: of our secret options, and of whatever else sounds like one."""
    found: list = []
    for options in [options for _, _, options in sections] + handed_over:
        for name in options:
            secret = OPTIONS[name][2] if name in OPTIONS else sounds_secret(name)
            if secret or name in ("user_name", "username"):
                found += options[name] if isinstance(options[name], list) else [str(options[name])]
    return found


def sounds_secret(name):
    """Whether an option of another protocol holds a secret, by its name."""
    return any([word in name for word in ("password", "secret", "key", "psk", "pincode", "token")])


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
        harmless = (
            option in known and not (option in OPTIONS and OPTIONS[option][2]) and option != "user_name"
        )
        for item in value if isinstance(value, list) else [value]:
            yield "\t{} {} '{}'".format(
                "list" if isinstance(value, list) else "option", option, clean(item) if harmless else HIDDEN
            )


def current(name, router):
    """`softwire status` of this interface."""
    told = status.text(status.collect(name), router.uptime())
    return [clean(line) for line in told.split("\n")]


def log(router, name, tunlink):
    """The last log lines of the interface, of its tunlink and of the firewall."""
    wanted = " {} (".format(name), " {} (".format(tunlink), "'{}'".format(name), "softwire", "odhcp6c"
    lines = router.run("logread", "-l", "1000").split("\n")
    return [clean(line) for line in lines if any([word in line for word in wanted])][-LOG_LINES:]
