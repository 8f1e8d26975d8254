# SPDX-License-Identifier: Apache-2.0
# Questions to netifd by interface, by base-files' names: variable first, interface second, 1 when there is no
# answer; sourced.

# variable, interface, JSON path below the interface, [separator], [limit]
_network_ask() {
	local _found
	if [ -z "$__NETWORK_CACHE" ]; then
		__NETWORK_CACHE="$(ubus call network.interface dump 2>/dev/null)" || __NETWORK_CACHE="{}"
	fi
	_found="$(jsonfilter -s "$__NETWORK_CACHE" ${5:+-l "$5"} ${4:+-F "$4"} \
		-e "@.interface[@.interface='$2']$3" 2>/dev/null)"
	if [ -z "$_found" ]; then
		unset "$1"
		return 1
	fi
	_found="$(printf '%s' "$_found" | tr '\n' ' ')"
	export -- "$1=$_found"
}

network_flush_cache() { unset __NETWORK_CACHE; }

network_get_device() { _network_ask "$1" "$2" ".l3_device"; }
network_get_physdev() { _network_ask "$1" "$2" ".device"; }
network_get_protocol() { _network_ask "$1" "$2" ".proto"; }
network_get_uptime() { _network_ask "$1" "$2" ".uptime"; }
network_get_metric() { _network_ask "$1" "$2" ".metric"; }

network_is_up() {
	local _up
	_network_ask _up "$1" ".up" && [ "$_up" = true ]
}

network_get_ipaddr() { _network_ask "$1" "$2" "['ipv4-address'][0].address"; }
network_get_ipaddrs() { _network_ask "$1" "$2" "['ipv4-address'][*].address"; }
network_get_subnet() { _network_ask "$1" "$2" "['ipv4-address'][0]['address','mask']" /; }
network_get_subnets() { _network_ask "$1" "$2" "['ipv4-address'][*]['address','mask']" /; }
network_get_ipaddr6() {
	_network_ask "$1" "$2" "['ipv6-address'][0].address" ||
		_network_ask "$1" "$2" "['ipv6-prefix-assignment'][0]['local-address'].address"
}
network_get_prefix6() { _network_ask "$1" "$2" "['ipv6-prefix'][0]['address','mask']" /; }
network_get_prefixes6() { _network_ask "$1" "$2" "['ipv6-prefix'][*]['address','mask']" /; }
network_get_prefix_assignment6() { _network_ask "$1" "$2" "['ipv6-prefix-assignment'][0]['address','mask']" /; }
network_get_prefix_assignments6() { _network_ask "$1" "$2" "['ipv6-prefix-assignment'][*]['address','mask']" /; }
network_get_gateway() { _network_ask "$1" "$2" ".route[@.target='0.0.0.0'].nexthop" "" 1; }
network_get_gateway6() { _network_ask "$1" "$2" ".route[@.target='::'].nexthop" "" 1; }
network_get_dnsserver() { _network_ask "$1" "$2" "['dns-server'][*]"; }
network_get_dnssearch() { _network_ask "$1" "$2" "['dns-search'][*]"; }

# the interface that has a default route, of the family whose unspecified address is $2
_network_with_default() {
	local _names _each _target
	_names="$(ubus -S list 'network.interface.*')" || _names=
	for _each in $_names; do
		_each="${_each#network.interface.}"
		if _network_ask _target "$_each" ".route[@.target='$2'].target" "" 1; then
			export -- "$1=$_each"
			return 0
		fi
	done
	unset "$1"
	return 1
}

network_find_wan() { _network_with_default "$1" 0.0.0.0; }
network_find_wan6() { _network_with_default "$1" ::; }

# eight hex digits of the name's MD5, as odhcp6c's handler makes its IAID
network_generate_iface_iaid() {
	local _sum
	_sum="$(printf %s "$2" | md5sum)"
	_sum="${_sum%% *}"
	export -- "$1=$(printf %.8s "$_sum")"
}

