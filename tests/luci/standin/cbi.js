// SPDX-License-Identifier: Apache-2.0
// Stands for the part of LuCI's cbi.js that pages use: translation by hash (Paul Hsieh's SuperFastHash), format().

'use strict';

function sfh(text) {
	const octets = new TextEncoder().encode(text), size = octets.length;
	const low = at => octets[at] | octets[at + 1] << 8, signed = at => octets[at] << 24 >> 24;
	let hash = size, at = 0;

	if (!size)
		return null;

	for (; size - at >= 4; at += 4) {
		hash = hash + low(at) | 0;
		hash = hash << 16 ^ (low(at + 2) << 11 ^ hash);
		hash = hash + (hash >>> 11) | 0;
	}

	if (size - at == 3) {
		hash = hash + low(at) | 0;
		hash ^= hash << 16;
		hash ^= signed(at + 2) << 18;
		hash = hash + (hash >>> 11) | 0;
	}
	else if (size - at == 2) {
		hash = hash + low(at) | 0;
		hash ^= hash << 11;
		hash = hash + (hash >>> 17) | 0;
	}
	else if (size - at == 1) {
		hash = hash + signed(at) | 0;
		hash ^= hash << 10;
		hash = hash + (hash >>> 1) | 0;
	}

	hash ^= hash << 3;
	hash = hash + (hash >>> 5) | 0;
	hash ^= hash << 4;
	hash = hash + (hash >>> 17) | 0;
	hash ^= hash << 25;
	hash = hash + (hash >>> 6) | 0;

	return (hash >>> 0).toString(16).padStart(8, '0');
}

function _(text, context) {
	const key = (context != null ? context + '\u0001' : '') + text.trim().replace(/[ \t\n]+/g, ' ');

	return window.TR && TR[sfh(key)] || text;
}

// Of printf's conversions those that our pages use; any other is an error rather than a guess.
String.prototype.format = function() {
	const given = Array.from(arguments);
	let at = 0;

	return this.replace(/%(%|s|d|h|[^sdh%])/g, (found, kind) => {
		if (kind == '%')
			return '%';

		if (!/[sdh]/.test(kind) || at >= given.length)
			throw new Error('format: ' + found + ' in "' + this + '"');

		const value = given[at++];

		if (kind == 'h')
			return String(value).replace(/[<>&"']/g, char => '&#' + char.charCodeAt(0) + ';');

		return kind == 'd' ? String(Math.floor(+value) || 0) : String(value);
	});
};
