# SPDX-License-Identifier: Apache-2.0
"""A stub resolver that asks given servers over IPv6, such as the line's own (RFC 1035, RFC 3596, RFC 2181)."""

import os
import random
import socket

from softwire import state
from softwire.dhcpv6 import write_name
from softwire.endpoint import packed, readable
from softwire.wire import Reader, WireError

CNAME, TXT, AAAA = 5, 16, 28
INTERNET = 1
RESPONSE, TRUNCATED = 0x8000, 0x0200
NO_SUCH_NAME = 3
REASONS = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}
# Linux' numbers.
EAGAIN = 11
ERRORS = {99: "our address is gone", 101: "no route to it", 111: "refused", 113: "no route to it"}

# Seconds that one server is waited for, in each round over all of them; and over TCP.
ROUNDS = (1, 2, 4)
TCP_LONGEST = 5
# Names in a row that are each other's aliases, and servers: more are nobody's.
MOST_ALIASES, MOST_SERVERS = 8, 4
# Aliases and records that one answer is looked through for.
MOST_RECORDS = 64
PORT = 53


class DnsError(Exception):
    """No answer that helps. absent: whether a server said that there is no such name or record (RFC 2308).

    code: what a provisioning method says where it needs the name.
    """

    def __init__(self, text, absent=False):
        super().__init__(text)
        self.absent = absent
        self.code = "NAME_UNKNOWN" if absent else "NAME_UNRESOLVED"


class Truncated(Exception):
    """The answer did not fit a datagram."""


def write_query(ident, name, kind):
    """The question for one name, recursion desired; WireError where it is no name. ident: 2 octets."""
    return (
        ident
        + b"\1\0\0\1"
        + bytes(6)
        + write_name(name)
        + kind.to_bytes(2, "big")
        + INTERNET.to_bytes(2, "big")
    )


def _labels(reader, message):
    """The name at the reader's place, in lower case as its labels' octets with their lengths; WireError."""
    name, before = b"", reader.at
    size = reader.number(1, "label length")
    while size:
        if size >= 0xC0:
            # A pointer leads to what stands before (section 4.1.4), so that no two of them go round.
            target = (size & 0x3F) << 8 | reader.number(1, "pointer")
            if target >= before:
                raise WireError("pointer: to offset {} from {}".format(target, before))
            reader, before = Reader(message, target), target
        elif size > 63 or len(name) + size > 253:
            raise WireError("label of {} octets behind {}".format(size, len(name)))
        else:
            name += bytes([size]) + reader.take(size, "label").lower()
        size = reader.number(1, "label length")
    return name


def read_answer(message, query, kind):
    """(values, lifetime in s, the name that they belong to) out of the answer to `query`; values: octets, in order.

    Without values the name is where the aliases end: another question may lead on. WireError: it is no answer to this
    question. Truncated; DnsError: it is one that does not help.
    """
    reader = Reader(message)
    if reader.take(2, "identifier") != query[:2]:
        raise WireError("identifier: another question's")
    flags = reader.number(2, "flags")
    if flags & 0xF800 != RESPONSE:
        raise WireError("flags {:#06x}: no answer to a query".format(flags))
    questions, answers = reader.number(2, "questions"), reader.number(2, "answers")
    reader.take(4, "counts")
    code = flags & 15
    if code in REASONS and not questions:  # servers that do not read on repeat no question
        raise DnsError(REASONS[code])
    asked = _labels(reader, message)
    if questions != 1 or asked != query[12:-5].lower() or reader.take(4, "question") != query[-4:]:
        raise WireError("question: another one")
    if code not in (0, NO_SUCH_NAME):
        raise DnsError(REASONS.get(code, "code {}".format(code)))
    if flags & TRUNCATED:
        raise Truncated()
    found = _records(reader, message, answers, kind)
    name, lifetime = asked, 0xFFFFFFFF
    for _ in range(MOST_ALIASES):
        mine = [item for item in found if item[0] == name]
        values = [item for item in mine if item[1] == kind]
        aliases = [item for item in mine if item[1] == CNAME]
        for item in values or aliases[:1]:
            lifetime = min(lifetime, item[2])
        if values:
            return [item[3] for item in values], lifetime, _text(name)
        if not aliases:
            break
        name = aliases[0][3]
    if code == NO_SUCH_NAME:
        raise DnsError("no such name", True)
    return [], lifetime, _text(name)


def _records(reader, message, count, kind):
    """[(name, type, lifetime, value)] of the wanted type and of aliases; those that are none themselves left out."""
    found = []
    for _ in range(min(count, MOST_RECORDS)):
        name = _labels(reader, message)
        one, family = reader.number(2, "type"), reader.number(2, "class")
        lifetime = reader.number(4, "lifetime")
        start = reader.at + 2
        value = reader.take(reader.number(2, "length"), "value")
        if family != INTERNET or one not in (kind, CNAME):
            continue
        if one == CNAME:
            value = _labels(Reader(message, start), message)
        # RFC 2181 section 8
        found.append((name, one, lifetime if lifetime < 1 << 31 else 0, value))
    return found


def _text(name):
    labels, reader = [], Reader(name)
    while reader.left():
        label = reader.take(reader.number(1, "label length"), "label")
        if min(label) < 33 or max(label) > 126 or 46 in label:
            raise WireError("label: only printable ASCII without dots")
        labels.append(label.decode())
    return ".".join(labels)


