# SPDX-License-Identifier: Apache-2.0
"""The doctor's steps over the line: endpoint, route, exchange, the softwire, what comes back, packet size, IPv4."""

from softwire import provisioning
from softwire.address import contains, format_ipv6, format_prefix, parse_ipv6
from softwire.doctor import firewall, handedon
from softwire.doctor.finding import WRONG, Finding, note, ok, uci_network, wrong
from softwire.errors import ProvisioningError
from softwire.probe import dry_run, find_source
from softwire.tunnel import OVERHEAD
from softwire.words import seconds

# getaddrinfo and connect: Linux' numbers.
REASONS = {
    13: "the kernel forbids it: EACCES",
    22: "the kernel finds the address invalid: EINVAL",
    99: "the address is not on the router: EADDRNOTAVAIL",
    101: "the kernel has no route: ENETUNREACH",
    113: "the kernel's route says unreachable: EHOSTUNREACH",
}
# Flags in /proc/net/if_inet6 (linux/if_addr.h).
DAD_FAILED, TENTATIVE = 0x08, 0x40
# An address that nobody has (RFC 5737), for packets that shall not get far.
NOWHERE = "192.0.2.1"
# Seconds in which an answer that comes twice has come twice.
LINGER = 1
# Octets: the smallest packet that is tried, and what every IPv4 host must be able to take (RFC 791 section 3.1), so
# that nothing works well over a way that carries less.
SMALLEST, HOSTS_TAKE = 64, 576
# Routers on the way to a border router, at most.
FEW_HOPS = 32
# How network.echo() begins where somebody behind the softwire has spoken: "reply from", "time exceeded from".
PROOF = "repl", "time"


def check_endpoint(case):
    """The softwire's local address: on the router, by a bind(), and nobody else's."""
    held = case.tunnel or case.state.get("handed_on") or {}
    text = held.get("local") or format_ipv6(case.endpoint)
    case.source = text
    value = "%032x" % parse_ipv6(text)
    places = []
    for row in case.router.read("/proc/net/if_inet6").split("\n"):
        words = row.split()
        if len(words) == 6 and words[0] == value:
            places.append((words[5], int(words[4], 16)))
    mine = "lo", case.line.device
    strange = [name for name, flags in places if name not in mine]
    for other in case.router.others(case.interface):
        said = case.router.state(other)
        if (said.get("tunnel") or said.get("handed_on") or {}).get("local") == text:
            strange.append("interface " + other)
    if any([flags & DAD_FAILED for name, flags in places]):
        yield wrong(
            "ENDPOINT_TAKEN",
            "somebody else on the line has the address " + text,
            "the kernel's duplicate address detection failed",
            "turn the other device off (the old unit?){}; then 'ifup {}'".format(
                _another_address(case), case.interface
            ),
        )
    elif strange:
        yield wrong(
            "ENDPOINT_TAKEN",
            "the address {} is already used on this router, by {}".format(text, ", ".join(strange)),
            "it is configured there too",
            "take it away there{}; then 'ifup {}'".format(_another_address(case), case.interface),
        )
    elif not case.router.present(text):
        tentative = any([flags & TENTATIVE for name, flags in places])
        yield wrong(
            "NO_ENDPOINT",
            "the softwire's address {} is not on the router".format(text),
            "a socket cannot be bound to it" + (": it is still tentative" if tentative else ""),
            case.advice("NO_ENDPOINT"),
        )
    else:
        yield ok("{} on {}".format(text, ", ".join([name for name, flags in places]) or "this router"))


def _another_address(case):
    """The option that moves the endpoint, as the end of an advice; none where the operator tells the address."""
    if case.source != format_ipv6(case.endpoint):
        return ""
    return ", or set another " + ("ip6addr" if case.options.get("ip6addr") else "interface_id")


def _route_device(case, host):
    """The device of the route from the endpoint, as `ip` tells it; None where it does not."""
    words = case.router.run("ip", "-6", "route", "get", host, "from", case.source).split()
    return words[words.index("dev") + 1] if "dev" in words[:-1] else None


