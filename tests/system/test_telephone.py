# SPDX-License-Identifier: Apache-2.0
"""The telephone: from DHCPv4 beside the line to a call, and a network that tells nonsense."""

import json
from binascii import hexlify, unhexlify

import pytest
from scapy.utils import RawPcapReader

from tests.lab import addresses
from tests.lab.guest import Namespace

NUMBER, ADDITIONAL = addresses.NUMBERS
OTHER = "0398765432"  # the second subscriber's
DOMAIN = "ntt-east.ne.jp"
ADDRESS, GATEWAY, REGISTRAR = "192.0.2.6", "192.0.2.5", "192.0.2.129"
# Destination, gateway, device.
ON_LINK, SIP_ROUTE = ("192.0.2.4/30", None, "eth1"), ("192.0.2.128/25", "192.0.2.5", "eth1")
MAC = unhexlify(addresses.WAN_MAC.replace(":", ""))
DIRECTORY = "/tmp/phone"
# What Kea tells as option 121 and 125, for busybox's udhcpd.
ROUTE = "19c0000280c0000205"
VENDOR = "000000d20cca0a" + hexlify(NUMBER.encode()).decode()

DISCOVER, REQUEST, RELEASE = 1, 3, 7

# Says a command to the second subscriber's baresip (ctrl_tcp: a netstring of JSON).
SAY = (
    "import json, socket, sys;"
    ' message = json.dumps({"command": sys.argv[1], "params": " ".join(sys.argv[2:])});'
    ' socket.create_connection(("127.0.0.1", 4444), 5).sendall(f"{len(message)}:{message},".encode())'
)


class Phone:
    """The telephone's side of the line, a baresip on the router, and the second subscriber's."""

    def __init__(self, line):
        self.line = line
        self.router = line.router
        self.network = Namespace(line.lab.access, "sip")

    def wait(self, good, seconds, what):
        return self.line.wait(good, seconds, what)

    def side(self):
        """netifd's status of the SIP network's interface; {} where there is none."""
        output, status = self.router.run("ifstatus wan6_voip")
        return json.loads(output) if status == 0 and output.strip() else {}

    def wait_for_lease(self):
        self.wait(lambda: self.side().get("up"), 60, "the SIP network is up")

    def sip(self, *words):
        """`softwire sip wan6`: (standard output, standard error, exit status)."""
        status = self.router.run(f"softwire sip wan6 {' '.join(words)} > /tmp/out 2> /tmp/err")[1]
        output, errors = (self.router.check(f"cat /tmp/{name}").strip("\n") for name in ("out", "err"))
        return output, errors, status

    def told(self):
        """The same as JSON."""
        return json.loads(self.sip("--json")[0])

    def routes(self):
        """IPv4 routes on the line's device: destination, gateway, device."""
        found = []
        for route in self.router.check("ip -4 route").splitlines():
            words = route.split()
            if " dev eth1 " in route + " ":
                gateway = words[words.index("via") + 1] if "via" in words else None
                found.append((words[0], gateway, "eth1"))
        return found

    def default_devices(self):
        """Where default routes lead."""
        routes = [entry.split() for entry in self.router.check("ip -4 route").splitlines()]
        return [words[words.index("dev") + 1] for words in routes if words[:1] == ["default"]]

    def start(self):
        """baresip with the configuration that it makes for itself, and the output of `softwire sip` alone."""
        self.line.need("baresip")
        self.router.check(f"rm -rf {DIRECTORY}; mkdir {DIRECTORY}; mkfifo {DIRECTORY}/in")
        self.router.check(f"echo q | baresip -f {DIRECTORY} > /dev/null 2>&1; test -s {DIRECTORY}/config")
        self.router.check(f"softwire sip wan6 --format baresip > {DIRECTORY}/accounts")
        self.router.check(f"sed -n 's/^# config: //p' {DIRECTORY}/accounts >> {DIRECTORY}/config")
        # OpenWrt's busybox has no setsid, and its console sends nobody a signal.
        self.router.check(
            f"($(command -v setsid) baresip -f {DIRECTORY} 0<> {DIRECTORY}/in > {DIRECTORY}/log 2>&1 &"
            f" echo $! > {DIRECTORY}/pid)"
        )

    def say(self, command):
        """A line for the baresip on the router."""
        self.router.check(f"echo '{command}' > {DIRECTORY}/in")

    def log(self):
        """What it said."""
        return self.router.check(f"cat {DIRECTORY}/log")

    def stop(self):
        self.router.run(f"kill $(cat {DIRECTORY}/pid)")

    def strict(self, *words):
        """Another registrar, which refuses what these words say; then the telephone registers there."""
        self.line.access("sip strict " + " ".join(words), 60)
        self.stop()
        self.start()
        self.wait(lambda: "registered successfully" in self.log(), 60, "baresip is registered")

    def dial(self, target):
        """Calls it: how the registrar's log and ours tell the outcome."""
        self.say(f"/dial {target}")
        self.wait(lambda: "180 Ringing" in self.log() or "400 " in self.log(), 60, "the call has an outcome")
        rings = "180 Ringing" in self.log()
        calls = [entry for entry in self.registrar() if f"INVITE from={NUMBER} " in entry]
        assert (f"reply 180 to INVITE from={NUMBER} to={OTHER} source=192.0.2.130" in calls) == rings
        self.say("/hangup")
        return rings

    def registrar(self):
        """What the registrar was asked and answered, a line each."""
        return self.line.access("sip log").splitlines()

    def again(self):
        """DHCPv4 from the beginning: netifd starts a task that ended anew (ifdown would remove the interface)."""
        old = self.router.check("pgrep -f '[u]dhcpc -f'").split()
        self.router.check(f"kill {old[0]}")
        self.wait(
            lambda: self.router.run("pgrep -f '[u]dhcpc -f'")[0].split() not in ([], old),
            60,
            "another udhcpc runs",
        )


