// SPDX-License-Identifier: Apache-2.0
// A softwire's own page: how it is, the doctor step by step while it looks, a dry run, and the report for download.

'use strict';
'require dom';
'require poll';
'require ui';
'require view';
'require softwire.findings as findings';
'require softwire.router as router';
'require softwire.show as show';

// Of a finding: LuCI's label, its word.
const KINDS = {
	ok: [ 'success', _('ok') ],
	note: [ 'notice', _('note') ],
	wrong: [ 'warning', _('wrong') ],
	'not tried': [ '', _('not tried') ]
};

const STEPS = {
	'router': _('Router'),
	'settings': _('Settings'),
	'cable': _('Cable'),
	"line's router": _("Line's router"),
	'DHCPv6': _('DHCPv6'),
	'prefix': _('Prefix'),
	'vendor options': _('Vendor options'),
	'endpoint': _('Endpoint'),
	'route': _('Route'),
	'exchange': _('Exchange'),
	'softwire': _('Softwire'),
	'border router': _('Border router'),
	'packet size': _('Packet size'),
	'firewall': _('Firewall'),
	'ports': _('Ports'),
	'IPv4': _('IPv4')
};

// What a dry run tells of, beside what the doctor looks at.
const TOLD = {
	'configuration': _('Configuration'),
	'line': _('Line'),
	'answer': _('Answer'),
	'failed': _('Failed')
};

// A line of `softwire probe` has its heading in the first 15 columns; what has not is the helper's own complaint.
function told(text) {
	return text.split('\n').filter(line => line != '').map(line => {
		const [ , heading, said ] = /^(.{15}) (.*)$/.exec(line) || [ null, '', line ], step = heading.trim();

		return E('tr', { 'class': 'tr' }, [
			E('td', { 'class': 'td left', 'width': '20%' }, [ TOLD[step] || STEPS[step] || step ]),
			E('td', { 'class': 'td left', 'style': 'overflow-wrap: anywhere' }, [ findings.say(said) ])
		]);
	});
}

function row(step, found) {
	const kind = KINDS[String(found.status).toLowerCase()] || [ '', String(found.status) ];
	const more = [ [ _('seen'), found.seen ], [ _('do'), found.advice ] ].filter(pair => pair[1])
		.map(pair => [ pair[0], findings.say(pair[1]) ]);

	return E('tr', { 'class': 'tr', 'data-step': step, 'data-status': found.status }, [
		E('td', { 'class': 'td left', 'width': '20%' }, [ STEPS[step] || step ]),
		E('td', { 'class': 'td left', 'width': '12%' }, [ E('span', { 'class': 'label ' + kind[0] }, [ kind[1] ]) ]),
		E('td', { 'class': 'td left', 'style': 'overflow-wrap: anywhere' }, [
			findings.say(String(found.text)), found.code ? ' (%s)'.format(found.code) : ''
		].concat(more.map(pair => E('div', [ E('em', [ pair[0] + ': ' ]), pair[1] ]))))
	]);
}

// The lines of `softwire doctor --steps` so far -> elements.
function way(lines) {
	const steps = [].concat(...lines.map(line => line.way || []));
	const found = lines.filter(line => line.step);
	const left = steps.filter(step => !found.some(line => line.step == step));
	const end = lines.find(line => line.well != null);
	const wrong = found.find(line => String(line.status).toLowerCase() == 'wrong');
	const nodes = found.map(line => row(line.step, line));

	if (!end)
		left.forEach((step, at) => nodes.push(E('tr', { 'class': 'tr', 'data-step': step }, [
			E('td', { 'class': 'td left' }, [ STEPS[step] || step ]),
			E('td', { 'class': 'td left' }, at == 0 ? [ E('em', { 'class': 'spinning' }, [ _('looks …') ]) ] : []),
			E('td', { 'class': 'td left' })
		])));

	// What is no JSON is the helper's own complaint.
	for (let line of lines.filter(line => line.text != null && !line.step))
		nodes.push(E('tr', { 'class': 'tr' }, [ E('td', { 'class': 'td left', 'colspan': '3' }, [ line.text ]) ]));

	return [
		E('table', { 'class': 'table', 'id': 'softwire-way' }, nodes),
		E('p', { 'id': 'softwire-verdict' }, [ !end ? '' : end.well ? _('All is well.') : wrong
			? _('Begin with: %s').format(STEPS[wrong.step] || wrong.step) : _('Something is wrong.') ])
	];
}

