# SPDX-License-Identifier: Apache-2.0
"""How teardown and a client that ends at once find each other: a FIFO forgets what is in it when nobody has it open."""

import json
import os
import subprocess
import time

import pytest

from sandbox import SHELLS, Sandbox


def fill(fifo):
    """Until it takes not even one octet more: whoever writes to it waits."""
    for piece in b"line\n" * 100, b"\n":
        with pytest.raises(BlockingIOError):
            while True:
                os.write(fifo, piece)


def drain(fifo):
    """All that is in it."""
    octets = b""
    while b"release\n" not in octets:
        octets += os.read(fifo, 65536)
    return octets


@pytest.mark.parametrize("shell", SHELLS)
def test_answer_is_waited_for_before_the_client_is_asked(shell, tmp_path):
    router = Sandbox(tmp_path, shell)
    router.replies = {
        "call network.interface.wan_4 remove": ["4\n"],
        "call network.interface.wan_ep remove": ["4\n"],
        "call network.interface notify_proto": ["0\n"],
    }
    (tmp_path / "replies").write_text(json.dumps(router.replies))
    folder = router.path("/var/run/softwire/wan@wan6")
    folder.mkdir(parents=True)
    for name in "wake", "released":
        os.mkfifo(folder / name, 0o600)
    wake = os.open(folder / "wake", os.O_RDWR | os.O_NONBLOCK)
    fill(wake)
    handler = subprocess.Popen(
        [*router.shell, "./softwire.sh", "softwire", "teardown", "wan", "{}"],
        cwd=router.path("/lib/netifd/proto"),
        env={"PATH": str(tmp_path / "bin"), "NETIFD_MAIN_DIR": str(tmp_path / "lib/netifd")},
    )
    try:
        end = time.monotonic() + 20
        while True:
            try:
                # Fails as long as nobody else has it open.
                answer = os.open(folder.parent / ".wan.gone/released", os.O_WRONLY | os.O_NONBLOCK)
                break
            except OSError:
                assert time.monotonic() < end, "the client is asked, and nobody waits for its answer"
                time.sleep(0.01)
        os.write(answer, b"released\n")
        os.close(answer)
    finally:
        os.set_blocking(wake, True)
        drain(wake)
        os.close(wake)
        handler.wait(20)
    assert not folder.parent.joinpath(".wan.gone").exists()
