// SPDX-License-Identifier: Apache-2.0
// What a value of an option may be, as softwired has it (src/softwired/configuration.py and the services' own): each
// check takes the text and gives true, or what would be right.

'use strict';
'require baseclass';
'require softwired.address as ip';

const PORT = [ 1, 65535 ];

function prefixOf(text, parse, bits) {
	const parts = text.split('/'), address = parse(parts[0]);

	if (parts.length != 2 || address == null || !ip.isDigits(parts[1]) || +parts[1] > bits)
		return null;

	return { address: address, size: +parts[1] };
}

// Numbers as bits, so that prefixes can be compared.
function bitsOf(address) {
	return Array.isArray(address)
		? address.map(word => word.toString(2).padStart(16, '0')).join('') : address.toString(2).padStart(32, '0');
}

// An IPv6 prefix whose host bits are zero, or null.
function prefix6(text) {
	const found = prefixOf(text, ip.words, 128);

	return found && bitsOf(found.address).substr(found.size).indexOf('1') < 0 ? found : null;
}

function prefix4(text) {
	const found = prefixOf(text, ip.quad, 32);

	return found && bitsOf(found.address).substr(found.size).indexOf('1') < 0 ? found : null;
}

function isMulticast(address) {
	return address[0] >> 8 == 0xff;
}

function isLinkLocal(address) {
	return address[0] >> 6 == 0x3fa;
}

// The number that an address is where it is one of 0 to 255, else 256.
function low(address) {
	return address.slice(0, 7).some(word => word) || address[7] > 255 ? 256 : address[7];
}

// Two addresses with '-' between, or null.
function pair(text, parse) {
	const at = text.indexOf('-');
	const ends = [ text.substr(0, at), text.substr(at + 1) ].map(end => parse(end.trim()));

	return at > -1 && ends.every(end => end != null) ? ends : null;
}

function isHost4(value) {
	const first = value >>> 24;

	return first != 0 && first != 127 && first < 224 && value >>> 16 != 0xa9fe;
}

function matches(pattern, right) {
	return value => pattern.test(value) || right();
}

function power(least, most, right) {
	return value => (value == '0' && least == 0 || /^[1-9][0-9]*$/.test(value) && +value >= least && +value <= most &&
		(+value & +value - 1) == 0) || right();
}

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const ZONE = new RegExp('^%s(\\.%s)*$'.format(LABEL, LABEL));

const ADDRESS6 = () => _('an IPv6 address such as %s would be right').format('2001:db8::1');
const ADDRESS4 = () => _('an IPv4 address such as %s would be right').format('192.0.2.1');

