# SPDX-License-Identifier: Apache-2.0
"""What the router of these tests has: configurations as rpcd gives them, and the answers of ubus' objects."""

CONFIGS = {
    "network": {
        "loopback": {".type": "interface", "device": "lo", "proto": "static"},
        "lan": {".type": "interface", "device": "br-lan", "proto": "static", "ipaddr": "192.168.1.1/24"},
        "wan6": {".type": "interface", "device": "eth1", "proto": "flets"},
        "wan": {
            ".type": "interface",
            "proto": "softwire",
            "tunlink": "wan6",
            "provisioning": "softbank",
            "auth_server": ["2001:db8:1812::1"],
            "shared_secret": "the shared secret",
            "password": "the password",
        },
    },
    "firewall": {
        "cfg02dc81": {".type": "zone", "name": "lan", "network": ["lan"]},
        "cfg03dc81": {
            ".type": "zone",
            "name": "wan",
            "network": ["wan", "wan6"],
            "masq": "1",
            "mtu_fix": "1",
        },
    },
    "luci": {"main": {".type": "core", "lang": "auto"}},
}

HANDLERS = {
    "static": {"no_device": False},
    "flets": {"no_device": False},
    "flets_voip": {"no_device": False},
    "softwire": {"no_device": True},
}

DUMP = [
    {"interface": "loopback", "up": True, "proto": "static", "l3_device": "lo", "device": "lo"},
    {"interface": "lan", "up": True, "proto": "static", "l3_device": "br-lan", "device": "br-lan"},
    {"interface": "wan6", "up": True, "proto": "flets", "l3_device": "eth1", "device": "eth1"},
    {
        "interface": "wan",
        "up": False,
        "proto": "softwire",
        "errors": [{"subsystem": "softwire", "code": "NO_ANSWER"}],
    },
]


def objects():
    """{object: {method: function of the message}}; what LuCI's own modules ask, nearly empty."""
    return {
        "network.interface": {"dump": lambda message: {"interface": DUMP}},
        "network": {"get_proto_handlers": lambda message: HANDLERS},
        "luci": {"getFeatures": lambda message: {}},
        "luci-rpc": {
            "getBoardJSON": lambda message: {},
            "getNetworkDevices": lambda message: {},
            "getWirelessDevices": lambda message: {},
            "getHostHints": lambda message: {},
        },
        "file": {"list": lambda message: {"entries": []}},
    }
