# SPDX-License-Identifier: Apache-2.0
"""DSTM's client hears a Reconfigure beside the line's own client, which has port 546 and hears it, too."""

import hashlib
import hmac
import pathlib
import subprocess

import pytest
from scapy.layers.dhcp6 import (
    DUID_LL,
    DHCP6_Reconf,
    DHCP6OptAuth,
    DHCP6OptClientId,
    DHCP6OptOptReq,
    DHCP6OptReconfMsg,
    DHCP6OptServerId,
)

from softwire.iadstm import IA_DSTM
from tests.softwired import network
from tests.softwired.kea import household

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = bytes(range(16))
CLIENT, SERVER = DUID_LL(lladdr="52:54:00:12:34:01"), DUID_LL(lladdr="52:54:00:53:53:53")


def reconfigure(counter, key=KEY):
    """As scapy writes it, signed by CPython's own HMAC."""

    def octets(digest):
        auth = DHCP6OptAuth(proto=3, alg=1, rdm=0, replay=counter.to_bytes(8, "big"), authinfo=b"\2" + digest)
        return bytes(
            DHCP6_Reconf(trid=0)
            / DHCP6OptClientId(duid=CLIENT)
            / DHCP6OptServerId(duid=SERVER)
            / DHCP6OptReconfMsg(msgtype=5)
            / DHCP6OptOptReq(reqopts=[IA_DSTM])
            / auth
        )

    return octets(hmac.new(key, octets(bytes(16)), hashlib.md5).digest())


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
def test_heard_beside_the_lines_own_client(cable, interpreter):
    command = household.interpreters().get(interpreter)
    if command is None:
        pytest.skip(f"no {interpreter}: tests/setup.sh arch fetches it")
    own = cable.client.udp("::", 546)
    server = cable.server.udp("::", 547)
    words = [str(ROOT / "tests/methods/ear.py"), "vc", KEY.hex(), bytes(CLIENT).hex(), bytes(SERVER).hex()]
    environment = ["env", f"PYTHONPATH={ROOT}/src", f"MICROPYPATH={ROOT}/src:.frozen"]
    ear = cable.client.start(*environment, *command, *words, stderr=subprocess.PIPE)
    try:
        assert ear.stderr.readline() == "listens\n"
        to = (network.CLIENT_LINK_LOCAL, 546, 0, cable.server_index)
        for message, told in (reconfigure(1, bytes(16)), "0\n"), (reconfigure(2), "5\n"):
            server.sendto(message, to)
            assert own.recv(2000) == message
            assert ear.stderr.readline() == told
        assert ear.wait(20) == 0
    finally:
        ear.kill()
        ear.wait()
        own.close()
        server.close()
