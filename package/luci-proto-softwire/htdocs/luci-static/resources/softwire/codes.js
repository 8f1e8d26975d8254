// SPDX-License-Identifier: Apache-2.0
// The error codes, what is wrong and what to do: docs/codes.md in short. network.js shows them beside an interface.

'use strict';
'require baseclass';
'require network';

// NO_DEVICE is netifd's own.
const CODES = {
	BAD_CONFIG: [
		_('An option is missing or wrong'),
		_('correct it and save; the log and the doctor name it')
	],
	MISSING_PACKAGE: [ _('A package is missing'), _('install odhcp6c, and micropython-mbedtls or python3-light') ],
	NO_MAC: [ _("The line's device has no MAC address"), _('set the MAC address') ],
	LINE_NOT_DUID_LL: [
		_("The client identifier is no DUID-LL, the only kind that NTT's network answers"),
		_('clear the client identifier of the line')
	],
	NO_RUN_DIRECTORY: [ _('/var/run/softwire cannot be written'), _('make room in /var') ],
	NETIFD_SILENT: [
		_('netifd does not answer'),
		_('wait a moment; restart the network if it stays so')
	],
	NO_LINE: [ _('The line is not known, or down'), _('choose the interface that has IPv6') ],
	NO_PREFIX: [ _('The line has no IPv6 prefix yet'), _("look at the line's interface") ],
	ONLY_ONLINK_PREFIX: [
		_('The line delegates no prefix, and has no /64 of its own yet'),
		_('wait half a minute; with less than a /64 ask for a prefix, or set one')
	],
	PREFIX_TOO_LONG: [
		_('The delegated prefix is longer than /64'),
		_('a router before this one delegates too little')
	],
	NO_ENDPOINT: [
		_('The local address did not appear on the router'),
		_('see whether it is configured elsewhere')
	],
	ENDPOINT_TAKEN: [
		_("The local address is another softwire's, or somebody else's on the line"),
		_('set another interface identifier')
	],
	NO_ANSWER: [
		_('No server answered'),
		_('check server, port and type of line; from another network it is not reached')
	],
	SECRET_MISMATCH: [ _('Answers came, but none was signed with the secret'), _('check the shared secret') ],
	AUTH_REJECTED: [
		_('The server rejected the login'),
		_("check password, type of line and MAC address, and whether the line is this operator's")
	],
	BAD_ANSWER: [ _('The answer cannot be right'), _('tell the operator; the probe shows the answer') ],
	NO_AFTR: [
		_('Nobody tells the border router'),
		_('set the border router, or another kind of provisioning')
	],
	NAME_UNKNOWN: [
		_("The line's resolvers know no such name"),
		_("compare the name with the operator's")
	],
	NAME_UNRESOLVED: [
		_("The line's resolvers did not answer"),
		_('it is tried again; an IPv6 address does without')
	],
	NO_4O6_SERVER: [
		_('The line tells no server of DHCPv4 over DHCPv6'),
		_('ask for option 88 on the line, or set the server')
	],
	LEASE_REFUSED: [
		_('The DHCPv4 server refused the address'),
		_('it is asked again; tell the operator if it stays so')
	],
	NO_MD5: [ _('The interpreter has no MD5'), _('install micropython-mbedtls') ],
	POOL_EXHAUSTED: [
		_('The server has no IPv4 address left'),
		_('it is asked again after a minute; tell the operator if it lasts')
	],
	TEP_FAILED: [ _('The server could not tell its border router'), _('tell the operator') ],
	LEASE_ENDED: [
		_('The server ended what it gave, or does not renew it'),
		_('nothing: another address is asked for at once')
	],
	ENDPOINT_REFUSED: [
		_('The server does not serve an address of this line'),
		_('see the prefix of the line; set another IPv6 prefix')
	],
	SERVER_BUSY: [ _('The server has no time now'), _('it is asked again after a minute') ],
	SERVER_REFUSED: [ _('The server refuses'), _('tell the operator; the log has the code of the server') ],
	NO_DISCOVERY: [
		_("The line's resolvers know no provisioning server"),
		_('choose another kind of provisioning')
	],
	NO_SERVER: [ _('The provisioning server was not reached, or answers an error'), _('it is tried again') ],
	NOT_KNOWN: [ _('The provisioning server does not know this line'), _('ask the operator') ],
	NOTHING_OFFERED: [
		_('The provisioning server offers nothing that this router can use'),
		_('ask the operator')
	],
	NOTHING_FOUND: [
		_('Nothing that was tried gives a softwire on this line'),
		_("choose the kind of provisioning that the operator named, or give the operator's login")
	],
	NO_CA_BUNDLE: [ _('No certificate authorities are installed'), _('install ca-bundle') ],
	BAD_CERTIFICATE: [
		_('The certificate of the server is not right'),
		_('see whether the clock of the router is right')
	],
	NO_TLS: [ _('The interpreter has no TLS'), _('install micropython-mbedtls') ],
	VOIP_OFF: [ _('The line has no telephone side'), _('tick the telephone of the line') ],
	NO_SIP_LEASE: [
		_('Nobody gave an IPv4 address on the SIP network'),
		_('see whether the line has the telephone service, and its MAC address')
	],
	NO_SIP_DATA: [
		_('The line told no telephone number, SIP domain or SIP server'),
		_('see whether the line has the telephone service')
	],
	HANDOVER_REFUSED: [
		_('netifd refused the softwire'),
		_('see the log; is kmod-ip6-tunnel installed?')
	],
	HANDED_ON_DOWN: [
		_('The interface of another protocol that has to carry the softwire is not up'),
		_('see its status, and whether its package was installed without a restart of the network')
	],
	NO_FIREWALL_ZONE: [
		_('The firewall has no zone for the internet side'),
		_('choose a zone, or add one')
	],
	UNCOMMITTED: [
		_('The configuration holds changes of somebody else'),
		_('apply or revert them first')
	],
	CANNOT_WRITE: [ _('The configuration cannot be written'), _('make room on the flash') ],
	INTERNAL: [ _('A fault in softwire'), _('please report it, with the report of the doctor') ]
};

return baseclass.extend({
	codes: CODES,

	// 'What is wrong: what to do (CODE)', or the code alone where nobody knows it.
	text: function(code) {
		return CODES[code] ? '%s: %s (%s)'.format(CODES[code][0], CODES[code][1], code) : code;
	},

	// network.js shows an unknown code as it is; each is registered once.
	register: function() {
		for (let code in CODES)
			network.registerErrorCode(code, this.text(code));

		// LuCI's page of interfaces breaks none of these lines, and its buttons would be out of sight.
		if (!document.getElementById('softwire-errors'))
			document.head.appendChild(E('style', { 'id': 'softwire-errors' }, [
				'[id$="-ifc-description"] .nowrap, [id$="-ifc-status"] .nowrap { white-space: normal }'
			]));
	}
});
