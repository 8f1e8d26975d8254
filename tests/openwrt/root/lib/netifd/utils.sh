# SPDX-License-Identifier: Apache-2.0
# The helpers that a netifd handler finds beside netifd-proto.sh: append, defaults, option declarations; sourced.

N="
"

# variable, value, [separator]
append() {
	local _was
	eval "_was=\"\${$1}\""
	export -- "$1=$_was${_was:+${2:+${3:- }}}$2"
}

set_default() {
	local _was
	eval "_was=\"\${$1}\""
	export -- "$1=${_was:-$2}"
}

# a function that does nothing, where the handler did not write it
add_default_handler() {
	type "$1" >/dev/null 2>&1 || eval "$1() { return; }"
}

# the numbers are blobmsg's types: 1 array, 3 string, 5 int, 7 boolean
_config_declare() {
	local _number="$1" _option
	shift
	for _option in "$@"; do
		json_add_array ""
		json_add_string "" "$_option"
		json_add_int "" "$_number"
		json_close_array
	done
}

config_add_array() { _config_declare 1 "$@"; }
config_add_string() { _config_declare 3 "$@"; }
config_add_int() { _config_declare 5 "$@"; }
config_add_boolean() { _config_declare 7 "$@"; }
