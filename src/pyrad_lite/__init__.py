# SPDX-License-Identifier: Apache-2.0
"""A RADIUS client with pyrad's names in MicroPython's size (RFC 2865, RFC 3579, RFC 5080).

Code written against it runs unchanged on pyrad 2.6; what goes further says so where it is defined. It runs on
MicroPython from 1.23 and on CPython from 3.9 and needs nothing beside the interpreter (hashlib.md5 included).

    from pyrad_lite.client import Client, Timeout
    from pyrad_lite.dictionary import Dictionary
    client = Client("2001:db8::1812", secret=b"...", dict=Dictionary("dictionary.rfc", "dictionary.softbank"))
    request = client.CreateAuthPacket()
    request.AddAttribute("User-Name", "alice")
    reply = client.SendPacket(request)

Who knows the numbers needs neither the dictionary nor the time to read one: AddAttribute(1, b"alice"),
AddAttribute((22197, 1), b"..."), reply.get((22197, 204)), for key, octets in reply.walk().

Covered of pyrad: client.Client for Access-Request and Status-Server (bind, CreateAuthPacket, SendPacket), Timeout;
packet.Packet and AuthPacket as mappings by name or number, RequestPacket, ReplyPacket, DecodePacket, CreateReply,
VerifyReply, PwCrypt, VerifyChapPasswd, PacketError; dictionary.Dictionary, FreeRADIUS' and radcli's files included,
and ParseError; tools.EncodeAttr and DecodeAttr for the data types in tools.TYPES. Left out on purpose: accounting,
CoA, servers and proxies, EAP, TLVs, tags, salted attributes, and pyrad's inner parts.
"""

__version__ = "0.1.0"
