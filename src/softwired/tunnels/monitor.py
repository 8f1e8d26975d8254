# SPDX-License-Identifier: Apache-2.0
"""The monitor: the kernel carries what the database says, each tunnel is asked for an answer, names follow.

The draft's loop. Everything that lasts is in the database; what this process knows beside it is read anew at its start.
"""

from __future__ import annotations

import ipaddress
import os
import subprocess
import time
import types
import typing

from softwired import store
from softwired.loop import Timer
from softwired.service import Frame, StartError
from softwired.store import Connection, Store, Worker
from softwired.tunnels import carrier, echoes, names, register
from softwired.tunnels.register import ON, Tunnel

if typing.TYPE_CHECKING:
    from softwired.tunnels.updates import Updates

# The database is asked for changes this often; all of it is compared, also with the kernel, this often.
LOOK, LOOK_AGAIN = 1.0, 60.0
# After somebody changed the kernel; after the DNS failed, at first and at most.
SOON, NAMES_AGAIN, NAMES_AT_MOST = 0.2, 1.0, 60.0
# Requests go out in portions.
PORTION = 0.01
# The wall clock was set if it went so much faster or slower than time does.
STEP = 30.0


class Round(typing.NamedTuple):
    """One round of echoes: who is still to be asked, and who answered."""

    began: float
    number: int
    left: list[Tunnel]
    asked: dict[str, int]
    answered: set[int]


