// SPDX-License-Identifier: Apache-2.0
// Why there is no softwire now, what to do about it, and what a dry run tells: words of the provisioning methods and
// of what they stand on (src/softwire), a list for softwire.sentences. tests/luci compares it with the sources.

'use strict';
'require baseclass';

const SENTENCES = `
	not a prefix: after the slash a number up to {1} would be right
	not an interface identifier of 64 bits such as '1111:1111:1111:1111'
	not a MAC address such as '00:00:5e:00:53:01'
	not an IPv{1} address
	interface {1} is down
	option tunlink '{1}': {2}
	printable text would be right
	0 or 1 would be right
	a name of letters, digits, '_', '-' and '.' would be right
	::0 is the subnet's anycast address and ::1 the LAN's: another one would be right
	a global prefix from /16 to /64 would be right
	a prefix length from 1 to 32 would be right
	the network's own or its broadcast address: one between them would be right
	a DUID of 3 to 130 octets as hexadecimal digits would be right
	1 to {1} octets of text would be right
	a number from {1} to {2} would be right
	one of {1} would be right
	(not shown)
	option {1} is missing: {2} would be right
	option demand '1' needs the package {1}
	netfilter's queue {1} cannot be had, error {2}: has somebody else taken it?
	no server
	encoding {1}: 0 (names) or 1 (addresses) would be right
	pointer to {1}: before {2} would be right
	label length {1}: at most 63
	'{1}' is no host name
	label: only printable ASCII without dots
	DHCPv4 message of {1} octets: at least {2} are right
	no magic cookie: BOOTP without DHCPv4's options
	hlen {1}: at most 16
	chaddr of {1} octets: at most 16
	{1} does not fit {2} octets
	option overload of {1} octets: one octet from 1 to 3 is right
	option {1}: 1 to 254 are right
	option {1}: {2} octets are left
	DHCPv6 message of {1} octets: at least 4 are right
	transaction id or flags {1}: 24 bits are right
	option {1}: there {2} times, once would be right
	domain name of {1} characters: 1 to 253 are right
	label length {1}: at most 63, pointers are not allowed
	label '{1}': 1 to 63 octets are right
	identifier: another question's
	flags {1}: no answer to a query
	question: another one
	code {1}
	no such name
	more than {1} aliases
	no whole answer over TCP
	AAAA of {1}: no address of 16 octets
	the line told no resolver that is asked over IPv6
	pointer: to offset {1} from {2}
	label of {1} octets behind {2}
	no such record
	the process that asks ended without an answer
	{1}: cannot be written; is /var full?
	option {1} '{2}': {3}
	{1} is the endpoint of interface {2} already: another option interface_id (or ip6addr) in {3} would be right
	{1} is not on the router although {2}_ep was added; see logread for netifd's reason
	netifd refused the softwire {1} -> {2} over {3}, MTU {4}
	{1} did not appear on the router
	ports {1}-{2}: the lower one first would be right
	another port's datagram
	another question's answer
	option clientid is missing, and the line has no MAC address to make one of
	interface {1} has no IPv6 prefix (yet)
	interface {1} was delegated {2}; /64 or shorter is needed
	{1} yet; takes the /64 in {2} s if DHCPv6 stays silent
	{1}, but needs a /64: ask for prefix delegation, or set option ip6prefix
	netifd does not answer: {1}
	a telephone number has digits only
	not ASCII text
	{1}: the firewall's rules cannot be written: {2}
	the router has no address of the prefix to ask from: is the LAN up?
	no rule is for the delegated prefixes of this line, {1}
	version 0: OpenWrt's package map here is too old for it
	a prefix of 32, 40, 48, 56, 64 or 96 bits would be right
	ea_length {1}: at most 48, and with the prefix' length 64, would be right
	ipv6: a prefix and its length would be right
	an identifier of the port set within the {1} bits would be right
	ea_length {1}: {2} to {3} would be right
	{1} has a name too long for proto {2}: {3} characters would be right
	no border router is in it
	{1} length {2}: at most 128 would be right
	offset {1}, length {2}: together at most 16 bits are right
	IPv4 prefix length {1}: at most 32 would be right
	{1} rules: 1 to {2} would be right
	does this line have IPv4 over IPv6? Where the operator told a method, name it in option provisioning of
		interface {1}; a login for RADIUS needs auth_server, shared_secret and password there
	DHCPv6's {1}: {2}
	a global, link-local or multicast IPv6 address would be right
	{1}: silent{2}
	the DHCPv4 server refused the address (NAK){1}
	{1}: '{2}'
	DHCPv6 of interface {1} {2}, and there is no option server
	has no option 88
	has {1} octets of option 88 without a server's address
	{1} cannot be asked: error {2}
	{1} offers an address, and nobody tells the border router: option peeraddr would be right
	wait: the client asks again by itself, and 'softwire probe {1}' shows each step; does the firewall let UDP port
		546 in (rule Allow-DHCPv6)?
	the operator offers none here, or {1} has not asked: with proto dhcpv6 'uci set network.{2}.reqopts=88; uci
		commit network; ifup {3}'; option server where you know one
	ask the operator for the address of the border router (AFTR), and set option peeraddr of {1}
	the name that the line tells is wrong: tell the operator; option peeraddr does without
	wait: the client asks again by itself; option peeraddr does without a name
	wait: the client asks for another address by itself; tell the operator if it stays so
	no {1}
	{1} of {2} octets
	option 159 of {1} octets: 4 would be right
	option 159: {1} bits of identifier: at most 16
	yiaddr {1} is the server's own
	lease time 0: a second at least would be right
	prefix length {1}: at most 32
	no link-local address
	the AFTR's name or IPv6 address would be right, not an IPv4 address
	one from {1} to {2} would be right
	the line tells no AFTR (DHCPv6 option 64): its name or IPv6 address in option peeraddr would be right
	the AFTR's name or IPv6 address would be right ({1})
	the address of AFTR {1}, {2}, is our own
	AAAA of {1}: {2}
	DHCPv6 option 64: {1}
	the line cannot be asked: error {1}
	ask the operator for the name or address of the AFTR, and set option peeraddr of interface {1}; is DS-Lite what
		this line has?
	the name of the AFTR is wrong, or belongs to another line: compare option peeraddr of interface {1} with what
		the operator says
	the resolvers of the line are silent: wait, the client asks again by itself; option peeraddr takes the IPv6
		address of the AFTR, too
	no DHCPv6 server of the line answers with option {1} (IA_DSTM)
	{1}; ignored: {2}
	the server says {1} {2}: {3}
	DHCPv6 cannot be asked: {1}
	the border router {1} is our own address
	wait: the client asks again by itself; does the firewall let UDP port 546 in (rule Allow-DHCPv6)? Compare
		options code_ia_dstm, code_dstm_tep and code_dstm_ports of {1} with the operator's; require_auth refuses every
		answer, since DHCPv6 has no way to authenticate them
	wait: the client asks again by itself; tell the operator if it lasts
	nothing: the client asks for another address
	tell the operator what the server said
	tell the operator what the server said; option peeraddr of {1} names a border router
	such as '00005e' or '00005e-router' would be right
	ipv6_local {1}: an address in a prefix of this line would be right
	1 to {1} letters, digits and '{2}' would be right
	option {1} is missing: both user_name and password, or none, would be right
	the answer: an object would be right
	order: a list of technologies would be right
	an object would be right
	{1}: text would be right
	{1}: a number from 0 to {2} would be right
	an address and a prefix length from 1 to 32 would be right
	a prefix and its length would be right
	a list of tunnels would be right
	rules: a list of 1 to {1} would be right
	ipv6_remote: another address than ipv6_local would be right
	the answer has no parameters for it
	more than {1} redirects
	TXT of {1}: {2}
	{1} answers {2}: it does not know this line
	{1} answers {2}
	{1} redirects from https to http: refused
	the answer of {1}: {2}
	t: a or b would be right
	t=b: https would be right
	this line has no HB46PP: {1}
	the redirect of {1}: {2}
	is this line of an operator that has HB46PP? The record is asked of the resolvers of {1} alone: no option dns or
		peerdns there; or another option provisioning of interface {2}
	the resolvers of the line are silent: wait, the client asks again by itself
	tell the operator: its server names a host that its resolvers do not know
	wait: the client asks again by itself; if it stays so, tell the operator
	ask the operator whether this line is its own, and opened
	ask the operator what belongs to the contract; MAP-E, MAP-T and 464XLAT need OpenWrt packages of their own (map,
		464xlat)
	install ca-bundle, then 'ifup {1}'
	is the clock of this router right? Otherwise tell the operator
	the end
	a name in quotes
	no JSON at octet {1}: {2} would be right
	another escape
	four hexadecimal digits
	a value
	no zero in front
	less depth
	',' or ']'
	',' or '}'
	no control character
	url: at most {1} printable ASCII characters would be right
	url: http:// or https:// would be right
	url: a server's name without a user would be right
	url: a port from 1 to 65535 would be right
	url: none is there
	url: [IPv6 address]:port would be right
	url: a name or an IPv6 address would be right, not an IPv4 address
	url: {1}
	the record asks for a certificate to be checked, and {1} is missing: install ca-bundle
	no address
	an answer of more than {1} octets
	a length that is no number
	too slow
	a head of more than {1} octets
	no HTTP answer
	cut off
	a part of another length
	https needs TLS, which this interpreter lacks: install micropython-mbedtls or python3-light
	certificate of {1}: {2}
	the Access-Accept lacks {1}
	RADIUS needs MD5, which this interpreter lacks: install micropython-mbedtls or python3-light
	option mac is missing, and the line tells no MAC address
	{1}: option shared_secret is not the server's, or they are forged
	{1} rejected {2}: compare password, line_type and mac with the operator's
	RADIUS code {1}: Access-Accept would be right
	SoftBank-v6-GW (207) {1} is our own address
	{1} octets that are no address
	one question the other way was answered
	the server's answers have no Message-Authenticator that is right
	option message_authenticator says require, so they are ignored
	ask the operator to sign them; to do without: {1}
	the server has another shared secret
	a question without Message-Authenticator was answered, and signed with another one
	the server answers only requests {1} Message-Authenticator
	at most {1}, beside offset {2}, would be right
	option psid beside it would be right
	at most {1}, which has {2} bits, would be right
	our own end, not the border router's, would be right
	option psidlen beside it, how many bits it has, would be right
	{1} says {2} {3}: {4}
	is closed
	does not read
	has closed the connection
	a status line would be right
	Tunnel Info lacks our IPv4 address
	{1} has ended it
	TLS: {1}
	cannot be reached
	is silent
	check options server, server_port and tls of interface {1}; the client asks again by itself
	check user_name and password of interface {1}; PLAIN is for tls or allow_plain alone
	tell the operator: the server cannot reach its border router
	compare the line's prefix with what the operator serves; option ip6prefix of {1}
	wait: the client asks again by itself
	Authentication: protocol 3, algorithm 1, method 0, type {1} would be right
	another message
	another client's, or another server's
	Authentication: not by our server, or not now
	a line that begins with '{1}{2}' would be right
	PLAIN: NUL, user, NUL, password would be right
	two ports such as '4096-8191' would be right
	tunnel without action
	{1}: a number would be right
	XML: at most {1} octets of printable ASCII would be right
	XML: something is behind </tunnel>
	XML: {1} is no element's name
	more than {1} octets that wait
	a line of more than {1} octets
	Content-length: a number up to {1} would be right
	neither a status line nor XML
	a reference other than &lt; &gt; &amp; &quot; &apos;
	XML: its declaration has no end
	XML: <{1}> has no end
	XML: more than {1} elements, or deeper than {2} in each other
	XML: <tunnel> would be right, not {1}
	XML: attributes of <{1}>: name="value" would be right
	XML: attributes of <{1}> without a blank between
	Content-length is missing
	address type {1}: {2}
	XML: </{1}> ends nothing
	tunnel in {1}
	DIGEST-MD5: a quotation mark is missing
	DIGEST-MD5: base64 would be right
	DIGEST-MD5: a nonce, and qop auth, would be right
	DIGEST-MD5: name=value, ... would be right
	{1} {2}: a global unicast IPv6 address would be right
	{1} {2}: a unicast IPv4 address would be right
	offset {1}, length {2}, identifier {3}: together at most 16 bits, and an identifier that fits, would be right
	ports {1}-{2}: a power of two at a multiple of itself would be right
	ubus does not run
	{1} cannot be written: error {2}
	record {1} of {2} octets does not fit {3}-octet fields
	{1}: {2} octets wanted at offset {3}, {4} left
	{1}: {2} octets too many at offset {3}
	more than {1} {2}s: the rest is left out
	it says nothing of why
	{1} is down: {2}
	{1} is up on {2}
	option {1}: text in UTF-8 would be right
	the options are no JSON object
	interface {1}, proto {2}, does not come up: {3}
	netifd refused the device {1} of interface {2}
	netifd does not have it; see logread for its reason
	netifd's status holds no address and mask in {1}
	interface {1} has {2} on the link and no delegated prefix
	DHCPv6 options: {1}
	no hexadecimal digits
	the name of the interface that has IPv6, such as 'wan6'
	the border router's IPv6 address
	the IPv4 address that the operator gave, such as '192.0.2.1'
	the address of the operator's RADIUS server
	the RADIUS secret shared by server and client
	the line's CHAP password
	the address of the operator's DSTM server
	no route to it
	our address is gone
	error {1}
	sub-option {1}: {2}
	option 17: {1}
	the softwire's own is not configured, and the server may look at the sender's address
	netifd has not set up interface {1}: {2}
	it is not of proto softwire, or down
	{1} is not executable
	OpenWrt's package {1} is not installed
	no border router beside it
	the border router has our address
	message type {1} in state {2}
	another client identifier
	a refusal without server identifier
	another server
	a refusal in state {1}
	another address or port set
	option 109 is not our source address
	no IA_DSTM of ours
	not authenticated, as option require_auth wants it
	T1 behind T2
	an IA_DSTM without an address
	RFC 8415 section 21.13 has its codes
	it has no address left; one may be free later
	it does not know the address as ours
	no record of {1}
	this router's client does not do it
	{1} wants user_name and password
	{1} rejected user_name and password
	{1} has nothing for this line
	{1} has nothing that this router can use: {2}
	{1}; the clock of this router is not set
	{1} is silent
	{1} (ignored: {2})
	compare user_name and password with the operator's
	its border router could not be told
	the address cannot be kept
	it does not serve this IPv6 address
	it does not take the IPv4 address
	it will be asked again
	{1} sends on to {2}
	{1} speaks another version of TSP
	it offers {1}, and not {2}
	it does not know the password itself
	RFC 5572 section 5 has its codes
	no answer in time
	not allowed
	ubus does not know it
	the command ended with {1}
	silent
	refused
	IPv4 {1}, MTU {2}
	TSP version
	asks as a {1} line: {2}
	asks for an IA_DSTM ({1})
	asks the DHCPv6 server on {1} for option 64
	asks {1} for the TXT record of {2}
	asks {1} for the addresses of {2}
	asks {1} from {2}
	asks {1}://{2} at {3}, certificate {4}
	every {1}
	from {1}
	left out
	line type
	logs in by {1}
	none of NTT's (option 17, enterprise 210) came
	not checked
	of DHCPv4 server {1}{2}
	ok: provisioning {1}, tunlink {2}
	ok: {1} is up on {2}, MTU {3}, MAC {4}
	ports of a shared address: {1}
	rebinding after
	renewal after
	sends CHAP-Challenge and CHAP-Password (not shown)
	sends User-Name {1}
	sends {1} {2}
	the server has bound our softwire's address (option 109)
	to be asked for again after {1} s
	to be renewed in {1}, with any server in {2}, over in {3}
	told by the server
	tries {1}{2}
	valid for {1} s
	vendor options
	without an end
	would be handed on to proto {1}:
	would be {1}
	would be {1} -> {2}
	{1} ({2})
	{1} answers {2}, {3} octets
	{1}, which DHCPv6 offers
	{1}, without end
	{1}: {2}, for {3} s
	in {1}
	lease
	lifetime
	login
	keepalive
	offers
	uses
	operator
	service
	provider
	tried
	method
	problem
	the server would offer more with user_name and password
	the server rejected user_name and password
	the server accepted user_name and password
	the line delegates no prefix, and every CROSS line does
	the prefix has the lifetimes of CROSS lines
	the line delegates a prefix without having a telephone
	nothing speaks for a CROSS line
	the server rejected a login as {1}
	{1} ranges from {2} on
`;

return baseclass.extend({ sentences: SENTENCES });
