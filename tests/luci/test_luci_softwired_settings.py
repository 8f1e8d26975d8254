# SPDX-License-Identifier: Apache-2.0
"""softwired's settings in a real browser: filled in wrongly and rightly, saved, and what of it reaches uci."""

import copy

import pytest

from tests.luci.services import CONFIG, SERVICES, Softwired
from tests.luci.test_luci_views import until
from tests.luci.uci import Uci


@pytest.fixture
def plugin(tmp_path, router):
    made = Softwired(tmp_path)
    router.uci = Uci({**router.uci.committed, "softwired": copy.deepcopy(CONFIG)})
    router.objects.update(made.objects())
    yield made
    made.close()


def settings(page, **query):
    """The page, once its form is there."""
    page.map = "softwired.dhcp4o6"
    return page.open("softwired/settings", ".cbi-map [data-tab=general]", wait_attached=True, **query)


def save(page, router, taken=True):
    """Presses Save; whether what was typed is taken shows in LuCI's dialogue."""
    page.page.click(".cbi-page-actions .cbi-button-save")
    page.page.wait_for_selector(".cbi-page-actions .cbi-button-save:not([disabled])")
    refused = page.page.locator(".modal-overlay-active").count() > 0
    assert refused != taken, page.text("#modal_overlay") if refused else "it was taken"
    if not taken:
        # LuCI tells it the console, too.
        page.tolerated = "invalid input value|must not be empty"
    return router.uci.staged["softwired"]


def of(sections, name):
    return {option: value for option, value in sections[name].items() if not option.startswith(".")}


def of_type(sections, kind):
    """The sections of a type, in their order."""
    return [of(sections, name) for name, one in sections.items() if one[".type"] == kind]


def tabs(page):
    """The services that the page has tabs of."""
    return page.page.evaluate(
        "() => Array.from(document.querySelectorAll('.cbi-map [data-tab-title]')).map(node =>"
        " node.getAttribute('data-tab')).filter(name => !/^(general|advanced)$/.test(name))"
    )


def test_a_tab_for_each_service_that_is_installed(page, plugin):
    settings(page)
    assert [name for name in tabs(page) if name in SERVICES][:1] == ["dhcp4o6"]
    assert {name for name in tabs(page) if name in SERVICES} == set(SERVICES)
    plugin.installed("prefix64", "tunnels")
    page.open("softwired/settings", "[data-field='cbid.softwired.prefix64.enabled']", wait_attached=True)
    assert {name for name in tabs(page) if name in SERVICES} == {"prefix64", "tunnels"}


def test_every_option_has_a_title_and_a_field(page, plugin):
    settings(page)
    missing = page.page.evaluate("""() => Promise.all(
        [ 'options', 'texts' ].map(name => L.require('softwired.' + name))).then(([ options, texts ]) => {
            const found = [];

            for (let service in options.services)
                for (let table of options.services[service])
                    for (let row of table.rows)
                        if (!texts.of(service, table.table, row.name))
                            found.push([ service, table.table, row.name ].join('.'));

            return found;
        })""")
    assert missing == []
    titles = page.page.evaluate(
        "() => Array.from(document.querySelectorAll('.cbi-value[data-field] .cbi-value-title')).map("
        "node => node.textContent)"
    )
    assert len(titles) > 130 and all(titles)


def test_nothing_is_written_where_nothing_was_changed(page, plugin, router):
    settings(page)
    save(page, router)
    assert router.uci.staged == router.uci.committed


def test_a_service_is_turned_on(page, plugin, router):
    """Options of its own section, of sections that are there, and of tables that are not yet."""
    settings(page)
    page.tick("enabled")
    page.type("port", "7000")
    page.add("servers", "2001:db8:1::1")
    page.type("refresh_time", "3600")
    page.type("limits_in_flight", "8")
    page.type("limits_patience", "2.5")
    page.map = "softwired.cfg01aaaa"
    page.tick("serve_information", False)
    page.add("addresses", "2001:db8:1::2")
    found = save(page, router)
    assert of(found, "dhcp4o6") == {
        "enabled": "1", "port": "7000", "servers": ["2001:db8:1::1"], "refresh_time": "3600",
    }  # fmt: skip
    assert of(found, "cfg01aaaa") == {"name": "lan", "addresses": ["2001:db8:1::2"]}
    assert of_type(found, "dhcp4o6_limits") == [{"in_flight": "8", "patience": "2.5"}]
    # Taken away again, the others stay.
    page.map = "softwired.dhcp4o6"
    page.type("limits_patience", "")
    assert of_type(save(page, router), "dhcp4o6_limits") == [{"in_flight": "8"}]