def check_route(case):
    """A route from the endpoint to every server, over the line."""
    good, bad = [], []
    for host, port in case.method.servers(case.line):
        reason = case.network.unreachable(case.source, host, port)
        if reason == "name":
            bad.append(
                (host, "the name could not be resolved; give the server's address in option auth_server")
            )
        elif reason is not None:
            bad.append((host, REASONS.get(reason, "error {}".format(reason))))
        else:
            device = _route_device(case, host) if ":" in host else None
            if device not in (None, case.line.device):
                bad.append((host, "the route goes over {} instead of {}".format(device, case.line.device)))
            else:
                good.append(host)
    for host, reason in bad:
        yield (note if good else wrong)(
            "NO_ROUTE",
            "{} cannot be reached from {}".format(host, case.source),
            reason,
            "is the address right? 'ip -6 route' and other interfaces (VPN) tell who takes the way",
        )
    if good:
        yield ok("to {} over {}".format(", ".join(good), case.line.device))
    elif not bad:
        yield ok("not needed: who is asked is on the link of {}".format(case.line.device))


def check_exchange(case):
    """One dry run of the provisioning method, as `softwire probe` does it."""
    # An exchange may remind a border router that has forgotten the line, so it is looked at before as well.
    case.heard_before = None
    try:
        if case.up and case.tunnel and not case.waits:
            case.heard_before = _knock(case)
    except OSError:  # check_border_router says so
        pass
    case.method.linger = LINGER
    try:
        tunnel = dry_run(case.interface, case.method, case.line, lambda step, text: case.told.append(text))
    except ProvisioningError as error:
        seen = ""
        if "malformed" in error.text:
            seen = "what came was no RADIUS packet: is something else at that address and port?"
        yield wrong(error.code, error.text, seen, case.advice(error.code))
        yield from _second_look(case, error)
        return
    case.fresh = tunnel
    answer = case.method.answer
    if not answer:
        yield ok("nobody is asked: the parameters are options")
        return
    grants = (
        ", ".join(tunnel.ipaddr()) if tunnel.kind == "tunnel" else "what proto {} does".format(tunnel.mode)
    )
    yield ok("{} grants {}".format(answer["server"], grants))
    tries = answer.get("tries", 1)
    if tries > 1:
        yield note(
            "ANSWERED_LATE",
            "the answer came only when asked {} times".format(tries),
            "a request is repeated when two seconds and more have passed",
            "nothing, if it happens once; otherwise packets get lost: check the cable, then tell the operator",
        )
    if answer.get("copies", 1) > tries:
        yield note(
            "ANSWERED_TWICE",
            "the answer came {} times to {} request(s)".format(answer["copies"], tries),
            advice="nothing: one is taken; something on the way sends packets twice, tell the operator if IPv4 is slow",
        )
    for reason in sorted(answer.get("ignored") or {}):
        yield note(
            "BAD_REPLIES",
            "{} other replies were ignored: {}".format(answer["ignored"][reason], reason),
            advice="nothing, if it happens once; somebody may be forging replies",
        )


def _second_look(case, error):
    """What the provisioning method finds out where its exchange failed."""
    try:
        source = find_source(case.interface, case.method, case.line, lambda step, text: None)
    except ProvisioningError:
        return
    words = provisioning.explain(case.config["provisioning"])
    for code, text, seen, advice in words.diagnose(case.method, case.line, source, error):
        yield wrong(code, text, seen, case.named(advice))


def check_softwire(case):
    """The tunnel device and what it carries."""
    before = case.up
    case.learn(case.router.status(case.interface) or {})
    if not case.up:
        yield _why_down(case)
        return
    case.device = case.own.get("l3_device") or ""
    for finding in handedon.findings(case) if case.state.get("handed_on") else _carries(case, before):
        yield finding
        if finding.status == WRONG:
            return
    device = _default_route(case)
    if device != case.device:
        yield note(
            "OTHER_DEFAULT_ROUTE",
            "IPv4 leaves through {}".format(device) if device else "the router has no IPv4 default route",
            "in the kernel's table of routes",
            "nothing, if you want it so; otherwise options defaultroute and metric",
        )


