# SPDX-License-Identifier: Apache-2.0
"""Finds out what the line offers, in a fixed order: what its DHCPv6 tells, HB46PP, then the user's login (softbank).

Of what DHCPv6 tells the line's own order counts (RFC 8026); the first that gives a softwire is used, and asked from
then on. Methods are loaded when it is their turn.
"""

from softwire import config, inform, provisioning
from softwire.config import Config
from softwire.errors import ProvisioningError

# RFC 8026 section 1.3: DHCPv6 options with what a client may do by them, in our order where the line has none.
PRIORITY = 111
OFFERS = ((96, "lw4o6"), (94, "map_e"), (95, "map_t"), (88, "dhcp4o6"), (64, "dslite"))
# odhcp6c keeps these for itself, or does not ask for them.
KEPT_BACK = (96, 94, 95, 64, PRIORITY)
# What has no method of its own (softwire46.py).
CONTAINERS = (("lw4o6", 96), ("map_e", 94), ("map_t", 95))


class Method(provisioning.Method):
    """One of the others, once it is found; what is done with it is its own business."""

    # Checked by the method that they are for, when it is its turn.
    options: tuple = (
        ("auth_server", config.text, None),
        ("shared_secret", config.text, None),
        ("user_name", config.text, None),
        ("password", config.text, None),
    )
    lists = ("auth_server",)
    secrets = ("shared_secret", "password")
    asked_for = (88,)

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        self.found = None  # the method in use
        self.name = None  # its name
        self.offered: list = []  # what DHCPv6 told when it was found
        self.told: list = []  # what DHCPv6 told last
        self.containers: dict = {}  # name: octets, of those that have no method of their own
        self.later: dict = {}  # name: (when it may be asked again, what it answered)
        self.refused: dict = {}  # what was handed on and did not come up, for those that hand on

    # What it needs of the line

    def endpoint(self, line, held):
        """See softwire.provisioning."""
        return self.found.endpoint(line, held) if self.found else super().endpoint(line, held)

    def needs(self, line):
        """What DHCPv6 tells without being asked, and what the method in use needs."""
        return line.option(88), line.option(PRIORITY), self.found and self.found.needs(line)

    # The exchange

    def method(self, name):
        """The Method of this name, with the options that are its own."""
        if name in dict(CONTAINERS):
            from softwire.provisioning.auto import softwire46

            kind = softwire46.Method
        else:
            kind = provisioning.find(name)
        options = dict(self.config.given)
        if name == "hb46pp" and self.config["auth_server"]:
            # They are for the RADIUS server: nobody else may see them.
            for option in self.secrets + ("user_name",):
                options.pop(option, None)
        method = kind(Config(options, kind), self.interface)
        method.offer = name
        return self.equip(method)

    def equip(self, method):
        """Gives it what this one was given."""
        for name in ("log", "tell", "clock", "wait", "silent", "linger", "refused"):
            setattr(method, name, getattr(self, name))
        method.container = self.containers.get(method.offer)
        return method

    def offers(self, line):
        """Names of what the line's DHCPv6 offers, the first one first."""
        try:
            found = inform.ask(line, KEPT_BACK, self.wait, self.clock)
        except OSError:
            found = None
        # A server that is silent for once has not changed its mind.
        self.told = self.told if found is None else found
        told = dict([(code, value) for code, value in reversed(line.options + self.told)])
        self.containers = dict([(name, told.get(code)) for name, code in CONTAINERS])
        names = dict(OFFERS)
        value = told.get(PRIORITY, b"")
        order = [int.from_bytes(value[at : at + 2], "big") for at in range(0, len(value) & ~1, 2)]
        order = [code for code in order + [code for code, _ in OFFERS] if code in names and code in told]
        return [names[code] for index, code in enumerate(order) if code not in order[:index]]

    def provision(self, line, source):
        """See softwire.provisioning."""
        return self.search(line, source, lambda method: method.provision(line, source))

    def probe(self, line, source):
        """See softwire.provisioning."""
        return self.search(line, source, lambda method: method.probe(line, source))

    def search(self, line, source, ask, ended=False):
        """The first softwire that one of them gives; NOTHING_FOUND says what each answered."""
        self.leave()
        offered = self.offers(line)
        tried = []
        pauses = []
        names = offered + ["hb46pp"] + (["softbank"] if self.config["auth_server"] else [])
        now = self.clock()
        if not [name for name in names if now >= self.later.get(name, (0,))[0]]:
            self.later = {}  # nobody's time has come: somebody wants to know it now
        for name in names:
            now = self.clock()
            at, text = self.later.get(name, (0, ""))
            if now < at:
                tried.append([name, text])
                pauses.append(at - now)
                continue
            if self.tell:
                self.tell("tries {}{}".format(name, ", which DHCPv6 offers" if name in offered else ""))
            try:
                method = self.method(name)
                tunnel = ask(method)
            except ProvisioningError as error:
                self.put_off(name, error)
                tried.append([name, str(error)])
                pauses.append(error.retry_after)
                continue
            self.found, self.name, self.offered = method, name, offered
            self.answer = dict(method.answer, method=name, tried=tried)
            self.log("provisioning auto: {}".format(name))
            return tunnel
        raise ProvisioningError(
            "NOTHING_FOUND",
            "; ".join(["{}: {}".format(name, text) for name, text in tried]),
            None if None in pauses else min(pauses),
            ended,
        )

    def put_off(self, name, error):
        """It wants to be left alone for a while; the others do not wait for it."""
        if error.retry_after:
            self.later[name] = self.clock() + error.retry_after, str(error)

    def refresh(self, line, source, held):
        """The one in use is asked, unless DHCPv6 offers something else now, or it has nothing any more."""
        ended = False
        if self.found and self.offers(line) == self.offered:
            tried = self.answer["tried"]
            try:
                tunnel = self.equip(self.found).refresh(line, source, held)
                self.answer = dict(self.found.answer, method=self.name, tried=tried)
                return tunnel
            except ProvisioningError as error:
                if not error.ended:
                    raise
                self.put_off(self.name, error)
                ended = True
        return self.search(line, source, lambda method: method.provision(line, source), ended)

    def errand(self, question, tell):
        """HB46PP's, or a container of DHCPv6's."""
        if "container" in question:
            from softwire.provisioning.auto.softwire46 import answer

            return answer(question)
        return self.method("hb46pp").errand(question, tell)

    # What is held

    def leave(self):
        """The method in use, if there is one, is none any more."""
        if self.found:
            self.found.drop()
        self.found = self.name = None

    def release(self, held):
        """See softwire.provisioning."""
        if self.found:
            self.equip(self.found).release(held)

    def drop(self):
        """The next line may have everything."""
        self.leave()
        self.later = {}
        self.refused.clear()

    def sockets(self):
        """See softwire.provisioning."""
        return self.found.sockets() if self.found else ()

    def heard(self, sock):
        """See softwire.provisioning."""
        self.equip(self.found).heard(sock)

    def tick(self, now):
        """See softwire.provisioning."""
        return self.equip(self.found).tick(now) if self.found else None
