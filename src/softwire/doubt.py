# SPDX-License-Identifier: Apache-2.0
"""A delegated prefix that may be nobody's any more though it is preferred: another one comes first.

Loaded by the resident client once there is a reason: an answer that stays away, or a line with two prefixes.
"""

from softwire import ubus
from softwire.address import contains

# Seconds by which the end of a renewed prefix moves, at least; netifd counts whole ones.
RENEWED = 5
# Seconds between two Renews that the line's own client is told to send.
RENEW_PAUSE = 3600
NEVER = float("inf")


def is_over(local, prefixes, before, ends):
    """Whether the line's server has renewed other prefixes and not the one in use, that of `local`.

    A server that lost its memory answers "No Binding" and grants another; odhcp6c then keeps both until the old one has
    run out (RFC 8415 section 18.2.10.1). prefixes: Line's; before, ends: {prefix: when it stops to be preferred}.
    """
    mine = [prefix for prefix, length, _ in prefixes if contains(prefix, length, local)]
    if not mine or mine[0] not in before or ends.get(mine[0], NEVER) == NEVER:
        return False
    if abs(ends[mine[0]] - before[mine[0]]) > RENEWED:  # the server has spoken of it, too
        return False
    return any([ends[prefix] > before.get(prefix, 0) + RENEWED for prefix in ends])


def begin(client, error):
    """Nobody answered who was asked from this prefix.

    A server that lost its memory is asked for a prefix only when half of the old one's life is over (RFC 8415 section
    18.2.4), so the line's own client is told to ask now. It goes on asking by itself until it is answered; told again
    before that, odhcp6c up to 24.10 gives up all that it holds.
    """
    prefix = client.asked_from >> 64
    # Where all of them are avoided, it begins anew.
    client.avoid = [prefix] if prefix in client.avoid else client.avoid + [prefix]
    now = client.clock()
    reason = client.silent or error.code == "AUTH_REJECTED"
    if reason and now - client.renewed >= RENEW_PAUSE and _moved(client.unrenewed, client.ends):
        client.renewed, client.unrenewed = now, client.ends
        try:
            client.ask("network.interface." + client.config["tunlink"], "renew")
        except ubus.UbusError:  # its protocol knows no renewal
            pass


def _moved(before, ends):
    """Whether the line's server has spoken since the line's own client was told to ask."""
    if before is None or sorted(before) != sorted(ends):
        return True
    # Of two without an end the difference is no number.
    return any([abs(ends[prefix] - before[prefix]) > RENEWED for prefix in ends])
