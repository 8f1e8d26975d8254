// SPDX-License-Identifier: Apache-2.0
// What a value of an option may be, as the helper has it (src/softwire/config.py and the methods' own): each check
// takes the text and gives true, or what would be right.

'use strict';
'require baseclass';
'require softwire.address as ip';

// Not ::/8, link-local, site-local or multicast (RFC 4291).
function isGlobal(address) {
	return address[0] >> 8 > 0 && address[0] >> 8 < 0xff && address[0] >> 7 != 0x1fd;
}

function isNear(address) {
	return address[0] >> 6 == 0x3fa || address[0] >> 8 == 0xff;
}

function isPrintable(text) {
	return !/[\x00-\x1f]/.test(text);
}

function length(text) {
	return new TextEncoder().encode(text).length;
}

const ENDPOINT = _('a global unicast IPv6 address would be right');

return baseclass.extend({
	text: function(value) {
		return isPrintable(value) || _('printable text would be right');
	},

	octets: function(most) {
		return value => isPrintable(value) && length(value) <= most ||
			_('1 to %d octets of text would be right').format(most);
	},

	number: function(low, high, off) {
		return value => value === off || ip.isDigits(value) && +value >= low && +value <= high ||
			_('a number from %d to %d would be right').format(low, high);
	},

	choice: function(words) {
		return value => words.indexOf(value) > -1 || _('one of %s would be right').format(words.join(', '));
	},

	flag: function(value) {
		return value == '0' || value == '1' || _('0 or 1 would be right');
	},

	name: function(value) {
		return /^[A-Za-z0-9_.-]+$/.test(value) || _('a name of letters, digits, _, - and . would be right');
	},

	host: function(value) {
		return ip.words(value) != null || /^[A-Za-z0-9_.-]+$/.test(value) ||
			_('an IPv6 address or a name would be right');
	},

	mac: function(value) {
		return /^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$/.test(value) ||
			_('a MAC address such as %s would be right').format('00:00:5e:00:53:01');
	},

	interfaceId: function(value) {
		const address = ip.words(value.indexOf('::') > -1 ? value : '::' + value);

		if (address == null || address.slice(0, 4).some(word => word))
			return _('an interface identifier of 64 bits such as %s would be right').format('1111:1111:1111:1111');

		return address.slice(4, 7).some(word => word) || address[7] > 1 ||
			_("::0 is the subnet's anycast address and ::1 the LAN's: another one would be right");
	},

	prefix: function(value) {
		const parts = value.split('/');
		const address = ip.words(parts[0]);

		return parts.length == 2 && address != null && ip.isDigits(parts[1]) && +parts[1] >= 16 && +parts[1] <= 64 &&
			isGlobal(address) || _('a global prefix from /16 to /64 would be right');
	},

	// An address that a host can have, '192.0.2.1' or '192.0.2.1/29'.
	ipv4Address: function(value) {
		const parts = value.split('/');
		const address = ip.quad(parts[0]);
		const size = parts.length > 1 ? parts[1] : '32';

		if (address == null || parts.length > 2)
			return _('an IPv4 address such as %s would be right').format('192.0.2.1');

		const first = address >>> 24;

		if (first == 0 || first == 127 || first > 223 || address >>> 16 == 0xa9fe)
			return _('a unicast IPv4 address would be right');

		if (!ip.isDigits(size) || +size < 1 || +size > 32)
			return _('a prefix length from 1 to 32 would be right');

		const host = address % Math.pow(2, 32 - size);

		return +size > 30 || host != 0 && host != Math.pow(2, 32 - size) - 1 ||
			_("the network's own or its broadcast address: one between them would be right");
	},

	endpoint: function(value) {
		const address = ip.words(value);

		return address != null && isGlobal(address) || ENDPOINT;
	},

	// Whether two texts are one IPv6 address.
	same: function(one, other) {
		const addresses = [ ip.words(one), ip.words(other) ];

		return addresses.every(address => address != null) && addresses[0].join() == addresses[1].join();
	},

	aftr: function(value) {
		if (value.indexOf(':') > -1)
			return this.endpoint(value);

		const name = value.replace(/\.+$/, '');
		const labels = name.split('.');

		return labels.every(label => /^[!-~]{1,63}$/.test(label)) && name.length < 254 &&
			!ip.isDigits(labels[labels.length - 1]) || _("the AFTR's name or IPv6 address would be right");
	},

	b4Address: function(value) {
		const address = ip.quad(value);

		return address != null && address >= 0xc0000002 && address <= 0xc0000006 ||
			_('one from %s to %s would be right').format('192.0.0.2', '192.0.0.6');
	},

	server: function(value) {
		const address = ip.words(value);

		return address != null && (isGlobal(address) || isNear(address)) ||
			_('a global, link-local or multicast IPv6 address would be right');
	},

	duid: function(value) {
		return /^([0-9A-Fa-f]{2}){3,130}$/.test(value) ||
			_('a DUID of 3 to 130 octets as hexadecimal digits would be right');
	},

	login: function(value) {
		return /^[0-9A-Za-z_-]{1,32}$/.test(value) ||
			_('1 to %d letters, digits, - and _ would be right').format(32);
	},

	vendorId: function(value) {
		return /^[0-9a-f]{6}(-[0-9A-Za-z_]{1,24})?$/.test(value) ||
			_('six hexadecimal digits, perhaps - and a word, would be right');
	},

	// Of protocol flets alone, whose handler is a shell script.

	hex: function(value) {
		return /^([0-9A-Fa-f]{2})+$/.test(value) || _('an even number of hexadecimal digits would be right');
	},

	lineMac: function(value) {
		const digits = value.replace(/[ :.-]/g, '');

		return /^[0-9A-Fa-f]{12}$/.test(digits) && !/^0+$/.test(digits) ||
			_('a MAC address such as %s would be right').format('00:00:5e:00:53:01');
	},

	// What stands behind odhcp6c's -P: a length, a prefix, or one of these words.
	requestedPrefix: function(value) {
		if (value == 'auto' || value == 'no')
			return true;

		const parts = value.replace(/^\//, '').split('/');
		const size = parts[parts.length - 1];
		const right = ip.isDigits(size) && +size >= 1 && +size <= 64;

		return right && (parts.length == 1 || parts.length == 2 && ip.words(parts[0]) != null) ||
			_('auto, no, a length or a prefix would be right');
	},

	optionCode: function(value) {
		return ip.isDigits(value) && +value >= 1 && +value <= 65535 ||
			_('a number from %d to %d would be right').format(1, 65535);
	},

	anyPrefix: function(value) {
		const parts = value.split('/');

		return parts.length == 2 && ip.words(parts[0]) != null && ip.isDigits(parts[1]) && +parts[1] <= 128 ||
			_('a prefix such as %s would be right').format('2001:db8::/56');
	}
});
