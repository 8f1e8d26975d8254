# SPDX-License-Identifier: Apache-2.0
"""One GET over IPv6 (RFC 9112), over TLS by ssl on CPython and by mbedTLS on MicroPython; all of it within a time."""

import select
import socket
import time

from softwire.endpoint import packed

# Octets: of an answer's body, and of all that stands before and between its parts.
LARGEST, LONGEST_HEAD = 1 << 20, 16384
PART = 4096
# Seconds that one address may take for the connection.
CONNECT_LONGEST = 5
CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")
# Would block: Linux' number, and OpenSSL's for reading and writing.
NOT_YET = 11, 2, 3
# OpenSSL's for a connection that ended without a farewell; mbedTLS' for a certificate that it does not believe.
EOF, NOT_BELIEVED = 8, -0x2700
ERRORS = {
    99: "our address is gone",
    101: "no route to it",
    110: "silent",
    111: "refused",
    113: "no route to it",
}
# The first second of 2024: a router's clock before that is one that nobody has set.
CLOCK_SET = 1704067200


class WebError(Exception):
    """Why there is no answer; code: one of codes.CODES."""

    def __init__(self, text, code="NO_SERVER"):
        super().__init__(text)
        self.code = code


def context(checked):
    """What TLS is done with; checked: whether the certificate has to be right."""
    try:
        import tls
    except ImportError:
        try:
            import ssl as tls  # type: ignore[no-redef]
        except ImportError:
            raise WebError(
                "https needs TLS, which this interpreter lacks: install micropython-mbedtls or python3-light",
                "NO_TLS",
            )
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if not checked:
        if hasattr(made, "check_hostname"):
            made.check_hostname = False
        made.verify_mode = tls.CERT_NONE
        return made
    made.verify_mode = tls.CERT_REQUIRED
    for path in CA_BUNDLES:
        try:
            with open(path, "rb") as file:
                bundle = file.read()
        except OSError:
            continue
        try:
            if hasattr(made, "check_hostname"):
                made.load_verify_locations(cadata=bundle.decode())
            else:
                made.load_verify_locations(bundle)
            return made
        except (OSError, ValueError) as error:
            raise WebError("{}: {}".format(path, error), "NO_CA_BUNDLE")
    raise WebError(
        "the record asks for a certificate to be checked, and {} is missing: install ca-bundle".format(
            CA_BUNDLES[0]
        ),
        "NO_CA_BUNDLE",
    )


class Connection:
    """A TCP connection from `source` (address texts) that ends at `until` of clock()."""

    def __init__(self, address, port, source, clock, until):
        self.clock, self.until = clock, until
        self.secure = None
        self.plain = sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        try:
            sock.settimeout(max(0.1, min(CONNECT_LONGEST, until - clock())))
            if source:
                sock.bind(packed(socket.AF_INET6, source))
            sock.connect(packed(socket.AF_INET6, address, port))
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise

    def start_tls(self, made, host):
        """The handshake is part of the first write."""
        self.secure = made.wrap_socket(self.plain, server_hostname=host, do_handshake_on_connect=False)

    def _wait(self, events):
        left = self.until - self.clock()
        if left <= 0:
            raise WebError("too slow")
        poll = select.poll()
        # MicroPython's TLS socket is none to poll; CPython's has taken the plain one's place.
        secure = self.secure
        poll.register(secure if secure and hasattr(secure, "fileno") else self.plain, events)
        poll.poll(int(left * 1000) + 1)

    def _try(self, call, argument, events):
        while True:
            try:
                done = call(argument)
                if done is not None:
                    return done
            except OSError as error:
                # A wrong certificate is a ValueError, too, on CPython.
                if isinstance(error, ValueError) or error.errno not in NOT_YET:
                    raise
                if error.errno == 3:
                    events |= select.POLLOUT
            self._wait(events)

    def write(self, data):
        """All of it."""
        sock = self.secure or self.plain
        # A handshake waits for the other side to write.
        events = select.POLLIN if self.secure else select.POLLOUT
        while data:
            data = data[self._try(getattr(sock, "send", None) or sock.write, data, events) :]  # type: ignore[union-attr]

    def read(self):
        """What came; nothing where it ended."""
        sock = self.secure or self.plain
        try:
            return self._try(getattr(sock, "recv", None) or sock.read, PART, select.POLLIN)  # type: ignore[union-attr]
        except OSError as error:
            if self.secure and error.errno == EOF:  # what it cut off shows
                return b""
            raise

    def close(self):
        for sock in self.secure, self.plain:
            try:
                if sock:
                    sock.close()
            except OSError:
                pass


