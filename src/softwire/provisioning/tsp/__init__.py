# SPDX-License-Identifier: Apache-2.0
"""DSTM by TSP: a server gives an IPv4 address for a time, and names the border router (see softwire/tsp.py)."""

import os
import random
import select
import socket
from binascii import hexlify

from softwire import config, provisioning, state, tsp
from softwire.address import format_ipv4, format_ipv6, parse_ipv4
from softwire.errors import ProvisioningError
from softwire.provisioning import _demand
from softwire.tunnel import PortSet, Tunnel, check_endpoint, check_ipv4, inner_mtu
from softwire.wire import WireError

# Seconds for a connection, and for each answer on it; servers that one sends on to.
CONNECT, ANSWER, REDIRECTS = 5, 10, 3
# Seconds until a connection that ended is made anew: not all at once after a server's restart.
AGAIN = 20, 60
# RFC 5572: what a message without a lifetime means, in its unit.
LIFETIME = 1440
# Seconds between two looks at whether there is something to do.
IDLE = 60
EINPROGRESS = 115

# Status code: our code, and what to do about it.
REFUSED = {
    300: ("AUTH_REJECTED", "compare user_name and password with the operator's"),
    306: ("POOL_EXHAUSTED", "it has no address left; one may be free later"),
    307: ("TEP_FAILED", "its border router could not be told"),
    308: ("LEASE_ENDED", "the address cannot be kept"),
    309: ("ENDPOINT_REFUSED", "it does not serve this IPv6 address"),
    310: ("ENDPOINT_REFUSED", "it does not take the IPv4 address"),
    530: ("SERVER_BUSY", "it will be asked again"),
}


