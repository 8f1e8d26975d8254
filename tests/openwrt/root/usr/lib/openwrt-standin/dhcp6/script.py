# SPDX-License-Identifier: Apache-2.0
"""The state script: odhcp6c's environment, and when an event is held back or displaces the one before
(NETIFD.md, odhcp6c)."""

import ipaddress
import os
import signal
import subprocess
import time

from .message import CLIENT_ID, DNS, DOMAINS, FQDN, IA_NA, IA_PD, SERVER_ID, STATUS

# a delay of `bound` until more is known, and of what follows it
SYNC_DELAY, UPDATE_DELAY = 10, 1
STATE_MAX = 1024  # octets that odhcp6c keeps of any kind; an option that doesn't fit is lost
# options that odhcp6c uses up itself: not among OPTION_<code>
HANDLED = (IA_NA, 11, 12, STATUS, 21, 22, DNS, DOMAINS, IA_PD, 31, 32, 56, 64, 82, 83, 94, 95, 96, 103)
NOT_PASSED = frozenset(
    (
        1,
        2,
        3,
        4,
        5,
        7,
        11,
        12,
        13,
        20,
        IA_PD,
        32,
        37,
        38,
        FQDN,
        43,
        44,
        45,
        46,
        47,
        48,
        53,
        61,
        64,
        66,
        79,
        80,
        81,
        82,
        83,
        87,
        89,
        90,
        91,
        92,
        93,
        94,
        95,
        96,
        100,
        101,
        102,
        135,
    )
)
KEPT_OUT = (CLIENT_ID, SERVER_ID)


def domain_names(data):
    """The names of an RFC 1035 list without compression, as text."""
    names, labels, at = [], [], 0
    while at < len(data):
        length = data[at]
        if length > 63 or at + 1 + length > len(data):
            break
        if length == 0:
            if labels:
                names.append(".".join(labels))
            labels = []
        else:
            labels.append(data[at + 1 : at + 1 + length].decode(errors="replace"))
        at += 1 + length
    return names


def addresses(data):
    if len(data) % 16:
        return []
    return [str(ipaddress.IPv6Address(data[at : at + 16])) for at in range(0, len(data), 16)]


def fitting(options):
    """Those options that still fit into odhcp6c's store."""
    used, result = 0, []
    for code, value in options:
        if used + 4 + len(value) <= STATE_MAX:
            used += 4 + len(value)
            result.append((code, value))
    return result


def environment(client, router, now):
    """All variables of an event."""
    reply = client.reply_options
    by_code = dict(reply)
    custom = fitting((code, value) for code, value in reply if code not in HANDLED)
    passed = fitting((code, value) for code, value in reply if code not in NOT_PASSED)
    result = {
        "SERVER": client.server_address or "",
        "RDNSS": " ".join(addresses(by_code.get(DNS, b""))),
        "DOMAINS": " ".join(domain_names(by_code.get(DOMAINS, b""))),
        "SNTP_IP": " ".join(addresses(by_code.get(31, b""))),
        "NTP_IP": "",
        "NTP_FQDN": "",
        "SIP_IP": " ".join(addresses(by_code.get(22, b""))),
        "SIP_DOMAIN": " ".join(domain_names(by_code.get(21, b""))),
        "AFTR": " ".join(domain_names(by_code.get(64, b""))),
        "RA_HOPLIMIT": str(router.hop_limit),
        "RA_MTU": str(router.mtu),
        "RA_REACHABLE": str(router.reachable),
        "RA_RETRANSMIT": str(router.retransmit),
        "PASSTHRU": b"".join(
            code.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value for code, value in passed
        ).hex(),
    }
    result.update({f"OPTION_{code}": value.hex() for code, value in custom})
    if client.bound:
        result["PREFIXES"] = " ".join(lease_text(lease, now) for lease in client.prefixes.values())
        result["ADDRESSES"] = " ".join(
            lease_text(lease, now) for lease in client.addresses.values() if lease.left(lease.valid, now)
        )
    result["RA_ADDRESSES"] = " ".join(
        f"{entry.address}/{entry.length},{entry.left(entry.preferred, now)},{entry.left(entry.valid, now)}"
        for entry in router.addresses.values()
        if entry.left(entry.valid, now)
    )
    result["RA_ROUTES"] = " ".join(
        f"{entry.address}/{entry.length},{entry.router or ''},{entry.left(entry.valid, now)},{entry.metric}"
        for entry in router.routes.values()
    )
    result["RA_DNS"] = " ".join(
        str(entry.address) for entry in router.servers.values() if entry.left(entry.valid, now)
    )
    result["RA_DOMAINS"] = " ".join(router.search)
    return result


def lease_text(lease, now):
    text = f"{lease.address}/{lease.length},{lease.left(lease.preferred, now)},{lease.left(lease.valid, now)}"
    return text + (f",class={lease.iaid:08x}" if lease.length != 128 and lease.iaid != 1 else "")


class Script:
    def __init__(self, loop, path, device, describe):
        self.loop, self.path, self.device, self.describe = loop, path, device, describe
        self.event = ""
        self.timer = None
        self.child = None
        self.started = 0.0

    def call(self, event, delay=0, resume=False):
        """`resume`: an event that must be told even when a later one displaces it while it waits."""
        waiting = self.timer is not None and self.timer.pending
        displaced = waiting or self.child is not None
        if displaced:
            self.stop_running()
            delay = 0  # whoever displaces another has waited long enough
        if resume or not displaced or not self.event:
            self.event = event
        told = self.event
        self.started = time.monotonic()
        self.timer = self.loop.after(delay, lambda: self.run(told))
        if not resume:
            self.event = ""

    def stop_running(self):
        if self.timer:
            self.timer.cancel()
        if self.child is not None:
            self.loop.forget_child(self.child.pid)
            try:
                os.kill(self.child.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            self.child = None

    def run(self, event):
        self.timer = None
        try:
            self.child = subprocess.Popen(
                (self.path, self.device, event), env=dict(os.environ, **self.describe())
            )
        except OSError:
            return
        self.loop.on_exit(self.child.pid, self.ended)

    def ended(self, status):
        self.child.returncode = os.waitstatus_to_exitcode(status)
        self.child = None

    def flush(self):
        """Before the end of the program: what still waits runs now."""
        if self.timer and self.timer.pending:
            self.timer.cancel()
            self.timer.call()
