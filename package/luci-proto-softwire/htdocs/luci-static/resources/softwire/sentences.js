// SPDX-License-Identifier: Apache-2.0
// What a program tells a person, in the reader's language.

'use strict';
'require baseclass';

// Looked up by hand: the translator's marks are the lines of the lists.
const look = _;

// Octets that one text may have; a longer one is no sentence of ours.
const LONGEST = 2000;

// What texts are joined with that have no sentence around them.
const JOINT = /; |: |, /;

// [sentence, its words between what is put in], those with most words of their own first.
function known(list) {
	return list.replace(/\n\t\t/g, ' ').split('\n').map(line => line.trim()).filter(line => line != '')
		.map(line => [ line, line.split(/\{\d\}/) ])
		.sort((one, other) => other[1].join('').length - one[1].join('').length);
}

// Whether each bracket has its other one: half of something in brackets is nothing that was put in.
function isWhole(text) {
	let depth = 0;

	for (let letter of text) {
		depth += letter == '(' ? 1 : letter == ')' ? -1 : 0;

		if (depth < 0)
			return false;
	}

	return depth == 0;
}

// What is put in between those words, each as short as can be; null where the text is another one. Without a regular
// expression: texts come from the network, too, and must not make the browser try every way to divide them.
function match(words, text) {
	const last = words.length - 1, end = text.length - words[last].length, found = [];
	let at = words[0].length;

	if (last == 0)
		return text === words[0] ? found : null;

	if (end < at || !text.startsWith(words[0]) || !text.endsWith(words[last]))
		return null;

	for (let i = 1; i < last; i++) {
		const next = text.indexOf(words[i], at);

		if (next < 0 || next + words[i].length > end)
			return null;

		found.push(text.slice(at, next));
		at = next + words[i].length;
	}

	found.push(text.slice(at, end));

	return found.every(isWhole) ? found : null;
}

return baseclass.extend({
	// list: sentences as the program has them, one a line, {1} for what it puts in, which may be a sentence of its
	// own; a line that begins with a second tab goes on with the one before. Returns what makes a text of the
	// program's one in the reader's language; what is in no list stays as it came, also between others.
	reader: function(list) {
		const sentences = known(list);

		// The whole text as one of the sentences; null where it is none.
		function whole(text) {
			for (let [ sentence, words ] of sentences) {
				const found = match(words, text), told = found ? look(sentence) : sentence;

				if (found)
					return told === sentence ? text : told.replace(/\{(\d)\}/g, (all, at) => say(found[at - 1]));
			}

			return null;
		}

		function say(text) {
			if (text.length > LONGEST)
				return text;

			for (let told = ''; ; ) {
				const found = whole(text), joint = found == null ? JOINT.exec(text) : null;

				if (!joint)
					return told + (found ?? text);

				const one = text.slice(0, joint.index);

				told += (whole(one) ?? one) + joint[0];
				text = text.slice(joint.index + joint[0].length);
			}
		}

		return say;
	}
});
