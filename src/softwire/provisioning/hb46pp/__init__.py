# SPDX-License-Identifier: Apache-2.0
"""HB46PP, the national provisioning protocol of Japan (v6mig-prov 1.1): a server tells what the operator has to offer.

This is what the resident client loads; the questions are asked in a process of their own (ask.py).
"""

import random

from softwire import __version__, config, errand
from softwire.address import contains, format_ipv6, format_prefix, parse_ipv4, parse_ipv6
from softwire.errors import ProvisioningError
from softwire.provisioning import _offers
from softwire.tunnel import Tunnel, inner_mtu

# Section 3.6: seconds until it is asked again where the answer has no ttl.
NO_TTL = 72000, 86400
# A server that says 0 is not asked without pause, and a silent tunnel alone makes nobody ask more often than this.
SHORTEST, SILENT_PAUSE = 600, 1800
# What is built or handed on, in the order of the specification, and what belongs to MAP.
TECHNOLOGIES = "464xlat", "dslite", "ipip", "lw4o6", "map_e", "map_t"
MAP = "hubspoke", "mesh"
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _word(most, more):
    def check(value):
        if not 0 < len(value) <= most or [char for char in value if char not in LETTERS + more]:
            raise ValueError("1 to {} letters, digits and '{}' would be right".format(most, more))
        return value

    return check


_credential = _word(32, "-_")
_code = _word(24, "_")


def vendorid(value):
    """Six hexadecimal digits in lower case, perhaps a hyphen and a word."""
    digits, hyphen, word = value.partition("-")
    if len(digits) != 6 or [char for char in digits if char not in LETTERS[:16]]:
        raise ValueError("such as '00005e' or '00005e-router' would be right")
    if hyphen:
        _code(word)
    return value


