# SPDX-License-Identifier: Apache-2.0
"""A browser, and a router with a line and a softwire that it looks at."""

import copy
import re
import shutil

import pytest

from package.sdk import pack
from tests.luci import routers
from tests.luci.browser import Page
from tests.luci.server import Router
from tests.package.test_package_luci import entries


@pytest.fixture(scope="session")
def chromium():
    """One Chromium for all tests: Debian's, led by Playwright."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not here: tests/setup.sh browser")
    path = shutil.which("chromium")
    if not path:
        pytest.skip("no chromium")
    with api.sync_playwright() as playwright:
        # Chromium's own sandbox wants namespaces that a container may not have; the pages are ours.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def router():
    with Router(copy.deepcopy(routers.CONFIGS), routers.objects()) as made:
        yield made


@pytest.fixture
def page(chromium, router):
    """A page of a browser that knows nothing yet; what its scripts complain of fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10000)
    page = Page(context.new_page(), router)
    yield page
    context.close()
    assert [fault for fault in page.faults if not re.search(page.tolerated, fault)] == []


@pytest.fixture
def japanese(page, router, tmp_path_factory):
    """A page of somebody who reads Japanese, by the catalogue of our package."""
    staged = {package.name: package for package in pack.stage(tmp_path_factory.mktemp("stage"))}
    data = (staged["luci-i18n-softwire-ja"].files / "usr/lib/lua/luci/i18n/softwire.ja.lmo").read_bytes()
    router.catalogue = {f"{key:08x}": text for key, text in entries(data).items()}
    page.interface("wan", lang="ja")
    return page