def test_a_table_of_another_name_for_the_same_option(page, plugin, router):
    """dstm.port and dstm.tls.port are two."""
    settings(page)
    page.map = "softwired.dstm"
    page.type("port", "0")
    page.type("tls_port", "4000")
    page.type("tls_certificate", "/etc/dstm.pem")
    page.type("tls_key", "/etc/dstm.key")
    found = save(page, router)
    assert of(found, "dstm")["port"] == "0"
    assert of_type(found, "dstm_tls") == [
        {"certificate": "/etc/dstm.pem", "key": "/etc/dstm.key", "port": "4000"}
    ]


def added(page, router, service, table):
    """Adds a section of a table; its name once the router has given it one."""
    before = set(router.uci.staged["softwired"])
    page.map = f"softwired.{service}"
    page.show_tab("enabled")
    page.page.evaluate(
        """kind => document.querySelector('#cbi-softwired-' + kind + ' .cbi-section-create button').click()""",
        f"{service}_{table}",
    )
    until(page, lambda: set(router.uci.staged["softwired"]) - before)
    (name,) = set(router.uci.staged["softwired"]) - before
    page.map = f"softwired.{name}"
    page.page.wait_for_selector(f"[data-field^='cbid.softwired.{name}.']", state="attached")
    return name


def test_sections_come_and_go(page, plugin, router):
    settings(page)
    name = added(page, router, "dhcp4o6", "subnet")
    page.type("prefix", "2001:db8:2::/48")
    page.add("relays", "2001:db8:2::1")
    found = save(page, router)
    assert of(found, name) == {"prefix": "2001:db8:2::/48", "relays": ["2001:db8:2::1"]}
    page.page.evaluate(
        "() => document.querySelector('#cbi-softwired-dhcp4o6_subnet .cbi-section-remove button').click()"
    )
    until(page, lambda: name not in router.uci.staged["softwired"])
    assert of(router.uci.staged["softwired"], "cfg01aaaa") == {"name": "lan", "serve_information": "1"}


def test_a_section_is_added_only_to_what_is_right(page, plugin, router):
    """What is wrong may stand in another tab: it is told, and no section comes up later that nobody saw."""
    page.tolerated = "invalid input value"
    settings(page)
    page.type("limits_in_flight", "0")
    for _ in range(2):
        page.page.evaluate(
            "() => document.querySelector('#cbi-softwired-dstm_pool .cbi-section-create button').click()"
        )
        page.page.wait_for_selector(".modal-overlay-active")
        page.page.evaluate("() => L.require('ui').then(ui => ui.hideModal())")
        page.page.wait_for_selector("#cbi-softwired-dstm_pool .cbi-section-create button:not([disabled])")
    page.type("limits_in_flight", "8")
    assert len(of_type(save(page, router), "dstm_pool")) == 1
    added(page, router, "dstm", "pool")
    assert len(of_type(save(page, router), "dstm_pool")) == 2


def test_values_of_a_list_with_words(page, plugin, router):
    settings(page)
    page.map = "softwired.dstm"
    page.choose("mechanisms", ["DIGEST-MD5", "PLAIN"])
    assert save(page, router)["dstm"]["mechanisms"] == ["DIGEST-MD5", "PLAIN"]


def test_a_network_is_offered_and_a_device_can_be_typed(page, plugin, router):
    settings(page)
    page.map = "softwired.cfg01aaaa"
    page.choose("name", "wan6")
    assert save(page, router)["cfg01aaaa"]["name"] == "wan6"
    page.choose("name", "eth7")
    assert save(page, router)["cfg01aaaa"]["name"] == "eth7"


WRONG = (
    ("softwired.dhcp4o6", "port", "0", "a whole number from 1 to 65534"),
    ("softwired.dhcp4o6", "port", "007", "a whole number from 1 to 65534"),
    ("softwired.dhcp4o6", "limits_patience", "5.", "seconds from 1 to 300"),
    ("softwired.cfg02aaaa", "prefix", "fe80::/64", "unicast addresses"),
    ("softwired.dstm", "database", "sqlite:///x", "four slashes"),
    ("softwired.dstm", "users", "users", "an absolute path"),
    ("softwired.cfg03aaaa", "address", "fe80::1", "not link-local"),
    ("softwired.cfg04aaaa", "ports_of_a_node", "1000", "a power of two"),
    ("softwired.tep", "ipv4", "192.0.2.256", "an IPv4 address"),
    ("softwired.tunnels", "prefix", "2001:db8:1::1/48", "host bits zero"),
    ("softwired.tunnels", "dns_zone", "a..b", "a DNS zone"),
)


