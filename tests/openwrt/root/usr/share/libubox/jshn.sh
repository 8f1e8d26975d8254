# SPDX-License-Identifier: Apache-2.0
# JSON in shell variables: libubox's call names and meaning (jshn.sh), for ash and dash; sourced, never run.
#
# The current table is named by JSON_CUR: J_V at the top, J_T<n> an object, J_A<n> an array below it. Of a table T:
# K_T its keys in order, T_<key> a value (of a table: its name), T_T_<key> the value's type, U_T the table above,
# N_T_<key> the real name of a key that is no shell name. JSON_PREFIX goes before all of them.

_json_read() {
	eval "$1=\"\${${JSON_PREFIX}$2}\""
}

_json_write() {
	export -- "${JSON_PREFIX}$1=$2"
}

# variable <- the name of a key as part of a shell variable's name
_json_plain_name() {
	local rest="$2" plain=
	case "$rest" in
		*[!a-zA-Z0-9_]*) ;;
		*) eval "$1=\"\$rest\""; return ;;
	esac
	while [ -n "$rest" ]; do
		case "$rest" in
			[a-zA-Z0-9_]*) plain="$plain${rest%"${rest#?}"}" ;;
			*) plain="${plain}_" ;;
		esac
		rest="${rest#?}"
	done
	eval "$1=\"\$plain\""
}

json_set_namespace() {
	local _new="$1" _old="$JSON_PREFIX"
	[ -n "$2" ] && eval "$2=\"\$_old\""
	JSON_PREFIX="$_new"
}

json_cleanup() {
	local _name _known
	_json_read _known JSON_UNSET
	for _name in $_known J_V; do
		unset "${JSON_PREFIX}U_$_name" "${JSON_PREFIX}K_$_name" "${JSON_PREFIX}S_$_name" \
			"${JSON_PREFIX}T_$_name" "${JSON_PREFIX}N_$_name" "${JSON_PREFIX}$_name"
	done
	unset "${JSON_PREFIX}JSON_SEQ" "${JSON_PREFIX}JSON_CUR" "${JSON_PREFIX}JSON_UNSET"
}

json_init() {
	json_cleanup
	eval "${JSON_PREFIX}JSON_SEQ=0"
	_json_write JSON_CUR J_V
	_json_write K_J_V ""
}

# type, key, value: one more member of the current table; an array numbers its members
_json_add() {
	local _cur _key="$2" _count _keys _known
	_json_read _cur JSON_CUR
	case "$_cur" in
		J_A*)
			_json_read _count "S_$_cur"
			_key=$((${_count:-0} + 1))
			eval "${JSON_PREFIX}S_$_cur=$_key"
		;;
		*)
			_json_plain_name _key "$2"
			[ "$_key" = "$2" ] || _json_write "N_${_cur}_$_key" "$2"
		;;
	esac
	_json_write "${_cur}_$_key" "$3"
	_json_write "T_${_cur}_$_key" "$1"
	_json_read _keys "K_$_cur"
	_json_write "K_$_cur" "$_keys${_keys:+ }$_key"
	_json_read _known JSON_UNSET
	eval "${JSON_PREFIX}JSON_UNSET=\"\$_known${_known:+ }${_cur}_\$_key\""
}

# type, letter, key: a table below the current one, which becomes the current one
_json_open() {
	local _above _number _table _known
	_json_read _above JSON_CUR
	_json_read _number JSON_SEQ
	_number=$((${_number:-0} + 1))
	eval "${JSON_PREFIX}JSON_SEQ=$_number"
	_table="J_$2$_number"
	_json_add "$1" "$3" "$_table"
	eval "${JSON_PREFIX}U_$_table=\"\$_above\""
	_json_write "K_$_table" ""
	_json_read _known JSON_UNSET
	eval "${JSON_PREFIX}JSON_UNSET=\"\$_known \$_table\""
	_json_write JSON_CUR "$_table"
}

_json_close() {
	local _cur _above
	_json_read _cur JSON_CUR
	_json_read _above "U_$_cur"
	_json_write JSON_CUR "$_above"
}

json_add_object() { _json_open object T "$1"; }
json_close_object() { _json_close; }
json_add_array() { _json_open array A "$1"; }
json_close_array() { _json_close; }
json_add_string() { _json_add string "$1" "$2"; }
json_add_int() { _json_add int "$1" "$2"; }
json_add_boolean() { _json_add boolean "$1" "$2"; }
json_add_double() { _json_add double "$1" "$2"; }
json_add_null() { _json_add null "$1" ""; }

json_add_fields() {
	local _field _name _type
	for _field in "$@"; do
		_name="${_field%%:*}"
		_field="${_field#*:}"
		_type="${_field%%=*}"
		_json_add "${_type:-string}" "$_name" "${_field#*=}"
	done
}

# writing: the text goes to stdout with json-c's spaces; a number is what atoll reads

_json_number() {
	local _text="$2" _sign= _digits
	while :; do
		case "$_text" in
			[" 	"]*) _text="${_text#?}" ;;
			*) break ;;
		esac
	done
	case "$_text" in
		-*) _sign=-; _text="${_text#-}" ;;
		+*) _text="${_text#+}" ;;
	esac
	_digits="${_text%%[!0-9]*}"
	while :; do
		case "$_digits" in
			0?*) _digits="${_digits#0}" ;;
			*) break ;;
		esac
	done
	[ "${_digits:-0}" = 0 ] && _sign=
	eval "$1=\"\$_sign\${_digits:-0}\""
}

