#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Protocol `flets_voip`: the IPv4 side of NTT's SIP network, a dynamic interface that `proto flets` makes. Knows the
# command line of busybox's udhcpc and option 124 (RFC 3925 section 3) of enterprise 210.

RUN=/var/run/softwire

[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}

proto_flets_voip_init_config() {
	proto_config_add_string mac
	proto_config_add_string zone
	proto_config_add_string vendorid
}

proto_flets_voip_fail() {
	proto_notify_error "$@"
	proto_block_restart "$1"
}

proto_flets_voip_setup() {
	local interface="$1" device="$2"
	local mac zone vendorid

	command -v udhcpc >/dev/null || {
		proto_flets_voip_fail "$interface" MISSING_PACKAGE "udhcpc: not in this busybox"
		return
	}

	json_get_vars mac zone vendorid
	case "$mac" in
		*[!0-9A-Fa-f]*|?????????????*) mac="";;
		????????????) ;;
		*) mac="";;
	esac
	[ -n "$mac" ] || {
		proto_flets_voip_fail "$interface" BAD_CONFIG "mac: twelve hexadecimal digits; proto flets sets them"
		return
	}

	proto_export "INTERFACE=$interface"
	[ -n "$zone" ] && proto_export "ZONE=$zone"

	# Not asked for: routers (3) and resolvers (6). A client id of six octets and the broadcast flag are what the
	# network was seen to answer; -V without a word keeps udhcpc's own option 60 away, which nobody was seen to send
	# there. Four tries, then a minute's rest: a line without telephone stays quiet.
	proto_run_command "$interface" udhcpc -f -i "$device" -s /lib/netifd/flets_voip.script \
		-t 4 -T 4 -A 60 -B -V "$vendorid" -x "0x3d:$mac" -x "0x7c:000000d20706$mac" -o -O 1 -O 120 -O 121 -O 125
}

proto_flets_voip_teardown() {
	proto_kill_command "$1"
	rm -f "$RUN/$1.sip"
}

[ -n "$INCLUDE_ONLY" ] || add_protocol flets_voip
