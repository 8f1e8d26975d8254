// SPDX-License-Identifier: Apache-2.0
// What the doctor and `configure` say (src/softwire/doctor/, configure/), in the reader's language. tests/luci compares
// the sentences with the sources.

'use strict';
'require baseclass';
'require softwire.errors as errors';
'require softwire.sentences as sentences';

const SENTENCES = `
	please report it, with 'softwire doctor --report'
	the doctor stumbled: {1} {2}
	not tried: '{1}' comes first
	wait a moment and try again; '/etc/init.d/network restart' if it stays so
	correct it in /etc/config/network, then '/etc/init.d/network reload; ifup {1}'
	install micropython-mbedtls (instead of micropython-nossl), or python3-light
	ask the operator whether prefix delegation belongs to the contract; is a home gateway before this router?
	ask the operator for prefix delegation (NTT: a telephone contract brings it); with a home gateway before
		this router, let it delegate; option ip6prefix if you know a prefix that is yours
	a router before this one keeps too much: let it delegate a /60 or /56, or connect to the ONU
	'ifup {1}'; 'logread -e netifd' has the reason if it stays away
	check auth_server and auth_port; the server answers only from the operator's own lines; otherwise wait: the
		client asks again by itself
	correct option shared_secret of interface {1}
	check password, line_type and mac of interface {1}, and whether the line is this operator's
	tell the operator; 'softwire probe {1}' shows the whole answer
	zone {1} does not masquerade: answers do not find back to LAN hosts
	zone {1} does not fit TCP to the softwire: big downloads hang
	add it to zone wan: 'uci add_list firewall.@zone[{1}].network={2}; {3}'
	there is no fw4 here: not looked at
	'nft list table inet fw4' says nothing
	no zone in /etc/config/firewall names it
	name it among the networks of the internet's zone in /etc/config/firewall, then '{1}'
	see that IPv4 out of {1} is masqueraded
	{1} is in no firewall zone: LAN hosts do not get out
	option {1} of zone {2} is off
	no other zone may send into zone {1}
	no forwarding section has dest '{1}'
	zone {1}: masquerading and TCP size for {2}, from {3}
	the firewall has not taken {1} into its rules
	option {1} of zone {2} is on, but no rule of the kernel's names {3}
	nothing came that gives it an address, prefix or route
	interface {1} is not up
	'softwire doctor {1}' asks the line itself
	{1} is no DUID-LL, and NTT's network answers DUID-LL alone
	interface {1} is not up; what it sends is a {2}
	'/etc/init.d/network restart': it learns a new protocol only then
	netifd does not start it by itself
	the network service has not learnt the protocol {1} of interface {2}
	netifd says proto '{1}'
	option proto of {1} was changed, but is not in use yet
	/etc/config/network says '{1}', netifd '{2}'
	interface {1} is turned off
	{1}'ifup {2}' (and delete option auto if it is set)
	mend that, then {1}
	{1}, and tells {2}
	netifd has no default route on it
	MAC echo {1}, {2} telephone number(s), SIP domain {3}
	name the interface that has proto 'softwire'
	no router advertisement came on {1} after three solicitations
	unknown DUID
	{1}; its router advertises {2}
	the line gives no prefix by DHCPv6: it answers questions for information only
	the DHCPv6 server answers, but the router's client has no answer (yet)
	a question of the doctor's was answered
	neither a Solicit nor an Information-Request of the doctor's was answered
	is this the operator's line, and opened? Does the firewall let UDP port 546 in (rule Allow-DHCPv6)?
	'df /tmp; du -a /tmp | sort -n | tail' shows what fills it; a restart of the router empties it
	the kernel's IPv6 tunnel module, ip6_tunnel, is missing
	install kmod-ip6-tunnel ('opkg update; opkg install kmod-ip6-tunnel', or 'apk add kmod-ip6-tunnel')
	no such section in /etc/config/network
	'uci show network' lists them
	/etc/config/network differs from what netifd handed over
	check the cable to the ONU (or home gateway), and its lamps
	the line's router is silent, though its route is still valid
	the line offers MAP-E, MAP-T or lw4o6, and the router has no package map
	an Information-Request was answered, a Solicit was not
	the line delegates no prefix
	the DHCPv6 server's offer to a question of the doctor's holds none
	the line delegates a prefix, but the router does not ask for one
	no DHCPv6 server answers on {1}
	the line's own /64
	no LAN shares the line's /64: LAN hosts have no native IPv6
	interface {1} has no IPv6 way to the internet
	is option defaultroute 0? Otherwise 'ifup {1}' and 'logread -e {2}'
	in the line's DHCPv6 answer
	nothing: the softwire does without
	not needed without DHCPv6
	/var/run cannot be written
	neither in /sys/module nor in /lib/modules/
	{1} {2}, kernel {3}, /var/run is writable
	nothing: it is set over the network once IPv4 or IPv6 passes
	its protocol is '{1}'
	it is in /etc/config/network alone
	'/etc/init.d/network reload'; where softwire was just installed, '/etc/init.d/network restart'
	provisioning {1} over {2}
	netifd does not know it
	set option tunlink to the interface that has IPv6, such as wan6, or '/etc/init.d/network reload'
	the router has {1}
	{1} has a link{2}
	{1} has no MAC address
	could not be asked
	the line's router {1} answers: {2}, valid for {3}{4}
	the server does not answer now
	a question of the doctor's own stayed unanswered; what was got is still valid
	nothing yet: odhcp6c asks again in time; if it stays silent, native IPv6 and IPv4 end with it
	the line does not answer this router's client id, a {1}
	a question with a DUID-LL, made from the MAC address, was answered at once; {1} sets another
	wait half a minute, then 'ifup {1}' and 'logread -e {2}'
	no LAN takes a part of the prefix: LAN hosts have no native IPv6
	netifd has assigned nothing of it
	the line tells nothing of NTT's
	option 17 of enterprise 210 was asked for and did not come
	nothing, if IPv4 works; otherwise ask the operator whether this is the right line
	the line was not asked for NTT's options
	odhcp6c runs without -r17
	{1}: it is full
	writing a small file there fails with error {1}
	the clock is not set (it says year {1}); the softwire does without it
	there is no softwire named '{1}'
	option {1} was changed, but is not in use yet
	the port '{1}' of interface {2} is not there
	set option device of {1} to the port towards the ONU
	{1} has no link: the cable is out, or the other end is off
	the kernel says carrier {1}
	the kernel knows none, and option mac of {1} is not set
	set option mac of {1} to the one that the operator knows, or take another device
	not needed: {1} has proto {2}
	the line's router says nothing
	turn the ONU off and on; is the line opened? Does the firewall let ICMPv6 of zone wan in?
	the DHCPv6 client, odhcp6c, does not run on {1}
	no such process; netifd tells of {1}: {2}
	is the package odhcp6c installed? 'ifup {1}', then 'logread -e {2}'
	the router was answered; its client id is a {1}
	DHCPv6 option {1} came; odhcp6c asks for it, installed or not
	nothing, if IPv4 works; otherwise install map where the contract has it, or let {1} not ask: options
		defaultreqopts and reqopts
	the line now delegates {1}
	the DHCPv6 server offers it to the doctor; the router has {1}
	'ifup {1}' fetches it; the router itself asks when the old one is half used up
	the server offers {1}; odhcp6c runs without -P
	{1} And the client id is a {2}, which NTT ignores
	no section of /etc/config/dhcp with interface {1} has option master 1
	set odhcpd up as a relay between {1} and the LAN, as the manual says of lines without delegation
	the network service does not know interface {1} yet
	there is no interface '{1}', which option tunlink of {2} names
	{1} of {2} Mbit/s
	sending failed with error {1}
	the firewall rejects what comes in on {1}, the line's router's word with it
	no rule of table inet fw4 names {1}
	'/etc/init.d/firewall reload'; if it stays so, add {1} to the networks of zone wan
	the line's router says that it is no way to the internet
	wait; restart the ONU or home gateway; ask the operator if it stays so
	use proto flets, or 'uci set network.{1}.reqopts=17; uci commit network; ifup {2}'
	answered; client id {1} (not asked again: {2})
	its advertisement from {1} has router lifetime 0
	{1}, MTU {2}
	the firewall does not keep to the {1} ports that are ours
	option auto_includes of the firewall's defaults is off
	end some of them, or wait until they have ended; other hosts and ports are reached; only the operator has
		more ports
	nft knows no chain {1}, which names {2}
	'logread -e {1}' has its reason; '/etc/init.d/network restart' if its package is new; stock DHCPv6 must
		not carry the same: options iface_map and iface_464xlat of interface {2} are 0 then
	handed on to proto {1}: {2}
	install the package that it names, then 'ifup {1}'
	left to proto {1}
	nothing to look at: no address is held
	once 'ifstatus {1}' tells the device {2}
	packets for {1} wake nobody
	proto {1} does not carry what was handed on to it
	the parameters in use are not today's
	what proto {1} does
	{1} waits for a packet, and asks for an address then
	the operator's NAT has them: where it has none left, new connections fail and old ones go on
	the address is not shared
	all {1} ports are taken by connections to {2}, {3}
	the kernel forbids it: EACCES
	the kernel finds the address invalid: EINVAL
	the address is not on the router: EADDRNOTAVAIL
	the kernel has no route: ENETUNREACH
	the kernel's route says unreachable: EHOSTUNREACH
	{1}, or set another {2}
	the network service refused the tunnel
	is kmod-ip6-tunnel installed, and no other tunnel between the same two ends? 'logread -e netifd'
	netifd says so
	the kernel's duplicate address detection failed
	is the address right? 'ip -6 route' and other interfaces (VPN) tell who takes the way
	what came was no RADIUS packet: is something else at that address and port?
	nobody is asked: the parameters are options
	a request is repeated when two seconds and more have passed
	nothing, if it happens once; otherwise packets get lost: check the cable, then tell the operator
	the router has no such address
	netifd had it down before
	in the kernel's table of routes
	nothing, if you want it so; otherwise options defaultroute and metric
	the client says {1}: {2}
	all before is right, but {1} is not up {2}
	the border router {1} sends nothing back
	'ifup {1}' asks the operator anew, which makes a border router that forgot this line learn it; if it stays
		silent, tell the operator: our address is one of this line's
	check the cable, then tell the operator; no option mtu would help
	pings that must not be fragmented
	somebody else on the line has the address {1}
	it is configured there too
	the name could not be resolved; give the server's address in option auth_server
	{1} grants {2}
	nothing: one is taken; something on the way sends packets twice, tell the operator if IPv4 is slow
	nothing, if it happens once; somebody may be forging replies
	{1} has {2}, from {3} to {4}
	the dry run gave others
	the router has no IPv4 default route
	'ifup {1}'; the client tries again {2} by itself
	'ifup {1}', then 'logread -e {2}'
	{1} answers a ping
	the border router had forgotten this line, and was reminded by the exchange
	before the doctor's dry run nothing came back, afterwards it did
	nothing now; if it happens again, tell the operator
	{1} counts {2} packets sent and none received{3}
	packets leave from {1}, which is in no prefix of the line
	{1}; the line has {2}
	packets may end on their way to {1}: option ttl lets them pass {2} routers
	not probed
	to the border router
	no IPv4 host is known that could be asked
	the operator told no IPv4 resolver
	no IPv4 host answers, though the border router does
	turn the other device off (the old unit?){1}; then 'ifup {2}'
	{1} cannot be reached from {2}
	to {1} over {2}
	the answer came only when asked {1} times
	the answer came {1} times to {2} request(s)
	{1} other replies were ignored: {2}
	{1} calls itself up, but has no {2}
	{1} came up while the doctor looked
	'logread -e {1}' says why, if you did not do it
	{1} sends packets back
	the router cannot send to the border router {1}
	{1}; the line says {2}
	'ifup {1}'; answers to another line's address never come here
	packets of {1} octets do not fit the line
	the line's MTU is {1}, less {2} for the outer header is {3}
	packets of more than {1} octets get lost: the way is broken
	pings that must not be fragmented; every IPv4 host counts on {1} octets
	packets of {1} octets get lost, {2} is the largest that passes
	packets of {1} octets pass unfragmented {2}
	{1} octets fit the line's {2} (not probed: nobody answers pings)
	the line would carry {1} octets
	nothing, if option mtu was set for a reason; otherwise {1}
	{1} through {2}
	the address {1} is already used on this router, by {2}
	take it away there{1}; then 'ifup {2}'
	a socket cannot be bound to it
	not needed: who is asked is on the link of {1}
	the parameters in use are not today's: {1}
	IPv4 leaves through {1}
	packets do not enter {1}
	{1} counts {2} packets that could not be sent
	'ip -6 route get {1} from {2}'; the line's default route is missing
	option mtu says {1}
	the device has {1}
	to {1} and back
	'softwire doctor {1} <address>' asks one of yours
	asked: {1} (DNS and ping){2}
	'softwire doctor {1} <address>' asks another host; if none answers, tell the operator
	the softwire's address {1} is not on the router
	{1}: it is still tentative
	the route goes over {1} instead of {2}
	it is written as a list, and netifd hands over one value, an option
	neither netifd nor softwire knows an option of this name
	write one line with option {1} instead of list {2}, then '{3}'
	list {1} does not reach the softwire
	option {1} does not reach the softwire
	correct its spelling in /etc/config/network, then '/etc/init.d/network reload; ifup {1}'
	option {1} is missing
	no interface has option ip6assign, so the hosts of the LAN get no IPv6: uci set network.lan.ip6assign=60;
		uci commit network
	MISSING_PACKAGE: install the package kmod-ip6-tunnel
	MISSING_PACKAGE: install the package odhcp6c
	option ip6assign
	a bridge
	this router has no port {1} (it has {2})
	port {1} belongs to the bridge {2}: take it out of {3} first
	the firewall zone '{1}'
	option ipv6 of network.{1} turns IPv6 off on port {2}: uci delete network.{3}.ipv6
	dhcp.{1} hands out its addresses
	interface {1} rides on {2} ({3}): it moves onto the softwire{4}
	interface {1} ({2}) brings IPv4 over {3}, too: uci set network.{4}.disabled=1 turns it off
	option {1} keeps interface {2} from coming up: uci delete network.{3}.{4}
	port {1} is also the device of interface {2}
	{1}; uci set network.{2}.device={3} keeps it on the port
	the comments in /etc/config/{1} go, as with every uci commit
	{1} '{2}': letters, digits and _ would be right
	network.{1} is a section of type {2}: choose another name
	the method is missing
	--interface and --line are both '{1}': two names are needed
	the name of a port, such as eth1 or wan, would be right
	--wan is missing: the name of the port towards the ONU, such as eth1 or wan
	interface {1} is of proto {2}, IPv6 over the IPv4 that it is to carry: --wan PORT makes it a line
	{1} ({2}), which becomes the softwire over it
	interface {1} rides on {2}: {3}
	{1}--wan PORT is needed, the port towards the ONU
	there is no /etc/config/firewall: IPv4 has no NAT, and nothing guards the line
	option {1} is not one that {2} looks at: {3}
	{1} {2}: it serves the LAN ({3}): another name would be right
	{1} {2}: it is the loopback interface: another name would be right
	'{1}' is no method
	interface {1} makes it: its port would be right
	interface {1} is of proto {2}: --wan PORT makes it flets, as NTT's network wants it
	it moves to the port, {1}
	option {1} '{2}' makes the local address of interface {3}: another one{4} would be right
	{1}, such as 2222:2222:2222:2222,
	interface {1} is in the firewall zone '{2}', not in '{3}'
	{1} of the firewall names the zone '{2}', which goes
	/etc/config/firewall has no zone '{1}' for the internet side (zones: {2}), so IPv4 would have no NAT:
		--add-zone adds one as OpenWrt has it, --firewall-zone NAME takes another
	the firewall zone '{1}' lacks option {2} '{3}'
`;

return baseclass.extend({
	// A text of the helper's in the reader's language, or as it is.
	say: sentences.reader(SENTENCES + errors.sentences)
});
