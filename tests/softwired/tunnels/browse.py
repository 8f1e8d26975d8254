# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, led by Playwright, fills in the form as a person would, and tells what the tunnel's page says.

python browse.py URL FOLDER IPV4 NICNAME [LANGUAGE [SCHEME [WIDTH]]]: a program, so that it can run in a namespace.
IPV4 "": what the page has filled in stays.
"""

import json
import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright


def fill_in(page, url, ipv4, nicname, pictures, name):
    """From the first page to the tunnel's own: what it says, and what was seen on the way."""
    page.goto(url)
    found = {"language": page.evaluate("document.documentElement.lang")}
    page.click("#system-iproute2")
    found["prefilled"] = page.input_value("#ipv4")
    if ipv4:
        page.fill("#ipv4", ipv4)
    page.fill("#nicname", nicname)
    page.fill("#country", "jp")
    page.screenshot(path=pictures / f"form{name}.png")
    page.click("#send")
    for one in ("client6", "state", "script"):
        found[one] = page.inner_text(f"#{one}")
    found["url"] = page.url
    # Nothing is wider than the window, and text can be told from its ground.
    found["overflow"] = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    found["colours"] = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    page.screenshot(path=pictures / f"tunnel{name}.png")
    return found


def main():
    url, folder, ipv4, nicname, *more = sys.argv[1:]
    language, scheme, width = (more + ["en", "light", "900"][len(more) :])[:3]
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
        label = f"-{language}-{scheme}-{width}"
        print(json.dumps(fill_in(context.new_page(), url, ipv4, nicname, pathlib.Path(folder), label)))
        browser.close()


if __name__ == "__main__":
    main()
