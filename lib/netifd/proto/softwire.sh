#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Protocol `softwire`: IPv4 over an IPv6 interface. Declares the options, hands them to the client through a
# file and starts it under netifd; decisions are the client's (/usr/sbin/softwire), updates
# /lib/netifd/softwire.script's.

RUN=/var/run/softwire

[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}

# shellcheck disable=SC2034 # netifd-proto.sh reads the flags
proto_softwire_init_config() {
	no_device=1
	available=1
	lasterror=1
	renew_handler=1

	# Numbers too are strings here: netifd drops one that is wrong without a word, the client names it.
	proto_config_add_string tunlink
	proto_config_add_string provisioning
	proto_config_add_string line_type
	proto_config_add_array auth_server
	proto_config_add_string auth_port
	proto_config_add_string shared_secret
	proto_config_add_string password
	proto_config_add_string mac
	proto_config_add_string manufacturer
	proto_config_add_string software_version
	proto_config_add_string hardware_version
	proto_config_add_string interface_id
	proto_config_add_string user_name
	proto_config_add_string message_authenticator
	proto_config_add_string nas_identifier
	proto_config_add_string nas_ipv6_address
	proto_config_add_string reauth
	proto_config_add_string watch
	proto_config_add_string ip6prefix
	proto_config_add_string ip6addr
	proto_config_add_string peeraddr
	proto_config_add_string ipaddr
	proto_config_add_string psid
	proto_config_add_string psidlen
	proto_config_add_string offset
	proto_config_add_array server
	proto_config_add_string clientid
	proto_config_add_string norelease
	proto_config_add_string persist
	proto_config_add_string server_port
	proto_config_add_string allow_plain
	proto_config_add_string tls
	proto_config_add_string tls_ca
	proto_config_add_string shared
	proto_config_add_string lifetime_unit
	proto_config_add_string demand
	proto_config_add_string idle
	proto_config_add_string require_auth
	proto_config_add_string code_ia_dstm
	proto_config_add_string code_dstm_tep
	proto_config_add_string code_dstm_ports
	proto_config_add_string server_name
	proto_config_add_string vendorid
	proto_config_add_string product
	proto_config_add_string mtu
	proto_config_add_string ttl
	proto_config_add_string zone
	proto_config_add_defaults
}

# A setup that cannot succeed must not be tried again: netifd would, several times a second.
proto_softwire_fail() {
	proto_notify_error "$@"
	proto_block_restart "$1"
}

# Both names become parts of file names.
proto_softwire_is_name() {
	case "$1" in
		""|.|..|*[!A-Za-z0-9_.-]*) return 1;;
	esac
}

# The options go through a file, since netifd logs a call that it refuses with all its arguments.
proto_softwire_write_files() {
	local interface="$1" tunlink="$2"

	umask 077
	mkdir -p "$RUN" && chmod 700 "$RUN" || return
	rm -rf "$RUN/$interface.config.new" "$RUN/$interface@"* "$RUN/.$interface."* || return
	json_dump > "$RUN/$interface.config.new" || return
	mv "$RUN/$interface.config.new" "$RUN/$interface.config" || return
	# Complete at once: a writer finds both FIFOs or no folder.
	mkdir "$RUN/.$interface.new" && mkfifo -m 600 "$RUN/.$interface.new/wake" "$RUN/.$interface.new/released" &&
		mv "$RUN/.$interface.new" "$RUN/$interface@$tunlink"
}

proto_softwire_setup() {
	local interface="$1"
	local tunlink

	# The launcher's rule: bytecode is MicroPython's alone.
	command -v micropython >/dev/null ||
		{ [ ! -e /usr/lib/softwire/softwire/__main__.mpy ] && command -v python3 >/dev/null; } || {
		proto_softwire_fail "$interface" MISSING_PACKAGE "install micropython-mbedtls or python3-light"
		return
	}

	json_get_vars tunlink
	proto_softwire_is_name "$interface" || {
		proto_softwire_fail "$interface" BAD_CONFIG "interface name '$interface': letters, digits, _ . and - only"
		return
	}
	proto_softwire_is_name "$tunlink" || {
		proto_softwire_fail "$interface" BAD_CONFIG "tunlink '$tunlink': the IPv6 interface's name, such as wan6"
		return
	}

	( proto_softwire_write_files "$interface" "$tunlink" ) || {
		# netifd sets up again when its task ends: in half a minute there may be room.
		proto_notify_error "$interface" NO_RUN_DIRECTORY "$RUN: cannot be written; is /var full?"
		proto_run_command "$interface" /bin/sleep 30
		return
	}

	( proto_add_host_dependency "$interface" "::" "$tunlink" )
	proto_run_command "$interface" /usr/sbin/softwire client "$interface"
}

proto_softwire_renew() {
	local fifo

	for fifo in "$RUN/$1@"*/wake; do
		if [ -p "$fifo" ]; then echo renew 1<>"$fifo"; fi
	done
}

# A client that lives gives back what its method can give back, for which it needs the endpoint, and answers at once
# where there is nothing. It has the folder's FIFOs open, wherever that is now.
proto_softwire_release() {
	local interface="$1" folder word

	for folder in "$RUN/$interface@"*; do
		[ -d "$folder" ] || continue
		mv "$folder" "$RUN/.$interface.gone" || continue
		# Open before it is asked: a FIFO that nobody has open loses the answer of a client that ends at once.
		[ -n "$ERROR" ] || {
			echo release 1<>"$RUN/.$interface.gone/wake"
			# shellcheck disable=SC2034,SC3045 # busybox' read has it; whatever the word is
			read -r -t 2 word
		} <>"$RUN/.$interface.gone/released" 2>/dev/null
		rm -rf "$RUN/.$interface.gone"
	done
}

# netifd removes them a moment later: waits, or the next client takes the address that is going for its own. A setup
# that has begun meanwhile keeps them.
proto_softwire_remove_dynamic() {
	local interface="$1" name names= tries=50

	[ ! -e "$RUN/$interface.config" ] || return 0
	for name in "${interface}_4" "${interface}_ep"; do
		ubus call "network.interface.$name" remove 2>/dev/null && names="$names $name"
	done
	for name in $names; do
		while [ "$tries" -gt 0 ] && ubus list "network.interface.$name" >/dev/null 2>&1; do
			tries=$((tries - 1))
		done
	done
}

# netifd kills this script after five seconds, which several softwires on a slow router take, but not what it has
# started: the files go first, the rest in the background. Without its configuration the client gets no endpoint any
# more and writes no state. netifd sets ERROR where it is the client's end that brought the interface down.
proto_softwire_teardown() {
	local interface="$1"

	proto_softwire_is_name "$interface" && {
		# The firewall's next load takes its rules away.
		[ ! -f "$RUN/$interface.nft" ] ||
			printf 'table ip softwire\ndelete table ip softwire\n' > "$RUN/softwire.gone"
		rm -f "$RUN/$interface.config" "$RUN/$interface.json" "$RUN/$interface.nft"
		{
			proto_softwire_release "$interface"
			proto_softwire_remove_dynamic "$interface"
		} &
		wait
	}
	proto_kill_command "$interface"
}

[ -n "$INCLUDE_ONLY" ] || add_protocol softwire
