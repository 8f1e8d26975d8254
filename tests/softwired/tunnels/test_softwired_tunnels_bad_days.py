# SPDX-License-Identifier: Apache-2.0
"""Bad days of the page: killed at any moment, its database gone and back, everybody at once."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from softwired.tunnels import register
from tests.softwired.recovery import recovered
from tests.softwired.tunnels import parts
from tests.softwired.tunnels.webpage import SERVER

# Fills in forms from several threads until nobody answers, or so many; prints each tunnel that it was promised.
PEOPLE = r"""
import http.client, re, sys, threading, urllib.parse
server, start, threads, most = sys.argv[1], *map(int, sys.argv[2:])
lock, number = threading.Lock(), [start]

def work():
    while True:
        with lock:
            mine = number[0]
            if mine >= most:
                return
            number[0] += 1
        try:
            made = http.client.HTTPConnection(server, 80, timeout=60)
            made.request("GET", "/new/iproute2")
            answer = made.getresponse()
            cookie, text = answer.getheader("Set-Cookie").partition(";")[0], answer.read().decode()
            mark = re.search(r'name="form" value="([^"]+)"', text)[1]
            made = http.client.HTTPConnection(server, 80, timeout=60)
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


def people(web, start, threads, most=1 << 24):
    words = [sys.executable, "-c", PEOPLE, SERVER, *map(str, (start, threads, most))]
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
    began = time.monotonic()
    web.begin(name="last")
    recovered(
        "kill -9 of the page at any step",
        f"{len(promised)} tunnels promised",
        lambda: answers(web) == "200",
        began=began,
    )
    alone(web, promised)


def alone(web, promised):
    """What somebody was told is there, and no address is given twice."""
    rows = web.listed()
    assert promised and set(promised) <= {one["IPv4client"] for one in rows}
    for field in ("number", "IPv4client", "IPv6client", "routed"):
        assert len({one[field] for one in rows}) == len(rows)


def answers(web, page=f"http://{SERVER}/"):
    """The status of a page."""
    return web.curl("-o", "/dev/null", "-w", "%{http_code}", page)


def test_a_thousand_people_at_once(web):
    many = 1000
    web.begin()
    began = time.monotonic()
    promised = people(web, 0, many, many).communicate(timeout=300)[0].split()
    assert len(promised) == many
    recovered("1,000 people at once", "each gets a tunnel", lambda: answers(web) == "200", began=began)
    alone(web, promised)


def test_the_same_form_twice_at_once(web):
    """By two connections, at the same moment: one tunnel, and both are led to its page."""
    import re

    web.begin()
    mark = re.search(r'name="form" value="([^"]+)"', web.curl(f"http://{SERVER}/new/iproute2"))[1]
    told = {"form": mark, "ipv4": "9.9.9.9", "nicname": "host1", "country": "jp", "system": "iproute2"}
    words = [word for key, value in told.items() for word in ("--data-urlencode", f"{key}={value}")]
    jar, asked = str(web.folder / "jar"), f"http://{SERVER}/new"
    told = ["curl", "-sS", "-o", "/dev/null", "-b", jar, "-w", "%{redirect_url}", *words, asked]
    began = time.monotonic()
    both = [web.cable.client.start(*told, stdout=subprocess.PIPE) for _ in range(2)]
    places = {one.communicate(timeout=60)[0] for one in both}
    assert len(places) == 1
    recovered(
        "the same form twice at once",
        "one tunnel, both are led to its page",
        lambda: len(web.listed()) == 1 and answers(web, *places) == "200",
        began=began,
    )


def test_database_locked(web):
    """By another program, for longer than the page is patient."""
    web.begin()
    page = web.fill_in("host1", "9.9.9.9")
    held = sqlite3.connect(web.folder / "tunnels.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    assert answers(web, page) == "503"
    held.execute("ROLLBACK")
    held.close()
    recovered("the database locked while somebody asks", "503", lambda: "host1.jp" in web.curl(page))
    assert web.fill_in("host2", "9.9.9.8") and len(web.listed()) == 2


def test_postgresql_gone_and_back(web, postgres):
    store = parts.Store(postgres.url, register.metadata)
    register.metadata.drop_all(store.engine)
    web.begin(database=postgres.url)
    page = web.fill_in("host1", "9.9.9.9")
    postgres.stop()
    assert answers(web, page) == "503"
    postgres.start()
    recovered("PostgreSQL gone and back, the page", "503", lambda: "host1.jp" in web.curl(page))
    assert web.fill_in("host2", "9.9.9.8") and len(web.listed()) == 2
    assert os.path.exists(f"/proc/{web.page.pid}")
    store.engine.dispose()
    register.metadata.drop_all(store.engine)
    store.close()
