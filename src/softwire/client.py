# SPDX-License-Identifier: Apache-2.0
"""The resident client, netifd's proto task: provision, hand over, hold, refresh, retry (DESIGN: the way of the data).

netifd would start a client that ends again at once and for ever, so it ends only for BAD_CONFIG, and waits by itself.
"""

import gc
import os
import random
import select
import sys
import time

from softwire import provisioning, state, ubus
from softwire.address import format_ipv6
from softwire.config import Config
from softwire.endpoint import present
from softwire.errors import ProvisioningError
from softwire.line import Line
from softwire.watch import Watch

EVENT_SCRIPT = "/lib/netifd/softwire.script"

# Seconds: the pause after the first failure, doubled each time up to the longest.
RETRY_FIRST, RETRY_LONGEST = 1, 300
# netifd needs a moment for an address, duplicate address detection up to 11 s on the line, whose router advertises a
# RetransTimer of 10 s: seconds between looks, and for how long.
SETTLE_STEP, SETTLE_LONGEST = 0.2, 15
# Seconds between two questions at least where nothing but a silent border router is the reason.
SILENCE_PAUSE = 300
# A poll may not be longer than what fits its millisecond argument everywhere.
WAIT_LONGEST = 86400


def log(text):
    """One line to netifd's log."""
    print(text, file=sys.stderr)


def run_event(event, parameters):
    """Calls the event script with the parameters in its environment; True if netifd accepted."""
    words = ["{}={}".format(name, ubus.quote(str(parameters[name]))) for name in sorted(parameters)]
    return os.system("{} exec {} {}".format(" ".join(words), EVENT_SCRIPT, event)) == 0


class LineChanged(Exception):
    """The line is not the one any more that an answer is being waited for."""


class Wake:
    """The FIFO through which hotplug and the handler wake the client."""

    def __init__(self, path):
        # Opened for reading and writing, so that it never reports its writers' end.
        self.fifo = open(path, "r+b", buffering=0)
        self.poll = select.poll()
        self.poll.register(self.fifo, select.POLLIN)

    def wait(self, seconds):
        """The words that came until `seconds` passed or the first one woke us; an empty list for time."""
        words = []
        timeout = int(max(0, min(seconds, WAIT_LONGEST)) * 1000)
        while self.poll.poll(timeout):
            words.append(self.fifo.readline().strip())
            timeout = 0
        return words

    def wait_for(self, sock, milliseconds):
        """(whether the socket became readable in time, the words that came meanwhile)."""
        self.poll.register(sock, select.POLLIN)
        try:
            found = len(self.poll.poll(milliseconds))
        finally:
            self.poll.unregister(sock)
        words = self.wait(0)
        return found > bool(words), words


