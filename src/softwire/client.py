# SPDX-License-Identifier: Apache-2.0
"""The resident client, netifd's proto task: provision, hand over, hold, refresh, retry (DESIGN: the way of the data).

netifd would start a client that ends again at once and for ever, so it ends only for BAD_CONFIG, and waits by itself.
"""

import os
import random
import select
import sys
import time

from softwire import provisioning, state, ubus
from softwire.address import format_ipv6
from softwire.endpoint import present
from softwire.errors import ProvisioningError
from softwire.handover import Handover, known, run_event
from softwire.line import FOREVER, Line
from softwire.watch import Watch

# Seconds: the pause after the first failure, doubled each time up to the longest.
RETRY_FIRST, RETRY_LONGEST = 1, 300
# Seconds between two questions at least where nothing but a silent border router is the reason.
SILENCE_PAUSE = 300
# A poll may not be longer than what fits its millisecond argument everywhere.
WAIT_LONGEST = 86400
# Seconds between two looks around; for what is handed on, too, since netifd tells nobody of a dynamic interface's end
# while another event is being handled.
LOOK_PAUSE, LOOK_HANDED_ON = 60, 15
# Seconds until netifd is asked again that did not answer while a softwire is held.
SILENT_PAUSE = 5
# Seconds: a method that wants to be called or asked without a pause gets none of it for ever.
TICK_SHORTEST, REFRESH_SHORTEST = 0.1, 10
NEVER = float("inf")


def log(text):
    """One line to netifd's log."""
    print(text, file=sys.stderr)


class Again(Exception):
    """The answer that is being waited for is not wanted any more: the line changed, or somebody asked anew."""


class Released(Exception):
    """The handler tears the interface down."""


class Superseded(Exception):
    """The handler has set the interface up anew without a teardown."""


class Wake:
    """The FIFO through which hotplug and the handler wake the client, and the one that tells the handler back."""

    def __init__(self, interface, tunlink):
        # Opened for reading and writing, so that they never report their other side's end.
        self.path = state.fifo_path(interface, tunlink, "wake")
        self.fifo = open(self.path, "r+b", buffering=0)
        self.inode = os.stat(self.path)[1]
        self.answer = open(state.fifo_path(interface, tunlink, "released"), "r+b", buffering=0)
        self.poll = select.poll()
        self.poll.register(self.fifo, select.POLLIN)

    def wait(self, seconds, sockets=()):
        """(the words that came, the sockets that became readable) until the first did or `seconds` passed."""
        for sock in sockets:
            self.poll.register(sock, select.POLLIN)
        try:
            ready = [item[0] for item in self.poll.poll(int(max(0, min(seconds, WAIT_LONGEST)) * 1000))]
        finally:
            for sock in sockets:
                self.poll.unregister(sock)
        # MicroPython tells the object, CPython its number.
        readable = [sock for sock in sockets if sock in ready or sock.fileno() in ready]
        words: list = []
        while ready and self.poll.poll(0):
            words.append(self.fifo.readline().strip())
        return words, readable

    def is_ours(self):
        """Whether the FIFO in the run directory is still this one."""
        try:
            return os.stat(self.path)[1] == self.inode
        except OSError:
            return False

    def released(self):
        """Tells the handler that it need not wait any longer."""
        self.answer.write(b"released\n")


