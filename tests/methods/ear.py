# SPDX-License-Identifier: Apache-2.0
"""Hears one Reconfigure on whichever interpreter: ear.py <device> <key> <client> <server>, octets in hexadecimal.

Says "listens" on standard error, which no buffer keeps, then what the server wants, or 0 where a datagram was no
Reconfigure; ends behind the first that was one.
"""

import sys
from binascii import unhexlify

from softwire.endpoint import readable
from softwire.iadstm import IA_DSTM
from softwire.line import Line
from softwire.reconfigure import Ear


def main(device, key, client, server):
    ear = Ear(Line("wan6", {"up": True, "l3_device": device}), unhexlify(key), 0)
    print("listens", file=sys.stderr)
    while True:
        if not readable(ear.sock, 20000):
            sys.exit("nothing came")
        wanted = ear.heard(unhexlify(client), unhexlify(server), IA_DSTM)
        print(wanted or 0, file=sys.stderr)
        if wanted:
            return


main(*sys.argv[1:])