def _carries(case, before):
    """A tunnel of our own; before: whether it was up when the doctor began."""
    missing = [
        text for text in case.tunnel.get("ipaddr") or [] if not case.router.present(text.partition("/")[0])
    ]
    if not case.tunnel or missing or not case.device:
        yield wrong(
            "HANDOVER_REFUSED",
            "{} calls itself up, but has no {}".format(case.interface, ", ".join(missing) or "tunnel"),
            "the router has no such address",
            "'ifup {}'".format(case.interface),
        )
        return
    if case.waits:
        yield _waits(case)
    else:
        yield ok(
            "{} has {}, from {} to {}".format(
                case.device, ", ".join(case.tunnel["ipaddr"]), case.tunnel["local"], case.tunnel["remote"]
            )
        )
    if not before:
        yield note(
            "JUST_UP",
            "{} came up while the doctor looked".format(case.interface),
            "netifd had it down before",
            "'logread -e {}' says why, if you did not do it".format(case.interface),
        )
    fresh = getattr(case, "fresh", None)
    if fresh and not case.waits:
        now = fresh.to_dict()
        names = "local", "remote", "ipaddr", "mtu"
        other = [name for name in names if now.get(name) != case.tunnel.get(name)]
        if other:
            yield note(
                "PARAMETERS_CHANGED",
                "the parameters in use are not today's: {}".format(", ".join(other)),
                "the dry run gave others",
                "'ubus call network.interface.{} renew'".format(case.interface),
            )


def _waits(case):
    """On demand: whether packets are kept for the client, which hears of them in no other way."""
    chain = "want_" + case.interface
    if '"{}"'.format(case.device) not in case.router.run("nft", "list", "chain", "ip", "softwire", chain):
        return firewall.not_loaded(case, chain, "packets for {} wake nobody".format(case.device))
    return ok("{} waits for a packet, and asks for an address then".format(case.device))


def _default_route(case):
    """The device of the IPv4 default route with the lowest metric, or None."""
    found = []
    for row in case.router.read("/proc/net/route").split("\n"):
        words = row.split()
        if len(words) > 7 and words[1] == "00000000" and words[7] == "00000000" and words[6].isdigit():
            found.append((int(words[6]), words[0]))
    return min(found)[1] if found else None


def _why_down(case):
    error = case.state.get("error")
    told = [
        "{}: {}".format(entry.get("code"), " ".join(entry.get("data") or []))
        for entry in case.own.get("errors") or []
    ]
    seen = "the client says {}: {}".format(error["code"], error["text"]) if error else "; ".join(told)
    if error and error["code"] == "HANDOVER_REFUSED":
        return wrong(
            "HANDOVER_REFUSED",
            "the network service refused the tunnel",
            seen,
            "is kmod-ip6-tunnel installed, and no other tunnel between the same two ends? 'logread -e netifd'",
        )
    if error and error["code"] == "HANDED_ON_DOWN":
        return wrong("HANDED_ON_DOWN", error["text"], "; ".join(told), case.advice("HANDED_ON_DOWN"))
    client = [words for words in case.router.processes() if words[-2:] == ["client", case.interface]]
    wait = case.state.get("next")
    again = "in {}".format(seconds(max(0, wait - case.router.uptime()))) if wait else "later"
    return wrong(
        "NOT_UP",
        "all before is right, but {} is not up {}".format(
            case.interface, "yet" if client else "and not tried"
        ),
        seen or "netifd says so",
        "'ifup {}'; the client tries again {} by itself".format(case.interface, again)
        if client
        else "'ifup {0}', then 'logread -e {0}'".format(case.interface),
    )


def _hosts(case):
    """IPv4 hosts that should answer: the one given, else the softwire's resolvers."""
    if case.host:
        return [case.host]
    known = list(case.tunnel.get("dns") or []) + list(case.own.get("dns-server") or [])
    found: list = []
    for host in known:
        if host not in found and case.network.is_ipv4(host):
            found.append(host)
    return found


