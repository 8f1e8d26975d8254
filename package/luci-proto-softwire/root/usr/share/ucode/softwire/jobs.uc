// SPDX-License-Identifier: Apache-2.0
// Commands that a plugin of rpcd's starts in the background, by softwire-job: rpcd serves everybody one after the
// other. Also of luci-app-softwired, whose Makefile takes this file.

'use strict';

import { lstat, open, readfile, stat } from 'fs';

// Octets of a command's output that are handed over at once.
const MOST = 65536;

export function refuse(code, what) {
	return { error: code, what: what ?? null };
};

// ucode's objects see nothing behind an octet 0 of a name.
export function isKnown(known, name) {
	return type(name) == 'string' && index(name, '\x00') < 0 && exists(known, name);
};

// Begins a command of at most `limit` seconds; its words are given as they are, through no shell. what: of whom it was
// asked, for the person who has to wait.
export function begin(tool, name, limit, words, what) {
	if (!stat(words[0]))
		return refuse('NO_HELPER');

	const called = [ tool, name, `${limit}` ];

	push(called, ...words);

	const status = system(called);

	if (status == 0)
		return { job: name };

	return status == 1 ? refuse('BUSY', what) : refuse('NO_JOB');
};

// A file of a job's: not what somebody put in its place, which might be read for ever.
function content(path) {
	return lstat(path)?.type == 'file' ? trim(readfile(path) ?? '') : '';
}

function isNumber(text) {
	return match(text, /^[0-9]+$/) != null;
}

// Without the beginning of a character that the next part has the rest of (RFC 3629).
function whole(text) {
	let size = length(text);

	while (size > 0 && size > length(text) - 3 && (ord(text, size - 1) & 0xc0) == 0x80)
		size--;

	return size > 0 && ord(text, size - 1) >= 0xc0 ? substr(text, 0, size - 1) : text;
}

// What one of the `known` commands has written since octet `from`, and whether it is done. run: another one each time
// that the command is begun.
export function output(folder, known, name, from) {
	if (!isKnown(known, name))
		return refuse('BAD_REQUEST', 'job');

	if (type(from) != 'int' || from < 0)
		return refuse('BAD_REQUEST', 'from');

	// First whether it runs, then the status: what was written before it came is all there is.
	const place = `${folder}/${name}`, run = content(`${place}/pid`), runs = isNumber(run) && stat(`/proc/${run}`);
	const status = content(`${place}/status`), ended = isNumber(status);
	const told = lstat(`${place}/output`);
	const file = told?.type == 'file' ? open(`${place}/output`, 'r') : null;

	if (!file)
		return refuse('NO_JOB');

	// It has no status, and never will.
	if (!runs && !ended) {
		file.close();
		return refuse('KILLED');
	}

	let part = from < told.size && file.seek(from) ? file.read(MOST) ?? '' : '';
	const last = length(part) < MOST;

	file.close();

	if (!last)
		part = whole(part);

	return {
		// ubus' texts end at an octet 0.
		text: join('?', split(part, '\x00')),
		run: run,
		next: from + length(part),
		done: ended && last,
		status: ended ? +status : null
	};
};