@pytest.fixture(scope="module")
def phone(booted):
    """The SIP network beside the line, and option voip."""
    phone = Phone(booted)
    booted.changed = True
    booted.access("sip start", 120)
    phone.router.check("uci set network.wan6.voip=1; uci commit network; /etc/init.d/network reload")
    phone.wait_for_lease()
    booted.wait_for_softwire()
    yield phone
    phone.stop()
    booted.access("sip stop")
    booted.restore()


def dhcpv4_messages(capture):
    """Options of all DHCPv4 messages that the router sent: code -> octets."""
    found = []
    for frame, _ in RawPcapReader(str(capture)):
        if frame[12:14] != b"\x08\x00" or frame[23] != 17 or frame[6:12] != MAC:
            continue
        datagram = frame[14 + 4 * (frame[14] & 15) :]
        if datagram[2:4] == (67).to_bytes(2, "big"):
            options, rest = {}, datagram[8 + 240 :]
            while rest and rest[0] != 255:
                if rest[0]:
                    options[rest[0]] = rest[2 : 2 + rest[1]]
                rest = rest[2 + rest[1] :] if rest[0] else rest[1:]
            found.append(options)
    return found


def test_request(phone):
    """Option 124 of enterprise 210 with the MAC, none of udhcpc's own; asked are the mask, 120, 121 and 125 alone."""
    messages = dhcpv4_messages(phone.line.lab.capture)
    assert {DISCOVER, REQUEST} <= {message[53][0] for message in messages} <= {DISCOVER, REQUEST}
    for message in messages:
        assert message[124] == unhexlify("000000d20706") + MAC
        assert message[61] == MAC
        assert list(message[55]) == [1, 120, 121, 125]
        assert 60 not in message


def test_address_and_route(phone):
    """The address, the routes of option 121 and nothing else, though router, resolver and time server were told."""
    side = phone.side()
    assert side["ipv4-address"] == [{"address": ADDRESS, "mask": 30}]
    assert side["dns-server"] == side["dns-search"] == []
    assert set(side["data"]) == {"firewall"}
    assert phone.routes() == [ON_LINK, SIP_ROUTE]
    assert phone.default_devices() == ["sw-wan"]
    assert GATEWAY not in phone.router.check("cat /tmp/resolv.conf.d/*")


def test_told(phone):
    """`softwire sip` for people and programs, and a line of `softwire status`."""
    told = phone.told()
    assert told == {
        "interface": "wan6",
        "up": True,
        "device": "eth1",
        "addresses": [f"{ADDRESS}/30"],
        "local": ADDRESS,
        "numbers": [NUMBER, ADDITIONAL],
        "domain": DOMAIN,
        "registrars": [REGISTRAR],
        "problems": [],
    }
    output, errors, status = phone.sip()
    assert (errors, status) == ("", 0)
    assert all(word in output for word in (NUMBER, ADDITIONAL, DOMAIN, REGISTRAR, ADDRESS))
    output, errors, status = phone.sip("--format", "pjsip")
    assert (errors, status) == ("", 0)
    assert f"client_uri = sip:{NUMBER}@{DOMAIN}\n" in output and f"bind = {ADDRESS}:5060\n" in output
    assert phone.sip("--format", "skype")[2] == 2
    assert f"SIP side   up, {ADDRESS}/30 on eth1" in phone.router.check("softwire status wan")


