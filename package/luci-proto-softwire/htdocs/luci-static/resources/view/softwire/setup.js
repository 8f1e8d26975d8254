// SPDX-License-Identifier: Apache-2.0
// First set-up, as `softwire configure` does it: the router's helper plans, the person sees the difference, LuCI
// applies it and takes it back by itself where the browser does not find the router again. Secrets go to uci alone.

'use strict';
'require dom';
'require form';
'require rpc';
'require ui';
'require view';
'require tools.widgets as widgets';
'require softwire.codes as codes';
'require softwire.fields as fields';
'require softwire.findings as findings';
'require softwire.options as options';
'require softwire.router as router';
'require softwire.texts as texts';

const call = (method, params) => rpc.declare({ object: 'uci', method: method, params: params, reject: true });
const changes = call('changes', []);
const revert = call('revert', [ 'config' ]);
const add = call('add', [ 'config', 'type', 'name', 'values' ]);
const setNamed = call('set', [ 'config', 'section', 'values' ]);
const setMatching = call('set', [ 'config', 'type', 'match', 'values' ]);
const removeNamed = call('delete', [ 'config', 'section', 'options' ]);
const removeMatching = call('delete', [ 'config', 'type', 'match', 'options' ]);

const FILES = [ 'network', 'firewall' ];

// Tells uci of one change of the plan.
function stage(change, secrets) {
	const values = Object.assign({}, change.values, secrets);

	if (change['new'])
		return add(change.config, change.type, change.section, values);

	const removed = change.deleted.length == 0 ? Promise.resolve() : change.section
		? removeNamed(change.config, change.section, change.deleted)
		: removeMatching(change.config, change.type, change.match, change.deleted);

	return removed.then(() => Object.keys(values).length == 0 ? null : change.section
		? setNamed(change.config, change.section, values)
		: setMatching(change.config, change.type, change.match, values));
}

// What `softwire configure` refuses, a line each: 'softwire configure: CODE: what is wrong'.
function refusal(text) {
	return text.split('\n').map(line => {
		const found = /^(softwire configure: [A-Z0-9_]+: )(.*)$/.exec(line);

		return found ? found[1] + findings.say(found[2]) : line;
	}).join('\n');
}

const COLOURS = { '+': 'rgba(0, 160, 0, .18)', '-': 'rgba(200, 0, 0, .18)' };

function difference(lines) {
	let file = null;

	return E('pre', { 'id': 'softwire-difference', 'style': 'overflow-x: auto' }, [].concat(...lines.map(pair => {
		const head = pair[0] === file ? [] : [ E('strong', [ '/etc/config/%s\n'.format(file = pair[0]) ]) ];
		const colour = COLOURS[pair[1].charAt(0)];

		return head.concat(E('span', colour ? { 'style': 'background: ' + colour } : {}, [ pair[1] + '\n' ]));
	})));
}

