# SPDX-License-Identifier: Apache-2.0
"""What the resident client loads for one method: nothing of the others, and nothing that only people are shown."""

import pathlib
import subprocess
import sys

import pytest

from softwire import provisioning

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src"
SECRETS = {"auth_server": ["2001:db8::1812"], "shared_secret": "s", "password": "p"}
OPTIONS = {
    "softbank": SECRETS,
    "static": {"peeraddr": "2001:db8:b::1", "ipaddr": "192.0.2.1"},
    "dslite": {},
    "dhcp4o6": {},
    "hb46pp": {},
    "tsp": {"server": ["2001:db8::3653"]},
    "dstm": {},
    "auto": {},
}
# Whose Method is another one's, with more.
MADE_OF = {"hb46pp": {"dslite"}}
# What those methods load that may be told of other protocols.
SHARED = {"softwire.provisioning._offers": {"hb46pp"}}
# What errands alone load, or is loaded once something is handed on.
SELDOM = {
    "softwire.provisioning._mapping",
    "softwire.provisioning.auto.container",
    "softwire.handon",
    "softwire.carrier",
}
# Modules outside of provisioning/ that are there for one method alone.
OWN = {
    "softbank": {"pyrad_lite", "pyrad_lite.client", "pyrad_lite.packet"},
    "dhcp4o6": {"softwire.dhcpv4message"},
    "tsp": {"softwire.tsp"},
    "dstm": {"softwire.iadstm"},
}


def loaded(name):
    """The modules of a client that has this method, which is resident by then."""
    options = {"tunlink": "wan6", "provisioning": name, **OPTIONS[name]}
    program = (
        f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n"
        "from softwire import client, provisioning\n"
        f"provisioning.load({options!r})\n"
        "print(*sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-B", "-c", program], stdout=subprocess.PIPE, text=True, check=True
    )
    return set(told.stdout.split())


def test_every_method_is_here():
    assert set(OPTIONS) == set(provisioning.names())


@pytest.mark.parametrize("name", OPTIONS)
def test_nothing_of_other_methods(name):
    modules = loaded(name)
    assert f"softwire.provisioning.{name}" in modules and modules >= OWN.get(name, set())
    for other in set(OPTIONS) - {name} - MADE_OF.get(name, set()):
        own = {module for module in modules if module.startswith(f"softwire.provisioning.{other}")}
        assert not own | modules & OWN.get(other, set())
    shown = {"explain", "_explain", "status", "probe", "doctor", "configure", "portuse"}
    assert not [module for module in modules if shown & set(module.split(".")) and "softwire" in module]
    assert not modules & (SELDOM | {module for module in SHARED if name not in SHARED[module]})
    # For an address that is shared, once there is one.
    assert "softwire.portnat" not in modules