def test_registers_and_rings(phone):
    """baresip, configured by `softwire sip --format baresip` alone, registers, and the other number rings."""
    phone.start()
    phone.wait(lambda: "registered successfully" in phone.log(), 60, "baresip is registered")
    registered = f"request REGISTER from={NUMBER} source={ADDRESS} to={NUMBER} uri=sip:{DOMAIN};transport=udp"
    assert registered in phone.registrar()
    phone.say(f"/dial {OTHER}")
    phone.wait(lambda: "180 Ringing" in phone.log(), 60, "the other number rings")
    calls = [entry for entry in phone.registrar() if "INVITE" in entry]
    assert calls[0].startswith(f"request INVITE from={NUMBER} source={ADDRESS} to={OTHER} uri=sip:{OTHER}@")
    assert f"reply 180 to INVITE from={NUMBER} to={OTHER} source=192.0.2.130" in calls
    assert f"Incoming call from:  sip:{NUMBER}@{DOMAIN}" in phone.line.lab.access.check(
        "cat /var/log/access/subscriber.out"
    )
    phone.say("/hangup")
    phone.wait(lambda: [e for e in phone.registrar() if "CANCEL" in e], 30, "the call is given up")


def test_is_called(phone):
    """A call comes in when the firewall has long forgotten the registration."""
    short = "/proc/sys/net/netfilter/nf_conntrack_udp_timeout"
    before = phone.router.check(f"cat {short} {short}_stream").split()
    phone.router.check(f"echo 1 > {short}; echo 1 > {short}_stream")
    # Timeouts count from a flow's next packet.
    phone.stop()
    phone.start()
    phone.wait(lambda: "registered successfully" in phone.log(), 60, "baresip is registered")
    phone.wait(
        lambda: phone.router.run("grep -q 'udp .*port=5060' /proc/net/nf_conntrack")[1],
        150,
        "conntrack knows no flow to the registrar",
    )
    phone.network.check(f"python3 -c '{SAY}' dial sip:{NUMBER}@{DOMAIN}")
    calling = f"Incoming call from:  sip:{OTHER}@{DOMAIN}"
    phone.wait(lambda: calling in phone.log(), 30, "the router's telephone rings")
    assert f"reply 180 to INVITE from={OTHER} to={NUMBER} source={ADDRESS}" in phone.registrar()
    phone.network.check(f"python3 -c '{SAY}' hangup")
    for value, name in zip(before, (short, f"{short}_stream")):
        phone.router.check(f"echo {value} > {name}")


def test_registrar_that_refuses_rport(phone):
    """baresip registers and is called there, and cannot call: what the page about telephones says of it."""
    phone.strict("rport")
    assert not phone.dial(OTHER)
    phone.network.check(f"python3 -c '{SAY}' dial sip:{NUMBER}@{DOMAIN}")
    phone.wait(lambda: "Incoming call from:" in phone.log(), 30, "the router's telephone rings")
    phone.network.check(f"python3 -c '{SAY}' hangup")


@pytest.mark.parametrize(("wanted", "other"), [("address", "domain"), ("domain", "address")])
def test_registrar_that_wants_one_request_uri(phone, wanted, other):
    """Either form of dialling that `softwire sip --format baresip` tells is the right one of one kind of line."""
    printed = phone.sip("--format", "baresip")[0]
    ways = {
        "domain": OTHER,
        "address": printed.partition("answers 400: /dial ")[2].splitlines()[0].replace("<number>", OTHER),
    }
    assert ways["address"] == f"sip:{OTHER}@{REGISTRAR}"
    phone.strict(wanted)
    assert phone.dial(ways[wanted])
    phone.strict(wanted)
    assert not phone.dial(ways[other])


def test_closed(phone):
    """Nobody on the LAN gets into the SIP network, nobody there into the router; the internet is as it was."""
    assert phone.line.lanhost.run(f"/usr/bin/ping -c 1 -W 3 {REGISTRAR}")[1]
    assert phone.network.run(f"/usr/bin/ping -c 1 -W 3 {ADDRESS}")[1]
    assert phone.network.run(f"curl -s -m 3 http://{ADDRESS}/")[1]
    # The router itself reaches it.
    phone.router.check(f"ping -c 1 -W 3 {REGISTRAR}")
    counters = phone.router.check("nft list chain inet fw4 forward")
    assert 'meta nfproto ipv4 oifname "eth1" counter packets 1 ' in counters
    assert phone.line.seen_by_ipv4() == addresses.IPV4
    assert phone.line.seen_by_ipv6()