class Client:
    """One softwire interface. All that touches the world is given: netifd's ubus, the event script, clock, wake-up."""

    def __init__(
        self, interface, options, ask=ubus.call, event=run_event, has=present, clock=None, pause=None
    ):
        self.interface = interface
        self.method = provisioning.load(options, interface)
        self.config = self.method.config
        self.ask = ask
        self.clock = clock = clock or state.Uptime()
        self.router = Handover(
            interface,
            self.config,
            ask,
            event,
            has,
            known if has is present else has,
            clock,
            pause or time.sleep,
        )
        self.method.log = log
        self.method.clock = clock
        self.method.wait = self.wait_for_answer
        self.watch = Watch(self.router.device, self.config["watch"])
        self.wake: Wake  # run() is given it
        self.words: list = []  # those that came while an answer was waited for
        self.postponed: list = []  # those that netifd was too busy for
        self.held = None  # the Tunnel that netifd has
        self.line = None  # the Line whose DHCPv6 options are in use
        self.seen = None  # what the line was like when it was provisioned
        self.asked_from = 0  # our address in the last question
        self.silent = False  # whether the border router was when the last question was asked
        self.avoid: list = []  # see Line: where nobody answers
        self.ends: dict = {}  # prefix: when it stops to be preferred
        self.renewed = -NEVER  # when the line's own client was told to ask
        self.unrenewed = None  # the ends as they were then
        self.due = 0.0  # when to ask (again)
        self.expires = NEVER  # when what is held is over
        self.ticks = NEVER  # when the method wants to be called
        self.look = 0.0  # when to look around
        self.tried = 0.0  # when somebody was asked last
        self.failures = 0
        self.state = {
            "interface": interface,
            "tunlink": self.config["tunlink"],
            "provisioning": self.config["provisioning"],
        }
        self.note("starting")

    # The loop

    def run(self, wake):
        """Until the end of days; returns only for BAD_CONFIG and at teardown, with the process's exit status."""
        self.wake = wake
        while True:
            try:
                self.turn()
            except Again:
                self.due = self.clock()
            except Released:
                self.release()
                return 0
            except Superseded:
                return 0
            except ProvisioningError as error:
                self.fail(error)
                if error.code == "BAD_CONFIG":
                    return 1
            except Exception as error:  # a fault of ours must not make netifd restart us for ever
                self.fail(ProvisioningError("INTERNAL", "{}: {}".format(type(error).__name__, error)))
                self.router.pause(RETRY_FIRST)  # one that comes again at once must not be a hot loop

    def turn(self):
        """One look at the line where there is a reason for it, else one wait."""
        if self.words or self.clock() >= min(self.due, self.expires):
            words, self.words = self.words, []
            try:
                self.step(b"renew" in words)
            except ProvisioningError as error:
                if not (error.code == "NETIFD_SILENT" and self.held and self.clock() < self.due):
                    raise
                self.postpone(words, error)
        else:
            self.hold()

    def postpone(self, words, error):
        """Looks after the words a little later: nobody need be asked anew because netifd is busy."""
        log("{}; looking again in {} s".format(error, SILENT_PAUSE))
        self.postponed += words
        self.look = min(self.look, self.clock() + SILENT_PAUSE)

    def hold(self):
        """One wait: for words, for what comes on the method's sockets, for the next time that something is due."""
        now = self.clock()
        try:
            if now >= self.ticks:
                self.tick(now)
            if now >= self.look:
                self.look = now + (LOOK_HANDED_ON if self.router.handed_on else LOOK_PAUSE)
                self.look_around()
                if self.words:
                    return
            until = min(self.due, self.expires, self.ticks, self.look)
            if self.in_use() and self.watch.longest:
                if self.watch.silent(now) and now - self.tried >= SILENCE_PAUSE:
                    log(
                        "packets leave through {} and none came back for {} s: asking again".format(
                            self.watch.device, self.watch.longest
                        )
                    )
                    self.silent = True
                    self.due = now
                    return
                until = min(until, self.watch.next)
            words, sockets = self.wake.wait(until - now, self.method.sockets())
            self.take(words)
            for sock in sockets:
                self.method.heard(sock)
        except provisioning.Refresh:
            self.due = self.clock()

    def look_around(self):
        """What nobody tells: that an address was deleted, or that netifd crashed and has started another client."""
        if not self.wake.is_ours():
            # Without a word: the netifd that read this one's log is no more.
            raise Superseded()
        self.words += self.postponed
        self.postponed = []
        if self.held and not self.failures and not self.has(self.held):
            self.words.append(b"lost")

    def tick(self, now):
        """Calls the method, which says when it wants to be called again."""
        self.ticks = NEVER
        wanted = self.method.tick(now)
        if wanted is not None:
            self.ticks = max(wanted, now + TICK_SHORTEST)

    def take(self, words):
        """Keeps the words for the next turn; Released."""
        self.words += words
        if b"release" in words:
            raise Released()

    def wait_for_answer(self, sock, milliseconds, further=()):
        """Method.wait: looks after words and the end of what is held, too; Again, Released, ProvisioningError."""
        pause = milliseconds / 1000
        words, sockets = self.wake.wait(min(pause, self.expires - self.clock()), (sock,) + tuple(further))
        self.take(words)
        if self.clock() >= self.expires:
            self.expire()
        if b"renew" in words:
            raise Again()
        if words:
            # Nothing else says why to wake up; a line that is the same goes on being asked over.
            self.words = []
            try:
                same = self.signature(self.read_line()) == self.seen
            except ProvisioningError as error:
                if error.code != "NETIFD_SILENT":
                    raise
                self.postpone(words, error)
                same = True
            if not same:
                raise Again()
        return bool(sockets)

    def step(self, asked):
        """One look at the line, and whatever follows from it."""
        if self.held and self.clock() >= self.expires:
            self.expire()
        before = self.seen
        try:
            line = self.read_line()
            seen = self.signature(line)
        except ProvisioningError as error:
            if error.code != "NETIFD_SILENT":
                self.seen = None
            raise
        self.seen = None
        if seen == before and not asked and self.clock() < self.due:
            if self.held:
                self.keep(line, self.held)
        else:
            self.seen = seen
            self.provision(line, seen[0])
            # The endpoint is the answer's now.
            seen = (self.method.endpoint(line, self.held),) + seen[1:]
        self.seen = seen

    def has(self, held):
        """Whether the router has the endpoint and the addresses of what is held."""
        return self.router.has(format_ipv6(held.local)) and self.router.carried(held)

    def in_use(self):
        """Whether something is held that packets can pass through."""
        return bool(self.held and self.held.phase() == "up")

    def keep(self, line, held):
        """Nothing changed; what the router lost of the held softwire is put back without asking anybody."""
        text = format_ipv6(held.local)
        if not self.router.has(text):
            log("endpoint {} was lost; configuring it again".format(text))
            self.router.endpoint(line, held.local)
        if not self.router.carried(held):
            what = " ".join(held.ipaddr()) or "what proto {} carries".format(held.mode)
            log("{} was lost; handing the softwire over again".format(what))
            self.router.unbound()
            self.bind(line, held)

    def read_line(self):
        """The tunlink as netifd has it now."""
        name = self.config["tunlink"]
        try:
            line = Line(
                name,
                self.ask("network.interface." + name, "status"),
                prefix=self.config["ip6prefix"],
                before=self.line,
            )
        except ubus.UbusError as error:
            known = error.code == ubus.NOT_FOUND
            raise ProvisioningError(
                "NO_LINE" if known else "NETIFD_SILENT", "option tunlink '{}': {}".format(name, error)
            )
        if not line.up:
            raise ProvisioningError("NO_LINE", "interface {} is down".format(name))
        if self.line is None or self.line.options is not line.options:
            # Kept as long as it is the same: what is made anew at each look breaks a small heap up.
            self.line = line
        self.compare(line)
        line.avoid = self.avoid
        return line

    def compare(self, line):
        """The prefix in use is avoided where the line's server has renewed another one and not that."""
        now, held = self.clock(), self.held
        ends = {
            item[0]: NEVER if item[2] == FOREVER else now + item[2] for item in line.prefixes if item[2] > 0
        }
        before, self.ends = self.ends, ends
        if held is not None and len(ends) > 1:
            from softwire import doubt  # most lines have one prefix

            if doubt.is_over(held.local, line.prefixes, before, ends):
                log("the line's server has renewed another prefix, and not the one in use")
                self.avoid = [held.local >> 64]

    def signature(self, line):
        """What must stay as it is for a softwire to stay as it is; the loss of the prefix ends a held one."""
        try:
            return (self.method.endpoint(line, self.held), line.device, line.mtu, self.method.needs(line))
        except ProvisioningError:
            self.drop()
            raise

    # Provisioning and hand-over

    def provision(self, line, source):
        """Asks from the address `source`, and hands over what changed."""
        if self.held and self.held.local != source:
            log("the line's prefix changed")
            self.drop()
        self.router.endpoint(line, source, bool(self.held))
        if not self.held:
            self.note("asking")
        self.tried = self.clock()
        self.asked_from = source
        self.watch.start()
        self.method.silent = self.silent
        if self.held:
            tunnel = self.method.refresh(line, source, self.held)
        else:
            tunnel = self.method.provision(line, source)
        if tunnel == self.held and self.router.carried(tunnel):
            log("asked again: unchanged")
        else:
            self.router.share(tunnel.ports, tunnel.queue)
            self.withdraw()
            if tunnel.local != source:
                self.router.endpoint(line, tunnel.local)
            self.bind(line, tunnel)
        self.held = tunnel
        self.failures = 0
        self.silent = False
        self.avoid = []
        self.due = NEVER if tunnel.refresh is None else self.tried + max(tunnel.refresh, REFRESH_SHORTEST)
        self.expires = NEVER if tunnel.expires is None else self.tried + tunnel.expires
        self.ticks = self.clock()
        if tunnel.kind not in self.state:
            self.state[tunnel.kind] = tunnel.to_dict()
        self.state[tunnel.kind].update({"refresh": tunnel.refresh, "expires": tunnel.expires})
        self.state["answer"] = self.method.answer
        self.state["asked"] = self.clock()
        self.note(tunnel.phase())

    def bind(self, line, tunnel):
        """Hands the tunnel to netifd."""
        try:
            log(self.router.bound(line, tunnel))
        except ProvisioningError:
            self.forget()
            raise
        self.watch.device = self.router.handed_on or self.router.device
        self.look = 0.0
        self.held = tunnel

    def withdraw(self):
        """Takes the held softwire back from netifd."""
        if self.held:
            self.router.unbound()
            self.forget()

    def forget(self):
        self.held = None
        self.expires = self.ticks = NEVER
        self.state.pop("tunnel", None)
        self.state.pop("handed_on", None)

    def drop(self):
        """What is held is gone, for the method, too."""
        if self.held:
            self.withdraw()
            self.method.drop()

    def expire(self):
        """Its time is over, and nobody made it longer."""
        log("the softwire has expired")
        self.drop()
        self.due = self.clock()
        raise Again()

    def release(self):
        """At teardown: netifd takes device and address back by itself."""
        self.method.wait = lambda sock, milliseconds, further=(): False
        try:
            if self.held:
                self.method.release(self.held)
        except Exception as error:  # the teardown goes on whatever happens
            log("not released: {}: {}".format(type(error).__name__, error))
        self.wake.released()

    # Failure and state

    def fail(self, error):
        """Tells the error once in log, netifd and state, and sets the next try: jittered, doubling, bounded."""
        if error.ended:
            self.drop()
        if error.code in ("NO_ANSWER", "AUTH_REJECTED") and (self.silent or not self.in_use()):
            from softwire import doubt  # most lines are answered

            doubt.begin(self, error)
        delay = min(RETRY_LONGEST, RETRY_FIRST << min(self.failures, 16)) * random.uniform(0.5, 1)
        # Also before the end of what is held.
        delay = min(max(delay, error.retry_after or 0), max(RETRY_FIRST, (self.expires - self.clock()) / 2))
        self.failures += 1
        self.due = self.clock() + delay
        log(
            "{}; {}".format(
                error, "next try in {:.0f} s".format(delay) if error.code != "BAD_CONFIG" else "giving up"
            )
        )
        if not self.held:
            self.router.failed(error)
        self.note("up" if self.in_use() else "retrying", error)

    def note(self, phase, error=None):
        """Writes the state file; times are uptimes in seconds."""
        now = self.clock()
        self.state["phase"] = phase
        self.state["at"] = now
        self.state["next"] = None if self.due == NEVER else self.due
        self.state["expires"] = None if self.expires == NEVER else self.expires
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
    path = state.config_path(interface)
    options = state.read(path)
    if options is None and not broken(path):
        # The handler writes it at each setup; netifd sets up again when we end, so not at once.
        log("INTERNAL: {} cannot be read; is /var/run full?".format(path))
        time.sleep(RETRY_LONGEST / 10)
        return 1
    try:
        if options is None:
            raise ProvisioningError("BAD_CONFIG", broken(path))
        client = Client(interface, options)
    except ProvisioningError as error:
        log(str(error))
        run_event(
            "failed", {"INTERFACE": interface, "ERROR_CODE": error.code, "ERROR_TEXT": error.text, "BLOCK": 1}
        )
        return 1
    return client.run(Wake(interface, client.config["tunlink"]))


def broken(path):
    """What is wrong with a configuration that is there and cannot be read, or None where it is not there."""
    try:
        with open(path, "rb") as file:
            words = file.read().split(b'"')
    except OSError:
        return None
    for index in range(len(words)):
        try:
            words[index].decode()
        except UnicodeError:
            # A name, a colon, the value.
            name = words[index - 2].decode() if index > 1 else "unknown"
            return "option {}: text in UTF-8 would be right".format(name)
    return "the options are no JSON object"