class _Body:
    """Reads a connection to its end by lines and by counts."""

    def __init__(self, connection):
        self.connection = connection
        self.data = b""
        self.head = 0  # octets of lines

    def more(self):
        part = self.connection.read()
        self.data += part
        return bool(part)

    def line(self):
        """The next line without its end."""
        while b"\n" not in self.data:
            if len(self.data) + self.head > LONGEST_HEAD:
                raise WebError("a head of more than {} octets".format(LONGEST_HEAD), "BAD_ANSWER")
            if not self.more():
                raise WebError("cut off", "BAD_ANSWER")
        line, _, self.data = self.data.partition(b"\n")
        self.head += len(line) + 1
        if self.head > LONGEST_HEAD:
            raise WebError("a head of more than {} octets".format(LONGEST_HEAD), "BAD_ANSWER")
        return line.strip()

    def take(self, count, found):
        """The next `count` octets, or all where it is None, into the list `found`."""
        size = sum([len(part) for part in found])
        if size + (count or 0) > LARGEST:
            raise _too_large()
        while count is None or count > 0:
            if not self.data and not self.more():
                if count is None:
                    return
                raise WebError("cut off", "BAD_ANSWER")
            part = self.data if count is None else self.data[:count]
            self.data = self.data[len(part) :]
            found.append(part)
            size += len(part)
            if size > LARGEST:
                raise _too_large()
            if count is not None:
                count -= len(part)


def _too_large():
    return WebError("an answer of more than {} octets".format(LARGEST), "BAD_ANSWER")


def read(connection):
    """(status, {header: value}, body) of the answer; a status that is none, a cut, a flood: WebError BAD_ANSWER."""
    body = _Body(connection)
    status = 100
    while status // 100 == 1:
        words = body.line().split(None, 2)
        if len(words) < 2 or words[0][:7] != b"HTTP/1." or len(words[1]) != 3 or not words[1].isdigit():
            raise WebError("no HTTP answer", "BAD_ANSWER")
        status = int(words[1].decode())
        headers: dict = {}
        while True:
            line = body.line()
            if not line:
                break
            name, colon, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
    found: list = []
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        while True:
            size = _number(body.line().partition(b";")[0].strip(), 16)
            if not size:
                break
            body.take(size, found)
            body.head = 0
            if body.line():
                raise WebError("a part of another length", "BAD_ANSWER")
    elif b"content-length" in headers:
        body.take(_number(headers[b"content-length"], 10), found)
    elif status // 100 == 2 and status != 204:
        body.take(None, found)
    return status, headers, b"".join(found)


def _number(text, base):
    digits = b"0123456789abcdefABCDEF" if base == 16 else b"0123456789"
    if not 0 < len(text) < 10 or [digit for digit in text if digit not in digits]:
        raise WebError("a length that is no number", "BAD_ANSWER")
    return int(text.decode(), base)


def get(url, addresses, source, checked, clock, until):
    """read() of what the server at one of the addresses says; WebError. checked: see context()."""
    made = context(checked) if url.scheme == "https" else None
    failures: list = []
    for address in addresses:
        try:
            connection = Connection(address, url.port, source, clock, until)
        except OSError as error:
            failures.append(
                "{}: {}".format(address, ERRORS.get(error.errno or 110, "error {}".format(error.errno)))
            )
            continue
        try:
            if made:
                connection.start_tls(made, url.host)
            connection.write(
                (
                    "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: softwire\r\nAccept: application/json\r\n"
                    "Connection: close\r\n\r\n"
                )
                .format(url.target, url.authority())
                .encode()
            )
            return read(connection)
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError) or error.errno == NOT_BELIEVED:
                text = " ".join(str(error).split())
                if time.time() < CLOCK_SET:
                    text += "; the clock of this router is not set"
                raise WebError("certificate of {}: {}".format(url.host, text), "BAD_CERTIFICATE")
            failures.append("{}: {}".format(address, ERRORS.get(error.errno or 0, error)))
        finally:
            connection.close()
    raise WebError("; ".join(failures) or "no address")