def _knock(case):
    """Whether anything came back: sets case.reached, a router's word behind the softwire, and case.resolver."""
    network = case.network
    case.device = case.own.get("l3_device") or ""
    case.inner = source = case.tunnel["ipaddr"][0].partition("/")[0]
    received = case.counters()[0]
    hosts = _hosts(case)
    # Its one hop is the border router, which should say that the packet's time is over.
    case.reached = network.echo(case.device, source, hosts[0] if hosts else NOWHERE, ttl=1) or ""
    case.resolver = ""
    for host in hosts:
        answer = network.ask_resolver(case.device, source, host)
        if answer:
            case.resolver = "{} {}".format(host, "answers" if answer == "answers" else "is reached")
            break
        answer = network.echo(case.device, source, host)
        if answer and answer.startswith("reply"):
            case.resolver = "{} answers a ping".format(host)
            break
    # "unreachable" may be this kernel's own word, made from what a router of the line said.
    answered = case.resolver or case.reached[:4] in PROOF
    return bool(answered or case.counters()[0] > received)


def check_border_router(case):
    """Whether anything comes back out of the softwire."""
    before = case.counters()
    try:
        heard = _knock(case)
    except OSError as error:
        yield wrong(
            "NOT_SENT",
            "packets do not enter {}".format(case.device),
            "sending failed with error {}".format(error.errno),
            "'ifup {}'".format(case.interface),
        )
        return
    _, sent, failed = [now - then for now, then in zip(case.counters(), before)]
    remote = case.tunnel["remote"]
    if heard:
        yield ok("{} sends packets back".format(remote))
        if getattr(case, "heard_before", None) is False:
            yield note(
                "BORDER_ROUTER_FORGOT",
                "the border router had forgotten this line, and was reminded by the exchange",
                "before the doctor's dry run nothing came back, afterwards it did",
                "nothing now; if it happens again, tell the operator",
            )
    elif failed > 0 and sent <= 0:
        yield wrong(
            "NO_ROUTE",
            "the router cannot send to the border router " + remote,
            "{} counts {} packets that could not be sent".format(case.device, failed),
            "'ip -6 route get {} from {}'; the line's default route is missing".format(remote, case.source),
        )
    else:
        counted = "{} counts {} packets sent and none received{}".format(
            case.device, sent, "; the line says " + case.reached if case.reached else ""
        )
        yield _silence(case, remote, counted)


def _silence(case, remote, counted):
    """Packets leave and none come back: our address, our hop limit, or what only the operator can mend."""
    local = parse_ipv6(case.tunnel["local"])
    prefixes = [item for item in case.line.prefixes + case.line.onlink if item[1] <= 64]
    if prefixes and not [item for item in prefixes if item[2] > 0 and contains(item[0], item[1], local)]:
        return wrong(
            "WRONG_SOURCE",
            "packets leave from {}, which is in no prefix of the line".format(case.tunnel["local"]),
            "{}; the line has {}".format(
                counted, ", ".join([format_prefix(item[0], item[1]) for item in prefixes])
            ),
            uci_network("delete network.{}.ip6addr".format(case.interface))
            if case.options.get("ip6addr")
            else "'ifup {}'; answers to another line's address never come here".format(case.interface),
        )
    if case.config["ttl"] < FEW_HOPS:
        return wrong(
            "FEW_HOPS",
            "packets may end on their way to {}: option ttl lets them pass {} routers".format(
                remote, case.config["ttl"]
            ),
            counted,
            uci_network("delete network.{}.ttl".format(case.interface)),
        )
    return wrong(
        "BORDER_ROUTER_SILENT",
        "the border router {} sends nothing back".format(remote),
        counted,
        "'ifup {}' asks the operator anew, which makes a border router that forgot this line learn it; "
        "if it stays silent, tell the operator: our address is one of this line's".format(case.interface),
    )


