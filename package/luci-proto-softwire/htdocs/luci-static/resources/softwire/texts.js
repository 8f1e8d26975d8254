// SPDX-License-Identifier: Apache-2.0
// What the options are called and what they mean, for people: docs/options.md in short.

'use strict';
'require baseclass';

const WORDS = {
	auto: _('automatic'),
	next: _('NEXT (1 Gbit/s)'),
	cross: _('CROSS (10 Gbit/s)'),
	off: _('off'),
	send: _('send'),
	require: _('require'),
	none: _('none'),
	'try': _('try'),
	force: _('force'),
	seconds: _('seconds'),
	minutes: _('minutes')
};

const TEXTS = {
	tunlink: [ _('Line'), _('The interface that has IPv6.') ],
	provisioning: [ _('Provisioning'), _("Who tells the softwire's parameters.") ],
	interface_id: [ _('Interface identifier'), _('Lower half of the local endpoint in the first /64 of the prefix.') ],
	ip6prefix: [ _('IPv6 prefix'), _('A prefix to use instead of the delegated one, /64 or shorter.') ],
	mtu: [ _('MTU'), _("Largest IPv4 packet in octets; empty: the line's MTU less 40.") ],
	ttl: [ _('Hop limit'), _('Hop limit of the outer header.') ],
	watch: [
		_('Watch'),
		_('Seconds that packets may leave while none comes back before the operator is asked again; 0: never.')
	],
	zone: [ _('Firewall zone'), _('In addition to the zone that names the interface.') ],

	auth_server: [ _('RADIUS server'), _('Address or name; several are asked in turn.') ],
	auth_port: [ _('RADIUS port'), _('UDP port of the server.') ],
	shared_secret: [ _('Shared secret'), _('The RADIUS secret of the operator.') ],
	password: [ _('Password'), _('Of the line, or of the login.') ],
	line_type: [ _('Type of line'), _('Automatic looks at the line.') ],
	user_name: [ _('User name'), _('Sent as it is; SoftBank: made from the prefix where it is empty.') ],
	mac: [ _('MAC address'), _("Empty: what the line echoes, else the device's.") ],
	manufacturer: [ _('Manufacturer'), _('Vendor attribute 2.') ],
	software_version: [ _('Software version'), _('Vendor attribute 3.') ],
	hardware_version: [ _('Hardware version'), _('Vendor attribute 4.') ],
	message_authenticator: [
		_('Message-Authenticator'),
		_('Require refuses answers without one (CVE-2024-3596).')
	],
	nas_identifier: [ _('NAS-Identifier'), _('Empty: not sent.') ],
	nas_ipv6_address: [ _('Send NAS-IPv6-Address'), _('The address that the request is sent from.') ],
	reauth: [ _('Ask again after'), _('Seconds, where the answer tells no time.') ],

	peeraddr: [
		_('Border router'),
		_('IPv6 address (DS-Lite: or name) of the other end; empty: what the line tells.')
	],
	ipaddr: [ _('IPv4 address'), _("The router's own end of the softwire.") ],
	server: [
		_('Server'),
		_('IPv6 address (DSTM: or name); DHCPv4 over DHCPv6: empty: what the line tells (option 88).')
	],
	clientid: [ _('Client identifier'), _('DUID in hexadecimal; empty: the one that odhcp6c makes.') ],
	server_port: [ _('Port of the server'), _('Its TCP port.') ],
	allow_plain: [ _('Allow PLAIN'), _('The password in the clear, where the server offers nothing better.') ],
	tls: [ _('TLS'), _('The certificate is checked for the name or address of the server.') ],
	tls_ca: [ _('Certificate authorities'), _('A file: who may have signed it.') ],
	shared: [ _('Accept a shared address'), _("A range of an address' ports will do.") ],
	lifetime_unit: [ _('Unit of lifetimes'), _('What the server counts them in.') ],
	demand: [ _('On demand'), _('The address is asked for when a packet wants out; needs kmod-nft-queue.') ],
	idle: [ _('Give it back after'), _('Seconds in which no packet left; for on demand.') ],
	require_auth: [
		_('Insist on authentication'),
		_('Refuses every answer that nobody authenticated: so far all of them.')
	],
	code_ia_dstm: [ _('Code of IA_DSTM'), _("The server's; IANA never assigned one.") ],
	code_dstm_tep: [ _('Code of the border router option'), _("The server's; IANA never assigned one.") ],
	code_dstm_ports: [ _('Code of the ports option'), _("The server's; IANA never assigned one.") ],
	server_name: [ _('Name of the server'), _('The only server that may see the login; empty: any.') ],
	vendorid: [ _('Vendor identifier'), _('Empty: of the MAC address of the line.') ],
	product: [ _('Product'), _('What the server is told of the router.') ],
	norelease: [ _('Keep the lease'), _('It is not given back when the interface goes down.') ],
	persist: [ _('Remember on flash'), _('What was got is asked for again, or used, after a reboot.') ],
	ip6addr: [ _('Local IPv6 address'), _('Empty: prefix and interface identifier.') ],
	psidlen: [ _('Length of the port set identifier'), _('Bits; 0: the IPv4 address is not shared.') ],
	psid: [ _('Port set identifier'), _('A decimal number.') ],
	offset: [ _('Port set offset'), _('Bits of a port before the identifier.') ]
};