def test_reload_and_restart(phone):
    """A reload leaves it alone; udhcpc's end and the line's down and up bring it back."""
    phone.router.check("/etc/init.d/network reload")
    uptime = phone.side()["uptime"]
    phone.wait(lambda: phone.side()["uptime"] > uptime, 20, "it stays up")
    phone.router.check("kill -9 $(pgrep -f '[u]dhcpc -f')")
    phone.wait(lambda: phone.side().get("uptime", uptime) < uptime, 90, "it came again")
    phone.wait_for_lease()
    phone.router.check("/sbin/ifdown wan6")
    phone.wait(lambda: phone.side() == {}, 90, "it went with the line")
    assert phone.routes() == []
    assert phone.router.run("test -e /var/run/softwire/wan6_voip.sip")[1]
    assert phone.sip()[1].startswith("softwire: NO_LINE: interface wan6 is down")
    phone.router.check("/sbin/ifup wan6")
    phone.wait_for_lease()
    phone.line.wait_for_softwire()
    assert phone.told()["numbers"] == [NUMBER, ADDITIONAL]


# What another server tells: lines of udhcpd.conf; what `softwire sip` says of it; the servers and numbers it finds.
NAMES = hexlify(b"\x03sip\x07example\x03net\x00\xc0\x00").decode()
METACHARACTERS = hexlify(b'\x12";$(reboot)\n[x]<a>\x00').decode()
OWN = [NUMBER]
LINE = [NUMBER, ADDITIONAL]  # from DHCPv6, where DHCPv4 tells none
HOSTILE = {
    "default routes": (
        f"option 0x79 00c00002050100c00002050180c0000205{ROUTE}; option router {GATEWAY}; option dns {GATEWAY}"
        f"; option 0xf9 00c0000205; option 0x78 01c0000281; option 0x7d {VENDOR}",
        ["option 121: route 0.0.0.0/0 0.0.0.0/1 128.0.0.0/1 refused"],
        [REGISTRAR],
        OWN,
    ),
    "the LAN's network, and too much": (
        f"option 0x79 {ROUTE}10c0a8c000020509c000c000020518c0a801c0000205"
        f"; option 0x78 01c0000281; option 0x7d {VENDOR}",
        ["option 121: route 192.168.0.0/16 192.0.0.0/9 192.168.1.0/24 refused"],
        [REGISTRAR],
        OWN,
    ),
    "names": (
        f"option 0x78 00{NAMES}; option 0x79 {ROUTE}; option 0x7d {VENDOR}",
        [],
        ["sip.example.net", "sip.example.net"],
        OWN,
    ),
    "encoding 5": (f"option 0x78 05c0000281; option 0x79 {ROUTE}; option 0x7d {VENDOR}", [], [], OWN),
    "truncated": (
        f"option 0x78 01c0; option 0x79 {ROUTE}19c00002; option 0x7d {VENDOR[:-2]}",
        ["option 125: vendor data: 12 octets wanted at offset 5, 11 left"],
        [],
        LINE,
    ),
    "metacharacters": (
        f"option 0x78 00{METACHARACTERS}; option 0x79 {ROUTE}; option 0x7d 000000d207ca05{hexlify(b'0#;$(').decode()}",
        ["sub-option 202: a telephone number has digits only"],
        [],
        LINE,
    ),
    # A packet has room for one of the two.
    "long 120": (
        f"option 0x78 01{'c0000281' * 50}; option 0x79 {ROUTE}21ffffffffffc0000205",
        [],
        [REGISTRAR] * 50,
        LINE,
    ),
    "long 125": (
        f"option 0x78 01c0000281; option 0x79 {ROUTE}; option 0x7d {'ff' * 200}",
        ["option 125: vendor data: 255 octets wanted at offset 5, 195 left"],
        [REGISTRAR],
        LINE,
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile(phone, case):
    """Whatever a server tells, what is right of it is used, what is wrong is named, and the line does not notice."""
    options, problems, servers, numbers = HOSTILE[case]
    phone.line.access(f"sip dhcp '{options}; option subnet 255.255.255.252'")
    phone.again()
    phone.wait_for_lease()
    assert phone.routes() == [ON_LINK, SIP_ROUTE]
    assert phone.side()["dns-server"] == []
    assert phone.default_devices() == ["sw-wan"]
    told = phone.told()
    assert told["problems"] == problems
    assert (told["registrars"], told["numbers"]) == (servers, numbers)
    assert ("ACCEPT" in [rule["target"] for rule in phone.side()["data"]["firewall"]]) == bool(servers)
    output, errors, status = phone.sip("--format", "baresip")
    if servers:
        assert status == 0 and "reboot" not in output
    else:
        assert (output, status) == ("", 1)
        assert errors.startswith(
            "softwire: NO_SIP_DATA: the line told no usable SIP server (option 120 of DHCPv4)"
        )
    assert phone.line.interface("wan6")["up"] and phone.line.interface("wan")["up"]


def test_lease_in_the_lan(phone):
    """An address of the LAN's own network is no lease, and the LAN does not notice."""
    phone.line.access(
        f"sip dhcp 'start 192.168.1.6;end 192.168.1.6;option subnet 255.255.255.0;option 0x79 {ROUTE}'"
    )
    phone.again()
    phone.wait(lambda: "NO_SIP_LEASE" in phone.line.errors("wan6_voip"), 60, "netifd shows NO_SIP_LEASE")
    assert phone.routes() == []
    assert "NO_SIP_LEASE: address 192.168.1.6/24: a network that the router does not have " in phone.sip()[1]
    assert phone.line.seen_by_ipv4() == addresses.IPV4


def test_mask_of_everything(phone):
    """An address whose network would be everything is no lease."""
    phone.line.access(f"sip dhcp 'option subnet 0.0.0.0; option 0x79 {ROUTE}'")
    phone.again()
    phone.wait(lambda: "NO_SIP_LEASE" in phone.line.errors("wan6_voip"), 60, "netifd shows NO_SIP_LEASE")
    assert phone.routes() == []
    assert "NO_SIP_LEASE: address 192.0.2.6/0: " in phone.sip()[1]


def test_nobody_answers(phone):
    """No DHCPv4 answer: named everywhere, the line works on; and it comes by itself when somebody does."""
    phone.line.access("sip dhcp stop")
    phone.again()
    phone.wait(lambda: "NO_SIP_LEASE" in phone.line.errors("wan6_voip"), 90, "netifd shows NO_SIP_LEASE")
    output, errors, status = phone.sip("--format", "baresip")
    assert (output, status) == ("", 1)
    assert errors.startswith(
        "softwire: NO_SIP_LEASE: no DHCPv4 answer: is the telephone service on this line, "
    )
    assert phone.told()["error"]["code"] == "NO_SIP_LEASE"
    assert "SIP side   down, NO_SIP_LEASE: no DHCPv4 answer: " in phone.router.check("softwire status wan")
    assert phone.line.seen_by_ipv4() == addresses.IPV4
    assert phone.line.seen_by_ipv6()
    phone.line.access("sip dhcp start")
    phone.wait(lambda: phone.side().get("up"), 120, "it comes by itself")
    assert phone.line.errors("wan6_voip") == []
    assert phone.told()["numbers"] == [NUMBER, ADDITIONAL]


def test_privacy(phone):
    """No log has a telephone number; the file that has them is root's alone."""
    log = phone.router.check("/sbin/logread")
    assert "lease of 192.0.2.6 obtained" in log
    own = "\n".join(entry for entry in log.splitlines() if "wan6_voip" in entry)
    for number in (NUMBER, ADDITIONAL):
        assert number not in log and hexlify(number.encode()).decode() not in own
    assert phone.router.check("find /var/run/softwire/wan6_voip.sip -user root -perm 600").strip()
    assert "reboot" not in log


def test_vendor_class(phone):
    """Option vendorid says what option 60 holds."""
    phone.router.check(
        "uci set network.wan6.vendorid='two words'; uci commit network; /etc/init.d/network reload"
    )
    phone.wait(
        lambda: b"two words" in [message.get(60) for message in dhcpv4_messages(phone.line.lab.capture)],
        90,
        "a message with option 60",
    )


def test_off(phone):
    """Without option voip nothing of it is left."""
    phone.router.check("uci delete network.wan6.voip; uci commit network; /etc/init.d/network reload")
    phone.wait(lambda: phone.side() == {}, 90, "the interface is gone")
    phone.wait(lambda: not phone.routes(), 30, "the address is gone")
    assert phone.router.run("pgrep -f '[u]dhcpc -f'")[1]
    assert phone.router.run("ls /var/run/softwire | grep voip")[1]
    assert "SIP side" not in phone.router.run("softwire status wan")[0]
