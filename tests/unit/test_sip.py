# SPDX-License-Identifier: Apache-2.0
"""`softwire sip`: from netifd's status and the lease to a telephone's configuration; golden texts of both forms."""

import unittest

from softwire import sip, state
from softwire.errors import ProvisioningError

# What Kea told the lab's router: 201, 202, 203, 204.
OPT125 = (
    "000000d232c906525400123401ca0a30333132333435363738cb0a30333132333435363739"
    "cc10086e74742d65617374026e65026a7000"
)
LEASE = {"sipsrv": "192.0.2.129", "opt125": OPT125, "refused": ""}
SIDE = {
    "up": True,
    "l3_device": "eth1",
    "ipv4-address": [{"address": "192.0.2.6", "mask": 30}],
}
# Option 17 with another number and domain.
PASSTHRU = "0011001d000000d200ca000330333000cc000e0461616161036262620364646400"
LINE = {"up": True, "l3_device": "eth1"}

BARESIP = """# softwire sip wan6 --format baresip, for ~/.baresip/accounts
# what follows 'config:' is for ~/.baresip/config
# config: sip_listen 192.0.2.6:5060
# config: net_interface eth1
# to call: /dial <number>; where the line answers 400: /dial sip:<number>@192.0.2.129
# a line that refuses rport (RFC 3581) still answers 400: baresip always sends it, Asterisk need not
<sip:0312345678@ntt-east.ne.jp;transport=udp>;outbound1="sip:192.0.2.129";regint=3600
# additional numbers
# <sip:0312345679@ntt-east.ne.jp;transport=udp>;outbound1="sip:192.0.2.129";regint=3600"""

PJSIP = """; softwire sip wan6 --format pjsip, for Asterisk's pjsip.conf
; where the line answers 400 to calls: 'contact = sip:ntt-east.ne.jp' in the aor, and in the endpoint
; 'outbound_proxy = sip:192.0.2.129\\;lr'
; additional number 0312345679

[system]
type = system
disable_rport = yes

[flets-transport]
type = transport
protocol = udp
bind = 192.0.2.6:5060

[flets]
type = registration
transport = flets-transport
outbound_proxy = sip:192.0.2.129\\;lr
server_uri = sip:ntt-east.ne.jp
client_uri = sip:0312345678@ntt-east.ne.jp
contact_user = 0312345678

[flets]
type = aor
contact = sip:192.0.2.129

[flets]
type = endpoint
transport = flets-transport
aors = flets
context = from-flets
disallow = all
allow = ulaw
from_user = 0312345678
from_domain = ntt-east.ne.jp
rtp_symmetric = no
force_rport = no
rewrite_contact = no
direct_media = no

[flets]
type = identify
endpoint = flets
match = 192.0.2.129"""

TEXT = """wan6: telephone
  numbers    0312345678, 0312345679
  domain     ntt-east.ne.jp
  registrar  192.0.2.129
  address    192.0.2.6 on eth1
  password   none, the network knows the line"""


def telephone(lease=None, side=None, line=None):
    """The Telephone of these statuses; a status that is False does not exist."""
    statuses = {
        "wan6": LINE if line is None else line,
        "wan6_voip": SIDE if side is None else side,
    }

    def status_of(name):
        return statuses[name] or None

    def read(path):
        return (LEASE if lease is None else lease) if path == state.RUN_DIR + "/wan6_voip.sip" else None

    return sip.find("wan6", status_of, read)


class FormTest(unittest.TestCase):
    def test_golden(self):
        found = telephone()
        found.check()
        self.assertEqual(sip.baresip(found), BARESIP)
        self.assertEqual(sip.pjsip(found), PJSIP)
        self.assertEqual(sip.text(found), TEXT)

    def test_three_servers(self):
        found = telephone({"opt120": "01c0000281c0000282c0000283", "opt125": OPT125})
        self.assertTrue(
            'outbound1="sip:192.0.2.129";outbound2="sip:192.0.2.130";regint' in sip.baresip(found)
        )
        self.assertTrue(
            sip.pjsip(found).endswith("match = 192.0.2.129\nmatch = 192.0.2.130\nmatch = 192.0.2.131")
        )

    def test_json(self):
        self.assertEqual(
            sip.describe(telephone()),
            {
                "interface": "wan6",
                "up": True,
                "device": "eth1",
                "addresses": ["192.0.2.6/30"],
                "local": "192.0.2.6",
                "numbers": ["0312345678", "0312345679"],
                "domain": "ntt-east.ne.jp",
                "registrars": ["192.0.2.129"],
                "problems": [],
            },
        )


