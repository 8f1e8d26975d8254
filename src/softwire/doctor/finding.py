# SPDX-License-Identifier: Apache-2.0
"""What a step of the doctor's says, what to do about each ProvisioningError, and what the steps learned so far."""

from softwire import provisioning

OK, NOTE, WRONG, SKIPPED = "ok", "note", "wrong", "not tried"

# What to do about a ProvisioningError; {wan} and {wan6} are the softwire's and the tunlink's names.
ADVICE = {
    "NETIFD_SILENT": "wait a moment and try again; '/etc/init.d/network restart' if it stays so",
    "BAD_CONFIG": "correct it in /etc/config/network, then '/etc/init.d/network reload; ifup {wan}'",
    "NO_MD5": "install micropython-mbedtls (instead of micropython-nossl), or python3-light",
    "NO_PREFIX": "ask the operator whether prefix delegation belongs to the contract; is a home gateway before this "
    "router?",
    "ONLY_ONLINK_PREFIX": "ask the operator for prefix delegation (NTT: a telephone contract brings it); with a "
    "home gateway before this router, let it delegate; option ip6prefix if you know a prefix that is yours",
    "PREFIX_TOO_LONG": "a router before this one keeps too much: let it delegate a /60 or /56, or connect to the ONU",
    "NO_ENDPOINT": "'ifup {wan}'; 'logread -e netifd' has the reason if it stays away",
    "NO_ANSWER": "check auth_server and auth_port; the server answers only from the operator's own lines; otherwise "
    "wait: the client asks again by itself",
    "SECRET_MISMATCH": "correct option shared_secret of interface {wan}",
    "AUTH_REJECTED": "check password, line_type and mac of interface {wan}, and whether the line is this operator's",
    "MISSING_PACKAGE": "install the package that it names, then 'ifup {wan}'",
    "BAD_ANSWER": "tell the operator; 'softwire probe {wan}' shows the whole answer",
    "HANDED_ON_DOWN": "'logread -e {wan}' has its reason; '/etc/init.d/network restart' if its package is new; stock "
    "DHCPv6 must not carry the same: options iface_map and iface_464xlat of interface {wan6} are 0 then",
}


class Finding:
    """What one look found: status, stable code (None where ok), text, how it knows (seen), what to do (advice)."""

    def __init__(self, status, text, code=None, seen="", advice=""):
        self.status, self.text, self.code, self.seen, self.advice = status, text, code, seen, advice


def ok(text):
    return Finding(OK, text)


def note(code, text, seen="", advice=""):
    """It works, or may work, but not as it should."""
    return Finding(NOTE, text, code, seen, advice)


def wrong(code, text, seen="", advice=""):
    return Finding(WRONG, text, code, seen, advice)


def uci_network(command):
    """An advice to change /etc/config/network by one command of uci's; what the handler declares is set up anew."""
    return "'uci {}; uci commit network; /etc/init.d/network reload'".format(command)


class Case:
    """What the steps learned so far of one softwire."""

    def __init__(self, interface, router, host=None):
        self.interface = interface
        self.router = router
        self.host = host
        self.network = router.network
        self.up = False
        self.waits = False  # for a packet, before it asks for an address
        self.own: dict = {}
        self.line = None
        self.tunnel: dict = {}
        self.device = ""
        self.told: list = []
        self.advertisement = None
        self.reached = ""  # how the border router was seen to answer
        self.resolver = ""  # what a resolver, or the host given, was seen to do

    def learn(self, status):
        """What netifd and the client say of the softwire now."""
        self.own = status
        self.up = bool(status.get("up"))
        self.state = self.router.state(self.interface)
        self.tunnel = self.state.get("tunnel") or {}
        self.waits = self.up and bool(self.tunnel) and not self.tunnel.get("ipaddr")

    def advice(self, code):
        known = None
        method = getattr(self, "method", None)
        if method:  # it knows more of its own
            known = provisioning.explain(method.config["provisioning"]).advice.get(code)
        return self.named(known or ADVICE.get(code) or "")

    def named(self, advice):
        """An advice with the names of this case's interfaces in it."""
        return advice.format(wan=self.interface, wan6=self.tunlink)

    def failure(self, error):
        """A ProvisioningError as a finding."""
        return wrong(error.code, error.text, advice=self.advice(error.code))

    @property
    def tunlink(self):
        return str((getattr(self, "options", None) or {}).get("tunlink") or "wan6")

    def counters(self):
        """Packets received and sent, and what could not be sent, on the softwire's device so far."""
        folder = "/sys/class/net/{}/statistics/".format(self.device)
        names = "rx_packets", "tx_packets", "tx_errors"
        return [int(self.router.read(folder + name) or 0) for name in names]