def test_filled_in_wrongly(page, plugin, router):
    """The field says what would be right, and nothing reaches uci; also of a service that is turned off."""
    settings(page)
    before = copy.deepcopy(router.uci.staged)
    for where, option, value, right in WRONG:
        page.map = where
        was = page.input(option).input_value()
        page.type(option, value)
        assert right in (page.complaint(option) or ""), (where, option, value)
        save(page, router, taken=False)
        assert router.uci.staged == before
        page.page.evaluate("() => L.require('ui').then(ui => ui.hideModal())")
        page.type(option, was)
        assert page.complaint(option) is None, (where, option, was)


def test_what_cannot_be_missing_is_missed_once_the_service_is_on(page, plugin, router):
    settings(page)
    page.type("port", "")
    assert page.complaint("port") is None
    save(page, router)
    page.tick("enabled")
    save(page, router, taken=False)
    assert "empty" in page.complaint("port")
    assert router.uci.staged["softwired"]["dhcp4o6"]["enabled"] == "0"


def test_a_list_that_cannot_be_empty(page, plugin, router):
    router.uci.staged["softwired"]["cfg04aaaa"]["teps"] = []
    settings(page)
    page.map = "softwired.dstm"
    page.tick("enabled")
    save(page, router, taken=False)
    assert "Border routers: it must not be empty" in page.text("#modal_overlay")


def test_what_options_mean_together(page, plugin, router):
    """A value that is wrong beside another one is right again once the other is."""
    settings(page)
    page.map = "softwired.prefix64"
    page.tick("enabled")
    page.map = "softwired.cfg02aaaa"
    page.type("prefix", "2001:db8:9::/64")
    assert "either a prefix or a delegated one" in page.complaint("prefix")
    save(page, router, taken=False)
    page.page.evaluate("() => L.require('ui').then(ui => ui.hideModal())")
    page.choose("delegated", "")
    assert page.complaint("prefix") is None
    found = save(page, router)
    assert of(found, "cfg02aaaa")["prefix"] == "2001:db8:9::/64" and "delegated" not in found["cfg02aaaa"]


def test_a_command(page, plugin, router):
    settings(page)
    page.map = "softwired.tunnels"
    page.add("hook", "mail")
    assert "absolute path" in page.complaint("hook")
    page.field("hook").locator(".add-item input:not([type=hidden])").fill("")
    page.add("hook", "/usr/bin/mail")
    page.add("hook", "two words")
    assert save(page, router)["tunnels"]["hook"] == ["/usr/bin/mail", "two words"]


def test_save_and_apply(page, plugin, router):
    """By LuCI's own way, with the rollback that the browser confirms."""
    settings(page)
    page.tick("enabled")
    page.page.click(".cbi-page-actions .cbi-button-apply")
    page.page.wait_for_function("() => /applied/.test(document.body.innerText)")
    assert router.uci.before is None
    assert router.uci.of("softwired", "dhcp4o6")["enabled"] == "1"


def test_a_service_without_a_section(page, plugin, router):
    """Somebody took it away: it is made with the first option."""
    for configs in (router.uci.staged, router.uci.committed):
        del configs["softwired"]["dhcp4o6"]
    settings(page)
    page.type("port", "6767")
    assert of(save(page, router), "dhcp4o6") == {"enabled": "0", "port": "6767"}


@pytest.mark.parametrize("what", ["nothing installed", "no program", "no plugin", "denied", "hangs"])
def test_a_sentence_in_place_of_the_form(page, plugin, router, what):
    said = {
        "nothing installed": "No service is installed",
        "no program": "The package softwired is not installed",
        "no plugin": "restart rpcd, or install luci-app-softwired",
        "denied": "no access to softwired",
        "hangs": "in time",
    }[what]
    if what == "nothing installed":
        plugin.installed()
    elif what == "no program":
        plugin.helper.unlink()
    elif what == "no plugin":
        del router.objects["luci.softwired"]
    elif what == "denied":
        router.denied.add(("luci.softwired", "status"))
    else:
        router.objects["luci.softwired"]["status"] = lambda message: 7
    page.open("softwired/settings", ".alert-message")
    assert said in page.text(".alert-message") and page.page.locator("[data-field]").count() == 0