class Method(_offers.Method):
    """The server's answer, and when it is to be asked for again."""

    options: tuple = (
        ("user_name", _credential, None),
        ("password", _credential, None),
        ("server_name", config.name, None),
        ("persist", config.flag, False),
        ("vendorid", vendorid, None),
        ("product", _credential, "softwire"),
    )
    secrets = ("password",)

    def __init__(self, config, interface=""):
        super().__init__(config, interface)
        if (config["user_name"] is None) != (config["password"] is None):
            missing = "password" if config["password"] is None else "user_name"
            raise ProvisioningError(
                "BAD_CONFIG",
                "option {} is missing: both user_name and password, or none, would be right".format(missing),
            )
        self.data = None  # what the server told last
        self.fetched = 0.0  # when
        self.again = 0.0  # when it wants to be asked again
        self.names_due = 0.0  # when a name's address is to be asked for again, before that; else 0
        self.skipped: list = []
        self.dry = False  # whether nothing shall be remembered

    def endpoint(self, line, held):
        """The one that the server told stays while it lies in a prefix that does."""
        prefix, length = line.delegated_prefix(held and held.local)
        return held.local if held and contains(prefix, length, held.local) else super().endpoint(line, held)

    def needs(self, line):
        """Nothing else."""

    def servers(self, line):
        """They are found out."""
        return []

    def drop(self):
        """The next line has other data."""
        self.data = None

    def errand(self, question, tell):
        """See softwire.provisioning."""
        from softwire.provisioning.hb46pp.ask import ask

        able = [name for name in TECHNOLOGIES if not _offers.missing(name)]
        question["capability"] = ",".join(able + (list(MAP) if "map" in able[-1] else []))
        if self.config["user_name"]:
            question["user"], question["pass"] = self.config["user_name"], self.config["password"]
            question["server_name"] = self.config["server_name"]
        return ask(question, tell)

    def provision(self, line, source):
        """See softwire.provisioning."""
        self.data = None  # of what is held, and nothing is
        return self.choose(line, source, None, self.fetch(line, source))

    def refresh(self, line, source, held):
        """Where only a name's lifetime is over, or the tunnel is silent, the server's answer stays as it is."""
        now = self.clock()
        due = self.names_due and now >= self.names_due - 1
        quiet = self.silent and now < self.fetched + SILENT_PAUSE
        if self.data is None or now >= self.again - 1 or not (due or quiet):
            self.fetch(line, source)
        return self.choose(line, source, held, self.data)

    def probe(self, line, source):
        """See softwire.provisioning."""
        self.dry = True
        return self.provision(line, source)

    def question(self, line, source, token):
        """What ask.py wants to know."""
        vendor = (line.mac or "00:00:00").replace(":", "").replace("-", "")[:6].lower() + "-softwire"
        return {
            "resolvers": line.dns,
            "source": format_ipv6(source),
            "device": line.device,
            "vendorid": self.config["vendorid"] or vendor,
            "product": self.config["product"],
            "version": __version__.replace(".", "_"),
            "prefixes": [format_prefix(*item[:2]) for item in line.prefixes if item[2] > 0],
            "token": token,
        }

    def fetch(self, line, source):
        """The server's answer, or the last good one of this prefix where nobody answers and nothing is held."""
        prefix = format_prefix(*line.delegated_prefix(source))
        kept = self.known()
        try:
            data = errand.run(self, self.question(line, source, kept.get("token")))
        except ProvisioningError as error:
            if error.ended:
                self.remember({"token": kept.get("token")})
            if error.ended or self.data is not None or kept.get("prefix") != prefix:
                raise
            self.log("{}; the softwire is built from what the server told before".format(error))
            self.again = self.clock() + (error.retry_after or SHORTEST)
            self.data = kept["data"]
            return self.data
        self.fetched = self.clock()
        lifetime = random.uniform(*NO_TTL) if data["ttl"] is None else max(SHORTEST, data["ttl"])
        self.again = self.fetched + lifetime
        told = {"token": data.pop("token") or kept.get("token")}
        if data["offers"]:
            told.update({"prefix": prefix, "data": data})
        self.remember(told)
        self.data = data
        return data

    def remember(self, content):
        """In RAM; with option persist on flash, too; only what differs."""
        for lasting in (False, True) if self.config["persist"] else (False,):
            if not self.dry and self.kept(lasting) != content:
                self.keep(content, lasting)

    def known(self):
        """What was remembered in RAM, else on flash; a dict."""
        found = self.kept() or (self.kept(True) if self.config["persist"] else None)
        return found or {}

    def choose(self, line, source, held, data):
        """The first of the offers, in the order of the server, that this router and line can use -> Tunnel."""
        told = {"server": data["server"]}
        for name in ("resolver", "names", "order", "auth", "ttl"):
            told[name] = data[name]
        skipped = [list(item) for item in data["left"]]
        passing = None
        tunnel = used = None
        self.names_due = 0.0
        for used, parameters in data["offers"]:
            self.answer = {}
            if used not in TECHNOLOGIES:  # another version remembered it
                continue
            try:
                tunnel = self.build(used, line, source, held, parameters)
                break
            except ProvisioningError as error:
                skipped.append([used, str(error)])
                passing = passing or (error if error.code == "NAME_UNRESOLVED" else None)
        told.update({"skipped": skipped, "used": used if tunnel else None})
        for name in ("aftr", "addresses", "lifetime"):
            if name in self.answer:
                told[name] = self.answer[name]
        self.answer = told
        if skipped != self.skipped:
            self.skipped = skipped
            for name, why in skipped:
                self.log("HB46PP: {} is left out: {}".format(name, why))
        left = max(1, self.again - self.clock())
        if tunnel is None:
            if passing:
                raise ProvisioningError(passing.code, passing.text, random.uniform(60, 600))
            if data["offers"]:
                left = min(left, random.uniform(600, 1800))
            raise ProvisioningError("NOTHING_OFFERED", _why_nothing(data, skipped), left, not data["offers"])
        if tunnel.refresh and tunnel.refresh < left:
            self.names_due = self.clock() + tunnel.refresh
        else:
            tunnel.refresh = left
        return tunnel

    def _ipip(self, line, source, held, tunnels):
        for local, remote, inner in tunnels:
            address = parse_ipv6(local)
            inside = [
                item
                for item in line.prefixes + line.onlink
                if item[2] > 0 and item[1] <= 64 and contains(item[0], item[1], address)
            ]
            if inside:
                text, _, length = inner.partition("/")
                ipv4 = parse_ipv4(text)
                # Of a block that is told by its own address the first host is ours; all of it comes through the tunnel.
                if int(length) < 31 and not ipv4 & 0xFFFFFFFF >> int(length):
                    ipv4 |= 1
                mtu, ttl = inner_mtu(self.config, line), self.config["ttl"]
                return Tunnel(address, parse_ipv6(remote), [(ipv4, 32)], mtu, ttl)
        raise ProvisioningError(
            "BAD_ANSWER",
            "ipv6_local {}: an address in a prefix of this line would be right".format(tunnels[0][0]),
        )


def _why_nothing(data, skipped):
    if data["auth"] == "req":
        return "{} wants user_name and password".format(data["server"])
    if data["auth"] == "bad":
        return "{} rejected user_name and password".format(data["server"])
    if not skipped:
        return "{} has nothing for this line".format(data["server"])
    return "{} has nothing that this router can use: {}".format(
        data["server"], "; ".join(["{}: {}".format(*item) for item in skipped])
    )