_json_quote() {
	local _rest="$1" _head
	case "$_rest" in
		*[\"\\/[:cntrl:]]*) ;;
		*) printf '"%s"' "$_rest"; return ;;
	esac
	printf '"'
	while [ -n "$_rest" ]; do
		_head="${_rest%%[\"\\/[:cntrl:]]*}"
		printf %s "$_head"
		_rest="${_rest#"$_head"}"
		[ -n "$_rest" ] || break
		_head="${_rest%"${_rest#?}"}"
		_rest="${_rest#?}"
		case "$_head" in
			'"'|\\|/) printf '\\%s' "$_head" ;;
			'	') printf '\\t' ;;
			'
') printf '\\n' ;;
			*) printf '\\u%04x' "'$_head" ;;
		esac
	done
	printf '"'
}

_json_print_value() {
	local _type="$1" _value="$2"
	case "$_type" in
		object) _json_print_table "$_value" "{" "}" ;;
		array) _json_print_table "$_value" "[" "]" ;;
		string) _json_quote "$_value" ;;
		int) _json_number _value "$_value"; printf %s "$_value" ;;
		boolean)
			_json_number _value "$_value"
			if [ "$_value" = 0 ]; then printf false; else printf true; fi
		;;
		double) printf %s "${_value:-0.0}" ;;
		*) printf null ;;
	esac
}

_json_print_table() {
	local _table="$1" _open="$2" _end="$3" _keys _key _name _type _value _comma=" "
	printf %s "$_open"
	_json_read _keys "K_$_table"
	for _key in $_keys; do
		_json_read _type "T_${_table}_$_key"
		_json_read _value "${_table}_$_key"
		printf %s "$_comma"
		_comma=", "
		if [ "$_open" = "{" ]; then
			_json_read _name "N_${_table}_$_key"
			_json_quote "${_name:-$_key}"
			printf ': '
		fi
		_json_print_value "$_type" "$_value"
	done
	printf ' %s' "$_end"
}

json_dump() {
	_json_print_table J_V "{" "}"
	echo
}

json_pretty() {
	json_dump
}

# reading: jshn prints the assignments; after a parse error it prints none, and everything stays as it was

json_load() {
	eval "$(JSON_TEXT="$1" jshn "$JSON_PREFIX")"
}

json_load_file() {
	eval "$(JSON_TEXT="$(cat "$1")" jshn "$JSON_PREFIX")"
}

json_get_type() {
	local _jshn_cur _jshn_key
	_json_read _jshn_cur JSON_CUR
	_json_plain_name _jshn_key "$2"
	_jshn_key="${JSON_PREFIX}T_${_jshn_cur}_$_jshn_key"
	eval "export -- \"$1=\${$_jshn_key}\"; [ -n \"\${$_jshn_key+x}\" ]"
}

json_get_keys() {
	local _table
	if [ -n "$2" ]; then
		json_get_var _table "$2"
	else
		_json_read _table JSON_CUR
	fi
	eval "export -- \"$1=\${${JSON_PREFIX}K_$_table}\"; [ -n \"\${${JSON_PREFIX}K_$_table+x}\" ]"
}

json_get_var() {
	local _jshn_cur _jshn_key
	_json_read _jshn_cur JSON_CUR
	_json_plain_name _jshn_key "$2"
	_jshn_key="${JSON_PREFIX}${_jshn_cur}_$_jshn_key"
	eval "export -- \"$1=\${$_jshn_key:-\$3}\"; [ -n \"\${$_jshn_key+x}\${3+x}\" ]"
}

json_get_vars() {
	local _each
	for _each in "$@"; do
		case "$_each" in
			*:*) json_get_var "${_each%%:*}" "${_each%%:*}" "${_each#*:}" ;;
			*) json_get_var "$_each" "$_each" ;;
		esac
	done
}

json_get_values() {
	local _members _member _each _entered= _joined=
	unset "$1"
	if [ -n "$2" ]; then
		_json_quiet=1 json_select "$2" || return 1
		_entered=1
	fi
	json_get_keys _members
	for _member in $_members; do
		json_get_var _each "$_member"
		_joined="$_joined${_joined:+ }$_each"
	done
	[ -n "$_entered" ] && json_select ..
	export -- "$1=$_joined"
	return 0
}

json_get_index() {
	local _cur _above _seq
	_json_read _cur JSON_CUR
	export -- "$1=${_cur#J_?}"
}

json_select() {
	local _cur _kind
	case "$1" in
		"")
			_json_write JSON_CUR J_V
			return 0
		;;
		..)
			_json_read _cur JSON_CUR
			_json_read _cur "U_$_cur"
			_json_write JSON_CUR "$_cur"
			return 0
		;;
	esac
	json_get_type _kind "$1"
	case "$_kind" in
		object|array)
			json_get_var _cur "$1"
			_json_write JSON_CUR "$_cur"
		;;
		*)
			[ -n "$_json_quiet$_json_no_warning" ] ||
				echo "WARNING: Variable '$1' does not exist or is not an array/object"
			return 1
		;;
	esac
}

json_is_a() {
	local _kind
	json_get_type _kind "$1"
	[ "$_kind" = "$2" ]
}

# function, name, …: function <value> <key> … for each member, or once for a plain value
json_for_each_item() {
	[ $# -ge 2 ] || return 0
	local _call="$1" _target="$2" _type _all _one _item
	shift 2
	json_get_type _type "$_target"
	case "$_type" in
		object|array)
			json_select "$_target"
			json_get_keys _all
			for _one in $_all; do
				json_get_var _item "$_one"
				"$_call" "$_item" "$_one" "$@"
			done
			json_select ..
		;;
		"")
			return 0
		;;
		*)
			json_get_var _item "$_target"
			"$_call" "$_item" "$_target" "$@"
		;;
	esac
}