return view.extend({
	render: function() {
		this.told = E('div', { 'class': 'cbi-section', 'id': 'softwire-plan' });

		const map = this.map = new form.JSONMap({ form: { provisioning: 'softbank' } }, _('Softwire: first set-up'), _(
			'Makes two interfaces: the line, which speaks IPv6, and the softwire over it, which brings IPv4.'));
		const s = map.section(form.NamedSection, 'form', 'form');

		s.tab('general', _('General'));
		s.tab('advanced', _('Advanced'));

		let o = s.taboption('general', form.ListValue, 'provisioning', ...texts.of('provisioning'));

		o.default = 'softbank';
		o.rmempty = false;

		for (let method in options.methods)
			o.value(method, options.methods[method].title);

		const provisioning = o;

		o = s.taboption('general', widgets.DeviceSelect, 'wan', _('Port'), _(
			"The port of the line, which becomes FLET'S; empty: the line's interface stays as it is."));
		o.nobridges = true;
		o.noaliases = true;

		for (let name of options.names())
			fields.own(s, name, section_id => provisioning.formvalue(section_id) || 'softbank');

		for (let row of options.common)
			fields.common(s, row);

		for (let [ name, title, fallback ] of [
			[ 'interface', _('Name of the softwire'), 'wan' ], [ 'line', _('Name of the line'), 'wan6' ],
			[ 'firewall_zone', _('Firewall zone of the internet side'), null ]
		]) {
			o = s.taboption('advanced', form.Value, name, title);
			o.placeholder = fallback || _('the one that has the interfaces, else wan');
			o.validate = (section_id, value) => value == '' || /^[A-Za-z0-9_]+$/.test(value) ||
				_('letters, digits and _ would be right');
		}

		s.taboption('advanced', form.Flag, 'add_zone', _('Add the zone'), _('Makes it where the firewall has none.'));

		return map.render().then(node => E('div', [ node, E('div', { 'class': 'cbi-page-actions' }, [
			E('button', {
				'class': 'btn cbi-button cbi-button-action', 'id': 'softwire-preview',
				'click': ui.createHandlerFn(this, 'preview')
			}, [ _('Show what would change') ])
		]), this.told ]));
	},

	// What the form holds, once it was saved.
	value: function(name) {
		return this.map.data.get('json', 'form', name) || '';
	},

	// What the router is told: everything but the secrets, and what a missing option means anyway, which LuCI's lists
	// hold though nobody chose it.
	given: function() {
		const method = this.value('provisioning') || 'softbank', found = {};

		for (let row of options.methods[method].rows.concat(options.common))
			if (!row.secret && this.value(row.name).length && (!row.words || this.value(row.name) !== row.fallback))
				found[row.name] = this.value(row.name);

		return [
			method, this.value('wan'), this.value('interface') || 'wan', this.value('line') || 'wan6',
			this.value('firewall_zone'), this.value('add_zone') == '1', found
		];
	},

	secrets: function() {
		const found = {};

		for (let row of options.methods[this.value('provisioning') || 'softbank'].rows)
			if (row.secret && this.value(row.name))
				found[row.name] = this.value(row.name);

		return found;
	},

	failed: function(error) {
		dom.content(this.told, E('p', { 'class': 'alert-message warning', 'style': 'white-space: pre-wrap' },
			[ refusal(router.sentence(error)) ]));
	},

	preview: function() {
		return this.map.save(null, true).then(() => {
			dom.content(this.told, E('p', { 'class': 'spinning' }, [ _('The router works out what would change …') ]));

			return router.follow('plan', this.given()).then(router.parse).then(plan => this.show(plan))
				.catch(error => this.failed(error));
		}, () => dom.content(this.told, E('p', { 'class': 'alert-message warning' },
			[ _('Some values above are not right yet.') ])));
	},

	show: function(plan) {
		const warnings = plan.warnings.map(text => E('p', { 'class': 'alert-message warning' },
			[ findings.say(text) ]));
		const restart = plan.then.filter(text => /network restart/.test(text)).map(text => E('p', [
			_('netifd does not know the protocols yet: after this, restart the router, or run %s on it.').format(text)
		]));

		if (!plan.difference.length)
			return dom.content(this.told, [
				E('p', [ _('Nothing to change: the configuration is already like that.') ])
			].concat(warnings));

		const head = E('h3', [ _('What would change') ]);

		dom.content(this.told, [ head ].concat(warnings, difference(plan.difference), restart, [
			E('p', [ _('Applied, it comes back by itself if this browser does not find the router again.') ]),
			E('button', {
				'class': 'btn cbi-button cbi-button-apply important', 'id': 'softwire-apply',
				'click': ui.createHandlerFn(this, 'apply', plan)
			}, [ _('Apply') ])
		]));
	},

	apply: function(plan) {
		const own = this.given()[2];

		return router.follow('keep', this.given()).then(done => {
			if (done.status !== 0)
				throw router.fault(done.text.trim() || '?');

			return changes();
		}).then(held => {
			// What somebody else has begun would be applied with it, or go with it.
			if (FILES.some(name => (held.changes || {})[name]))
				throw router.fault(codes.text('UNCOMMITTED'));

			// One after the other: a section that is new has to be there before anything else of it.
			return plan.changes.reduce((before, change) => before.then(() => stage(change,
				change.section == own ? this.secrets() : {})), Promise.resolve())
				.catch(error => Promise.all(FILES.map(name => L.resolveDefault(revert(name)))).then(() => {
					throw error;
				}));
		}).then(() => {
			document.addEventListener('uci-applied', () => L.resolveDefault(router.firewall()), { once: true });

			return ui.changes.apply(true);
		}).catch(error => this.failed(error));
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