// Of the line, where the same name means something else, too.
const FLETS = {
	reqprefix: [
		_('IPv6 prefix'),
		_('auto, a length or a prefix to ask for; no: for a line that answers questions for information only.')
	],
	voip: [ _('Telephone'), _("Bring up the telephone's network beside the line.") ],
	mac: [ _('MAC address'), _("For the vendor class; empty: the device's.") ],
	reqaddress: [ _('IPv6 address'), _('NTT gives none.') ],
	norelease: [ _('Send no Release'), _('A Release would cost the prefix.') ],
	clientid: [ _('Client identifier'), _("Hexadecimal; empty: DUID-LL, the only kind that NTT's network answers.") ],
	vendorclass: [ _('Vendor class'), _('Option 16, hexadecimal; empty: enterprise 210 with the MAC address.') ],
	reqopts: [ _('Further options to ask for'), _('Codes of DHCPv6 options; 17 and 88 are asked for anyway.') ],
	sendopts: [ _('Further options to send'), '' ],
	userclass: [ _('User class'), '' ],
	vendorid: [ _('Vendor class of the telephone'), _("Option 60 of the telephone's DHCPv4; empty: not sent.") ],
	voip_zone: [ _('Firewall zone of the telephone'), _('Empty: closed to everybody but the SIP servers.') ],
	ip6prefix: [ _('Further IPv6 prefixes'), '' ],
	ip6ifaceid: [ _('Interface identifier'), '' ],
	ifaceid: [ _('Interface identifier (older name)'), '' ],
	zone: [ _('Firewall zone'), _('In addition to the zone that names the interface.') ],
	defaultreqopts: [ _("Ask for odhcp6c's usual options"), '' ],
	noclientfqdn: [ _('Do not send the host name'), '' ],
	noserverunicast: [ _('Ignore server unicast'), '' ],
	noacceptreconfig: [ _('Do not accept Reconfigure'), '' ],
	forceprefix: [ _('Insist on a prefix'), '' ],
	noslaaconly: [ _('Do not do with router advertisements alone'), '' ],
	sourcefilter: [ _('Source routes'), _('Packets leave by the line only with its own source addresses.') ],
	fakeroutes: [ _('Default route for the prefix without advertisement'), '' ],
	extendprefix: [ _('Share a /64 with the LAN (RFC 7278)'), '' ],
	keep_ra_dnslifetime: [ _('Keep the lifetime of advertised resolvers'), '' ],
	ra_holdoff: [ _('Least time between advertisements'), _('Seconds.') ],
	soltimeout: [ _('Longest time between Solicits'), _('Seconds.') ],
	skpriority: [ _('Priority of packets'), '' ],
	verbose: [ _('Log level'), '' ]
};

return baseclass.extend({
	// [title, description] of an option of protocol softwire, or with `line` of protocol flets.
	of: function(name, line) {
		return (line ? FLETS : TEXTS)[name] || (line ? TEXTS : {})[name] || [ name, '' ];
	},

	word: function(name) {
		return WORDS[name] || name;
	}
});
