// SPDX-License-Identifier: Apache-2.0
// What softwired says of faults and problems (src/softwired), in the reader's language: a list for softwired.sentences.
// tests/luci compares it with the sources.

'use strict';
'require baseclass';
'require softwired.sentences as sentences';

const SENTENCES = `
	may not ask at {1}: root and the service's user may
	{1} does not run: nobody answers at {2}
	true or false would be right
	a whole number from {1} to {2} would be right
	seconds from {1} to {2} would be right
	one of {1} would be right
	an absolute path would be right
	a name of letters, digits, '_', '-' and '.' would be right
	a list of at least {1} entries would be right
	a list would be right
	a network device's name such as 'eth1' would be right
	an IPv6 address such as '2001:db8::1' would be right
	a unicast address that is not link-local would be right
	an IPv6 prefix such as '2001:db8:1::/48', host bits zero, would be right
	an IPv4 address such as '192.0.2.1' would be right
	an IPv4 prefix such as '192.0.2.0/24', host bits zero, would be right
	sqlite:/// and an absolute path, so four slashes, would be right
	sqlite:// or postgresql:// would be right
	hexadecimal octets such as '00:03:00:01' would be right
	a user, or '' to stay who starts it, would be right
	{1}: not TOML: {2}
	unknown; known are {1}
	a table [{1}] would be right
	tables [[{1}]] would be right
	missing, and there is no default
	{1} is no function
	a packet of {1} octets: at most 65535
	{1} cannot be executed
	{1}: loading it took more than 10 seconds
	cannot be loaded
	an address that clients can send to would be right
	a text would be right
	a program by its absolute path, then its arguments, would be right
	an entry point such as 'package.module:function' would be right
	at least one table [[dhcp4o6.interface]] would be right
	there once already; another one would be right
	the name of a [[dhcp4o6.class]] would be right
	either function or command would be right
	a type of 2 octets and 1 to 128 octets more would be right
	not asked yet
	nobody listens
	dhcp4o6.port = {1}: cannot listen at [::1]:{2}: {3}; a port that is free, with the DHCPv4 server's on the next
		one (Kea's dhcp4o6-port), would be right
	dstm: {1}: packages python3-sqlalchemy and, for PostgreSQL, python3-psycopg2 would be right
	[{1}]:547 on {2}
	0 for all ports, or a power of two such as 2048, would be right
	0 would be right, since it is not asked
	a name would be right
	at least one table [[dstm.pool]] would be right
	at least one table [[dstm.tep]] would be right
	three codes of which none is another's would be right
	the path of a file with users would be right, or mechanisms = ["ANONYMOUS"]
	PLAIN over TLS alone: port = 0, or that of dstm.tls, would be right
	the file that belongs to tls.{1} would be right
	a port, or a certificate in [dstm.tls], would be right
	both or none of user and password_file would be right
	what nodes are told of it, since it is not asked, would be right
	one that is in no pool, or in its exclude, would be right
	the address of a [[dstm.tep]] would be right
	none that is in pool[{1}] already ({2}) would be right
	room for {1} ports would be right
	at most {1} would be right
	[{1}]:{2} over TLS
	dstm.listen: cannot listen at [{1}]:{2}: {3}
	a prefix, two addresses with '-' between or one address would be right
	the lower address first would be right
	addresses that hosts can have would be right, not {1}
	is silent
	has closed the connection
	sends nonsense: {1}
	refuses: {1} {2}
	takes {1}, not {2}
	does not know the password itself
	{1} {2}, though nobody asked
	Tunnel Info would be right
	dstm.tls: {1} and {2}: {3}
	there is another device '{1}'
	the device '{1}' has gone
	{1}: not installed
	ip {1}: no JSON; iproute2 itself (ip-full) would be right
	there is no such interface
	has no link-local address that could be used (down, or still tentative)
	cannot listen at [{1}]:{2}: {3}
	{1}: another DHCPv6 server has it
	{1}: this machine does not have the address (yet); it is waited for
	interface {1} has no link-local address
	the program nft is missing: the package nftables has it
	it is a port of the bridge {1}, which would be right in its place
	it is no Ethernet interface (or has no address)
	the kernel answers for {1} only where net.ipv6.conf.{2}.forwarding is 1: until then softwired does
	a prefix of global or unique local unicast addresses would be right
	an address, a prefix with host bits zero or two addresses as '2001:db8::1-2001:db8::9' would be right
	a prefix of 64 bits or shorter would be right
	an address and a port such as '[::1]:8064' would be right
	an absolute path, or '', would be right
	at least one table [[prefix64.range]] would be right
	at most {1} addresses of all ranges would be right
	either prefix or delegated would be right
	{1} has no /64 of that number
	a prefix of one address (/128) would be right: the kernel has no ranges
	local = false and answer = 'yes' beside it would be right
	forward beside it would be right
	another interface than the range's own would be right
	a range that is neither local nor answered does nothing: leave it out
	addresses of {1} would be right
	overlaps {1}: each address once would be right
	nothing of {1} is left
	overlaps {1} of the same interface: each address in one range would be right
	there once already; another number would be right
	of {1}, number {2}
	after asking {1}
	{1} groups
	cannot join all groups of 'join': {1}
	{1}; it is waited for
	may not listen on {1}: root, or CAP_NET_RAW, would be right
	cannot listen: {1}
	several prefixes were delegated: {1}; one of them as 'delegated' would be right
	was delegated no prefix, and has no address of one of 64 bits or shorter yet; it is waited for
	has a /{1} only, which has no /64 of that number
	is no prefix of {1}, which has {2}: it is asked for there only if a router has a route to it on that link
	there is no user '{1}' (softwired.user)
	cannot become user '{1}': {2}
	runs as root
	has more capabilities than it needs: {1}
	has no {1}
	no_new_privs is not set
	{1}: {2}: missing: a table [{3}] would be right
	cannot listen at {1} (softwired.run_directory): {2}
	cannot make {1} (softwired.run_directory): {2}
	a unicast address that nodes can send to would be right
	a power of two such as 2048 would be right
	either servers or learn = true would be right: mappings come from one of them
	the address of a server that may ask would be right, or learn = true
	the prefixes of nodes whose packets are trusted would be right
	none that overlaps {1} would be right
	one that is part of tep.prefixes would be right
	servers instead: who has which ports cannot be learned from packets
	an address that no node can get, so outside of prefixes, would be right
	tep.{1}: takes effect at the next start alone
	tep.listen: [{1}]:{2}: {3}
	net.ipv4.ip_forward is 0: this machine forwards no IPv4 packets
	tep.file = '{1}': {2}; a file in a folder that the service may write to would be right
	of version {1}; this softwired knows {2}
	a file that others can neither read nor write (chmod o=) would be right
	line {1}: user:realm:digest would be right
	tunnels.dns: {1}: the package python3-dnspython would be right
	tunnels.page.accounts = true: this Python has no scrypt; one with OpenSSL's, or false, would be right
	tunnels: {1}: packages python3-sqlalchemy, for names python3-dnspython and for PostgreSQL python3-psycopg2 would
		be right
	tunnels: no raw ICMPv6 socket: {1}; root's rights would be right
	tunnels: device {1}: {2}
	tunnels.{1}: takes effect at the next start alone
	tunnels.dns: {1}; {2} changes of names wait
	net.ipv6.conf.all.forwarding is 0: this machine forwards no IPv6 packets
	net.ipv6.neigh.default.gc_thresh3 is {1}: for {2} tunnels {3} would be right
	an address of this machine that others reach would be right
	a DNS zone such as 'tunnels.example.org' would be right
	an address such as '192.0.2.53', '192.0.2.53:53' or '[::1]:53' would be right
	an address and a port such as '[::1]:8041', '[::]:80' would be right
	such as 'https://tunnels.example.org', or '', would be right
	an address or a prefix such as '127.0.0.1' or '::1' would be right
	a list of words would be right
	a line of text would be right
	a nicname, '*' stands for any text, would be right
	the zone of the names, or dns.type = 'none', would be right
	the TSIG key that the server knows would be right
	a zone below ip6.arpa would be right
	one that holds names of tunnels.prefix, {1}, would be right
	room for {1}, so a /{2} or shorter, would be right (this one has {3})
	tunnels.tunnels = {1} of /{2}
	a /{1}
	one that does not overlap tunnels.{1} ({2}) would be right
	a length that neither tunnels.routed_length nor another pool has would be right
	a TSIG secret in base64, or the file that tsig-keygen writes, would be right
	{1} does not take the key '{2}' for changes of {3} ({4})
	{1} refuses changes of {2} ({3})
	tunnels.dns: {1}; a zone that takes updates with the key '{2}' would be right
	more than {1} octets that wait
	a line of more than {1} octets
	Content-length is missing
	Content-length: a number up to {1} would be right
	neither a status line nor XML
	a line that begins with '{1}{2}' would be right
	PLAIN: NUL, user, NUL, password would be right
	address type {1}: {2}
	two ports such as '4096-8191' would be right
	tunnel in {1}
	tunnel without action
	{1}: a number would be right
	a reference other than &lt; &gt; &amp; &quot; &apos;
	XML: at most {1} octets of printable ASCII would be right
	XML: its declaration has no end
	XML: <{1}> has no end
	XML: </{1}> ends nothing
	XML: more than {1} elements, or deeper than {2} in each other
	XML: <tunnel> would be right, not {1}
	XML: something is behind </tunnel>
	XML: attributes of <{1}>: name="value" would be right
	XML: attributes of <{1}> without a blank between
	XML: {1} is no element's name
	DIGEST-MD5: base64 would be right
	DIGEST-MD5: name=value, ... would be right
	DIGEST-MD5: a quotation mark is missing
	DIGEST-MD5: a nonce, and qop auth, would be right
	[Errno {1}] {2}
	timed out
	Permission denied
	Operation not permitted
	No such file or directory
	File exists
	No space left on device
	Out of memory
	Resource busy
	Read-only file system
	Connection reset by peer
	Operation timed out
	Connection refused
	Host is unreachable
	Network unreachable
	Network is down
	Address in use
	Address not available
	I/O error
	No such device
	Not a directory
	Is a directory
	Invalid argument
	Not supported
	unable to open database file
	database is locked
	database or disk is full
	attempt to write a readonly database
	file is not a database
	disk I/O error
	database disk image is malformed
`;

const say = sentences.reader(SENTENCES);

return baseclass.extend({
	// A text of one line or several in the reader's language, or as it is.
	say: text => text.split('\n').map(say).join('\n')
});
