// SPDX-License-Identifier: Apache-2.0
// Addresses as numbers. Also of luci-app-softwired, whose Makefile takes this file.

'use strict';
'require baseclass';

// inet_pton's IPv6: eight numbers of 16 bits, or null.
function words(text) {
	const halves = text.split('::');

	if (halves.length > 2)
		return null;

	const sides = [];

	for (let half of halves) {
		const groups = half == '' ? [] : half.split(':');
		const last = groups[groups.length - 1];

		if (half === halves[halves.length - 1] && last != null && last.indexOf('.') > -1) {
			const value = quad(last);

			if (value == null)
				return null;

			groups.splice(-1, 1, (value >>> 16).toString(16), (value & 0xffff).toString(16));
		}

		if (!groups.every(group => /^[0-9a-fA-F]{1,4}$/.test(group)))
			return null;

		sides.push(groups.map(group => parseInt(group, 16)));
	}

	const missing = 8 - sides[0].length - (sides.length > 1 ? sides[1].length : 0);

	if (sides.length == 1)
		return missing == 0 ? sides[0] : null;

	return missing > 0 ? sides[0].concat(Array(missing).fill(0), sides[1]) : null;
}

// A number of 32 bits, or null.
function quad(text) {
	const parts = text.split('.');

	if (parts.length != 4 || !parts.every(part => /^(0|[1-9][0-9]{0,2})$/.test(part) && +part < 256))
		return null;

	return parts.reduce((value, part) => value * 256 + +part, 0);
}

return baseclass.extend({
	words: words,
	quad: quad,

	isDigits: function(text) {
		return /^[0-9]+$/.test(text);
	}
});
