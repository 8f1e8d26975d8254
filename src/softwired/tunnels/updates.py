# SPDX-License-Identifier: Apache-2.0
"""Tells a DNS server names of tunnels: dynamic update (RFC 2136) with TSIG (RFC 8945)."""

from __future__ import annotations

import sys
import types
import typing

import dns.exception
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update

from softwired.service import StartError
from softwired.tunnels import names, options, register
from softwired.tunnels.register import Name

# Seconds that the server may take.
PATIENCE = 5.0
NOBODY = "softwired-check"


class NamesError(Exception):
    """Why the DNS does not say what it should; one line. `final`: the server answered, and refuses."""

    def __init__(self, text: str, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


class Updates:
    """The server that takes updates; see softwired.store.Worker, in whose thread it waits."""

    def __init__(self, values: types.SimpleNamespace) -> None:
        """StartError."""
        self.dns = values.dns
        try:
            self.secret = options.secret(self.dns.key_file)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise StartError(f"tunnels.dns.key_file = '{self.dns.key_file}': {said}") from None

    def run(self, jobs: typing.Sequence[typing.Callable[[typing.Any], typing.Any]]) -> list[typing.Any]:
        return [job(self) for job in jobs]

    def close(self) -> None:
        """Nothing is kept open."""

    def tell(self, wanted: typing.Sequence[Name]) -> list[Name]:
        """What of these is done, all that could be; NamesError if nothing could."""
        zones: dict[str, list[Name]] = {}
        done = []
        for one in wanted:
            zone = names.zone_of(one.name, [self.dns.zone, *self.dns.reverse])
            if zone:
                zones.setdefault(zone, []).append(one)
            else:
                done.append(one)  # of a zone that is not ours any more
        fault: NamesError | None = None
        for zone, some in zones.items():
            try:
                self._update(zone, some)
                done += some
            except NamesError as error:
                fault = error
        if fault and not done:
            raise fault
        return done

    def probe(self, zone: str) -> None:
        """Whether the key may change names of a zone: takes away one that is not there; NamesError."""
        self._update(zone, [Name(f"{NOBODY}.{zone}", "AAAA", "", 0, register.REMOVE)])

    def _update(self, zone: str, some: typing.Sequence[Name]) -> None:
        keyring = dns.tsigkeyring.from_text({self.dns.key_name: self.secret})
        update = dns.update.UpdateMessage(zone, keyring=keyring, keyalgorithm=self.dns.algorithm)
        for one in some:
            name = dns.name.from_text(one.name)
            if one.state == register.REMOVE:
                update.delete(name, one.kind)
                continue
            values = one.value.split() if one.kind == "NS" else [one.value]
            # Names are whole.
            whole = values if one.kind == "AAAA" else [value.rstrip(".") + "." for value in values]
            update.replace(name, self.dns.ttl, one.kind, *whole)
        host, port = self.dns.server
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            answer = dns.query.tcp(update, host, timeout=PATIENCE, port=port)
        except dns.tsig.PeerError as error:
            raise NamesError(
                f"{place} does not take the key '{self.dns.key_name}' for changes of {zone}"
                f" ({type(error).__name__})",
                True,
            ) from None
        except (OSError, EOFError, dns.exception.DNSException) as error:
            raise NamesError(f"{place}: {error or type(error).__name__}") from None
        if answer.rcode() != dns.rcode.NOERROR:
            raise NamesError(f"{place} refuses changes of {zone} ({dns.rcode.to_text(answer.rcode())})", True)


def check(values: types.SimpleNamespace) -> None:
    """Whether the key may change each zone; StartError. A server that does not answer is no fault: names can wait."""
    updates = Updates(values)
    for zone in [values.dns.zone, *values.dns.reverse]:
        try:
            updates.probe(zone)
        except NamesError as error:
            if error.final:
                raise StartError(
                    f"tunnels.dns: {error}; a zone that takes updates with the key"
                    f" '{values.dns.key_name}' would be right"
                ) from None
            print(f"softwired: tunnels.dns: {error}; names will be written later", file=sys.stderr)
