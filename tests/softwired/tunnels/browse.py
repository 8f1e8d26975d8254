# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, led by Playwright, fills in the form as a person would, and tells what the tunnel's page says.

python browse.py URL FOLDER IPV4 NICNAME [LANGUAGE [SCHEME [WIDTH [ACCOUNT]]]]: a program, so that it can run in a
namespace. IPV4 "": what the page has filled in stays. ACCOUNT: the name of one that is made on the way.
"""

import json
import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

PASSWORDS = ["four words of mine", "four other words"]


class Visit:
    """One person, who goes from page to page."""

    def __init__(self, page, pictures, label):
        self.page, self.pictures, self.label = page, pictures, label
        self.overflow, self.unlabelled = 0, 0

    def look(self, name, whole=False):
        """A picture; nothing is wider than the window, and each field says what it is for."""
        self.overflow += self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        self.unlabelled += self.page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select')]"
            ".filter(one => !one.labels.length).length"
        )
        self.page.screenshot(path=self.pictures / f"{name}{self.label}.png", full_page=whole)

    def write(self, **fields):
        for name, text in fields.items():
            self.page.fill(f"#{name}", text)

    def sign_up(self, name):
        """From the page that wants a login to where one wanted to go."""
        self.look("login")
        self.page.click("#sign-up")
        self.write(name=name, password=PASSWORDS[0], again=PASSWORDS[1])
        self.page.click("#enter")
        found = {"differ": self.page.inner_text("#fault")}
        self.write(password=PASSWORDS[0], again=PASSWORDS[0])
        self.look("sign-up")
        self.page.click("#enter")
        return found

    def fill_in(self, url, ipv4, nicname, account):
        """From the first page to the tunnel's own: what it says, and what was seen on the way."""
        page = self.page
        page.goto(url)
        found = {"language": page.evaluate("document.documentElement.lang")}
        page.click("#system-iproute2")
        if account:
            found.update(self.sign_up(account))
        found["prefilled"] = page.input_value("#ipv4")
        if ipv4:
            page.fill("#ipv4", ipv4)
        self.write(nicname=nicname, country="jp")
        self.look("form")
        page.click("#send")
        for one in ("client6", "state", "script"):
            found[one] = page.inner_text(f"#{one}")
        found["url"] = page.url
        found["colours"] = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        self.look("tunnel")
        return found

    def take(self, length):
        """Another routed prefix."""
        self.page.select_option("#length", length)
        self.page.click("#route")
        self.look("routed", True)
        return self.page.inner_text("#routed")

    def leave_and_return(self, account):
        """The list, another password, out and in again: what the list says."""
        page = self.page
        page.click("#person")
        self.look("account", True)
        self.write(password=PASSWORDS[0], new_password=PASSWORDS[1], again=PASSWORDS[1])
        page.click("#change")
        found = {"changed": page.inner_text("#changed")}
        page.click("#logout")
        page.click("#login")
        self.write(name=account, password=PASSWORDS[0])
        page.click("#enter")
        found["fault"] = page.inner_text("#fault")
        self.look("fault")
        page.fill("#password", PASSWORDS[1])
        page.click("#enter")
        found["listed"] = page.inner_text(".tunnel")
        page.click(".tunnel a")
        found["again"] = page.url
        return found


def main():
    url, folder, ipv4, nicname, *more = sys.argv[1:]
    language, scheme, width, account = (more + ["en", "light", "900", ""][len(more) :])[:4]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            # Chromium's own sandbox wants namespaces that a container may not have; the pages are ours.
            args=["--no-sandbox", "--disable-background-networking", "--no-proxy-server"],
        )
        context = browser.new_context(
            locale=language,
            color_scheme=scheme,
            viewport={"width": int(width), "height": 720},
        )
        context.set_default_timeout(60000)
        visit = Visit(context.new_page(), pathlib.Path(folder), f"-{language}-{scheme}-{width}")
        found = visit.fill_in(url, ipv4, nicname, account)
        if account:
            found["routed"] = visit.take("56")
            found.update(visit.leave_and_return(account))
        print(json.dumps({**found, "overflow": visit.overflow, "unlabelled": visit.unlabelled}))
        browser.close()


if __name__ == "__main__":
    main()
