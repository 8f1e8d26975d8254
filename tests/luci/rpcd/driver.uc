// SPDX-License-Identifier: Apache-2.0
// Calls methods of a ucode plugin as rpcd does: ucode driver.uc PLUGIN OBJECT. A line of standard input is [method,
// arguments], null for the method's signature; each is answered by a line of JSON.

'use strict';

import { stdin, stdout } from 'fs';

const methods = loadfile(ARGV[0], { raw_mode: true })()[ARGV[1]];

for (let line = stdin.read('line'); length(line); line = stdin.read('line')) {
	const asked = json(line);
	const method = methods[asked[0]];
	const answer = asked[1] == null ? method.args ?? {} : method.call({ args: asked[1], info: {} });

	stdout.write(sprintf('%J\n', answer));
	stdout.flush();
}
