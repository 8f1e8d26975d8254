// SPDX-License-Identifier: Apache-2.0
// Asks a plugin of ours, follows the commands that it runs on the router, and says in a sentence what fails. Also of
// luci-app-softwired, whose Makefile takes this file.

'use strict';
'require baseclass';
'require rpc';

// Milliseconds between two looks at what a command has written.
const PAUSE = 700;

const REASONS = {
	BUSY: _('The same command runs already: wait until it is done.'),
	NO_JOB: _('The router could not start the command: is /var full?'),
	KILLED: _('The command was killed before it was done: is the router short of memory?')
};

function fault(text) {
	const error = new Error(text);

	error.name = 'Softwire';
	return error;
}

// An object or a list; null where the text is none.
function whole(text) {
	try {
		const found = JSON.parse(text);

		return L.isObject(found) ? found : null;
	}
	catch (error) {
		return null;
	}
}

return baseclass.extend({
	// What a page asks its plugin by. object: the plugin's; begin: { method that starts a command: its arguments };
	// ask: { any other method: its arguments }; reasons: sentences of the plugin's own codes; denied, unknown, old:
	// sentences for a login without the rights, a plugin that is not there, a command that does not know the words.
	of: function(told) {
		const call = (method, params) => rpc.declare({
			object: told.object, method: method, params: params, expect: { '': {} }, reject: true
		});
		const asked = Object.assign({ status: [] }, told.ask), declared = {};
		const methods = Object.assign({ output: [ 'job', 'from' ] }, told.begin, asked);

		for (let method in methods)
			declared[method] = call(method, methods[method]);

		return Object.assign(Object.fromEntries(Object.keys(asked).map(name => [ name, declared[name] ])), {
			fault: fault,

			// What a method's error code means.
			reason: function(code) {
				return told.reasons[code] || REASONS[code] || code;
			},

			// What went wrong, in words for a person.
			sentence: function(error) {
				const text = String(error && error.message || error);

				if (error && error.name == 'Softwire')
					return text;

				// What came is not what this page reads.
				if (error instanceof TypeError)
					return told.old;

				if (/-32002|ubus code 6/.test(text))
					return told.denied;

				if (text.indexOf(told.object) > -1 && /-32000|ubus code [34]\b/.test(text))
					return told.unknown;

				if (/ubus code 7|timeout|-32003/i.test(text))
					return _('The router did not answer in time.');

				// LuCI puts the places of its own scripts behind it.
				return _('The router could not be asked: %s').format(text.split('\n')[0]);
			},

			// Runs a command on the router; tell(text) is given what it writes meanwhile. -> { text, status }
			follow: function(method, given, tell) {
				let text = '', run;

				return declared[method](...given).then(begun => {
					if (begun.error)
						throw fault(told.reasons[begun.error] || REASONS[begun.error] ||
							_('The router does not take what was given as %s.').format(begun.what || '?'));

					const look = from => declared.output(begun.job, from).then(part => {
						if (part.error)
							throw fault(this.reason(part.error));

						// Somebody else has begun it anew: what comes now is an answer to another question.
						if (run != null && part.run !== run)
							throw fault(REASONS.BUSY);

						run = part.run;

						text += part.text;

						if (tell && part.text != '')
							tell(text);

						if (!part.done)
							return new Promise(done => window.setTimeout(done, part.text.length ? PAUSE / 2 : PAUSE))
								.then(() => look(part.next));

						// Shells tell a signal so.
						if (part.status > 128)
							throw fault(_('The command took too long, and was ended.'));

						if (part.status == 2)
							throw fault(told.old);

						return { text: text, status: part.status };
					});

					return look(0);
				});
			},

			// The object or list that a command wrote as JSON, else its words as the fault.
			parse: function(done) {
				const found = whole(done.text);

				if (!found)
					throw fault(done.text.trim() || _('The router gave no answer.'));

				return found;
			},

			// The lines of JSON so far; one that is not whole yet is left out, and empty ones are.
			lines: function(text) {
				return text.split('\n').slice(0, -1).filter(line => line != '')
					.map(line => whole(line) || { text: line });
			}
		});
	}
});
