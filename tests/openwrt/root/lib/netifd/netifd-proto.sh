# SPDX-License-Identifier: Apache-2.0
# The calls of a netifd protocol handler, by netifd's names and with its messages (NETIFD.md, handler
# protocol); sourced.

NETIFD_MAIN_DIR="${NETIFD_MAIN_DIR:-/lib/netifd}"
. /usr/share/libubox/jshn.sh
. "$NETIFD_MAIN_DIR/utils.sh"

_proto_nested=

proto_config_add_int() { config_add_int "$@"; }
proto_config_add_string() { config_add_string "$@"; }
proto_config_add_boolean() { config_add_boolean "$@"; }
proto_config_add_array() { config_add_array "$@"; }

proto_config_add_defaults() {
	config_add_boolean defaultroute peerdns renew
	config_add_int metric
}

proto_add_dynamic_defaults() {
	[ -n "$defaultroute" ] && json_add_boolean defaultroute "$defaultroute"
	[ -n "$peerdns" ] && json_add_boolean peerdns "$peerdns"
	[ -n "$metric" ] && json_add_int metric "$metric"
}

_proto_tell() {
	json_add_string interface "$1"
	ubus ${2:+"$2"} call network.interface notify_proto "$(json_dump)"
}

# an update: device name ("*" for the interface's own), link-up, address-external
proto_init_update() {
	PROTO_KEEP=0
	_proto_nested=
	PROTO_IPADDR= PROTO_IP6ADDR= PROTO_ROUTE= PROTO_ROUTE6= PROTO_PREFIX6= PROTO_DNS= PROTO_DNS_SEARCH=
	PROTO_NEIGHBOR= PROTO_NEIGHBOR6=
	json_init
	json_add_int action 0
	case "$1" in
		""|"*") ;;
		*) json_add_string ifname "$1" ;;
	esac
	json_add_boolean link-up "$2"
	[ -n "$3" ] && json_add_boolean address-external "$3"
}

proto_set_keep() { PROTO_KEEP="$1"; }

proto_add_nested() {
	_proto_nested=1
	json_add_object "$1"
}

proto_close_nested() {
	[ -n "$_proto_nested" ] && json_close_object
	_proto_nested=
}

proto_add_tunnel() { proto_add_nested tunnel; }
proto_close_tunnel() { proto_close_nested; }
proto_add_data() { proto_add_nested data; }
proto_close_data() { proto_close_nested; }

# every list is words separated by blanks, the fields of a word by /
proto_add_dns_server() { append PROTO_DNS "$1"; }
proto_add_dns_search() { append PROTO_DNS_SEARCH "$1"; }
proto_add_ipv4_address() { append PROTO_IPADDR "$1/$2/$3/$4"; }
proto_add_ipv6_address() { append PROTO_IP6ADDR "$1/$2/$3/$4/$5/$6"; }
proto_add_ipv4_neighbor() { append PROTO_NEIGHBOR "$1/$2/$3"; }
proto_add_ipv6_neighbor() { append PROTO_NEIGHBOR6 "$1/$2/$3/$4"; }
# target mask gateway source metric; the source is last because it contains a slash
proto_add_ipv4_route() { append PROTO_ROUTE "$1/$2/$3/$5///$4"; }
# target mask gateway metric valid source table
proto_add_ipv6_route() { append PROTO_ROUTE6 "$1/$2/$3/$4/$5/$7/$6"; }

# one argument "prefix/len,preferred,valid"; the other form puts its second argument where `preferred` is read
proto_add_ipv6_prefix() {
	if [ -n "$2" ]; then
		append PROTO_PREFIX6 "$1,$2,${3:-$2}"
	else
		append PROTO_PREFIX6 "$1"
	fi
}

# one list of objects: name in the message, words, then field:type for each field in turn
_proto_objects() {
	local _list="$1" _words="$2" _word _spec _field _rest
	shift 2
	[ -n "$_words" ] || return 0
	json_add_array "$_list"
	for _word in $_words; do
		json_add_object ""
		_rest="$_word"
		for _spec in "$@"; do
			case "$_spec" in
				source:*) _field="$_rest" ;;
				*)
					_field="${_rest%%/*}"
					case "$_rest" in
						*/*) _rest="${_rest#*/}" ;;
						*) _rest= ;;
					esac
				;;
			esac
			case "$_spec" in
				ipaddr:*|target:*|netmask:*) ;;
				*) [ -n "$_field" ] || continue ;;
			esac
			"json_add_${_spec#*:}" "${_spec%:*}" "$_field"
		done
		json_close_object
	done
	json_close_array
}

