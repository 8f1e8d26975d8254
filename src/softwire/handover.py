# SPDX-License-Identifier: Apache-2.0
"""The hand-over: what netifd is told of a softwire, and whether the router came to carry it.

netifd is spoken to by the event script alone, and nothing is believed but a bind() to an address.
"""

import os

from softwire import state, ubus
from softwire.address import format_ipv4, format_ipv6
from softwire.errors import ProvisioningError
from softwire.tunnel import device_of

EVENT_SCRIPT = "/lib/netifd/softwire.script"

# netifd needs a moment for an address, duplicate address detection up to 11 s on the line, whose router advertises a
# RetransTimer of 10 s, and a slow router some more for a lost one, which goes first: seconds until the first look, then
# between looks, and for how long.
SETTLE_FIRST, SETTLE_STEP, SETTLE_LONGEST = 0.02, 0.2, 20
# Seconds after which an address that the kernel does not even know is lost, whatever netifd says of its interface.
LOST = 2

# Every IPv6 address of the kernel's: 32 digits, then numbers, the device's name behind them.
KERNEL_ADDRESSES = "/proc/net/if_inet6"


def run_event(event, parameters):
    """Calls the event script with the parameters in its environment; True if netifd accepted."""
    words = ["{}={}".format(name, ubus.quote(str(parameters[name]))) for name in sorted(parameters)]
    return os.system("{} exec {} {}".format(" ".join(words), EVENT_SCRIPT, event)) == 0


def known(address, path=KERNEL_ADDRESSES):
    """Whether the kernel has this IPv6 address (integer), perhaps tentative still."""
    try:
        with open(path) as file:
            return "%032x" % address in file.read()
    except OSError:
        return False


class Handover:
    """One softwire's side of netifd. All that touches the world is given: event script, addresses, clock, pause.

    has(text): whether a socket can be bound to the address; known(integer): whether the kernel has it at all;
    ask: ubus.call.
    """

    def __init__(self, interface, config, ask, event, has, known, clock, pause):
        self.interface = interface
        self.config = config
        self.ask = ask
        self.event = event
        self.has = has
        self.known = known
        self.clock = clock
        self.pause = pause
        self.device = device_of(interface)
        self.shared = False  # whether the firewall has rules of this softwire
        self.handed_on = None  # the device of another protocol's interface that carries it, '' until it is up

    def endpoint(self, line, address, ours=False):
        """Gives the router the local address, and trusts nothing but a bind() to it (RFC 4291: a /128).

        ours: whether it is that of the softwire in use.
        """
        text = format_ipv6(address)
        if ours and self.has(text):
            return
        other = self.owner(text)
        if other:
            raise ProvisioningError(
                "ENDPOINT_TAKEN",
                "{} is the endpoint of interface {} already: another option interface_id (or ip6addr) in {} "
                "would be right".format(text, other, self.interface),
            )
        if self.has(text):
            return
        # An address of the delegated prefix needs no link; on-link neighbours ask for one of theirs on the line.
        onlink = any([entry[1] == 64 and address >> 64 == entry[0] >> 64 for entry in line.onlink])
        parameters = {"LOCAL": text, "ENDPOINT_DEVICE": line.device if onlink else "lo"}
        if not self._put(address, text, parameters):
            raise ProvisioningError(
                "NO_ENDPOINT",
                "{} is not on the router although {}_ep was added; see logread for netifd's reason".format(
                    text, self.interface
                ),
            )

    def _put(self, address, text, parameters):
        """Asks netifd until the address is there; whether it came.

        A device that was set down and up has lost it while netifd calls the interface up, and takes the same one
        again for nothing new: then it is removed first.
        """
        start = self.clock()
        lost = start + LOST
        pause = SETTLE_FIRST
        while not self.has(text):
            now = self.clock()
            if now >= start + SETTLE_LONGEST:
                return False
            # While duplicate address detection runs there is nothing to say to netifd.
            if not self.known(address):
                if now >= lost:
                    lost = now + LOST
                    self.signal("endpoint_lost")
                self.signal("endpoint", parameters)
                if self.has(text):
                    break
            self.pause(pause)
            pause = SETTLE_STEP
        return True

    def owner(self, text):
        """The other softwire whose endpoint this address is, or None: one interface cannot live on another's."""
        for name, tunnel in state.tunnels_besides(self.interface):
            if tunnel.get("local") == text:
                return name
        return None

    def bound(self, line, tunnel):
        """Hands the tunnel to netifd, and looks whether the device came to carry the address."""
        if tunnel.kind != "tunnel":
            return tunnel.bound(self)
        parameters = {
            "LOCAL": format_ipv6(tunnel.local),
            "REMOTE": format_ipv6(tunnel.remote),
            "MTU": tunnel.mtu,
            "TTL": tunnel.ttl,
            "LINK": self.config["tunlink"],
            "DEVICE": self.device,
            "LINE_DEVICE": line.device,
            "IPADDR": " ".join(tunnel.ipaddr()),
            "ROUTES": " ".join(tunnel.route_texts()),
            "DNS": " ".join(tunnel.dns),
        }
        if self.config["zone"]:
            parameters["ZONE"] = self.config["zone"]
        if not self.signal("bound", parameters):
            # netifd may have taken the device away and still call the interface up.
            self.signal("unbound")
            raise ProvisioningError(
                "HANDOVER_REFUSED",
                "netifd refused the softwire {LOCAL} -> {REMOTE} over {LINK}, MTU {MTU}".format(**parameters),
            )
        end = self.clock() + SETTLE_LONGEST
        pause = SETTLE_FIRST
        while not self.carried(tunnel):
            if self.clock() >= end:
                self.signal("unbound")
                raise ProvisioningError(
                    "HANDOVER_REFUSED", "{IPADDR} did not appear on the router".format(**parameters)
                )
            self.pause(pause)
            pause = SETTLE_STEP
        if not tunnel.addresses:
            return "{DEVICE} waits for a packet".format(**parameters)
        return "{IPADDR} through {LOCAL} -> {REMOTE}, MTU {MTU}".format(**parameters)

    def share(self, ports, queue=None):
        """Has the firewall use these ports alone, before there is a device: a connection keeps its first port.

        Also while the device of another tunnel is there, without which fw4 would leave it out of its zone.

        queue: of the packets that wait for an address, or None.
        """
        ports = ports if ports and ports.length else None  # without an identifier the address is whole
        if ports or queue or self.shared:
            from softwire.portnat import update  # only where it is needed

            self.shared = bool(ports or queue)
            update(self.interface, self.device, ports, queue, self.signal)

    def carried(self, tunnel):
        """Whether the router has the tunnel's IPv4 addresses, or the interface that carries it is up."""
        if tunnel.kind != "tunnel":
            return tunnel.carried(self)
        return all([self.has(format_ipv4(entry[0])) for entry in tunnel.addresses])

    def unbound(self):
        """Takes the softwire back."""
        self.signal("unbound")
        if self.handed_on is not None:
            self.handed_on = None
            self.signal("hand_back")

    def failed(self, error):
        """Shows the error in netifd's status; BAD_CONFIG also ends netifd's tries."""
        parameters = {"ERROR_CODE": error.code, "ERROR_TEXT": error.text}
        if error.code == "BAD_CONFIG":
            parameters["BLOCK"] = 1
        self.signal("failed", parameters)

    def signal(self, event, parameters=None):
        """One call of the event script for this interface."""
        values = {"INTERFACE": self.interface}
        values.update(parameters or {})
        return self.event(event, values)
