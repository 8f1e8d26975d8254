// SPDX-License-Identifier: Apache-2.0
// The same where there is no ucode: runs a plugin that keeps to what ucode and JavaScript have in common under node,
// with ucode's own functions as far as the plugin uses them. Strings hold octets, as ucode's do.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import readline from 'node:readline';

const octets = text => Buffer.from(text, 'utf8').toString('latin1');
const deep = (value, change) => {
	if (typeof value == 'string')
		return change(value);

	if (Array.isArray(value))
		return value.map(item => deep(item, change));

	if (value == null || typeof value != 'object')
		return value ?? null;

	return Object.fromEntries(Object.keys(value).map(key => [ change(key), deep(value[key], change) ]));
};
const orNull = fn => {
	try {
		return fn();
	}
	catch {
		return null;
	}
};

const kinds = { string: 'string', boolean: 'bool', 'function': 'function' };

const own = {
	type: value => value == null ? null : Array.isArray(value) ? 'array' : kinds[typeof value] ??
		(typeof value == 'number' ? Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? 'int' : 'double' : 'object'),
	length: value => typeof value == 'string' || Array.isArray(value) ? value.length :
		value && typeof value == 'object' ? Object.keys(value).length : null,
	match: (text, pattern) => typeof text == 'string' ? text.match(pattern) : null,
	push: (list, ...items) => (list.push(...items), items[items.length - 1]),
	json: text => deep(JSON.parse(Buffer.from(text, 'latin1').toString()), octets),
	exists: (object, name) => Object.prototype.hasOwnProperty.call(object, name),
	index: (text, part) => text.indexOf(part),
	ord: (text, at) => text.charCodeAt(at),
	join: (between, list) => list.join(between),
	split: (text, between) => text.split(between),
	substr: (text, from, size) => text.substr(from, size),
	trim: text => text.trim(),
	system: words => {
		const done = spawnSync(words[0], words.slice(1).map(word => Buffer.from(word, 'latin1').toString()), {
			stdio: 'ignore'
		});

		return done.error ? -1 : done.status;
	}
};

const modules = {
	fs: {
		readfile: path => orNull(() => fs.readFileSync(path, 'latin1')),
		stat: path => orNull(() => fs.statSync(path)),
		lstat: path => orNull(() => {
			const found = fs.lstatSync(path);

			return { type: found.isFile() ? 'file' : 'other', size: found.size };
		}),
		open: path => orNull(() => {
			const file = fs.openSync(path, 'r');
			let at = 0;

			return {
				seek: to => { at = to; return true; },
				read: most => {
					const part = Buffer.alloc(most), size = fs.readSync(file, part, 0, most, at);

					at += size;
					return part.toString('latin1', 0, size);
				},
				close: () => fs.closeSync(file)
			};
		})
	},

	ubus: {
		connect: (socket, timeout) => {
			const answers = orNull(() => own.json(fs.readFileSync(process.env.UBUS, 'latin1')));

			return answers && Number.isInteger(timeout) && timeout <= 5
				? { call: (object, method, message) => {
					fs.appendFileSync(process.env.UBUS + '.asked', JSON.stringify([ object, method, message ]) + '\n');

					return answers[object + ' ' + method] ?? null;
				} } : null;
		}
	}
};

const IMPORT = /^import \{([^}]*)\} from '([\w.]+)';$/gm;

// Runs a source with what it imports, of above or of the folder MODULES, and gives what it returns.
function run(path) {
	const source = fs.readFileSync(path, 'utf8');
	const found = Array.from(source.matchAll(IMPORT), match => match[2]);

	for (let name of found)
		modules[name] ??= run(`${process.env.MODULES}/${name.replaceAll('.', '/')}.uc`);

	const exported = Array.from(source.matchAll(/^export function (\w+)/gm), match => match[1]);
	const body = source.replace(IMPORT, (all, names, name) => `const {${names}} = modules['${name}'];`)
		.replace(/^export function/gm, 'function') + (exported.length ? `\nreturn { ${exported} };` : '');

	return new Function('modules', ...Object.keys(own), body)(modules, ...Object.values(own));
}

const [ plugin, object ] = process.argv.slice(2);
const methods = run(plugin)[object];

for await (const line of readline.createInterface({ input: process.stdin })) {
	const [ name, given ] = JSON.parse(line), method = methods[name];
	const answer = given == null ? method.args ?? {} : method.call({ args: deep(given, octets), info: {} });

	console.log(JSON.stringify(deep(answer, text => Buffer.from(text, 'latin1').toString())));
}