def read_text(value):
    """Value of a TXT record -> its strings put together (section 3.3.14); WireError."""
    reader, octets = Reader(value), b""
    while reader.left():
        octets += reader.take(reader.number(1, "text length"), "text")
    return octets


class Resolver:
    """Asks servers in turn.

    servers: address texts, of which those of IPv6 count; source: address text to ask from, or None; device: the link
    of servers that are link-local; wait(socket, milliseconds): see provisioning.Method; port: another one for tests.
    """

    def __init__(self, servers, source=None, device=None, wait=readable, clock=state.uptime, port=PORT):
        self.servers = [server for server in servers if ":" in server][:MOST_SERVERS]
        self.source = source
        self.device = device
        self.wait = wait
        self.clock = clock
        self.port = port
        self.asked = ""  # the server that answered last

    def addresses(self, name):
        """([integer], lifetime in s) of the name's AAAA records; DnsError, absent where there is none."""
        values, lifetime = self.ask(name, AAAA)
        found = [int.from_bytes(value, "big") for value in values if len(value) == 16]
        if not found:
            raise DnsError("AAAA of {}: no address of 16 octets".format(name))
        return found, lifetime

    def texts(self, name):
        """([octets], lifetime in s) of the name's TXT records; DnsError, absent where there is none."""
        values, lifetime = self.ask(name, TXT)
        found = []
        for value in values:
            try:
                found.append(read_text(value))
            except WireError:  # it is not ours to mend
                pass
        return found, lifetime

    def ask(self, name, kind):
        """(values as octets, lifetime in s) for a name, over aliases; DnsError."""
        what = "{} of {}: ".format({TXT: "TXT", AAAA: "AAAA"}.get(kind, kind), name)
        if not self.servers:
            raise DnsError(what + "the line told no resolver that is asked over IPv6")
        lifetime = 0xFFFFFFFF
        try:
            for _ in range(MOST_ALIASES):
                values, least, end = self._ask(name, kind)
                lifetime = min(lifetime, least)
                if values:
                    return values, lifetime
                if end == name.rstrip(".").lower():
                    raise DnsError("no such record", True)
                name = end
        except WireError as error:
            raise DnsError(what + str(error))
        except DnsError as error:
            raise DnsError(what + str(error), error.absent)
        raise DnsError(what + "more than {} aliases".format(MOST_ALIASES))

    def _ask(self, name, kind):
        """What read_answer makes of the first answer that helps."""
        failures: dict = {}
        for seconds in ROUNDS:
            for server in self.servers:
                if failures.get(server, "silent") != "silent":
                    continue
                query = write_query(os.urandom(2), name, kind)
                try:
                    found = self._exchange(server, query, kind, seconds * random.uniform(0.9, 1.1))
                    self.asked = server
                    return found
                except DnsError as error:
                    if error.absent:
                        self.asked = server
                        raise
                    failures[server] = str(error)
                except OSError as error:
                    failures[server] = ERRORS.get(error.errno or 0, "error {}".format(error.errno))
        raise DnsError("; ".join([server + ": " + failures[server] for server in self.servers]))

    def _exchange(self, server, query, kind, seconds):
        # A socket a question: its port is part of what a forger has to guess.
        sock = self._open(server, socket.SOCK_DGRAM)
        try:
            sock.send(query)
            end = self.clock() + seconds
            left = seconds
            while left > 0:
                if self.wait(sock, int(left * 1000) + 1):
                    try:
                        return read_answer(sock.recv(4096), query, kind)
                    except WireError:  # nobody's answer: the right one may come yet
                        pass
                    except OSError as error:
                        if error.errno != EAGAIN:  # a wrong checksum wakes us, too
                            raise
                left = end - self.clock()
        except Truncated:
            return self._exchange_tcp(server, query, kind)
        finally:
            sock.close()
        raise DnsError("silent")

    def _exchange_tcp(self, server, query, kind):
        """The same over TCP (RFC 7766), where the length stands before each message."""
        sock = self._open(server, socket.SOCK_STREAM)
        try:
            sock.send(len(query).to_bytes(2, "big") + query)
            end = self.clock() + TCP_LONGEST
            data = b""
            left = TCP_LONGEST
            while left > 0:
                if self.wait(sock, int(left * 1000) + 1):
                    part = sock.recv(4096)
                    data += part
                    size = 2 + int.from_bytes(data[:2], "big")
                    if len(data) >= max(size, 3):
                        return read_answer(data[2:size], query, kind)
                    if not part:
                        break
                left = end - self.clock()
        except (WireError, Truncated):
            pass
        finally:
            sock.close()
        raise DnsError("no whole answer over TCP")

    def _open(self, server, kind):
        """A socket that is connected to the server: the kernel drops what comes from elsewhere."""
        sock = socket.socket(socket.AF_INET6, kind)
        try:
            # Of a connection's beginning: nothing else of it is waited for elsewhere.
            sock.settimeout(ROUNDS[-1] / 2)
            if self.source:
                sock.bind(packed(socket.AF_INET6, self.source))
            scope = "%" + self.device if self.device and server.lower().startswith("fe80:") else ""
            sock.connect(packed(socket.AF_INET6, server + scope, self.port))
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        return sock
