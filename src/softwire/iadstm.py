# SPDX-License-Identifier: Apache-2.0
"""IA_DSTM, DHCPv6's option for temporary IPv4 addresses, for both ends (draft-bound-dstm-exp-00 appendices A and B).

IANA never assigned codes: both ends are told the same ones, or keep to these, of a range that nobody uses.
"""

from softwire.dhcpv6 import read_options, write_option
from softwire.wire import Reader, WireError

IA_DSTM, DSTM_TEP, DSTM_PORTS = CODES = 65361, 65362, 65363
# RFC 8415 section 21
IA_ADDRESS, STATUS = 5, 13
SUCCESS, UNSPECIFIED, NO_ADDRESSES, NO_BINDING = range(4)
# RFC 4291 section 2.5.5.2: IPv4-mapped
MAPPED = 0xFFFF << 32
FOREVER = 0xFFFFFFFF


class Association:
    """One IA_DSTM. t1, t2: seconds; addresses: [(IPv4 address as integer, preferred, valid)]; teps: IPv6 addresses as
    integers, in a client's message its own end (ours); ports: (first, last) or None; status: (code, text)."""

    def __init__(self, iaid, t1=0, t2=0):
        self.iaid = iaid
        self.t1 = t1
        self.t2 = t2
        self.addresses = []
        self.teps = []
        self.ports = None
        self.status = (SUCCESS, "")


def write(ia, codes):
    """The whole option."""
    ia_dstm, tep, ports = codes
    value = ia.iaid.to_bytes(4, "big") + ia.t1.to_bytes(4, "big") + ia.t2.to_bytes(4, "big")
    for address, preferred, valid in ia.addresses:
        octets = (MAPPED | address).to_bytes(16, "big") + preferred.to_bytes(4, "big")
        value += write_option(IA_ADDRESS, octets + valid.to_bytes(4, "big"))
    for address in ia.teps:
        value += write_option(tep, address.to_bytes(16, "big"))
    if ia.ports:
        value += write_option(ports, ia.ports[0].to_bytes(2, "big") + ia.ports[1].to_bytes(2, "big"))
    if ia.status[0]:
        value += write_option(STATUS, status(*ia.status))
    return write_option(ia_dstm, value)


def read(value, codes):
    """Its value -> Association; WireError. What is no IPv4-mapped address, or has no right lifetimes, is left out."""
    _, tep, ports = codes
    reader = Reader(value)
    ia = Association(reader.number(4, "IAID"), reader.number(4, "T1"), reader.number(4, "T2"))
    for code, octets in read_options(reader.rest()):
        inner = Reader(octets)
        if code == IA_ADDRESS:
            address = inner.number(16, "address")
            preferred, valid = inner.number(4, "preferred lifetime"), inner.number(4, "valid lifetime")
            if address >> 32 == 0xFFFF and preferred <= valid:
                ia.addresses.append((address & 0xFFFFFFFF, preferred, valid))
        elif code == tep:
            ia.teps.append(inner.number(16, "tunnel endpoint"))
            inner.finish("tunnel endpoint")
        elif code == ports:
            ia.ports = inner.number(2, "start port"), inner.number(2, "end port")
            inner.finish("ports")
            if ia.ports[0] > ia.ports[1]:
                raise WireError("ports {}-{}: the lower one first would be right".format(*ia.ports))
        elif code == STATUS:
            ia.status = read_status(octets)
    return ia


def found(options, codes):
    """[Association] of a message's options; an endpoint or ports that stand beside them say nothing."""
    return [read(value, codes) for code, value in options if code == codes[0]]


def status(code, text):
    """Value of a Status Code option (RFC 8415 section 21.13)."""
    return code.to_bytes(2, "big") + text.encode()


def read_status(value):
    """(code, text that cannot steer a terminal)."""
    reader = Reader(value)
    code = reader.number(2, "status code")
    return code, "".join([chr(octet) if 32 <= octet < 127 else "?" for octet in reader.rest()[:128]])
