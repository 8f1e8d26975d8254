#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Protocol `flets`: DHCPv6 as NTT's FLET'S network wants it. Knows the command line of odhcp6c and the
# environment of its stock dhcpv6.script, of OpenWrt 24.10 and later, and option 16 (RFC 8415 section 21.16)
# of enterprise 210.

[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}

# Names and meaning are those of protocol dhcpv6; `mac` is ours. delegate, peerdns, dns, defaultroute and
# metric need no word here: they are netifd's for every protocol. No sub-interfaces (map, dslite, 464xlat):
# that is `proto softwire`.
# shellcheck disable=SC2034 # netifd-proto.sh reads the flag
proto_flets_init_config() {
	renew_handler=1

	proto_config_add_string reqaddress
	proto_config_add_string reqprefix
	proto_config_add_string clientid
	proto_config_add_string mac
	proto_config_add_string vendorclass
	proto_config_add_string userclass
	proto_config_add_array reqopts
	proto_config_add_array sendopts
	proto_config_add_array ip6prefix
	proto_config_add_string ifaceid
	proto_config_add_string ip6ifaceid
	proto_config_add_string zone
	proto_config_add_boolean defaultreqopts
	proto_config_add_boolean norelease
	proto_config_add_boolean noclientfqdn
	proto_config_add_boolean noserverunicast
	proto_config_add_boolean noacceptreconfig
	proto_config_add_boolean forceprefix
	proto_config_add_boolean noslaaconly
	proto_config_add_boolean sourcefilter
	proto_config_add_boolean fakeroutes
	proto_config_add_boolean extendprefix
	proto_config_add_boolean keep_ra_dnslifetime
	proto_config_add_int ra_holdoff
	proto_config_add_int soltimeout
	proto_config_add_int skpriority
	proto_config_add_int verbose
	proto_config_add_boolean voip
	proto_config_add_string voip_zone
	proto_config_add_string vendorid
}

# A setup that cannot succeed must not be tried again: netifd would, several times a second.
proto_flets_fail() {
	proto_notify_error "$@"
	proto_block_restart "$1"
}

proto_flets_note() {
	logger -t flets -p "daemon.$2" "$1: $3"
}

proto_flets_append_item() {
	[ -n "$1" ] && append "$3" "$1" "$4"
}

# 24.10 has -v, later releases -l and names for -i.
proto_flets_has_log_level() {
	odhcp6c -h 2>&1 | grep -q -e "-l <level>"
}