function download(name, text) {
	const address = URL.createObjectURL(new Blob([ text ], { type: 'text/plain' }));
	const link = E('a', { 'href': address, 'download': name, 'id': 'softwire-download' }, [ name ]);

	return link;
}

return view.extend({
	load: function() {
		return show.load();
	},

	draw: function(found) {
		const note = show.note(found), list = found.interfaces || [];

		const none = found.fault || found.netifd === false ? []
			: [ E('p', [ _('No softwire is configured yet: see Network, Softwire set-up.') ]) ];

		dom.content(this.status, (note ? [ note ] : []).concat(
			list.length ? list.map(one => show.table(one, found.uptime)) : none));

		// The buttons stay while somebody looks at what one of them told.
		const names = list.map(one => one['interface']);

		if (names.join() !== this.names) {
			this.names = names.join();
			dom.content(this.buttons, names.map(name => this.actions(name)));
		}
	},

	actions: function(name) {
		const button = (text, method, kind) => E('button', {
			'class': 'btn cbi-button cbi-button-' + kind, 'data-action': method,
			'click': ui.createHandlerFn(this, method, name)
		}, [ text ]);

		return E('p', { 'data-actions': name }, [
			E('strong', [ name ]), ' ',
			button(_('Doctor'), 'doctor', 'action'), ' ',
			button(_('Dry run'), 'probe', 'neutral'), ' ',
			button(_('Report'), 'report', 'neutral')
		]);
	},

	begin: function(title, text) {
		this.title = title;
		this.tell(title, [ E('p', { 'class': 'spinning' }, [ text ]) ]);
	},

	// Of what was asked for last: another command may be at work still.
	tell: function(title, nodes) {
		if (title === this.title)
			dom.content(this.told, [ E('h3', [ title ]) ].concat(nodes));
	},

	failed: function(title, error) {
		this.tell(title, [ E('p', { 'class': 'alert-message warning' }, [ router.sentence(error) ]) ]);
	},

	doctor: function(name) {
		const title = _('Doctor: %s').format(name);
		const show = text => this.tell(title, way(router.lines(text)));

		this.begin(title, _('The doctor looks at every step of the way …'));

		return router.follow('run', [ 'doctor', name ], show).then(done => show(done.text + '\n'))
			.catch(error => this.failed(title, error));
	},

	probe: function(name) {
		const title = _('Dry run: %s').format(name);
		const show = text => this.tell(title, [ E('table', { 'class': 'table', 'id': 'softwire-probe' }, told(text)) ]);

		this.begin(title, _('One exchange, of which nothing stays …'));

		return router.follow('run', [ 'probe', name ], show).then(done => show(done.text))
			.catch(error => this.failed(title, error));
	},

	report: function(name) {
		const title = _('Report: %s').format(name);

		this.begin(title, _('The doctor looks at every step of the way …'));

		return router.follow('run', [ 'report', name ]).then(done => this.tell(title, [
			E('p', [
				_('For a public bug report: no secret, no telephone number, addresses shortened. Read it all the same.')
			]),
			E('p', [ download('softwire-report-%s.txt'.format(name), done.text) ]),
			E('pre', [ done.text ])
		])).catch(error => this.failed(title, error));
	},

	render: function(found) {
		this.status = E('div', { 'class': 'cbi-section', 'id': 'softwire-status' });
		this.buttons = E('div', { 'class': 'cbi-section' });
		this.told = E('div', { 'class': 'cbi-section', 'id': 'softwire-told' });
		this.draw(found);
		poll.add(() => show.load().then(found => this.draw(found)));

		return E('div', { 'class': 'cbi-map' }, [
			E('h2', [ _('Softwire') ]),
			E('div', { 'class': 'cbi-map-descr' }, [ _('IPv4 over an IPv6-only line.') ]),
			this.status, this.buttons, this.told
		]);
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