_proto_strings() {
	local _word
	[ -n "$2" ] || return 0
	json_add_array "$1"
	for _word in $2; do
		json_add_string "" "$_word"
	done
	json_close_array
}

# what the fields of a route are called
_proto_routes() {
	_proto_objects "$1" "$2" target:string netmask:string gateway:string metric:int valid:int table:string \
		source:string
}

proto_send_update() {
	proto_close_nested
	json_add_boolean keep "$PROTO_KEEP"
	_proto_objects ipaddr "$PROTO_IPADDR" ipaddr:string mask:string broadcast:string ptp:string
	_proto_objects ip6addr "$PROTO_IP6ADDR" ipaddr:string mask:string preferred:int valid:int offlink:boolean \
		class:string
	_proto_routes routes "$PROTO_ROUTE"
	_proto_routes routes6 "$PROTO_ROUTE6"
	_proto_strings ip6prefix "$PROTO_PREFIX6"
	_proto_strings dns "$PROTO_DNS"
	_proto_strings dns_search "$PROTO_DNS_SEARCH"
	_proto_objects neighbor "$PROTO_NEIGHBOR" ipaddr:string mac:string proxy:boolean
	_proto_objects neighbor6 "$PROTO_NEIGHBOR6" ipaddr:string mac:string proxy:boolean router:boolean
	_proto_tell "$1"
}

# VARIABLE=value for the environment of the command to come
proto_export() {
	local _name="VAR${_EXPORT_VAR}"
	_EXPORT_VAR=$((_EXPORT_VAR + 1))
	export -- "$_name=$1"
	append _EXPORT_VARS "$_name"
}

_proto_words() {
	local _list="$1" _word
	shift
	json_add_array "$_list"
	for _word in "$@"; do
		json_add_string "" "$_word"
	done
	json_close_array
}

_proto_action() {
	json_init
	json_add_int action "$1"
}

proto_run_command() {
	local _interface="$1" _name _value
	shift
	_proto_action 1
	_proto_words command "$@"
	if [ -n "$_EXPORT_VARS" ]; then
		json_add_array env
		for _name in $_EXPORT_VARS; do
			eval "_value=\"\${$_name}\""
			json_add_string "" "$_value"
		done
		json_close_array
	fi
	_proto_tell "$_interface"
}

proto_kill_command() {
	_proto_action 2
	[ -n "$2" ] && json_add_int signal "$2"
	_proto_tell "$1"
}

proto_notify_error() {
	local _interface="$1"
	shift
	_proto_action 3
	_proto_words error "$@"
	_proto_tell "$_interface"
}

proto_block_restart() {
	_proto_action 4
	_proto_tell "$1"
}

proto_set_available() {
	_proto_action 5
	json_add_boolean available "$2"
	_proto_tell "$1"
}

# in a subshell: a handler calls this between reading its options
proto_add_host_dependency() {
	(
		_proto_action 6
		json_add_string host "$2"
		[ -n "$3" ] && json_add_string ifname "$3"
		_proto_tell "$1" -S
	)
}

proto_setup_failed() {
	_proto_action 7
	_proto_tell "$1"
}

_proto_dump() {
	no_device=0 no_device_config=0 no_proto_task=0 available=0 renew_handler=0 teardown_on_l3_link_down=0
	add_default_handler "proto_$1_init_config"
	json_init
	json_add_string name "$1"
	json_add_array config
	"proto_$1_init_config"
	json_close_array
	json_add_boolean no-device "$no_device"
	json_add_boolean no-device-config "$no_device_config"
	json_add_boolean no-proto-task "$no_proto_task"
	json_add_boolean available "$available"
	json_add_boolean renew-handler "$renew_handler"
	json_add_boolean lasterror "$lasterror"
	json_add_boolean teardown-on-l3-link-down "$teardown_on_l3_link_down"
	json_dump
}

_proto_do() {
	[ "$proto" = "$1" ] || return 0
	json_load "$data"
	_EXPORT_VAR=0
	_EXPORT_VARS=
	"proto_$1_$cmd" "$interface" "$ifname"
}

# the handler's own arguments: <proto> setup|teardown|renew <interface> <config JSON> [device], or "" dump
init_proto() {
	proto="$1"
	cmd="$2"
	case "$cmd" in
		dump)
			add_protocol() { _proto_dump "$1"; }
		;;
		setup|teardown|renew)
			interface="$3"
			data="$4"
			ifname="$5"
			add_protocol() { _proto_do "$1"; }
		;;
	esac
}
