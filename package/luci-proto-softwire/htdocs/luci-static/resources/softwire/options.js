// SPDX-License-Identifier: Apache-2.0
// The options of the protocols as people read them: which there are, what a value may be, what stands in its place
// where it is missing. The helper has the same table (src/softwire/config.py, src/softwire/provisioning/), the handler
// its names (lib/netifd/proto/); tests/luci compares them.

'use strict';
'require baseclass';
'require softwire.checks as checks';

// A row: name, check, and of these what differs from a single value that may be missing:
//   fallback   what a missing one means, as it is written
//   words      the values that there are
//   flag       a box to tick; `fallback` '1' where it is ticked by default
//   list       several values
//   secret     nobody may be shown the value
//   required   it must be there
//   main       belongs on the first tab

// Of those whose addresses can be had on demand.
const DEMAND = [
	{ name: 'demand', check: checks.flag, flag: true, fallback: '0' },
	{ name: 'idle', check: checks.number(10, 86400), fallback: '600' }
];

const COMMON = [
	{ name: 'interface_id', check: checks.interfaceId, fallback: '1111:1111:1111:1111' },
	{ name: 'ip6prefix', check: checks.prefix },
	{ name: 'mtu', check: checks.number(68, 65495) },
	{ name: 'ttl', check: checks.number(1, 255), fallback: '64' },
	{ name: 'watch', check: checks.number(20, 86400, '0'), fallback: '60' },
	{ name: 'zone', check: checks.name }
];

const LINE_TYPES = [ 'auto', 'next', 'cross' ];
const AUTHENTICATOR = [ 'off', 'send', 'require' ];

const UNITS = [ 'auto', 'seconds', 'minutes' ];

// One entry a provisioning method: its title, and its own options in the order in which people read them. `others`: it
// looks at other methods' options, too, which the form then leaves as they are.
const METHODS = {
	softbank: {
		title: _('SoftBank Hikari (RADIUS)'),
		rows: [
			{ name: 'auth_server', check: checks.host, list: true, required: true, main: true },
			{ name: 'auth_port', check: checks.number(1, 65535), fallback: '1812' },
			{ name: 'shared_secret', check: checks.text, secret: true, required: true, main: true },
			{ name: 'password', check: checks.text, secret: true, required: true, main: true },
			{ name: 'line_type', check: checks.choice(LINE_TYPES), words: LINE_TYPES, fallback: 'auto', main: true },
			{ name: 'user_name', check: checks.octets(253) },
			{ name: 'mac', check: checks.mac, main: true },
			{ name: 'manufacturer', check: checks.octets(60) },
			{ name: 'software_version', check: checks.octets(60) },
			{ name: 'hardware_version', check: checks.octets(60) },
			{
				name: 'message_authenticator', check: checks.choice(AUTHENTICATOR), words: AUTHENTICATOR,
				fallback: 'off'
			},
			{ name: 'nas_identifier', check: checks.octets(253) },
			{ name: 'nas_ipv6_address', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'reauth', check: checks.number(60, 2592000), fallback: '86400' }
		]
	},

	// Checked by the method that is found, when it is its turn; the other options of those that it tries count as well.
	auto: {
		title: _('Find out what the line offers'),
		others: true,
		rows: [
			{ name: 'auth_server', check: checks.text, list: true, main: true },
			{ name: 'shared_secret', check: checks.text, secret: true, main: true },
			{ name: 'user_name', check: checks.text, main: true },
			{ name: 'password', check: checks.text, secret: true, main: true }
		]
	},

	dslite: {
		title: _('DS-Lite (the line names the AFTR)'),
		rows: [
			{ name: 'peeraddr', check: L.bind(checks.aftr, checks), main: true },
			{ name: 'ipaddr', check: checks.b4Address }
		]
	},

	dhcp4o6: {
		title: _('DHCPv4 over DHCPv6'),
		rows: [
			{ name: 'server', check: checks.server, list: true, main: true },
			{ name: 'peeraddr', check: checks.endpoint, main: true },
			{ name: 'clientid', check: checks.duid },
			{ name: 'norelease', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'persist', check: checks.flag, flag: true, fallback: '0' }
		]
	},

	tsp: {
		title: _('DSTM (TSP)'),
		rows: [
			{ name: 'server', check: checks.host, list: true, required: true, main: true },
			{ name: 'server_port', check: checks.number(1, 65535), fallback: '3653' },
			{ name: 'user_name', check: checks.octets(253), main: true },
			{ name: 'password', check: checks.text, secret: true, main: true },
			{ name: 'allow_plain', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'tls', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'tls_ca', check: checks.text, fallback: '/etc/ssl/certs/ca-certificates.crt' },
			{ name: 'peeraddr', check: checks.endpoint },
			{ name: 'shared', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'lifetime_unit', check: checks.choice(UNITS), words: UNITS, fallback: 'auto' }
		].concat(DEMAND)
	},

	dstm: {
		title: _('DSTM (DHCPv6)'),
		rows: [
			{ name: 'peeraddr', check: checks.endpoint, main: true },
			{ name: 'clientid', check: checks.duid },
			{ name: 'norelease', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'shared', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'require_auth', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'code_ia_dstm', check: checks.number(1, 65535), fallback: '65361' },
			{ name: 'code_dstm_tep', check: checks.number(1, 65535), fallback: '65362' },
			{ name: 'code_dstm_ports', check: checks.number(1, 65535), fallback: '65363' }
		].concat(DEMAND)
	},

	hb46pp: {
		title: _('HB46PP (national provisioning of Japan)'),
		rows: [
			{ name: 'user_name', check: checks.login, main: true },
			{ name: 'password', check: checks.login, secret: true, main: true },
			{ name: 'server_name', check: checks.name },
			{ name: 'persist', check: checks.flag, flag: true, fallback: '0' },
			{ name: 'vendorid', check: checks.vendorId },
			{ name: 'product', check: checks.login, fallback: 'softwire' }
		]
	},

	'static': {
		title: _('Fixed parameters'),
		rows: [
			{ name: 'peeraddr', check: checks.endpoint, required: true, main: true },
			{ name: 'ipaddr', check: checks.ipv4Address, required: true, main: true },
			{ name: 'ip6addr', check: checks.endpoint, main: true },
			{ name: 'psid', check: checks.number(0, 65535) },
			{ name: 'psidlen', check: checks.number(0, 16) },
			{ name: 'offset', check: checks.number(0, 15), fallback: '0' }
		]
	}
};

