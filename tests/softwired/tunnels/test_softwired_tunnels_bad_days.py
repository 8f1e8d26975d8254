# SPDX-License-Identifier: Apache-2.0
"""Bad days of the page: killed at any moment, its database gone and back, everybody at once."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from softwired.tunnels import register
from tests.softwired.tunnels import parts
from tests.softwired.tunnels.webpage import SERVER

# Fills in forms from several threads until nobody answers; prints each tunnel that it was promised.
PEOPLE = r"""
import http.client, re, sys, threading, urllib.parse
server, start, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
lock, number = threading.Lock(), [start]

def work():
    while True:
        with lock:
            mine = number[0]
            number[0] += 1
        try:
            made = http.client.HTTPConnection(server, 80, timeout=20)
            made.request("GET", "/new/iproute2")
            answer = made.getresponse()
            cookie, text = answer.getheader("Set-Cookie").partition(";")[0], answer.read().decode()
            mark = re.search(r'name="form" value="([^"]+)"', text)[1]
            made = http.client.HTTPConnection(server, 80, timeout=20)
            told = {"form": mark, "ipv4": f"9.{mine >> 16}.{mine >> 8 & 255}.{mine & 255}", "nicname": f"host{mine}",
                    "country": "jp", "system": "iproute2"}
            head = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
            made.request("POST", "/new", urllib.parse.urlencode(told), head)
            answer = made.getresponse()
            if answer.status == 303:
                with lock:
                    print(told["ipv4"], flush=True)
        except (OSError, http.client.HTTPException, TypeError, AttributeError):
            return

for _ in range(threads):
    threading.Thread(target=work).start()
"""


@pytest.fixture
def web(web):
    """Who asks need not answer."""
    web.echo = False
    return web


def people(web, start, threads):
    words = [sys.executable, "-c", PEOPLE, SERVER, str(start), str(threads)]
    return subprocess.Popen([*web.cable.client.enter, *words], stdout=subprocess.PIPE, text=True)


def test_killed_at_any_moment(web):
    """What somebody was told is there; no address is given twice."""
    promised, random_ = [], random.Random(5)
    for turn in range(4):
        web.begin(name=f"page{turn}")
        some = people(web, turn * 1000, 6)
        time.sleep(random_.uniform(0.5, 3.0))
        web.page.send_signal(signal.SIGKILL)
        web.page.wait()
        promised += some.communicate(timeout=60)[0].split()
    rows = web.listed()
    assert promised and set(promised) <= {one["IPv4client"] for one in rows}
    for field in ("number", "IPv4client", "IPv6client", "routed"):
        assert len({one[field] for one in rows}) == len(rows)


def test_postgresql_gone_and_back(web, postgres):
    store = parts.Store(postgres.url, register.metadata)
    register.metadata.drop_all(store.engine)
    web.begin(database=postgres.url)
    page = web.fill_in("host1", "9.9.9.9")
    postgres.stop()
    told = web.curl("-o", "/dev/null", "-w", "%{http_code}", page)
    assert told == "503"
    postgres.start()
    assert "host1.jp" in web.curl(page)
    assert web.fill_in("host2", "9.9.9.8") and len(web.listed()) == 2
    assert os.path.exists(f"/proc/{web.page.pid}")
    store.engine.dispose()
    register.metadata.drop_all(store.engine)
    store.close()
