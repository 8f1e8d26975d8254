# SPDX-License-Identifier: Apache-2.0
"""jshn.sh and netifd-proto.sh under dash and busybox ash: text written, text read, what handlers declare
and send."""

import json

from openwrt_root import ROOT

JSHN = '. "$ROOT/usr/share/libubox/jshn.sh"\n'
# the calls of a handler, with `ubus` printing what it is told
PROTO = f"NETIFD_MAIN_DIR={ROOT}/lib/netifd\n"
SOURCE = "\n".join(
    line
    for line in (ROOT / "lib/netifd/netifd-proto.sh").read_text().splitlines()
    if not line.startswith(". /usr/share")
)
HANDLER = JSHN + PROTO + SOURCE + '\nubus() { while [ "$1" != notify_proto ]; do shift; done; echo "$2"; }\n'


def test_write(shell):
    script = (
        JSHN
        + r"""
json_init
json_add_int action 0
json_add_boolean link-up 1
json_add_object tunnel
json_add_string mode ipip6
json_add_object data
json_close_object
json_close_object
json_add_array dns
json_add_string "" 'a/"b"\c'
json_close_array
json_dump
"""
    )
    assert shell(script) == (
        '{ "action": 0, "link-up": true, "tunnel": { "mode": "ipip6", "data": { } }, '
        '"dns": [ "a\\/\\"b\\"\\\\c" ] }\n'
    )


def test_numbers_and_booleans_are_read_as_c_reads_them(shell):
    script = (
        JSHN + "json_init; json_add_int a 007x; json_add_int b ' -5'; json_add_int c no; "
        "json_add_boolean d true; json_add_boolean e 2; json_dump"
    )
    assert json.loads(shell(script)) == {"a": 7, "b": -5, "c": 0, "d": False, "e": True}


def test_read(shell):
    text = json.dumps(
        {
            "tunlink": "wan6",
            "mtu": 1460,
            "on": True,
            "with-dash": "it's",
            "none": None,
            "list": ["a b", {"x": 1}],
            "uni": 'é\n"end',
        }
    )
    script = (
        JSHN
        + f"""
json_load '{text.replace("'", "'" + chr(92) + "''")}'
json_get_vars tunlink mtu on missing:default
json_get_var dash with-dash
json_get_var uni uni
printf '%s|' "$tunlink" "$mtu" "$on" "$missing" "$dash" "$uni"
json_select list; json_get_var first 1; json_select 2; json_get_var x x; json_select ..; json_select ..
json_get_keys keys list
json_get_type type list
printf '%s|' "$first" "$x" "$keys" "$type"
each() {{ printf '%s=%s|' "$2" "$1"; }}
json_load '{{"servers":["one","two"]}}'
json_for_each_item each servers
json_get_values all servers
printf '%s|' "$all"
"""
    )
    assert shell(script) == "wan6|1460|1|default|it's|é\n\"end|a b|1|1 2|array|1=one|2=two|one two|"


def test_a_parse_error_changes_nothing_and_is_no_error(shell):
    script = JSHN + """json_load '{"a":"kept"}'; json_load '{"a":'; echo $?; json_get_var a a; echo "$a" """
    assert shell(script) == "0\nkept\n"


def test_load_and_dump_agree(shell):
    text = '{ "a": [ { "b": [ ] }, { }, [ 1, -2 ] ], "c": "\\t\\u0001", "d": false }'
    assert shell(JSHN + f"json_load '{text}'; json_dump") == text + "\n"


def test_update_as_netifd_gets_it(shell):
    script = (
        HANDLER
        + """
proto_init_update sw-wan 1
proto_add_ipv4_address 203.0.113.7 32
proto_add_ipv4_route 0.0.0.0 0
proto_add_ipv6_route :: 0 fe80::1 512 1800 2001:db8::/56
proto_add_ipv6_prefix 2001:db8::/56,600,900
proto_add_dns_server 2001:db8:53::1
proto_add_data
json_add_string zone wan
proto_close_data
proto_send_update wan
"""
    )
    assert json.loads(shell(script)) == {
        "action": 0,
        "ifname": "sw-wan",
        "link-up": True,
        "data": {"zone": "wan"},
        "keep": False,
        "ipaddr": [{"ipaddr": "203.0.113.7", "mask": "32"}],
        "routes": [{"target": "0.0.0.0", "netmask": "0"}],
        "routes6": [
            {
                "target": "::",
                "netmask": "0",
                "gateway": "fe80::1",
                "metric": 512,
                "valid": 1800,
                "source": "2001:db8::/56",
            }
        ],
        "ip6prefix": ["2001:db8::/56,600,900"],
        "dns": ["2001:db8:53::1"],
        "interface": "wan",
    }


def test_other_messages(shell):
    script = (
        HANDLER
        + """
_EXPORT_VAR=0
proto_export "INTERFACE=wan 6"
proto_run_command wan /usr/sbin/softwire client wan
proto_notify_error wan BAD_CONFIG "mtu 12: too small"
proto_block_restart wan
proto_kill_command wan 10
proto_add_host_dependency wan :: wan6
"""
    )
    assert [json.loads(line) for line in shell(script).splitlines()] == [
        {
            "action": 1,
            "command": ["/usr/sbin/softwire", "client", "wan"],
            "env": ["INTERFACE=wan 6"],
            "interface": "wan",
        },
        {"action": 3, "error": ["BAD_CONFIG", "mtu 12: too small"], "interface": "wan"},
        {"action": 4, "interface": "wan"},
        {"action": 2, "signal": 10, "interface": "wan"},
        {"action": 6, "host": "::", "ifname": "wan6", "interface": "wan"},
    ]


def test_dump_of_a_handler_is_the_recorded_one(shell, recorded):
    script = (
        HANDLER
        + """
proto_swp_init_config() {
	no_device=1 available=1 lasterror=1 renew_handler=1
	proto_config_add_string tunlink
	proto_config_add_string secret
	proto_config_add_defaults
}
init_proto "" dump
add_protocol swp
"""
    )
    assert shell(script).strip() == recorded("handler-dump.txt").splitlines()[0]


def test_dump_of_dhcpv6_is_the_recorded_one(shell, recorded):
    source = (ROOT / "lib/netifd/proto/dhcpv6.sh").read_text()
    body = "\n".join(line for line in source.splitlines() if not line.startswith(". "))
    output = shell(HANDLER + "set -- '' dump\n" + body)
    assert json.loads(output) == json.loads(recorded("handler-dump.txt").splitlines()[2])


def test_handler_gets_its_configuration(shell):
    script = (
        HANDLER
        + """
proto_swp_setup() { json_get_vars tunlink; echo "$1 $2 $tunlink"; }
init_proto swp setup wan '{"proto":"swp","tunlink":"wan6"}' eth1
add_protocol swp
add_protocol other
"""
    )
    assert shell(script) == "wan eth1 wan6\n"
