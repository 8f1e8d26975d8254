// SPDX-License-Identifier: Apache-2.0
// Commands that a plugin of rpcd's starts in the background, by softwire-job: rpcd serves everybody one after the
// other. Also of luci-app-softwired, whose Makefile takes this file.

'use strict';

import { open, readfile, stat } from 'fs';

// Octets of a command's output that are handed over at once.
const MOST = 65536;

export function refuse(code, what) {
	return { error: code, what: what ?? null };
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

// What one of the `known` commands has written since octet `from`, and whether it is done.
export function output(folder, known, name, from) {
	if (type(name) != 'string' || !exists(known, name))
		return refuse('BAD_REQUEST', 'job');

	if (type(from) != 'int' || from < 0)
		return refuse('BAD_REQUEST', 'from');

	// First the status: what was written before it came is all there is.
	const status = readfile(`${folder}/${name}/status`);
	const file = open(`${folder}/${name}/output`, 'r');

	if (!file)
		return refuse('NO_JOB');

	file.seek(from);

	const part = file.read(MOST) ?? '';

	file.close();

	return {
		text: part,
		next: from + length(part),
		done: status != null && status !== '' && length(part) < MOST,
		status: status ? +trim(status) : null
	};
};
