# SPDX-License-Identifier: Apache-2.0
# Short forms of the uci command, by OpenWrt's names; sourced.

uci_get() {
	local _value
	_value="$(uci -q get "$1.$2${3:+.$3}")" || _value=
	if [ -n "$_value" ]; then
		printf '%s\n' "$_value"
	elif [ -n "$4" ]; then
		printf '%s\n' "$4"
	else
		return 1
	fi
}

uci_set() { uci -q set "$1.$2.$3=$4"; }
uci_remove() { uci -q delete "$1.$2${3:+.$3}"; }
uci_add() { uci -q add "$1" "$2"; }
uci_add_list() { uci -q add_list "$1.$2.$3=$4"; }
uci_commit() { uci -q commit "$1"; }