proto_flets_is_hex() {
	case "$1" in
		""|*[!0-9A-Fa-f]*) return 1;;
	esac
	[ $((${#1} % 2)) -eq 0 ]
}

# Prints the twelve digits of a MAC address, or fails.
proto_flets_mac() {
	local digits

	digits="$(printf %s "$1" | tr -d ' :.-')"
	proto_flets_is_hex "$digits" && [ ${#digits} -eq 12 ] && [ "$digits" != 000000000000 ] && printf %s "$digits"
}

# Name of the telephone's interface, device, MAC's digits, zone, vendorid. netifd takes the same again for nothing.
proto_flets_add_voip() {
	json_init
	json_add_string name "$1"
	json_add_string proto flets_voip
	json_add_string device "$2"
	json_add_string mac "$3"
	[ -n "$4" ] && json_add_string zone "$4"
	[ -n "$5" ] && json_add_string vendorid "$5"
	# The event script sends neither; netifd would not take them either.
	json_add_boolean defaultroute 0
	json_add_boolean peerdns 0
	ubus call network add_dynamic "$(json_dump)"
}

# netifd removes it a moment later: waits, or the next setup takes the one that is going for its own.
proto_flets_remove_voip() {
	local voip="network.interface.$1" tries=50

	ubus list "$voip" >/dev/null 2>&1 || return 0
	ubus call "$voip" remove
	while [ "$tries" -gt 0 ] && ubus list "$voip" >/dev/null 2>&1; do
		tries=$((tries - 1))
	done
}

proto_flets_setup() {
	local interface="$1" device="$2"
	local reqaddress reqprefix clientid mac vendorclass userclass ifaceid ip6ifaceid zone
	local defaultreqopts norelease noclientfqdn noserverunicast noacceptreconfig forceprefix noslaaconly
	local sourcefilter fakeroutes extendprefix keep_ra_dnslifetime ra_holdoff soltimeout skpriority verbose
	local voip voip_zone vendorid
	local reqopts="" sendopts="" prefixes="" digits="" item

	command -v odhcp6c >/dev/null || {
		proto_flets_fail "$interface" MISSING_PACKAGE "odhcp6c: not installed"
		return
	}

	json_get_vars reqaddress reqprefix clientid mac vendorclass userclass ifaceid ip6ifaceid zone
	json_get_vars defaultreqopts norelease noclientfqdn noserverunicast noacceptreconfig forceprefix noslaaconly
	json_get_vars sourcefilter fakeroutes extendprefix keep_ra_dnslifetime
	json_get_vars ra_holdoff soltimeout skpriority verbose voip voip_zone vendorid
	json_for_each_item proto_flets_append_item reqopts reqopts " "
	json_for_each_item proto_flets_append_item sendopts sendopts "$N"
	json_for_each_item proto_flets_append_item ip6prefix prefixes " "

	set -- -s /lib/netifd/dhcpv6.script

	case "$reqaddress" in
		try|force|none) ;;
		"") reqaddress=none;;
		*)
			proto_flets_note "$interface" warn "reqaddress '$reqaddress' ignored: try, force or none"
			reqaddress=none
		;;
	esac
	set -- "$@" "-N$reqaddress"

	# Without -P odhcp6c is stateless, which a line that answers Information-Request only needs.
	case "$reqprefix" in
		no) ;;
		""|auto) set -- "$@" -P0;;
		*[!0-9A-Fa-f:/]*|*/*/*)
			proto_flets_note "$interface" warn "reqprefix '$reqprefix' ignored: auto, no, a length or a prefix"
			set -- "$@" -P0
		;;
		*) set -- "$@" "-P${reqprefix#/}";;
	esac

	# No -c: odhcp6c makes the DUID-LL that NTT's network insists on from the device's MAC.
	clientid="$(printf %s "$clientid" | tr -d ' :.-')"
	if proto_flets_is_hex "$clientid"; then
		case "$clientid" in
			0003*) ;;
			# Shown until the line is up: other networks may answer it.
			*)
				proto_notify_error "$interface" LINE_NOT_DUID_LL \
					"clientid $clientid: NTT answers 00030001 and a MAC alone"
			;;
		esac
		set -- "$@" "-c$clientid"
	elif [ -n "$clientid" ]; then
		proto_flets_note "$interface" warn "clientid ignored: not an even number of hexadecimal digits"
	fi

	if [ -z "$vendorclass" ] || [ "$voip" = 1 ]; then
		if [ -n "$mac" ]; then
			digits="$(proto_flets_mac "$mac")" || {
				proto_flets_fail "$interface" BAD_CONFIG "mac '$mac': a MAC address, as 00:00:5e:00:53:01"
				return
			}
		else
			digits="$(proto_flets_mac "$(cat "/sys/class/net/$device/address" 2>/dev/null)")" || {
				proto_flets_fail "$interface" NO_MAC "device $device has no MAC address: set option mac"
				return
			}
		fi
	fi
	# NTT's options, and the servers of DHCPv4 over DHCPv6.
	set -- "$@" "-V${vendorclass:-000000d20006$digits}" -r17 -r88
	for item in $reqopts; do
		case "$item" in
			17|88) ;;
			*) set -- "$@" "-r$item";;
		esac
	done

	[ "$norelease" = 0 ] || set -- "$@" -k
	[ "$defaultreqopts" = 0 ] && set -- "$@" -R
	[ "$noslaaconly" = 1 ] && set -- "$@" -S
	[ "$forceprefix" = 1 ] && set -- "$@" -F
	[ "$noserverunicast" = 1 ] && set -- "$@" -U
	[ "$noclientfqdn" = 1 ] && set -- "$@" -f
	[ "$noacceptreconfig" = 1 ] && set -- "$@" -a
	[ "$keep_ra_dnslifetime" = 1 ] && set -- "$@" -L
	[ -n "$userclass" ] && set -- "$@" "-u$userclass"
	[ -n "$ra_holdoff" ] && set -- "$@" "-m$ra_holdoff"
	[ -n "$skpriority" ] && set -- "$@" "-K$skpriority"
	case "${ip6ifaceid:=$ifaceid}" in
		"") ;;
		*:*) set -- "$@" "-i$ip6ifaceid";;
		*) proto_flets_has_log_level && set -- "$@" "-i$ip6ifaceid";;
	esac
	if [ -n "$verbose" ] && proto_flets_has_log_level; then
		set -- "$@" "-l$verbose"
	elif [ "${verbose:-0}" -gt 0 ]; then
		set -- "$@" -v
	fi
	# One option a line: values may hold spaces.
	local IFS="$N"
	for item in $sendopts; do
		set -- "$@" "-x$item"
	done
	unset IFS
	set -- "$@" "-t${soltimeout:-120}" "$device"

	proto_export "INTERFACE=$interface"
	[ "$fakeroutes" = 0 ] || proto_export FAKE_ROUTES=1
	[ "$sourcefilter" = 0 ] && proto_export NOSOURCEFILTER=1
	[ "$extendprefix" = 1 ] && proto_export EXTENDPREFIX=1
	[ -n "$prefixes" ] && proto_export "USERPREFIX=$prefixes"
	[ -n "$zone" ] && proto_export "ZONE=$zone"
	# 24.10 does not know DYNAMIC, later releases do not need the others.
	proto_export DYNAMIC=0
	proto_export IFACE_MAP=0
	proto_export IFACE_DSLITE=0
	proto_export IFACE_464XLAT=0

	proto_run_command "$interface" odhcp6c "$@"

	[ "$voip" != 1 ] || proto_flets_add_voip "${interface}_voip" "$device" "$digits" "$voip_zone" "$vendorid"
}

# The number of a signal depends on the machine; busybox's kill translates it, dash's does not.
proto_flets_renew() {
	local signal
	signal="$(kill -l USR1 2>/dev/null || /bin/kill -l USR1)"
	[ -n "$signal" ] && proto_kill_command "$1" "$signal"
}

# NTT's routers advertise a RetransTimer of 10 s, which duplicate address detection would take as well before the line
# speaks again. A new beginning has the default (RFC 4861 section 6.3.2).
proto_flets_reset_timer() {
	local timers="/proc/sys/net/ipv6/neigh"

	[ -w "$timers/$1/retrans_time_ms" ] && cat "$timers/default/retrans_time_ms" > "$timers/$1/retrans_time_ms"
}

proto_flets_teardown() {
	proto_kill_command "$1"
	proto_flets_reset_timer "$2"
	proto_flets_remove_voip "${1}_voip"
}

[ -n "$INCLUDE_ONLY" ] || add_protocol flets