return baseclass.extend({
	// What TOML can hold.
	printable: matches(/^[^\x00-\x08\x0a-\x1f\x7f]*$/, () => _('printable text would be right')),

	whole: function(least, most) {
		return value => /^(0|[1-9][0-9]*)$/.test(value) && +value >= least && +value <= most ||
			_('a whole number from %d to %d would be right').format(least, most);
	},

	port: function(value) {
		return this.whole(...PORT)(value);
	},

	seconds: function(least, most) {
		return value => /^(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(value) && +value >= least && +value <= most ||
			_('seconds from %s to %s would be right').format(least, most);
	},

	flag: matches(/^[01]$/, () => _('0 or 1 would be right')),

	choice: function(words) {
		return value => words.indexOf(value) > -1 || _('one of %s would be right').format(words.join(', '));
	},

	file: matches(/^\/\S+$/, () => _('an absolute path would be right')),

	name: matches(/^[A-Za-z0-9_.-]{1,64}$/, () => _('a name of letters, digits, _, - and . would be right')),

	userName: matches(/^[A-Za-z0-9@_.-]{0,64}$/, () => _('a name of letters, digits, @, _, - and . would be right')),

	// A network of /etc/config/network has such a name, too.
	device: function(value) {
		return /^[^\s/:%]{1,15}$/.test(value) && value != '.' && value != '..' ||
			_('a network or device such as %s would be right').format('eth1');
	},

	ipv6: function(value) {
		return ip.words(value) != null || ADDRESS6();
	},

	unicast: function(value) {
		const address = ip.words(value);

		return address != null && !isMulticast(address) && !isLinkLocal(address) && low(address) != 0 ||
			_('a unicast IPv6 address that is not link-local would be right');
	},

	nodesCanReach: function(value) {
		const address = ip.words(value);

		return address != null && !isMulticast(address) && !isLinkLocal(address) && low(address) > 1 ||
			_('a unicast IPv6 address that nodes can send to would be right');
	},

	clientsCanReach: function(value) {
		const address = ip.words(value);

		return address != null && low(address) > 1 || _('an IPv6 address that clients can send to would be right');
	},

	ipv6Prefix: function(value) {
		return prefix6(value) != null ||
			_('an IPv6 prefix such as %s, host bits zero, would be right').format('2001:db8:1::/48');
	},

	unicastPrefix: function(value) {
		const found = prefix6(value);

		if (found) {
			const bits = bitsOf(found.address);
			const touches = other => {
				const size = Math.min(found.size, other.size);

				return bits.substr(0, size) == bitsOf(other.address).substr(0, size);
			};

			if (![ 'ff00::/8', 'fe80::/10', '::/127' ].map(prefix6).some(touches))
				return true;
		}

		return _('a prefix of global or unique local unicast addresses, host bits zero, would be right');
	},

	addressOrPrefix: function(value) {
		return ip.words(value) != null || prefix6(value) != null ||
			_('an IPv6 address or prefix would be right');
	},

	// Addresses, prefixes, or from one address to another.
	span: function(value) {
		const ends = pair(value, ip.words);

		return ip.words(value) != null || prefix6(value) != null ||
			ends != null && bitsOf(ends[0]) <= bitsOf(ends[1]) ||
			_('an address, a prefix or two addresses such as %s would be right').format('2001:db8::1-2001:db8::9');
	},

	// A network, or what it was delegated.
	delegated: function(value) {
		if (value.indexOf('/') < 0)
			return this.device(value);

		const said = this.unicastPrefix(value);

		return said !== true || +value.split('/')[1] <= 64 ? said : _('a prefix of 64 bits or shorter would be right');
	},

	ipv4: function(value) {
		return ip.quad(value) != null || ADDRESS4();
	},

	ipv4Prefix: function(value) {
		return prefix4(value) != null ||
			_('an IPv4 prefix such as %s, host bits zero, would be right').format('192.0.2.0/24');
	},

	// Of this machine, as others reach it.
	publicIpv4: function(value) {
		const address = ip.quad(value), first = address >>> 24;

		return address != null && address != 0 && first != 127 && first >> 4 != 14 && address >>> 16 != 0xa9fe ||
			_('an IPv4 address of this router that others reach would be right');
	},

	// Of a pool: '192.0.2.0/24', '192.0.2.8-192.0.2.15' or one address.
	range: function(value) {
		const network = value.indexOf('/') > -1 ? prefix4(value) : null;
		const one = ip.quad(value);
		let ends = network ? null : pair(value, ip.quad) || (one != null ? [ one, one ] : null);

		if (network) {
			const last = network.address + Math.pow(2, 32 - network.size) - 1;
			const inside = network.size < 31 ? 1 : 0;

			ends = [ network.address + inside, last - inside ];
		}

		if (ends == null)
			return _('an IPv4 prefix, two addresses with - between or one address would be right');

		if (ends[0] > ends[1])
			return _('the lower address first would be right');

		return ends.every(end => isHost4(end) || end >>> 24 > 239 && end >>> 24 < 255) ||
			_('addresses that hosts can have would be right');
	},

	database: matches(/^(sqlite:\/\/\/\/[^?]+$|postgresql:\/\/)/, () =>
		_('sqlite:/// and an absolute path, so four slashes, or postgresql:// would be right')),

	octets: function(value) {
		return /^\s*([0-9A-Fa-f]{2}\s*)*$/.test(value.replace(/:/g, ' ')) ||
			_('hexadecimal octets such as %s would be right').format('00:03:00:01');
	},

	// With type and at least one octet (RFC 8415 section 11.1).
	duid: function(value) {
		const count = value.replace(/[\s:]/g, '').length / 2;

		return this.octets(value) === true && count >= 3 && count <= 130 ||
			_('a type of 2 octets and 1 to 128 octets more, such as %s, would be right').format('00:03:00:01:02:00');
	},

	entryPoint: matches(/^[A-Za-z_][\p{L}\p{N}_]*(\.[A-Za-z_][\p{L}\p{N}_]*)*:[A-Za-z_][\p{L}\p{N}_]*$/u, () =>
		_('an entry point such as %s would be right').format('package.module:function')),

	// The first word of a command; the others may be anything.
	program: matches(/^\//, () => _('a program by its absolute path, then its arguments, would be right')),

	listen: function(value) {
		const match = /^\[([0-9a-fA-F:.]+)\]:([0-9]{1,5})$/.exec(value);

		return match != null && ip.words(match[1]) != null && +match[2] >= 1 && +match[2] <= 65535 ||
			_('an address and a port such as %s would be right').format('[::1]:8064');
	},

	ports: power(0, 32768, () => _('0 for all ports, or a power of two such as %d, would be right').format(2048)),

	sharedPorts: power(256, 32768, () => _('a power of two from %d to %d would be right').format(256, 32768)),

	zone: function(value) {
		const name = value.replace(/\.+$/, '').toLowerCase();

		return ZONE.test(name) && name.length <= 200 ||
			_('a DNS zone such as %s would be right').format('tunnels.example.org');
	},

	dnsServer: function(value) {
		const match = /^(?:([0-9.]+)|\[([0-9a-fA-F:.]+)\]):([0-9]{1,5})$/.exec(value) || [ null, value, value, 53 ];

		return +match[3] >= 1 && +match[3] <= 65535 && [ match[1], match[2] ].some(
			address => address != null && (ip.quad(address) != null || ip.words(address) != null)) ||
			_('an address such as %s would be right').format('192.0.2.53, 192.0.2.53:53, [::1]:53');
	},

	url: matches(/^https?:\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._/-]*)?$/, () =>
		_('an address such as %s would be right').format('https://tunnels.example.org')),

	network: function(value) {
		return [ ip.words, ip.quad, prefix6, prefix4 ].some(parse => parse(value) != null) ||
			_('an address or a prefix would be right');
	},

	contact: matches(/^[^\x00-\x1f<>]{0,200}$/, () => _('a line of text without < and > would be right')),

	nicname: matches(/^[a-z0-9*-]{1,63}$/, () => _('a name of letters, digits and -, * for any text, would be right'))
});
