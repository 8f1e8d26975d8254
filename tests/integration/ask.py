# SPDX-License-Identifier: Apache-2.0
"""One exchange of pyrad_lite, on either interpreter: JSON on standard input says what, on standard output how it went.

servers, port, secret, password, user   as text
line                 "next": one vendor attribute in each Vendor-Specific; "cross": all four in one
sign, require        Message-Authenticator in the request; in the reply
retries, timeout     of the client
spoil                true: Message-Authenticator is sent wrong; lose: true: the first reply gets lost
"""

import json
import os
import sys

HERE = __file__.rpartition("/")[0] or "."
sys.path.insert(0, HERE + "/../../src")

from pyrad_lite.client import Client, Timeout  # noqa: E402
from pyrad_lite.dictionary import Dictionary  # noqa: E402
from pyrad_lite.packet import ChapPassword  # noqa: E402

FILES = HERE + "/../../files/etc/softwire/"
UNIT = [
    ("SoftBank-MAC", "52:54:00:12:34:01"),
    ("SoftBank-Manufacturer", "foxconn"),
    ("SoftBank-Software-Version", "e-wmta2.3,V5.0.0.1.rc35"),
    ("SoftBank-Hardware-Version", "hw_rev_2.00"),
]


def tell(**what):
    print(json.dumps(what))
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def main():
    want = json.loads(sys.stdin.readline())
    radius = Client(
        want["servers"],
        authport=want["port"],
        secret=want["secret"].encode(),
        dict=Dictionary(FILES + "dictionary.rfc", FILES + "dictionary.softbank"),
        retries=want["retries"],
        timeout=want["timeout"],
        enforce_ma=want["require"],
    )
    request = radius.CreateAuthPacket(message_authenticator=want["sign"])
    request.AddAttribute("User-Name", want["user"])
    challenge = os.urandom(16)
    chap = ChapPassword(1 if want["line"] == "next" else 0, want["password"].encode(), challenge)
    if want["line"] == "next":
        for name, value in UNIT:
            request.AddAttribute(name, value)
        request.AddAttribute("CHAP-Challenge", challenge)
        request.AddAttribute("CHAP-Password", chap)
    else:
        request.AddAttribute("CHAP-Password", chap)
        request.AddVendorAttributes(UNIT)
        request.AddAttribute("CHAP-Challenge", challenge)
    if want["spoil"]:
        right = request.RequestPacket()
        request.RequestPacket = lambda: right[:22] + bytes((right[22] ^ 1,)) + right[23:]

    wait = radius.wait
    waits = []

    def watched(sock, milliseconds):
        if not waits:
            tell(waiting=True)
        waits.append(milliseconds)
        ready = wait(sock, milliseconds)
        if ready and want["lose"] and len(waits) == 1:
            sock.recv(4096)
            return False
        return ready

    radius.wait = watched
    try:
        reply = radius.SendPacket(request)
    except Timeout as error:
        tell(error="Timeout", text=str(error), ignored=radius.ignored)
        return
    named = [
        [key, reply[key]] for key in reply.keys() if isinstance(key, str) and key != "Message-Authenticator"
    ]
    tell(code=reply.code, named=named, keys=reply.keys(), source=reply.source, ignored=radius.ignored)


main()
