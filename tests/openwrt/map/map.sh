#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# proto map, as far as a MAP-E softwire needs it, with the options that the stock handler of OpenWrt declares. It leaves
# what netifd gave it in /tmp/map-<interface>.given, and refuses what the stock one would silently do without.

. /lib/functions.sh
. ../netifd-proto.sh
init_proto "$@"

# `type` is not declared, and read all the same: netifd gives a dynamic interface's whole message. From `name` on they
# are netifd's own.
KNOWN=" rule ipaddr ip4prefixlen ip6prefix ip6prefixlen peeraddr ealen psidlen psid offset legacymap tunlink mtu"
KNOWN="$KNOWN ttl zone encaplimit type name proto defaultroute metric ip4table "

proto_map_init_config() {
	# shellcheck disable=SC2034 # netifd-proto.sh reads them
	no_device=1 available=1

	proto_config_add_string rule
	proto_config_add_string ipaddr
	proto_config_add_int ip4prefixlen
	proto_config_add_string ip6prefix
	proto_config_add_int ip6prefixlen
	proto_config_add_string peeraddr
	proto_config_add_int ealen
	proto_config_add_int psidlen
	proto_config_add_int psid
	proto_config_add_int offset
	proto_config_add_boolean legacymap
	proto_config_add_string tunlink
	proto_config_add_int mtu
	proto_config_add_int ttl
	proto_config_add_string zone
	proto_config_add_string encaplimit
}

proto_map_refuse() {
	proto_notify_error "$@"
	proto_block_restart "$1"
}

proto_map_setup() {
	local interface="$1" given words word
	local type rule legacymap mtu ttl tunlink zone encaplimit

	# shellcheck disable=SC2154 # netifd-proto.sh has it
	echo "$data" > "/tmp/map-$interface.given"
	json_get_keys given
	for word in $given; do
		case "$KNOWN" in
			*" $word "*) ;;
			*)
				proto_map_refuse "$interface" UNKNOWN_OPTION "$word"
				return
			;;
		esac
	done
	json_get_vars type rule legacymap mtu ttl tunlink zone encaplimit
	( proto_add_host_dependency "$interface" "::" "$tunlink" )
	[ "$type" = map-e ] || {
		proto_map_refuse "$interface" UNSUPPORTED_TYPE
		return
	}
	# shellcheck disable=SC2086 # a rule is a word
	words="$(LEGACY="$legacymap" mapcalc "$tunlink" $rule)" || {
		[ "$?" = 1 ] && word=INVALID_MAP_RULE || word=NO_MATCHING_PD
		proto_map_refuse "$interface" "$word"
		return
	}
	# shellcheck disable=SC2086 # IPv4 address, local and remote end
	set -- $words

	proto_init_update "map-$interface" 1
	proto_add_ipv4_address "$1" "" "" ""
	proto_add_tunnel
	json_add_string mode ipip6
	json_add_int mtu "${mtu:-1280}"
	json_add_int ttl "${ttl:-64}"
	json_add_string local "$2"
	json_add_string remote "$3"
	json_add_string link "$tunlink"
	json_add_object data
	[ -z "$encaplimit" ] || json_add_string encaplimit "$encaplimit"
	json_close_object
	proto_close_tunnel
	proto_add_ipv4_route 0.0.0.0 0
	proto_add_data
	[ "${zone:--}" = - ] || json_add_string zone "$zone"
	proto_close_data
	proto_send_update "$interface"

	ubus call network add_dynamic "{ \"name\": \"${interface}_\", \"ifname\": \"@$tunlink\", \"proto\": \"static\",
		\"ip6addr\": [ \"$2\" ] }"
}

proto_map_teardown() {
	/sbin/ifdown "${1}_"
	rm -f "/tmp/map-$1.given"
}

add_protocol map
