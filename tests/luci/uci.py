# SPDX-License-Identifier: Apache-2.0
"""rpcd's object `uci`: configurations, changes that a session holds back, apply with a rollback to be confirmed."""

import copy
import threading


class Uci:
    """configs: {config: {section: {".type": ..., option: value}}}, in order."""

    INVALID, NOT_FOUND, NO_DATA = 2, 4, 5

    def __init__(self, configs):
        self.committed = self._named(configs)
        self.staged = copy.deepcopy(self.committed)
        self.before = None
        self.timer = None
        self.anonymous = 0
        self.lock = threading.RLock()

    @staticmethod
    def _named(configs):
        made = copy.deepcopy(configs)
        for sections in made.values():
            for number, (name, section) in enumerate(sections.items()):
                anonymous = name.startswith("cfg")
                section.update({".name": name, ".index": number, ".anonymous": anonymous})
        return made

    def call(self, method, message):
        """(ubus' status, the answer or None)."""
        with self.lock:
            return getattr(self, "_" + method, lambda message: (3, None))(message)

    def _sections(self, message):
        return self.staged.get(message.get("config"))

    def _get(self, message):
        sections = self._sections(message)
        if sections is None:
            return self.NOT_FOUND, None
        if "section" not in message:
            return 0, {"values": copy.deepcopy(sections)}
        section = sections.get(message["section"])
        if section is None:
            return self.NOT_FOUND, None
        if "option" in message:
            found = section.get(message["option"])
            return (0, {"value": found}) if found is not None else (self.NOT_FOUND, None)
        return 0, {"values": copy.deepcopy(section)}

    def _matching(self, message):
        """The sections that a message means: one by name, or all of a type that match."""
        sections = self._sections(message)
        if sections is None:
            return []
        if "section" in message:
            return [sections[message["section"]]] if message["section"] in sections else []
        wanted = message.get("match") or {}
        return [
            section
            for section in sections.values()
            if section[".type"] == message.get("type")
            and all(section.get(name) == value for name, value in wanted.items())
        ]

    def _set(self, message):
        found = self._matching(message)
        if not found:
            return self.NOT_FOUND, None
        for name, value in (message.get("values") or {}).items():
            if not isinstance(value, (str, list)):
                return self.INVALID, None
            for section in found:
                section[name] = value
        return 0, None

    def _add(self, message):
        sections = self._sections(message)
        if sections is None or not message.get("type"):
            return self.INVALID, None
        self.anonymous += 1
        name = message.get("name") or f"cfg{self.anonymous:02x}abcd"
        sections[name] = {
            ".name": name,
            ".type": message["type"],
            ".anonymous": "name" not in message,
            ".index": len(sections),
            **(message.get("values") or {}),
        }
        return 0, {"section": name}

    def _delete(self, message):
        found = self._matching(message)
        if not found:
            return self.NOT_FOUND, None
        for section in found:
            for name in message.get("options") or ():
                section.pop(name, None)
            if message.get("option"):
                section.pop(message["option"], None)
            elif message.get("options") is None:
                del self.staged[message["config"]][section[".name"]]
        return 0, None

    def _changes(self, message):
        changed = [name for name in self.staged if self.staged[name] != self.committed[name]]
        return 0, {"changes": {name: [["set", name]] for name in changed}}

    def _revert(self, message):
        self.staged[message["config"]] = copy.deepcopy(self.committed[message["config"]])
        return 0, None

    # Apply

    def _apply(self, message):
        if self.staged == self.committed:
            return self.NO_DATA, None
        if message.get("rollback"):
            self.before = self.committed
            self.timer = threading.Timer(message.get("timeout", 90), self._roll_back)
            self.timer.daemon = True
            self.timer.start()
        self.committed = copy.deepcopy(self.staged)
        return 0, None

    def _roll_back(self):
        with self.lock:
            if self.before is not None:
                self.committed, self.before = self.before, None
                self.staged = copy.deepcopy(self.committed)

    def _confirm(self, message):
        if self.before is None:
            return self.NO_DATA, None
        self.timer.cancel()
        self.before = None
        return 0, None

    def of(self, config, section):
        """The options of a section as they are in force."""
        found = self.committed[config].get(section) or {}
        return {name: value for name, value in found.items() if not name.startswith(".")}