def check_mtu(case):
    """The device's MTU beside the line's, and whether packets of the full size pass unfragmented."""
    mtu = int(case.router.read("/sys/class/net/{}/mtu".format(case.device)) or 0)
    line = case.line.mtu or 1500
    fit = line - OVERHEAD
    forget = "'ifup {}'".format(case.interface)
    if case.config["mtu"]:
        forget = uci_network("delete network.{}.mtu".format(case.interface))
    if mtu > fit:
        yield wrong(
            "MTU_TOO_BIG",
            "packets of {} octets do not fit the line".format(mtu),
            "the line's MTU is {}, less {} for the outer header is {}".format(line, OVERHEAD, fit),
            forget,
        )
        return
    try:
        passes, way = _largest(case, mtu)
    except OSError as error:
        passes = None
        yield note("NOT_ASKED", "not probed", "sending failed with error {}".format(error.errno))
    if passes and passes < min(mtu, HOSTS_TAKE):
        yield wrong(
            "PATH_BROKEN",
            "packets of more than {} octets get lost: the way is broken".format(passes),
            "pings that must not be fragmented; every IPv4 host counts on {} octets".format(HOSTS_TAKE),
            "check the cable, then tell the operator; no option mtu would help",
        )
        return
    if passes and passes < mtu:
        yield wrong(
            "PATH_MTU",
            "packets of {} octets get lost, {} is the largest that passes".format(mtu, passes),
            "pings that must not be fragmented",
            uci_network("set network.{}.mtu={}".format(case.interface, passes)),
        )
        return
    if passes:
        yield ok("packets of {} octets pass unfragmented {}".format(mtu, way))
    else:
        yield ok("{} octets fit the line's {} (not probed: nobody answers pings)".format(mtu, line))
    if mtu < fit:
        yield note(
            "MTU_TOO_SMALL",
            "the line would carry {} octets".format(fit),
            "option mtu says {}".format(mtu) if case.config["mtu"] else "the device has {}".format(mtu),
            "nothing, if option mtu was set for a reason; otherwise " + forget
            if case.config["mtu"]
            else forget,
        )


def _largest(case, mtu):
    """(largest IPv4 packet that is answered, up to `mtu`, which way it went); None where even small ones are not."""
    target = way = None
    # A host's reply has the same size, so it proves both directions; a time exceeded proves the one to the operator.
    for host, ttl in [(host, 64) for host in _hosts(case)] + [(NOWHERE, 1)]:

        def answered(size, host=host, ttl=ttl):
            told = case.network.echo(case.device, case.inner, host, size, ttl)
            return bool(told) and told[:4] in PROOF

        if answered(SMALLEST):
            target, way = answered, "to {} and back".format(host) if ttl > 1 else "to the border router"
            break
    if target is None:
        return None, None
    low, high = SMALLEST, mtu
    while low < high:
        middle = high if high == mtu and low == SMALLEST else (low + high + 1) // 2
        if target(middle):
            low = middle
        else:
            high = middle - 1
    return low, way


def check_firewall(case):
    """Zone, masquerading, MSS clamp and forwarding of the softwire's device."""
    for finding in firewall.findings(
        case.interface, case.device, case.own, case.router.uci("firewall"), case.router.run
    ):
        yield Finding(*finding)


def check_ipv4(case):
    """A conversation with a host of the IPv4 internet."""
    hosts = _hosts(case)
    if case.resolver:
        yield ok("{} through {}".format(case.resolver, case.device))
    elif not hosts:
        yield note(
            "NO_HOST",
            "no IPv4 host is known that could be asked",
            "the operator told no IPv4 resolver",
            "'softwire doctor {} <address>' asks one of yours".format(case.interface),
        )
    else:
        yield wrong(
            "IPV4_DEAD",
            "no IPv4 host answers, though the border router does",
            "asked: {} (DNS and ping){}".format(
                ", ".join(hosts), "; " + case.reached if case.reached else ""
            ),
            "'softwire doctor {} <address>' asks another host; if none answers, tell the operator".format(
                case.interface
            ),
        )
