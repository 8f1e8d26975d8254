// SPDX-License-Identifier: Apache-2.0
// Asks the router: the plugin's methods, commands that run there and are followed, and a sentence for what fails.

'use strict';
'require baseclass';
'require rpc';

const OBJECT = 'luci.softwire';
const FORM = [ 'method', 'wan', 'interface', 'line', 'zone', 'options' ];
// Milliseconds between two looks at what a command has written.
const PAUSE = 700;

const call = (method, params) => rpc.declare({
	object: OBJECT, method: method, params: params, expect: { '': {} }, reject: true
});

const status = call('status');
const begin = {
	look: call('look', [ 'interface' ]),
	run: call('run', [ 'command', 'interface' ]),
	plan: call('plan', FORM),
	keep: call('keep', FORM)
};
const output = call('output', [ 'job', 'from' ]);

const REASONS = {
	NO_HELPER: _('The package softwire is not installed on the router, or is broken: install it.'),
	BUSY: _('The same command runs already: wait until it is done.'),
	NO_JOB: _('The router could not start the command: is /var full?')
};

function fault(text) {
	const error = new Error(text);

	error.name = 'Softwire';
	return error;
}

return baseclass.extend({
	status: status,
	fault: fault,

	// What a method's error code means.
	reason: function(code) {
		return REASONS[code] || code;
	},

	// What went wrong, in words for a person.
	sentence: function(error) {
		const text = String(error && error.message || error);

		if (error && error.name == 'Softwire')
			return text;

		if (/-32002|ubus code 6/.test(text))
			return _('You may not do this: your login has no access to softwires.');

		if (text.indexOf(OBJECT) > -1 && /-32000|ubus code [34]\b/.test(text))
			return _("The router does not know the page's plugin: restart rpcd, or install luci-proto-softwire anew.");

		if (/ubus code 7|timeout|-32003/i.test(text))
			return _('The router did not answer in time.');

		return _('The router could not be asked: %s').format(text);
	},

	// Runs a command on the router; tell(text) is given what it writes meanwhile. -> { text, status }
	follow: function(method, given, tell) {
		let text = '';

		return begin[method](...given).then(begun => {
			if (begun.error)
				throw fault(REASONS[begun.error] || _('The router does not take what was given as %s.')
					.format(begun.what || '?'));

			const look = from => output(begun.job, from).then(part => {
				if (part.error)
					throw fault(this.reason(part.error));

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
					throw fault(_('The package softwire on the router is too old for this page: upgrade it.'));

				return { text: text, status: part.status };
			});

			return look(0);
		});
	},

	// The JSON that a command wrote, else its words as the fault.
	parse: function(done) {
		try {
			return JSON.parse(done.text);
		}
		catch (error) {
			throw fault(done.text.trim() || _('The router gave no answer.'));
		}
	},

	// The lines of JSON so far; one that is not whole yet is left out.
	lines: function(text) {
		return text.split('\n').slice(0, -1).map(line => {
			try {
				return JSON.parse(line);
			}
			catch (error) {
				return { text: line };
			}
		});
	}
});
