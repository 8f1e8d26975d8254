# SPDX-License-Identifier: Apache-2.0
"""NTT's vendor options, enterprise 210, in DHCPv6 (RFC 8415 section 21.17) and DHCPv4 framing (RFC 3925)."""

from softwire.address import format_mac, parse_mac
from softwire.dhcpv6 import VENDOR_OPTS, read_name, read_vendor_opts
from softwire.wire import Reader, WireError, whole_records

ENTERPRISE = 210

MAC, NUMBER, ADDITIONAL_NUMBER, SIP_DOMAIN, VERSION_SERVER = 201, 202, 203, 204, 210

# Lines have about five; a router's memory must not depend on how many somebody sends.
MOST_KEPT = 64


class VendorOptions:
    """What the line told: mac text or None; numbers, main first; names or None; unknown (code, octets); problems."""

    def __init__(self):
        self.mac = None
        self.numbers = []
        self.sip_domain = None
        self.version_server = None
        self.unknown = []
        self.problems = []

    def add(self, code, value):
        """Takes one sub-option; one that cannot be right is kept as unknown and named in `problems`."""
        try:
            self._add(code, value)
        except WireError as error:
            self.unknown.append((code, value))
            self.problems.append("sub-option {}: {}".format(code, error))

    def _add(self, code, value):
        if code == MAC:
            self.mac = read_mac(value)
        elif code == NUMBER:
            self.numbers.insert(0, _number(value))
        elif code == ADDITIONAL_NUMBER:
            self.numbers.append(_number(value))
        elif code == SIP_DOMAIN:
            self.sip_domain = _name(value)
        elif code == VERSION_SERVER:
            self.version_server = _name(value)
        else:
            self.unknown.append((code, value))

    def add_records(self, data, octets):
        """Takes a row of sub-options; a truncated row gives what stands before the cut."""
        room = MOST_KEPT - len(self.unknown) - len(self.numbers)
        found, problem = whole_records(data, octets, "sub-option", room)
        for code, value in found:
            self.add(code, value)
        if problem:
            self.problems.append(problem)


def _number(value):
    text = _ascii(value)
    if not text or len(text) > 32 or any([char not in "0123456789+*#-" for char in text]):
        raise WireError("a telephone number has digits only")
    return text


def _name(value):
    # DNS labels begin with a length, plain text with a letter or digit (48 and up). A label of 48 to 63 octets
    # begins like text too, so labels are tried first.
    try:
        return read_name(value)
    except WireError:
        text = _ascii(value).rstrip(".")
        if text and all([char.isalpha() or char.isdigit() or char in ".-_" for char in text]):
            return text
        raise


def _ascii(value):
    value = value.rstrip(b"\0")
    if value and (min(value) < 32 or max(value) > 126):
        raise WireError("not ASCII text")
    return value.decode()


def read_dhcpv6(value, found=None):
    """Value of DHCPv6 option 17 -> VendorOptions (added to `found`), or None for another enterprise; WireError."""
    enterprise, data = read_vendor_opts(value)
    if enterprise != ENTERPRISE:
        return found
    found = found or VendorOptions()
    found.add_records(data, 2)
    return found


def read_dhcpv4(value):
    """Value of DHCPv4 option 125 -> VendorOptions or None; WireError."""
    reader = Reader(value)
    found = None
    while reader.left():
        enterprise = reader.number(4, "enterprise number")
        data = reader.take(reader.number(1, "vendor data length"), "vendor data")
        if enterprise == ENTERPRISE:
            found = found or VendorOptions()
            found.add_records(data, 1)
    return found


def find(line):
    """[(code, octets)] of the sub-options in a Line's DHCPv6 options, undecoded; None where NTT's did not come.

    For who needs few of them; read_line() names what is wrong with them.
    """
    found = None
    for code, value in line.options:
        if code == VENDOR_OPTS and value[:4] == b"\0\0\0\xd2":
            found = (found or []) + whole_records(value[4:], 2, "sub-option", MOST_KEPT)[0]
    return found


def read_mac(octets):
    """The value of sub-option 201 -> text of a MAC address; WireError."""
    # Six raw octets; some equipment was seen to send text.
    if len(octets) == 6:
        return format_mac(octets)
    try:
        return format_mac(parse_mac(_ascii(octets)))
    except ValueError as error:
        raise WireError(str(error))


def read_line(line):
    """What a Line's DHCPv6 options told -> VendorOptions or None."""
    found = None
    for code, value in line.options:
        if code == VENDOR_OPTS:
            try:
                found = read_dhcpv6(value, found)
            except WireError as error:
                found = found or VendorOptions()
                found.problems.append("option 17: {}".format(error))
    return found