// What the values mean together, by method: takes value(name), '' for a missing one, and gives [name, what would be
// right] or null.
const TOGETHER = {
	hb46pp: function(value) {
		if ((value('user_name') == '') == (value('password') == ''))
			return null;

		return [ value('password') == '' ? 'password' : 'user_name', _('both of them or none would be right') ];
	},

	'static': function(value) {
		const bits = +value('psidlen') || 0, offset = +value('offset') || 0, psid = value('psid');

		if (checks.same(value('ip6addr'), value('peeraddr')))
			return [ 'ip6addr', _("our own end, not the border router's, would be right") ];

		if (!bits)
			return +psid ? [ 'psid', _('the length of the identifier beside it would be right') ] : null;

		if (bits + offset > 16)
			return [ 'psidlen', _('at most %d, beside offset %d, would be right').format(16 - offset, offset) ];

		if (psid == '')
			return [ 'psidlen', _('the identifier of the port set beside it would be right') ];

		return +psid >= Math.pow(2, bits)
			? [ 'psid', _('at most %d, which has %d bits, would be right').format(Math.pow(2, bits) - 1, bits) ]
			: null;
	}
};

const REQUEST = [ 'none', 'try', 'force' ];

// Without check: the stock protocol dhcpv6 takes anything as well.
const FLETS = [
	{ name: 'reqprefix', check: checks.requestedPrefix, fallback: 'auto', main: true },
	{ name: 'voip', check: checks.flag, flag: true, fallback: '0', main: true },
	{ name: 'mac', check: checks.lineMac, main: true },
	{ name: 'reqaddress', check: checks.choice(REQUEST), words: REQUEST, fallback: 'none' },
	{ name: 'norelease', check: checks.flag, flag: true, fallback: '1' },
	{ name: 'clientid', check: checks.hex },
	{ name: 'vendorclass', check: checks.hex },
	{ name: 'reqopts', check: checks.optionCode, list: true },
	{ name: 'sendopts', check: checks.text, list: true },
	{ name: 'userclass', check: checks.text },
	{ name: 'vendorid', check: checks.text },
	{ name: 'voip_zone', check: checks.name },
	{ name: 'ip6prefix', check: checks.anyPrefix, list: true },
	{ name: 'ip6ifaceid', check: checks.text },
	{ name: 'ifaceid', check: checks.text },
	{ name: 'zone', check: checks.name },
	{ name: 'defaultreqopts', check: checks.flag, flag: true, fallback: '1' },
	{ name: 'noclientfqdn', check: checks.flag, flag: true, fallback: '0' },
	{ name: 'noserverunicast', check: checks.flag, flag: true, fallback: '0' },
	{ name: 'noacceptreconfig', check: checks.flag, flag: true, fallback: '0' },
	{ name: 'forceprefix', check: checks.flag, flag: true, fallback: '0' },
	{ name: 'noslaaconly', check: checks.flag, flag: true, fallback: '0' },
	{ name: 'sourcefilter', check: checks.flag, flag: true, fallback: '1' },
	{ name: 'fakeroutes', check: checks.flag, flag: true, fallback: '1' },
	{ name: 'extendprefix', check: checks.flag, flag: true, fallback: '0' },
	{ name: 'keep_ra_dnslifetime', check: checks.flag, flag: true, fallback: '0' },
	{ name: 'ra_holdoff', check: checks.number(0, 65535) },
	{ name: 'soltimeout', check: checks.number(1, 65535), fallback: '120' },
	{ name: 'skpriority', check: checks.number(0, 6) },
	{ name: 'verbose', check: checks.number(0, 7) }
];

return baseclass.extend({
	methods: METHODS,
	common: COMMON,
	flets: FLETS,

	// The options of a method that are checked together, since each is right or wrong beside the others.
	together: [ 'user_name', 'password', 'peeraddr', 'ip6addr', 'psid', 'psidlen', 'offset' ],

	// The row of an option for a method, or undefined where the method does not look at it.
	row: function(method, name) {
		const own = METHODS[method] ? METHODS[method].rows : [];

		return own.concat(COMMON).find(row => row.name == name);
	},

	// The names of all methods' own options, each once.
	names: function() {
		const found = [];

		for (let method in METHODS)
			for (let row of METHODS[method].rows)
				if (found.indexOf(row.name) < 0)
					found.push(row.name);

		return found;
	},

	// True, or what would be right. value(name): what stands in the other fields.
	check: function(method, name, text, value) {
		const row = this.row(method, name);
		const said = row && text != '' ? row.check(text) : true;

		if (said !== true || !value || !TOGETHER[method])
			return said;

		const wrong = TOGETHER[method](value);

		return wrong && wrong[0] == name ? wrong[1] : true;
	}
});