class Monitor:
    """See softwired.service.Service."""

    def __init__(self, frame: Frame, values: types.SimpleNamespace) -> None:
        self.frame, self.loop, self.log, self.values = frame, frame.loop, frame.log, values
        counters = frame.counters
        self.echo = counters.family(
            "echoes_total",
            "Echo requests and their answers",
            "what",
            ("sent", "answered", "silent", "late", "forged"),
        )
        self.stopped = counters.family(
            "stopped_packets_total",
            "Packets that were dropped: foreign inner source, another address, closed port, over the rate",
            "reason",
            carrier.ruleset.COUNTERS,
        )
        self.repaired = counters.family(
            "repaired_total", "Routes and pairs that were not in the kernel", "when", ("start", "later")
        )
        self.done = counters.family(
            "tunnels_total",
            "Tunnels by what became of them",
            "what",
            ("changed", "warned", "expired", "taken"),
        )
        self.told = counters.family("names_total", "Changes of the DNS", "result", ("done", "failed"))
        counters.gauge("tunnels", "Tunnels of this server", lambda: len(self.tunnels))
        counters.gauge("round_seconds", "How long the last round of echoes took", lambda: self.took)
        self.tunnels: dict[int, Tunnel] = {}
        self.took = 0.0
        self.problems: dict[str, str] = {}
        self.repairs, self.loaded = False, False
        # Whether names may be other ones than the configuration says.
        self.renames = True
        self.round: Round | None = None
        self.rounds = 0
        self.timer: Timer | None = None
        self.names_busy, self.names_wait = False, NAMES_AGAIN
        self.names_timer: Timer | None = None
        self.counts: dict[str, int] = {}
        # Each tunnel's packets and octets, as they are in the database.
        self.packets: dict[int, tuple[int, int, int, int]] = {}
        self.renewal = 0.0
        self.clock = (time.time(), time.monotonic())
        self.children: list[subprocess.Popen[bytes]] = []
        self.names_of = names.of(values)

    # A service's life

    def open(self) -> None:
        try:
            self.socket = echoes.open_socket()
        except OSError as error:
            raise StartError(
                f"tunnels: no raw ICMPv6 socket: {error.strerror}; root's rights would be right"
            ) from None
        self.echoes = echoes.Echoes()
        self.updates = _updates(self.values)

    def start(self) -> None:
        # Without root's privileges: what it needs later has to work now.
        try:
            self.carrier = carrier.Carrier(self.values)
            self.carrier.prepare()
        except (OSError, carrier.CarrierError) as error:
            raise StartError(f"tunnels: device {self.values.device}: {error}") from None
        self.worker = Worker(Store(self.values.database, register.metadata), self.loop, lambda: None)
        if self.worker.store.sqlite:
            try:
                self.worker.store.create()
            except (store.SQLAlchemyError, OSError) as error:
                raise StartError(f"tunnels.database: {store.said(error)}") from None
        self.worker.start()
        self._start_names()
        for problem in problems(len(self.tunnels)):
            self.log.warning(problem)
        self.loop.watch(self.socket.fileno(), self._heard)
        for news in (self.carrier.links, self.carrier.rulesets):
            self.loop.watch(news.fileno(), self._news)
        self._load()
        self.loop.later(LOOK, self._look)
        self.loop.later(LOOK_AGAIN, self._look_again)
        self.timer = self.loop.later(0.1, self._begin_round)

    def _start_names(self) -> None:
        self.dns: Worker | None = None
        if self.updates:
            self.dns = Worker(typing.cast(Store, self.updates), self.loop, lambda: None, 1)
            self.dns.start()

    def reload(self, values: types.SimpleNamespace) -> None:
        for key in ("address", "device", "database", "name"):
            if getattr(values, key) != getattr(self.values, key):
                raise StartError(f"tunnels.{key}: takes effect at the next start alone")
        updates = _updates(values)
        if self.dns:
            self.dns.stop()
        self.values, self.updates = values, updates
        self.names_of, self.names_busy = names.of(values), False
        self._start_names()
        self.carrier.use(values)
        self.renames = True
        self._load()

    def stop(self) -> None:
        """The kernel goes on carrying, until the next start."""
        self.worker.ask(lambda connection: register.leave(connection, self.values.name), lambda *_: None)
        self.worker.stop()
        if self.dns:
            self.dns.stop()
        self.carrier.close()
        self.socket.close()

    def status(self) -> dict[str, typing.Any]:
        counted = self.carrier.counted()
        self.stopped.update({name: max(0, count - self.stopped[name]) for name, count in counted.items()})
        return {
            "address": str(self.values.address),
            "device": self.values.device,
            "loaded": self.loaded,
            "all_tunnels": self.counts,
            "rounds": self.rounds,
            "problem": [*self.problems.values(), *problems(len(self.tunnels))],
        }

    # The database

    def _ask(
        self,
        job: typing.Callable[[Connection], typing.Any],
        then: typing.Callable[[typing.Any], object],
        lost: typing.Callable[[], object] = lambda: None,
    ) -> None:
        """`then` with the result; without one the problem is told, and whoever asks again has it once more."""

        def answer(result: typing.Any, error: Exception | None) -> None:
            if error is not None:
                self.problems["database"] = f"tunnels.database: {store.said(error)}"
                self.log.seldom("database", self.problems["database"])
                lost()
                return
            self.problems.pop("database", None)
            then(result)

        self.worker.ask(job, answer)

    def _load(self) -> None:
        """All of this server's tunnels, and the kernel is made to agree."""
        values = self.values

        def job(connection: Connection) -> list[Tunnel]:
            self.worker.store.make(connection)
            self._share(connection)
            register.renumber(connection, values)
            return register.of_server(connection, values.name)

        self._ask(job, self._take_all)

    def _share(self, connection: Connection) -> None:
        name, now = self.values.name, time.monotonic()
        if now >= self.renewal:
            register.renew(connection, name, time.time() + self.values.lease)
            self.renewal = now + self.values.lease / 3
        # New ones are nobody's yet.
        self.done["taken"] += register.share(connection, name, time.time())

    def _take_all(self, found: list[Tunnel]) -> None:
        self.tunnels = {one.id: one for one in found}
        if not self._agree("later" if self.loaded else "start"):
            return
        self.loaded = True
        self._settle([one for one in found if one.version != one.carried])
        if self.renames:
            self.renames = False
            kept = [one for one in found if one.version == one.carried]
            self._ask(
                lambda connection: register.rename(connection, kept, self.names_of), lambda _: self._names()
            )

    def _agree(self, when: str) -> bool:
        try:
            repaired = self.carrier.agree(self.tunnels.values())
        except carrier.CarrierError as error:
            self._kernel(error)
            return False
        self.problems.pop("kernel", None)
        if repaired:
            self.repaired[when] += repaired
        return True

    def _kernel(self, error: carrier.CarrierError) -> None:
        self.problems["kernel"] = f"kernel: {error}"
        self.log.seldom("kernel", self.problems["kernel"])
        # Nobody knows what it has.
        self._soon()

    def _look(self) -> None:
        """What changed in the database; what is over ends."""
        self._clock_set()
        self.children = [one for one in self.children if one.poll() is None]
        name = self.values.name

        def job(connection: Connection) -> tuple[list[Tunnel], dict[str, int], int]:
            self._share(connection)
            expired = register.expire(connection, name, time.time())
            return register.changed(connection, name), register.count(connection), expired

        def then(result: tuple[list[Tunnel], dict[str, int], int]) -> None:
            found, self.counts, expired = result
            self.done["expired"] += expired
            self._take(found)
            self._names()
            self.loop.later(LOOK, self._look)

        if not self.loaded:
            self._load()
            self.loop.later(LOOK, self._look)
            return
        self._ask(job, then, lambda: self.loop.later(LOOK, self._look))

    def _take(self, found: list[Tunnel]) -> None:
        if not found:
            return
        try:
            self.carrier.change(found)
        except carrier.CarrierError as error:
            self._kernel(error)
            return
        self.tunnels.update({one.id: one for one in found})
        self.done["changed"] += len(found)
        self._settle(found)

    def _settle(self, found: list[Tunnel]) -> None:
        if not found:
            return
        for one in found:
            if one.state == register.ENDING:
                self.tunnels.pop(one.id, None)
                self.carrier.carried.pop(one.id, None)
        self._ask(
            lambda connection: register.settle(connection, found, self.names_of), lambda _: self._names()
        )

    def _clock_set(self) -> None:
        """Somebody who set the clock has ended no tunnel by it."""
        wall, steady = time.time(), time.monotonic()
        step = (wall - self.clock[0]) - (steady - self.clock[1])
        self.clock = (wall, steady)
        if abs(step) > STEP:
            self.log.warning(f"the clock was set by {step:.0f} seconds")
            self._ask(lambda connection: register.shift(connection, self.values.name, step), lambda _: None)

    # The kernel

    def _news(self) -> None:
        if self.carrier.disturbed():
            self._soon()

    def _soon(self) -> None:
        if not self.repairs:
            self.repairs = True
            # What else comes with it is waited for.
            self.loop.later(SOON, self._repair)

    def _repair(self) -> None:
        self.repairs = False
        if self.loaded:
            self._agree("later")

    def _look_again(self) -> None:
        self._load()
        self.loop.later(LOOK_AGAIN, self._look_again)

    # Echoes

    def _begin_round(self) -> None:
        targets = [one for one in self.tunnels.values() if one.state == ON]
        self.rounds += 1
        self.round = Round(self.loop.clock(), self.rounds & 0xFFFF, targets, {}, set())
        self._portion()

    def _portion(self) -> None:
        current = self.round
        assert current
        for _ in range(max(1, int(self.values.echoes * PORTION))):
            if not current.left:
                self.loop.later(self.values.patience, self._end_round)
                return
            one = current.left.pop()
            target = ipaddress.IPv6Address(one.IPv6client).packed
            source = ipaddress.IPv6Address(one.IPv6server).packed
            data = self.echoes.request(target, current.number)
            self.echo["sent"] += 1
            current.asked[one.IPv6client] = one.id
            echoes.send(self.socket, data, one.IPv6client, source, self.carrier.index)
        self.loop.later(PORTION, self._portion)

    def _heard(self) -> None:
        current = self.round
        for data, source, index in echoes.received(self.socket):
            if current is None:
                continue
            plain = source.partition("%")[0]
            number = current.asked.get(plain)
            if number is None or number in current.answered:
                continue
            packed = ipaddress.IPv6Address(plain).packed
            answers = self.echoes.answered(data, packed) if index == self.carrier.index else None
            if answers == current.number:
                current.answered.add(number)
                self.echo["answered"] += 1
            else:
                self.echo["forged" if answers is None else "late"] += 1

    def _end_round(self) -> None:
        current, self.round = self.round, None
        assert current
        self.took = self.loop.clock() - current.began
        silent = [one for one in current.asked.values() if one not in current.answered]
        self.echo["silent"] += len(silent)
        values, packets = self.values, self._packets()
        news = {number: count for number, count in packets.items() if self.packets.get(number) != count}

        def job(connection: Connection) -> list[Tunnel]:
            now = time.time()
            register.heard(connection, values.name, sorted(current.answered), silent, now)
            register.counted(connection, values.name, news)
            return register.warn(connection, values.name, values.unreachable, now + values.grace)

        def then(found: list[Tunnel]) -> None:
            self.packets = packets
            self._warned(found)

        if current.asked:
            self._ask(job, then)
        wait = max(0.05, current.began + values.interval - self.loop.clock())
        self.timer = self.loop.later(wait, self._begin_round)

    def _packets(self) -> dict[int, tuple[int, int, int, int]]:
        try:
            return self.carrier.counts()
        except carrier.CarrierError as error:
            self.log.seldom("packets", f"packets of tunnels: {error}")
            return {}

    def _warned(self, found: list[Tunnel]) -> None:
        """The hook is told of each that will go."""
        self.done["warned"] += len(found)
        for one in found if self.values.hook else ():
            told = {
                "TUNNEL": str(one.id),
                "NICNAME": one.name,
                "IPV4_CLIENT": one.IPv4client,
                "IPV6_CLIENT": one.IPv6client,
                "UNTIL": str(int(one.until or 0)),
            }
            environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), **told}
            try:
                self.children.append(
                    subprocess.Popen(
                        self.values.hook, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
                    )
                )
            except OSError as error:
                self.log.seldom("hook", f"tunnels.hook = {self.values.hook}: {error.strerror}")

    # Names

    def _names(self) -> None:
        """The DNS is told what it does not say yet, if it is not told already, or failed a moment ago."""
        if self.dns is None or self.names_busy or self.names_timer:
            return
        self.names_busy = True
        self._ask(
            lambda connection: register.names_to_do(connection, names.AT_ONCE), self._tell, self._names_rest
        )

    def _names_rest(self) -> None:
        self.names_busy = False

    def _tell(self, found: list[register.Name]) -> None:
        if not found or self.dns is None:
            self.names_busy = False
            return

        def answer(done: list[register.Name] | None, error: Exception | None) -> None:
            if not done:
                self.names_busy = False
                self.told["failed"] += 1
                self.problems["names"] = f"tunnels.dns: {error}; {len(found)} changes of names wait"
                self.log.seldom("names", self.problems["names"])
                self.names_timer = self.loop.later(self.names_wait, self._names_again)
                self.names_wait = min(NAMES_AT_MOST, 2 * self.names_wait)
                return
            self.told["done"] += len(done)
            self.problems.pop("names", None)
            self.names_wait = NAMES_AGAIN
            self._ask(
                lambda connection: register.names_done(connection, done), lambda _: more(), self._names_rest
            )

        def more() -> None:
            self.names_busy = False
            if len(found) == names.AT_ONCE:
                self._names()

        self.dns.ask(lambda updates: updates.tell(found), answer)

    def _names_again(self) -> None:
        self.names_timer = None
        self._names()


def _updates(values: types.SimpleNamespace) -> Updates | None:
    """Who tells the DNS; StartError."""
    if values.dns.type == "none":
        return None
    from softwired.tunnels.updates import Updates

    return Updates(values)


def problems(tunnels: int) -> list[str]:
    """What of this machine keeps packets from flowing."""
    found = []
    if _number("/proc/sys/net/ipv6/conf/all/forwarding") == 0:
        found.append("net.ipv6.conf.all.forwarding is 0: this machine forwards no IPv6 packets")
    neighbours = _number(carrier.NEIGHBOURS + "3")
    if neighbours is not None and tunnels > neighbours // 2:
        found.append(
            f"net.ipv6.neigh.default.gc_thresh3 is {neighbours}: for {tunnels} tunnels {4 * tunnels} would be right"
        )
    return found


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None