class Client:
    """One softwire interface. All that touches the world is given: netifd's ubus, the event script, clock, wake-up."""

    def __init__(
        self, interface, options, ask=ubus.call, event=run_event, has=present, clock=state.uptime, pause=None
    ):
        self.interface = interface
        self.config = Config(options)
        self.method = provisioning.load(self.config)
        self.method.log = log
        self.ask = ask
        self.event = event
        self.has = has
        self.clock = clock
        self.pause = pause or time.sleep
        self.method.wait = self.wait_for_answer
        # netifd's device, named by softwire.script.
        self.watch = Watch(("sw-" + interface)[:15], self.config["watch"])
        self.wake: Wake  # run() is given it
        self.held = None  # the Tunnel that netifd has
        self.seen = None  # what the line was like when it was provisioned
        self.due = 0.0  # when to ask (again)
        self.tried = 0.0  # when somebody was asked last
        self.failures = 0
        self.state = {"interface": interface, "tunlink": self.config["tunlink"]}
        self.note("starting")

    # The loop

    def run(self, wake):
        """Until the end of days; returns only for BAD_CONFIG, with the process's exit status."""
        self.wake = wake
        words: list = []
        while True:
            try:
                self.step(b"renew" in words)
            except LineChanged:
                log("the line changed while the answer was waited for")
                words = []
                continue
            except ProvisioningError as error:
                if error.code == "BAD_CONFIG":
                    self.fail(error)
                    return 1
                self.fail(error)
            except Exception as error:  # a fault of ours must not make netifd restart us for ever
                self.fail(ProvisioningError("INTERNAL", "{}: {}".format(type(error).__name__, error)))
            gc.collect()
            words = self.hold()

    def hold(self):
        """Waits for the time to ask or for words that wake us; asks early where the border router is silent."""
        while True:
            now = self.clock()
            pause = self.due - now
            if self.held and self.watch.longest and pause > 0:
                if self.watch.silent(now) and now - self.tried >= SILENCE_PAUSE:
                    log(
                        "packets leave through {} and none came back for {} s: asking again".format(
                            self.watch.device, self.watch.longest
                        )
                    )
                    self.due = now
                    return []
                pause = min(pause, self.watch.next - now)
            words = self.wake.wait(pause)
            if words or self.clock() >= self.due:
                return words

    def wait_for_answer(self, sock, milliseconds):
        """pyrad_lite's `wait` that looks after the line, too: whether the socket is readable; LineChanged."""
        readable, words = self.wake.wait_for(sock, milliseconds)
        if words and self.signature(self.read_line()) != self.seen:
            raise LineChanged()
        return readable

    def step(self, asked):
        """One look at the line, and whatever follows from it."""
        before, self.seen = self.seen, None
        line = self.read_line()
        seen = self.signature(line)
        waiting = seen == before and not asked and self.clock() < self.due
        if not waiting:
            self.seen = seen
            self.provision(line)
        elif self.held:
            self.keep(line, self.held)
        self.seen = seen

    def keep(self, line, held):
        """Nothing changed; what the router lost of the held softwire is put back without asking anybody."""
        if not self.has(format_ipv6(held.local)):
            log("endpoint {} was lost; configuring it again".format(format_ipv6(held.local)))
            self.configure_endpoint(line, held.local)
        if not self.carried(held):
            log("{} was lost; handing the softwire over again".format(" ".join(held.ipaddr())))
            self.withdraw()
            self.bind(line, held)

    def read_line(self):
        """The tunlink as netifd has it now."""
        name = self.config["tunlink"]
        try:
            line = Line(
                name, self.ask("network.interface." + name, "status"), prefix=self.config["ip6prefix"]
            )
        except ubus.UbusError as error:
            raise ProvisioningError("NO_LINE", "option tunlink '{}': {}".format(name, error))
        if not line.up:
            raise ProvisioningError("NO_LINE", "interface {} is down".format(name))
        return line

    def signature(self, line):
        """What must stay as it is for a softwire to stay as it is; the loss of the prefix ends a held one."""
        try:
            return (
                self.method.endpoint(line, None),
                line.device,
                line.mtu,
                line.vendor and line.vendor.mac,
                line.mac,
            )
        except ProvisioningError:
            self.withdraw()
            raise

    # Provisioning and hand-over

    def provision(self, line):
        """Asks, and hands over what changed."""
        source = self.method.endpoint(line, self.held)
        if self.held and self.held.local != source:
            log("the line's prefix changed")
            self.withdraw()
        self.configure_endpoint(line, source)
        self.note("asking")
        self.tried = self.clock()
        self.watch.start()
        tunnel = self.method.provision(line, source)
        if tunnel == self.held and self.carried(tunnel):
            log("asked again: unchanged")
        else:
            self.withdraw()
            if tunnel.local != source:
                self.configure_endpoint(line, tunnel.local)
            self.bind(line, tunnel)
        self.held = tunnel
        self.failures = 0
        # Early enough for several tries before the parameters expire, and not all subscribers at once.
        self.due = (
            self.clock() + tunnel.lifetime * random.uniform(0.8, 0.9) if tunnel.lifetime else float("inf")
        )
        self.state["answer"] = getattr(self.method, "answer", None)
        self.state["asked"] = self.clock()
        self.note("up")

    def configure_endpoint(self, line, address):
        """Gives the router the local address, and trusts nothing but a bind() to it (RFC 4291: a /128)."""
        text = format_ipv6(address)
        # An address of the delegated prefix needs no link; on-link neighbours ask for one of theirs on the line.
        onlink = any([entry[1] == 64 and address >> 64 == entry[0] >> 64 for entry in line.onlink])
        parameters = {"LOCAL": text, "ENDPOINT_DEVICE": line.device if onlink else "lo"}
        if not self.settles(lambda: self.has(text), lambda: self.signal("endpoint", parameters)):
            raise ProvisioningError(
                "NO_ENDPOINT",
                "{} is not on the router although {}_ep was added; see logread for netifd's reason".format(
                    text, self.interface
                ),
            )

    def bind(self, line, tunnel):
        """Hands the tunnel to netifd, and looks whether the device came to carry the address."""
        parameters = {
            "LOCAL": format_ipv6(tunnel.local),
            "REMOTE": format_ipv6(tunnel.remote),
            "MTU": tunnel.mtu,
            "TTL": tunnel.ttl,
            "LINK": self.config["tunlink"],
            "LINE_DEVICE": line.device,
            "IPADDR": " ".join(tunnel.ipaddr()),
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
        if not self.settles(lambda: self.carried(tunnel)):
            self.signal("unbound")
            raise ProvisioningError(
                "HANDOVER_REFUSED", "{IPADDR} did not appear on the router".format(**parameters)
            )
        self.held = tunnel
        self.state["tunnel"] = tunnel.to_dict()
        log("{IPADDR} through {LOCAL} -> {REMOTE}, MTU {MTU}".format(**parameters))

    def carried(self, tunnel):
        """Whether the router has the tunnel's IPv4 addresses."""
        return all([self.has(text.partition("/")[0]) for text in tunnel.ipaddr()])

    def withdraw(self):
        """Takes the held softwire back."""
        if self.held:
            self.signal("unbound")
            self.held = None
            self.state.pop("tunnel", None)

    def settles(self, good, act=None):
        """Whether good() comes true in time; act() is called before each look that follows a failed one."""
        end = self.clock() + SETTLE_LONGEST
        while not good():
            if self.clock() >= end:
                return False
            if act:
                act()
                if good():
                    return True
            self.pause(SETTLE_STEP)
        return True

    def signal(self, event, parameters=None):
        """One call of the event script for this interface."""
        values = {"INTERFACE": self.interface}
        values.update(parameters or {})
        return self.event(event, values)

    # Failure and state

    def fail(self, error):
        """Tells the error once in log, netifd and state, and sets the next try: jittered, doubling, bounded."""
        delay = min(RETRY_LONGEST, RETRY_FIRST << min(self.failures, 16)) * random.uniform(0.5, 1)
        delay = max(delay, error.retry_after or 0)
        self.failures += 1
        self.due = self.clock() + delay
        log(
            "{}; {}".format(
                error, "next try in {:.0f} s".format(delay) if error.code != "BAD_CONFIG" else "giving up"
            )
        )
        if not self.held:
            parameters = {"ERROR_CODE": error.code, "ERROR_TEXT": error.text}
            if error.code == "BAD_CONFIG":
                parameters["BLOCK"] = 1
            self.signal("failed", parameters)
        self.note("up" if self.held else "retrying", error)

    def note(self, phase, error=None):
        """Writes the state file; times are uptimes in seconds."""
        now = self.clock()
        self.state["phase"] = phase
        self.state["at"] = now
        self.state["next"] = self.due if self.due < 1e12 else None
        if error:
            self.state["error"] = {
                "code": error.code,
                "text": error.text,
                "at": now,
                "failures": self.failures,
            }
        elif phase == "up":
            self.state.pop("error", None)
        state.write_state(self.interface, self.state)


def main(interface):
    """`softwire client <interface>`: exit status 1 for BAD_CONFIG, which netifd then does not retry."""
    options = state.read(state.config_path(interface))
    if options is None:
        # The handler writes it at each setup; netifd sets up again when we end, so not at once.
        log("INTERNAL: {} cannot be read; is /var/run full?".format(state.config_path(interface)))
        time.sleep(RETRY_LONGEST / 10)
        return 1
    try:
        client = Client(interface, options)
    except ProvisioningError as error:
        log(str(error))
        run_event(
            "failed", {"INTERFACE": interface, "ERROR_CODE": error.code, "ERROR_TEXT": error.text, "BLOCK": 1}
        )
        return 1
    return client.run(Wake(state.fifo_path(interface, client.config["tunlink"])))
