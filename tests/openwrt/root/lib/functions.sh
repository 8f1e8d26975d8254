# SPDX-License-Identifier: Apache-2.0
# The shell library that OpenWrt's scripts source first: uci configuration as variables, lists, include
# (base-files' names).

N="
"
_C=0
LIST_SEP=" "

# Debian's busybox has applets of these names, which its shell would prefer to the commands in /sbin
for _name in ifup ifdown logread; do
	eval "$_name() { /sbin/$_name \"\$@\"; }"
done

debug() { ${DEBUG:-:} "$@"; }

append() {
	local _was
	eval "_was=\"\${$1}\""
	eval "$1=\"\$_was\${_was:+\${2:+\${3:- }}}\$2\""
}

list_contains() {
	local _words
	eval "_words=\" \${$1} \""
	case "$_words" in
		*" $2 "*) return 0 ;;
	esac
	return 1
}

include() {
	local _file
	for _file in "$1"/*.sh; do
		[ -f "$_file" ] && . "$_file"
	done
}

# callbacks of a script that reads a configuration

reset_cb() {
	config_cb() { return 0; }
	option_cb() { return 0; }
	list_cb() { return 0; }
}
reset_cb

package() { return 0; }

config() {
	_C=$((_C + 1))
	CONFIG_NUM_SECTIONS=$_C
	CONFIG_SECTION="${2:-cfg$(printf %02x $_C)}"
	CONFIG_SECTIONS="$CONFIG_SECTIONS${CONFIG_SECTIONS:+ }$CONFIG_SECTION"
	eval "CONFIG_${CONFIG_SECTION}_TYPE=\"\$1\""
	config_cb "$1" "$2"
}

option() {
	eval "CONFIG_${CONFIG_SECTION}_$1=\"\$2\""
	option_cb "$1" "$2"
}

list() {
	local _length _was
	eval "_length=\"\${CONFIG_${CONFIG_SECTION}_${1}_LENGTH:-0}\"; _was=\"\${CONFIG_${CONFIG_SECTION}_$1}\""
	_length=$((_length + 1))
	eval "CONFIG_${CONFIG_SECTION}_${1}_ITEM$_length=\"\$2\"
		CONFIG_${CONFIG_SECTION}_${1}_LENGTH=$_length
		CONFIG_${CONFIG_SECTION}_$1=\"\$_was\${_was:+\$LIST_SEP}\$2\""
	list_cb "$1" "$2"
}

# package: its sections as variables CONFIG_<section>_<option>
config_load() {
	local _section _text
	for _section in $CONFIG_SECTIONS; do
		eval "unset $(set | sed -n "s/^\(CONFIG_${_section}_[A-Za-z0-9_]*\)=.*/\1/p" | tr '\n' ' ')" 2>/dev/null
	done
	CONFIG_SECTIONS= _C=0
	_text="$(uci -q export "$1")" || return 1
	eval "$_text"
	[ -n "$CONFIG_SECTION" ] && config_cb
	CONFIG_SECTION=
	return 0
}

config_get() {
	case "$2$3" in
		*[!A-Za-z0-9_]*) eval "$1=\"\${4}\"" ;;
		*) eval "$1=\"\${CONFIG_${2}_${3}:-\${4}}\"" ;;
	esac
}

get_bool() {
	case "$1" in
		1|on|true|yes|enabled) echo 1 ;;
		0|off|false|no|disabled) echo 0 ;;
		*) echo "$2" ;;
	esac
}

config_get_bool() {
	local _value
	config_get _value "$2" "$3" "$4"
	_value="$(get_bool "$_value" "$4")"
	eval "$1=\"\$_value\""
}

config_set() {
	eval "CONFIG_${1}_$2=\"\$3\""
}

config_foreach() {
	local _call="$1" _kind="$2" _section _type
	shift 2
	for _section in $CONFIG_SECTIONS; do
		config_get _type "$_section" TYPE
		[ -z "$_kind" ] || [ "$_kind" = "$_type" ] || continue
		"$_call" "$_section" "$@"
	done
}

config_list_foreach() {
	local _section="$1" _option="$2" _call="$3" _length _item=1 _value
	shift 3
	config_get _length "$_section" "${_option}_LENGTH"
	if [ -z "$_length" ]; then
		config_get _value "$_section" "$_option"
		[ -z "$_value" ] || "$_call" "$_value" "$@"
		return 0
	fi
	while [ "$_item" -le "$_length" ]; do
		config_get _value "$_section" "${_option}_ITEM$_item"
		"$_call" "$_value" "$@"
		_item=$((_item + 1))
	done
}

[ -z "$IPKG_INSTROOT" ] && [ -f /lib/config/uci.sh ] && . /lib/config/uci.sh
