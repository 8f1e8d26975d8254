# SPDX-License-Identifier: Apache-2.0
"""What a person does in LuCI's forms, by the names that LuCI gives its elements."""


class Page:
    """A page of the browser, open on one view of the router."""

    def __init__(self, page, router):
        self.page, self.router = page, router
        self.faults = []
        # What the page may complain of: a pattern.
        self.tolerated = "$^"
        page.on("pageerror", lambda error: self.faults.append(error.stack or str(error)))

    def open(self, view, wait=None, wait_attached=False, **query):
        """Shows a view, and waits for an element of it; wait_attached: also where it is empty."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        self.page.goto(f"{self.router.address}/view/{view}?{words}")
        if wait:
            self.page.wait_for_selector(wait, state="attached" if wait_attached else "visible")
        return self

    def interface(self, name, **query):
        """The dialogue of an interface."""
        return self.open("test/interface", ".cbi-map", interface=name, **query)

    def cbid(self, option):
        return f'[data-field="cbid.{self.map}.{option}"]'

    map = "network.wan"

    def field(self, option):
        """The element of an option."""
        return self.page.locator(self.cbid(option))

    def input(self, option):
        return self.field(option).locator("input:not([type=hidden]), select").first

    def type(self, option, text):
        """Types into a field and leaves it."""
        field = self.input(option)
        if not field.is_visible():
            self.show_tab(option)
        field.fill(text)
        field.press("Tab")
        self.leave()

    def leave(self):
        # LuCI stumbles over the loss of focus of a field that it is about to draw anew.
        self.page.evaluate("() => document.activeElement.blur()")

    def show_tab(self, option):
        """LuCI shows one tab at a time; a form may have tabs inside of tabs."""
        self.page.evaluate(
            """selector => {
                const panes = [];

                for (let node = document.querySelector(selector); node; node = node.parentElement)
                    if (node.hasAttribute('data-tab') && node.tagName != 'LI')
                        panes.unshift(node);

                for (let pane of panes) {
                    const place = pane.parentElement.parentElement;
                    const item = place && place.querySelector(
                        ':scope > ul > li[data-tab="' + pane.getAttribute('data-tab') + '"] a');

                    if (item)
                        item.click();
                }
            }""",
            self.cbid(option),
        )

    def choose(self, option, value):
        """Chooses of a list; an interface's or device's list is LuCI's own."""
        if self.field(option).locator("select:not([multiple])").count():
            self.show_tab(option)
            self.input(option).select_option(value)
        else:
            self.page.evaluate(
                """([selector, value]) => {
                    const node = document.querySelector(selector + ' .cbi-dropdown');

                    L.dom.callClassMethod(node, 'setValue', value);
                    node.dispatchEvent(new CustomEvent('widget-change', { bubbles: true }));
                }""",
                [self.cbid(option), value],
            )

    def tick(self, option, on=True):
        self.show_tab(option)
        box = self.field(option).locator("input[type=checkbox]")
        if box.is_checked() != on:
            # A theme may paint over it.
            box.dispatch_event("click")

    def add(self, option, text):
        """Adds a value to a list, as Enter does."""
        self.show_tab(option)
        field = self.field(option).locator(".add-item input:not([type=hidden])")
        field.press_sequentially(text)
        field.press("Enter")
        self.leave()

    def visible(self, option):
        """Whether an option is there and not hidden by what it depends on."""
        found = self.field(option)
        return found.count() == 1 and "hidden" not in (found.get_attribute("class") or "").split()

    def complaint(self, option):
        """What is said of a wrong value, or None."""
        found = self.field(option).locator("[data-tooltip]")
        return found.first.get_attribute("data-tooltip") if found.count() else None

    def save(self):
        """Presses Save: True where the form was taken."""
        return self.page.evaluate(
            "() => window.shown.map.save(null, true).then(() => true, error => String(error))"
        )

    def text(self, selector="#view"):
        # As it is written: a theme may show it in capitals.
        return self.page.text_content(selector)

    def say(self, texts):
        """Texts of the helper's as the pages write them."""
        return self.page.evaluate(
            "texts => L.require('softwire.findings').then(findings => texts.map(text => findings.say(text)))",
            texts,
        )