class SourceTest(unittest.TestCase):
    def test_dhcpv4_counts_before_dhcpv6(self):
        found = telephone(line={"up": True, "data": {"passthru": PASSTHRU}})
        self.assertEqual((found.numbers[0], found.domain), ("0312345678", "ntt-east.ne.jp"))

    def test_dhcpv6_fills_what_dhcpv4_lacks(self):
        found = telephone({"sipsrv": "192.0.2.129"}, line={"up": True, "data": {"passthru": PASSTHRU}})
        self.assertEqual((found.numbers, found.domain, found.problems), (["030"], "aaaa.bbb.ddd", []))
        found.check()

    def test_names(self):
        found = telephone({"sipsrv": "sip.example.net sip2.example.net", "opt125": OPT125})
        self.assertEqual(found.registrars, ["sip.example.net", "sip2.example.net"])
        found = telephone({"opt120": "00" + "03736970076578616d706c65036e657400", "opt125": OPT125})
        self.assertEqual(found.registrars, ["sip.example.net"])


class BadInputTest(unittest.TestCase):
    def missing(self, found, code, word):
        try:
            found.check()
        except ProvisioningError as error:
            self.assertEqual(error.code, code)
            self.assertTrue(word in error.text, error.text)
            return
        self.assertTrue(False, "nothing is missing")

    def test_garbage(self):
        for lease, problem in (
            ({"opt120": "0", "opt125": OPT125}, "option 120: "),
            ({"opt120": "01c0", "opt125": OPT125}, "option 120: "),
            ({"opt120": "05", "opt125": OPT125}, "option 120: "),
            ({"opt120": 7, "opt125": OPT125}, "option 120: "),
            ({"sipsrv": 'sip.example.net;auth_user="x"', "opt125": OPT125}, "option 120: "),
            ({"sipsrv": "a\n[b]", "opt125": OPT125}, "option 120: "),
        ):
            found = telephone(lease)
            self.assertEqual(
                [text for text in found.problems if text.startswith(problem)][:1], found.problems
            )
            if not found.registrars:
                self.missing(found, "NO_SIP_DATA", "option 120")
        for opt125 in ("0", "zz", "000000d2", "000000d2ff00", 5, "ff"):
            found = telephone({"sipsrv": "192.0.2.129", "opt125": opt125})
            self.assertEqual([text[:11] for text in found.problems], ["option 125:"])
            self.missing(found, "NO_SIP_DATA", "telephone number")

    def test_another_enterprise(self):
        found = telephone({"sipsrv": "192.0.2.129", "opt125": "000000d303c9010a"})
        self.assertEqual(found.problems, [])
        self.missing(found, "NO_SIP_DATA", "telephone number")

    def test_values_that_would_be_more_than_themselves(self):
        # 202 '03#1*', 204 'a;b' as a label: neither gets into a URI or a configuration.
        found = telephone({"sipsrv": "192.0.2.129", "opt125": "000000d20eca053033233" + "12acc0503613b6200"})
        self.assertEqual((found.numbers, found.domain), ([], None))
        self.assertEqual(len(found.problems), 2)
        self.missing(found, "NO_SIP_DATA", "telephone number")

    def test_refused_routes_are_told(self):
        found = telephone({"sipsrv": "192.0.2.129", "opt125": OPT125, "refused": "0.0.0.0/0"})
        self.assertEqual(found.problems, ["option 121: route 0.0.0.0/0 refused"])
        found.check()

    def test_no_lease(self):
        self.missing(
            telephone({}, {"up": False, "device": "eth1"}), "NO_SIP_LEASE", "no DHCPv4 answer yet on eth1"
        )
        told = {"code": "NO_SIP_LEASE", "data": ["nobody there"]}
        self.missing(
            telephone({}, {"up": False, "errors": [{"code": "X"}, told]}), "NO_SIP_LEASE", "nobody there"
        )

    def test_no_file(self):
        self.missing(telephone({}), "NO_SIP_DATA", "telephone number")

    def test_nothing_to_ask(self):
        for side, line, code in (
            (False, None, "VOIP_OFF"),
            (False, {"up": False}, "NO_LINE"),
            (None, False, "NO_LINE"),
        ):
            try:
                telephone(side=side, line=line)
                self.assertTrue(False, code)
            except ProvisioningError as error:
                self.assertEqual(error.code, code)


if __name__ == "__main__":
    unittest.main()
