#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# proto dhcpv6: starts odhcp6c with the options that the stock handler of OpenWrt 24.10 declares
# (recorded/handler-dump.txt).

. /lib/functions.sh
. /lib/functions/network.sh
. ../netifd-proto.sh
. /lib/config/uci.sh
init_proto "$@"

proto_dhcpv6_init_config() {
	renew_handler=1

	proto_config_add_string 'reqaddress:or("try","force","none")'
	proto_config_add_string 'reqprefix:or("auto","no",range(0, 64))'
	proto_config_add_string clientid
	proto_config_add_string 'reqopts:list(uinteger)'
	proto_config_add_string 'defaultreqopts:bool' 'noslaaconly:bool' 'forceprefix:bool' 'extendprefix:bool' \
		'norelease:bool' 'noserverunicast:bool' 'noclientfqdn:bool' 'noacceptreconfig:bool'
	proto_config_add_array 'ip6prefix:list(ip6addr)'
	proto_config_add_string iface_dslite zone_dslite encaplimit_dslite iface_map zone_map encaplimit_map \
		iface_464xlat zone_464xlat zone 'ifaceid:ip6addr' userclass vendorclass
	proto_config_add_array 'sendopts:list(string)'
	proto_config_add_boolean delegate
	proto_config_add_int skpriority soltimeout
	proto_config_add_boolean fakeroutes sourcefilter keep_ra_dnslifetime
	proto_config_add_int ra_holdoff
	proto_config_add_boolean verbose
}

_dhcpv6_add_prefix() {
	append prefixes "$1"
}

_dhcpv6_add_sendopt() {
	append words "-x$1"
}

proto_dhcpv6_setup() {
	local interface="$1" device="$2" option words= prefixes=
	local reqaddress reqprefix clientid reqopts defaultreqopts noslaaconly forceprefix extendprefix norelease \
		noserverunicast noclientfqdn noacceptreconfig iface_dslite iface_map iface_464xlat zone ifaceid \
		userclass vendorclass skpriority soltimeout fakeroutes sourcefilter keep_ra_dnslifetime ra_holdoff verbose
	json_get_vars reqaddress reqprefix clientid reqopts defaultreqopts noslaaconly forceprefix extendprefix \
		norelease noserverunicast noclientfqdn noacceptreconfig iface_dslite iface_map iface_464xlat zone \
		ifaceid userclass vendorclass skpriority soltimeout fakeroutes sourcefilter keep_ra_dnslifetime \
		ra_holdoff verbose
	json_for_each_item _dhcpv6_add_prefix ip6prefix

	[ -n "$reqaddress" ] && append words "-N$reqaddress"
	case "$reqprefix" in
		no) ;;
		""|auto) append words -P0 ;;
		*) append words "-P$reqprefix" ;;
	esac
	[ -n "$clientid" ] && append words "-c$clientid"
	[ "$defaultreqopts" = 0 ] && append words -R
	[ "$noslaaconly" = 1 ] && append words -S
	[ "$forceprefix" = 1 ] && append words -F
	[ "$norelease" = 1 ] && append words -k
	[ "$noserverunicast" = 1 ] && append words -U
	[ "$noclientfqdn" = 1 ] && append words -f
	[ "$noacceptreconfig" = 1 ] && append words -a
	[ -n "$ifaceid" ] && append words "-i$ifaceid"
	[ -n "$vendorclass" ] && append words "-V$vendorclass"
	[ -n "$userclass" ] && append words "-u$userclass"
	[ "$keep_ra_dnslifetime" = 1 ] && append words -L
	[ -n "$skpriority" ] && append words "-K$skpriority"
	[ -n "$ra_holdoff" ] && append words "-m$ra_holdoff"
	[ "$verbose" = 1 ] && append words -v
	json_for_each_item _dhcpv6_add_sendopt sendopts
	for option in $reqopts; do
		append words "-r$option"
	done
	append words "-t${soltimeout:-120}"

	[ -n "$prefixes" ] && proto_export "USERPREFIX=$prefixes"
	[ -n "$iface_dslite" ] && proto_export "IFACE_DSLITE=$iface_dslite"
	[ -n "$iface_map" ] && proto_export "IFACE_MAP=$iface_map"
	[ -n "$iface_464xlat" ] && proto_export "IFACE_464XLAT=$iface_464xlat"
	[ -n "$zone" ] && proto_export "ZONE=$zone"
	[ "$fakeroutes" != 0 ] && proto_export FAKE_ROUTES=1
	[ "$sourcefilter" = 0 ] && proto_export NOSOURCEFILTER=1
	[ "$extendprefix" = 1 ] && proto_export EXTENDPREFIX=1
	proto_export "INTERFACE=$interface"
	# shellcheck disable=SC2086  # words, not one word
	proto_run_command "$interface" odhcp6c -s /lib/netifd/dhcpv6.script $words "$device"
}

proto_dhcpv6_renew() {
	# SIGUSR1
	proto_kill_command "$1" 10
}

proto_dhcpv6_teardown() {
	proto_kill_command "$1"
}

add_protocol dhcpv6
