# SPDX-License-Identifier: Apache-2.0
"""The order of steps: whatever the kernel has and whatever is wanted, no address is open to a stranger in between."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from softwired.encapsulation import Route
from softwired.tep.plan import pair, plan

LOCAL, OLD_LOCAL = b"T" * 16, b"O" * 16
ADDRESSES = [bytes([198, 18, 0, number]) for number in range(4)]
NODES = [bytes([number]) * 16 for number in range(3)]
wanted_ones = st.dictionaries(st.sampled_from(ADDRESSES), st.sampled_from(NODES))
routes_there = st.dictionaries(
    st.sampled_from(ADDRESSES), st.builds(Route, st.sampled_from(NODES), st.sampled_from([LOCAL, OLD_LOCAL]))
)
pairs_there = st.sets(st.builds(pair, st.sampled_from(ADDRESSES), st.sampled_from(NODES)))


def stations(steps, wanted, routes, pairs):
    """What the kernel has after each step."""
    routes, pairs = dict(routes), set(pairs)
    for one in steps.close:
        pairs.remove(one)
    yield dict(routes), set(pairs)  # all at once: a transaction
    for ipv4 in steps.remove:
        del routes[ipv4]
        yield dict(routes), set(pairs)
    for ipv4 in steps.point:
        routes[ipv4] = Route(wanted[ipv4], LOCAL)
        yield dict(routes), set(pairs)
    for one in steps.open:
        pairs.add(one)
    yield dict(routes), set(pairs)


@given(wanted_ones, routes_there, pairs_there)
def test_every_way_ends_where_it_should(wanted, routes, pairs):
    *_, (routes, pairs) = stations(plan(wanted, LOCAL, routes, pairs), wanted, routes, pairs)
    assert routes == {ipv4: Route(ipv6, LOCAL) for ipv4, ipv6 in wanted.items()}
    assert pairs == {pair(ipv4, ipv6) for ipv4, ipv6 in wanted.items()}


@given(wanted_ones, routes_there, pairs_there)
def test_no_station_is_open_to_a_stranger(wanted, routes, pairs):
    for there, opened in stations(plan(wanted, LOCAL, routes, pairs), wanted, routes, pairs):
        for ipv4, ipv6 in itertools.product(ADDRESSES, NODES):
            if pair(ipv4, ipv6) in opened:
                assert wanted.get(ipv4) == ipv6
                # Its answers go nowhere but to itself.
                assert ipv4 not in there or there[ipv4] == Route(ipv6, LOCAL)


@given(wanted_ones)
def test_what_is_right_is_left_alone(wanted):
    routes = {ipv4: Route(ipv6, LOCAL) for ipv4, ipv6 in wanted.items()}
    steps = plan(wanted, LOCAL, routes, [pair(ipv4, ipv6) for ipv4, ipv6 in wanted.items()])
    assert steps == ([], [], [], [])
