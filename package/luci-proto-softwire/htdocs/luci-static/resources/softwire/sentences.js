// SPDX-License-Identifier: Apache-2.0
// What a program tells a person, in the reader's language.

'use strict';
'require baseclass';

// Looked up by hand: the translator's marks are the lines of the lists.
const look = _;

function escaped(text) {
	return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

// [sentence, pattern], the ones with most words of their own first.
function known(list) {
	return list.replace(/\n\t\t/g, ' ').split('\n').map(line => line.trim()).filter(line => line != '')
		.sort((one, other) => other.replace(/\{\d\}/g, '').length - one.replace(/\{\d\}/g, '').length)
		.map(line => [ line, new RegExp('^' + line.split(/\{\d\}/).map(escaped).join('(.*?)') + '$') ]);
}

return baseclass.extend({
	// list: sentences as the program has them, one a line, {1} for what it puts in, which may be a sentence of its
	// own; a line that begins with a second tab goes on with the one before. Returns what makes a text of the
	// program's one in the reader's language; what is in no list stays as it came.
	reader: function(list) {
		const sentences = known(list);

		return function say(text) {
			for (let [ sentence, pattern ] of sentences) {
				const found = pattern.exec(text), told = found ? look(sentence) : sentence;

				if (found)
					return told === sentence ? text : told.replace(/\{(\d)\}/g, (all, at) => say(found[at]));
			}

			return text;
		};
	}
});
