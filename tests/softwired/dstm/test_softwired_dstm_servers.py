# SPDX-License-Identifier: Apache-2.0
"""Two servers that share one PostgreSQL: nodes ask both at once, one is killed, and no address is two nodes'."""

import random
import threading

from softwire.address import format_ipv4
from tests.softwired.dstm import parts
from tests.softwired.network import until

NODES, TURNS, ADDRESSES = 24, 10, 16


class Crowd:
    """Nodes that ask either server, renew with the other one, and give back or vanish."""

    def __init__(self, servers):
        self.servers = servers
        self.lock = threading.Lock()
        self.held, self.problems, self.codes = {}, [], {}
        self.threads = [threading.Thread(target=self._live, args=(number,)) for number in range(NODES)]

    def _live(self, number):
        chance, node = random.Random(number), f"2001:db8:1::{number + 1:x}"
        for _ in range(TURNS):
            try:
                self._turn(chance, node)
            except (EOFError, OSError):
                pass  # its server was killed
            except Exception as error:
                self.problems.append(f"{node}: {type(error).__name__}: {error}")

    def _turn(self, chance, node):
        one, other = chance.sample(self.servers, 2)
        asked = parts.Node(one.port).login()
        code, told = asked.ask(parts.create(node))
        self.codes[code] = self.codes.get(code, 0) + 1
        if code != 200:
            assert code in (306, 307, 530), code
            return
        address = format_ipv4(told.client.ipv4)
        with self.lock:
            assert self.held.setdefault(address, node) == node, f"{address} is {self.held[address]}'s"
        if chance.random() < 0.5:
            code, again = parts.Node(other.port).login().ask(parts.create(node, address))
            assert code in (200, 530) and (code != 200 or again.client.ipv4 == told.client.ipv4), code
        if chance.random() < 0.9:
            with self.lock:
                del self.held[address]
            asked.ask(parts.create(node, address, action="delete"))
        asked.close()


def test_no_address_twice(serve, postgres, tep):
    table = {
        "database": postgres.url,
        "pool": [parts.pool(f"198.51.100.1-198.51.100.{ADDRESSES}")],
        "tep": [parts.tep(tep)],
    }
    one, two = serve("one", **table), serve("two", **table)
    crowd = Crowd([one, two])
    for thread in crowd.threads:
        thread.start()
    until(lambda: sum(crowd.codes.values()) > NODES * TURNS / 4, "they ask", 120)
    two.kill()
    two.start()
    for thread in crowd.threads:
        thread.join(120)
    assert crowd.problems == [] and tep.twice == 0
    assert crowd.codes[200] > NODES * TURNS / 4, crowd.codes
    # Both know the same, and so does the border router, once what the killed one left behind is ended.
    told = one.leases()
    assert told == two.leases() and len({lease["address"] for lease in told}) == len(told)
    held = {lease["address"] for lease in told if not lease["ending"]}
    assert set(crowd.held) <= held

    def agreed():
        held = {lease["address"] for lease in one.leases() if not lease["ending"]}
        return {format_ipv4(address) for address in tep.mappings} == held

    until(agreed, "server and border router agree", 90)