class Method(provisioning.Method):
    """One exchange, then a connection that is kept, on which the server may end what it gave."""

    options = (
        ("server", config.host, None),
        ("server_port", config.number(1, 65535), tsp.PORT),
        ("user_name", config.octets(253), None),
        ("password", config.text, None),
        ("allow_plain", config.flag, False),
        ("tls", config.flag, False),
        ("tls_ca", config.text, "/etc/ssl/certs/ca-certificates.crt"),
        ("peeraddr", config.endpoint, None),
        ("shared", config.flag, False),
        ("lifetime_unit", config.choice("auto", "seconds", "minutes"), "auto"),
    ) + _demand.OPTIONS
    demand = True
    lists = ("server",)
    secrets = ("password",)
    required = (("server", "the address of the operator's DSTM server"),)

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        self.sock = None
        self.ready = False  # whether the connection waits for what comes next
        self.stream = tsp.Stream()
        self.version = "1.0"
        self.where = ""
        self.mechanism = ""
        self.address = 0  # the IPv4 address that is held
        self.again = None  # when a connection that ended is made anew
        self.keepalive = None  # (interval, address, when)

    def servers(self, line):
        """See softwire.provisioning."""
        return [(server, self.config["server_port"]) for server in self.config["server"]]

    # The exchange

    def provision(self, line, source):
        """See softwire.provisioning."""
        return self.ask(line, source, None)

    def refresh(self, line, source, held):
        """The held address is in the message; on the connection that is open, if one is."""
        address = held.addresses[0][0]
        if self.ready:
            try:
                return self.create(line, source, address)
            except (OSError, WireError):
                self.close()
        return self.ask(line, source, address)

    def probe(self, line, source):
        """What is held is renewed; where nothing is, what was given is given back."""
        tunnel = (state.read(state.state_path(self.interface)) or {}).get("tunnel") or {}
        held = [parse_ipv4(text.partition("/")[0]) for text in tunnel.get("ipaddr") or []]
        found = self.ask(line, source, held[0] if held else None)
        if not held:
            self.release(found)
        self.close()
        return found

    def ask(self, line, source, held):
        """Asks the servers in turn -> Tunnel; a server's refusal is the answer, its silence is not."""
        failures: list = []
        hosts = list(self.config["server"])
        most = len(hosts) + REDIRECTS
        while hosts and len(failures) < most:
            host = hosts.pop(0)
            for version in (self.version, "2.0.0" if self.version == "1.0" else "1.0"):
                self.version = version
                try:
                    self.connect(host, source)
                    refusal = self.login(host)
                    if not refusal:
                        return self.create(line, source, held)
                except Redirected as error:
                    self.close()
                    failures.append(
                        "{} sends on to {}".format(self.where, ", ".join(error.hosts) or "nobody")
                    )
                    hosts = error.hosts + hosts
                    break
                except (OSError, WireError) as error:
                    self.close()
                    failures.append("{}: {}".format(self.where, error))
                    break
                self.close()
                if refusal[0] != tsp.VERSION:
                    self.refused(refusal)
            else:
                failures.append("{} speaks another version of TSP".format(self.where))
        raise ProvisioningError("NO_ANSWER", "; ".join(failures))

    def connect(self, host, source):
        """OSError."""
        self.close()
        self.where = "[{}]:{}".format(host, self.config["server_port"])
        if self.tell:
            self.tell("asks {} from {}".format(self.where, format_ipv6(source)))
        place = socket.getaddrinfo(host, self.config["server_port"], socket.AF_INET6, socket.SOCK_STREAM)[0][
            -1
        ]
        ours = socket.getaddrinfo(format_ipv6(source), 0, socket.AF_INET6, socket.SOCK_STREAM)[0][-1]
        self.stream = tsp.Stream()
        self.sock = sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        sock.bind(ours)
        sock.setblocking(False)
        try:
            sock.connect(place)
        except OSError as error:
            if error.errno != EINPROGRESS:
                raise
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        left = CONNECT * 10
        # Method.wait knows of what can be read alone.
        while not poll.poll(100):
            left -= 1
            if not left:
                raise OSError("cannot be reached")
            self.wait(sock, 0)
        if self.config["tls"]:
            sock.settimeout(CONNECT)
            self.sock = secured(sock, host, self.config["tls_ca"])
        self.sock.setblocking(False)

    def send(self, octets):
        """What is said is short; a server that does not take it is none."""
        sock = self.sock
        if sock is None:
            raise OSError("is closed")
        # TLS on MicroPython has files' words alone.
        if (sock.send if hasattr(sock, "send") else sock.write)(octets) != len(octets):
            raise OSError("does not read")

    def read(self):
        """Whether something came; OSError where the connection has ended."""
        sock = self.sock
        if sock is None:
            raise OSError("is closed")
        try:
            octets = (sock.recv if hasattr(sock, "recv") else sock.read)(2048)
        except OSError as error:
            # TLS on CPython has its own number for it.
            if error.errno in (11, 2):
                return False
            raise
        if octets is None:
            return False
        if not octets:
            raise OSError("has closed the connection")
        self.stream.feed(octets)
        return True

    def next(self, take):
        """The next line or message that `take` finds, waited for."""
        ends = self.clock() + ANSWER
        while True:
            found = take()
            if found is not None:
                return found
            if not self.read():
                left = ends - self.clock()
                if left <= 0:
                    raise OSError("is silent")
                self.wait(self.sock, int(left * 1000) + 1)

    def login(self, host):
        """Version and authentication -> None, or (code, text) of a refusal."""
        self.send("VERSION={}\r\n".format(self.version).encode())
        line = self.next(self.stream.line)
        status = tsp.read_status(line)
        if status:
            return self.redirected(status)
        offered = tsp.read_capability(line)[1]
        user = self.config["user_name"]
        wanted = ["ANONYMOUS"]
        if user:
            plain = self.config["tls"] or self.config["allow_plain"]
            wanted = ["DIGEST-MD5"] + (["PLAIN"] if plain else [])
        for self.mechanism in wanted:
            if self.mechanism in offered:
                break
        else:
            return 300, "it offers {}, and not {}".format(
                ", ".join(offered) or "nothing", " or ".join(wanted)
            )
        if self.tell:
            self.tell("logs in by {}".format(self.mechanism))
        self.send("AUTHENTICATE {}\r\n".format(self.mechanism).encode())
        password = (self.config["password"] or "").encode()
        if self.mechanism == "PLAIN":
            self.send(tsp.plain(user.encode(), password))
        elif self.mechanism == "DIGEST-MD5":
            refusal = self.digest(host, user.encode(), password)
            if refusal:
                return refusal
        status = tsp.read_status(self.next(self.stream.line))
        if status is None:
            raise WireError("a status line would be right")
        return None if status[0] == tsp.OK else self.redirected(status)

    def digest(self, host, user, password):
        """None, or a refusal; a server that does not know the password itself is none."""
        from softwire import tspdigest

        line = self.next(self.stream.line)
        status = tsp.read_status(line)
        if status:
            return status
        uri = "tsp/{}".format(host).encode()
        answer, proof = tspdigest.answer(line, user, password, uri, hexlify(os.urandom(8)))
        self.send(answer)
        line = self.next(self.stream.signature)
        status = tsp.read_status(line)
        if status:
            return status
        if not tspdigest.proven(line, proof):
            return 300, "it does not know the password itself"

    def redirected(self, status):
        """The status of a refusal, or Redirected to other servers (RFC 5572: a code of 1000 more, and a list)."""
        if status[0] > tsp.REDIRECT:
            body = self.next(self.stream.message)[2]
            raise Redirected(tsp.read_message(body) if body else None)
        return status

    def create(self, line, source, held):
        """Tunnel Create with or without the held address -> Tunnel."""
        self.ready = False
        own = [line.link_local] if line.link_local else []
        side = tsp.Side(held, own + [source], () if self.config["shared"] else None)
        self.send(tsp.frame(tsp.Message("create", side).xml()))
        while True:
            code, text, body = self.next(self.stream.message)
            if code not in (None, tsp.OK):
                if code > tsp.REDIRECT:
                    raise Redirected(tsp.read_message(body) if body else None)
                self.refused((code, text))
            message = tsp.read_message(body)
            if message.action == "info":
                break
            self.obey(message)
        if self.version > "2":
            self.send(tsp.frame(tsp.Message("accept", type="").xml()))
        try:
            return self.tunnel(line, source, message)
        except ValueError as error:
            raise ProvisioningError("BAD_ANSWER", str(error))

    def tunnel(self, line, source, message):
        """Tunnel Info -> Tunnel; ValueError."""
        client, server = message.client, message.server
        if client.ipv4 is None:
            raise ValueError("Tunnel Info lacks our IPv4 address")
        address = check_ipv4(client.ipv4, "our address")
        remote = self.config["peeraddr"] or (server.ipv6[0] if server.ipv6 else 0)
        check_endpoint(remote, "the border router")
        if remote == source:
            raise ValueError("the border router {} is our own address".format(format_ipv6(remote)))
        unit = self.config["lifetime_unit"]
        version = self.version if unit == "auto" else "1" if unit == "seconds" else "2"
        lifetime = LIFETIME if message.lifetime is None else message.lifetime
        lifetime = min(tsp.in_seconds(lifetime, version), 31536000)
        self.address = address
        self.ready = True
        self.again = None
        self.keepalive = None
        if message.keepalive and message.keepalive[0] > 0:
            text = message.keepalive[1] or ""
            # A client's own placeholder comes back from some.
            if (not text or text.startswith("127.")) and server.ipv4:
                text = format_ipv4(server.ipv4)
            if text:
                self.keepalive = (message.keepalive[0], text, self.clock())
        self.answer = {
            "server": self.where,
            "version": self.version,
            "mechanism": self.mechanism,
            "lifetime": lifetime,
            "keepalive": self.keepalive and self.keepalive[0],
        }
        return Tunnel(
            source,
            remote,
            [(address, 32)],
            inner_mtu(self.config, line),
            self.config["ttl"],
            ports=PortSet.of_range(client.ports),
            refresh=provisioning.early(lifetime) if lifetime else None,
            expires=lifetime or None,
        )

    def refused(self, status):
        """Raises the error of a status code."""
        code, text = status
        ours, hint = REFUSED.get(code, ("SERVER_REFUSED", "RFC 5572 section 5 has its codes"))
        raise ProvisioningError(
            ours,
            "{} says {} {}: {}".format(self.where, code, text, hint),
            60 if code in (306, 530) else None,
            code in (300, 308),
        )

    # What is held

    def release(self, held):
        """A server of the profile need not know a node's Tunnel Delete; then the address is free with its time."""
        if self.ready:
            try:
                side = tsp.Side(held.addresses[0][0], [held.local])
                self.send(tsp.frame(tsp.Message("delete", side).xml()))
            except OSError:
                pass
            self.close()

    def drop(self):
        """See softwire.provisioning."""
        self.close()
        self.again = self.keepalive = None

    def close(self):
        """The connection."""
        self.ready = False
        if self.sock:
            self.sock.close()
            self.sock = None

    def sockets(self):
        """The connection, if there is one."""
        return (self.sock,) if self.ready else ()

    def heard(self, sock):
        """A Tunnel Delete, or the connection's end, which ends nothing but itself."""
        try:
            while self.read():
                pass
            while self.sock:
                found = self.stream.message()
                if found is None:
                    return
                if found[2]:
                    self.obey(tsp.read_message(found[2]))
        except (OSError, WireError) as error:
            self.log("{}: {}; connects again later".format(self.where, error))
            self.close()
            self.again = self.clock() + random.uniform(*AGAIN)

    def obey(self, message):
        """A Tunnel Delete of what is held is answered, and is the end of it."""
        if message.action != "delete":
            return
        try:
            self.send(tsp.frame(tsp.Message("info", message.client).xml()))
        except OSError:
            pass
        if message.client.ipv4 in (None, self.address):
            raise ProvisioningError("LEASE_ENDED", "{} has ended it".format(self.where), ended=True)

    def tick(self, now):
        """Connects again, and keeps a firewall on the way open (RFC 5572 section 4.4.4)."""
        if self.again and now >= self.again:
            self.again = None
            raise provisioning.Refresh()
        due = self.again
        if self.keepalive:
            interval, address, at = self.keepalive
            if now >= at:
                echo(address)
                self.own_packets += 1
                at = now + interval * random.uniform(0.75, 1)
                self.keepalive = (interval, address, at)
            due = min(due or at, at)
        return due or now + IDLE


