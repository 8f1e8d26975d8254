// SPDX-License-Identifier: Apache-2.0
// How softwired's services are: which run and are ready, what each tells of itself, leases, mappings and tunnels.

'use strict';
'require dom';
'require poll';
'require uci';
'require ui';
'require view';
'require softwired.problems as problems';
'require softwired.router as router';
'require softwired.texts as texts';
'require softwired.told as told';

// Seconds between two times that a service is asked for all of it: each is a process on the router.
const PAUSE = 30;
// Rows of a table that are shown.
const MOST = 500;

function isOn(one) {
	return uci.get('softwired', one.name, 'enabled') == '1';
}

function headline(one) {
	const labels = [];

	if (one.running)
		labels.push(one.ready ? [ 'success', _('runs') ] : [ 'warning', _('runs, not ready yet') ]);
	else if (isOn(one))
		labels.push([ 'warning', _('does not run') ]);
	else
		labels.push([ '', _('turned off') ]);

	// The page of tunnels is a process of its own.
	if (one.running && one.page === false)
		labels.push([ 'warning', _('the page does not run') ]);

	return labels.map(label => E('span', { 'class': 'label ' + label[0], 'style': 'margin-left: .5em' }, [ label[1] ]));
}

function note(text) {
	return E('p', { 'class': 'alert-message warning', 'style': 'white-space: pre-wrap; overflow-wrap: anywhere' }, [
		problems.say(text)
	]);
}

function cell(content, more) {
	return E('td', Object.assign({ 'class': 'td left', 'style': 'overflow-wrap: anywhere' }, more), content);
}

function rows(found) {
	return E('table', { 'class': 'table' }, told.rows(found).map(row => E('tr', { 'class': 'tr' }, [
		cell([ row[0] ], { 'width': '33%' }),
		cell(row[1].map(line => E('div', row[2]
			? { 'class': 'softwired-problem', 'style': 'font-weight: bold; margin-bottom: .3em' } : {}, [ line ])))
	])));
}

function table(service, entries) {
	const found = told.table(service, entries.slice(0, MOST)), left = entries.length - MOST;

	if (!entries.length)
		return [ E('p', [ _('There are none.') ]) ];

	return [
		E('div', { 'style': 'overflow-x: auto' }, [ E('table', { 'class': 'table' }, [
			E('tr', { 'class': 'tr table-titles' }, found[0].map(text => E('th', { 'class': 'th left' }, [ text ])))
		].concat(found[1].map(cells => E('tr', { 'class': 'tr' }, cells.map((text, at) =>
			// What a telephone shows of the heading.
			cell([ text ], { 'data-title': found[0][at] })))))) ]),
		left > 0 ? E('p', [ _('%d more are not shown here.').format(left) ]) : ''
	];
}

return view.extend({
	load: function() {
		return Promise.all([ router.services(), L.resolveDefault(uci.load('softwired')) ]).then(loaded => loaded[0]);
	},

	// The sections stay while somebody looks at them; what is told of each is put into them.
	sections: function(services) {
		const names = services.map(one => one.name);

		if (names.join() === this.names)
			return;

		this.names = names.join();
		this.parts = {};

		dom.content(this.list, services.map(one => {
			const text = texts.service(one.name), part = this.parts[one.name] = {
				head: E('span'), told: E('div', { 'data-told': one.name }), table: E('div', { 'data-table': one.name })
			};

			part.button = E('p', one.table ? [ E('button', {
				'class': 'btn cbi-button cbi-button-neutral', 'data-show': one.name,
				'click': ui.createHandlerFn(this, 'show', one.name)
			}, [ told.button(one.name) ]) ] : []);

			return E('div', { 'class': 'cbi-section', 'data-service': one.name }, [
				E('h3', [ text[0], part.head ]), E('p', [ text[1] ]), part.told, part.button, part.table
			]);
		}));
	},

	draw: function(found) {
		const fault = router.trouble(found) || (found.procd ? null
			: _('procd does not answer: whether the services run is not known.'));

		dom.content(this.note, fault ? [ note(fault) ] : []);
		this.sections(found.services);

		for (let one of found.services) {
			const part = this.parts[one.name];

			dom.content(part.head, headline(one));

			// Who does not answer has nothing to ask for.
			part.button.style.display = one.ready ? '' : 'none';

			if (!one.ready)
				dom.content(part.told, found.procd && !one.running && isOn(one)
					? [ E('p', [ _('It ended, or did not start: Status, System Log has its reason.') ]) ] : []);
		}

		this.ready = found.services.filter(one => one.ready).map(one => one.name);
	},

	// All that each service tells, one after the other.
	ask: function() {
		return this.ready.reduce((before, name) => before.then(() => router.follow('ask', [ 'status', name ])
			.then(router.parse).then(rows).catch(error => note(router.sentence(error)))
			.then(node => this.parts[name] && dom.content(this.parts[name].told, [ node ]))), Promise.resolve());
	},

	show: function(name) {
		const place = this.parts[name].table;

		dom.content(place, [ E('p', { 'class': 'spinning' }, [ _('The router looks …') ]) ]);

		return router.follow('ask', [ 'table', name ]).then(router.parse).then(entries => table(name, entries))
			.catch(error => [ note(router.sentence(error)) ]).then(nodes => dom.content(place, nodes));
	},

	check: function() {
		dom.content(this.told, [ E('p', { 'class': 'spinning' }, [ _('The router looks …') ]) ]);

		return router.follow('check', []).then(done => done.status === 0
			? E('p', { 'id': 'softwired-right' }, [ _('The configuration is right.') ])
			: note(done.text.trim() || _('The router gave no answer.')))
			.catch(error => note(router.sentence(error))).then(node => dom.content(this.told, [ node ]));
	},

	render: function(found) {
		this.note = E('div');
		this.list = E('div', { 'id': 'softwired-services' });
		this.told = E('div', { 'id': 'softwired-check' });
		this.draw(found);

		// The page is there before the slower answers are.
		window.setTimeout(() => this.ask(), 0);
		poll.add(() => router.services().then(found => this.draw(found)));
		poll.add(() => this.ask(), PAUSE);

		return E('div', { 'class': 'cbi-map' }, [
			E('h2', [ _('softwired') ]),
			E('div', { 'class': 'cbi-map-descr' }, [ _('The other end of softwires and tunnels.') ]),
			this.note, this.list,
			E('div', { 'class': 'cbi-section' }, [
				E('p', [ E('button', {
					'class': 'btn cbi-button cbi-button-action', 'data-action': 'check',
					'click': ui.createHandlerFn(this, 'check')
				}, [ _('Check the configuration') ]) ]),
				this.told
			])
		]);
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
