// SPDX-License-Identifier: Apache-2.0
// eslint as LuCI has it for its own pages: eslint's recommended rules but those that LuCI turns off, sources as bodies
// of functions; and beyond that no name that is neither LuCI's nor of a 'require' directive.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const root = path.resolve(import.meta.dirname, '../..');
const require = createRequire(root + '/build/eslint/');
const js = require('@eslint/js'), globals = require('globals');

const LUCI = [ '_', 'L', 'E' ];
const STANDIN = [ 'LuCI', 'TR' ];
const OFF = [ 'no-prototype-builtins', 'no-empty', 'no-regex-spaces', 'no-control-regex', 'no-unused-vars' ];

// Each file has the modules that its own directives name.
function names(file) {
	const found = fs.readFileSync(file, 'utf8').matchAll(/^'require (\S+?)(?: as (\S+))?';$/gm);

	return Array.from(found, match => match[2] ?? match[1].replace(/[^a-zA-Z0-9]/g, '_'));
}

const files = [ 'package', 'tests/luci' ].flatMap(folder => fs.readdirSync(root + '/' + folder, { recursive: true })
	.filter(name => name.endsWith('.js')).map(name => folder + '/' + name));

export default files.map(name => ({
	files: [ name ],
	...js.configs.recommended,
	languageOptions: {
		sourceType: 'script',
		parserOptions: { ecmaFeatures: { globalReturn: true } },
		globals: {
			...globals.browser,
			...Object.fromEntries(LUCI.concat(name.includes('standin') ? STANDIN : [], names(root + '/' + name))
				.map(word => [ word, 'writable' ]))
		}
	},
	rules: {
		...js.configs.recommended.rules,
		...Object.fromEntries(OFF.map(rule => [ rule, 'off' ])),
		'no-redeclare': [ 'error', { builtinGlobals: false } ]
	}
}));