class Redirected(Exception):
    """To other servers, in the order of the list."""

    def __init__(self, message):
        super().__init__()
        self.hosts = []
        if message:
            self.hosts = [format_ipv6(value) for value in message.broker.ipv6] + message.broker.names
        self.hosts = self.hosts[:REDIRECTS]


def secured(sock, host, path):
    """The socket under TLS, the server's certificate checked against those in a file; OSError."""
    try:
        import ssl
    except ImportError:  # MicroPython
        import tls as ssl  # type: ignore[import-not-found,no-redef]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    with open(path, "rb") as file:
        data = file.read()
    try:
        context.load_verify_locations(cadata=data.decode())
    except TypeError:  # MicroPython: octets, and mbedTLS wants a NUL behind PEM
        context.load_verify_locations(data + b"\0")
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except ValueError as error:
        raise OSError("TLS: {}".format(error))


def echo(address):
    """One ICMP echo request through the softwire; nobody waits for its answer."""
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
        try:
            # RFC 792: type 8, its checksum, identifier and number 0.
            sock.sendto(
                b"\x08\0\xf7\xff\0\0\0\0",
                socket.getaddrinfo(address, 0, socket.AF_INET, socket.SOCK_RAW)[0][-1],
            )
        finally:
            sock.close()
    except OSError:
        pass
