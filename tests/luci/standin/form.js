// SPDX-License-Identifier: Apache-2.0
// Stands for the part of LuCI's form.js that our pages use: a map of uci or of an object, one named section with tabs,
// its options with dependencies and checks. Elements have LuCI's names, by which the tests find them.

'use strict';
'require baseclass';
'require dom';
'require uci';

function same(one, other) {
	return JSON.stringify(one) === JSON.stringify(other);
}

const Data = baseclass.extend({
	__init__: function(data) {
		this.data = data;
	},

	load: () => Promise.resolve(),
	save: () => Promise.resolve(),

	get: function(config, section, option) {
		return this.data[section] ? this.data[section][option] : null;
	},

	set: function(config, section, option, value) {
		this.data[section][option] = value;
	},

	unset: function(config, section, option) {
		delete this.data[section][option];
	}
});

const Map = baseclass.extend({
	__init__: function(config, title, description) {
		Object.assign(this, { config: config, title: title, description: description, children: [], data: uci });
	},

	section: function(Kind, ...given) {
		const made = new Kind(this, ...given);

		this.children.push(made);
		return made;
	},

	options: function() {
		return [].concat(...this.children.map(section => section.children));
	},

	render: function() {
		return Promise.resolve(this.data.load(this.config)).then(() => Promise.all(this.options().map(
			option => option.load(option.section.section)))).then(() => {
			this.root = E('div', { 'class': 'cbi-map' }, [ E('h2', [ this.title || '' ]) ].concat(
				this.description ? E('div', this.description) : [], this.children.map(section => section.render())));
			dom.bindClassInstance(this.root, this);
			this.checkDepends();
			return this.root;
		});
	},

	checkDepends: function() {
		// An option may hide another on which a third depends.
		for (let round = 0; round < 3; round++)
			for (let option of this.options())
				option.setActive(option.satisfied());
	},

	parse: function() {
		return Promise.all(this.options().map(option => option.parse(option.section.section)));
	},

	save: function() {
		this.checkDepends();
		return this.parse().then(() => this.data.save());
	}
});

const JSONMap = Map.extend({
	__init__: function(data, title, description) {
		Object.assign(this, { config: 'json', title: title, description: description, children: [] });
		this.data = new Data(data);
	}
});

const NamedSection = baseclass.extend({
	__init__: function(map, section, type) {
		Object.assign(this, { map: map, section: section, type: type, children: [], tabs: {} });
	},

	tab: function(name, title) {
		if (this.tabs[name])
			throw new Error('Tab already declared');

		this.tabs[name] = { title: title, options: [] };
	},

	option: function(Kind, ...given) {
		const made = new Kind(this.map, this, ...given);

		this.children.push(made);
		return made;
	},

	taboption: function(tab, Kind, ...given) {
		if (!this.tabs[tab])
			throw new ReferenceError('Associated tab not declared');

		const made = this.option(Kind, ...given);

		this.tabs[tab].options.push(made);
		return made;
	},

	getOption: function(name) {
		return this.children.find(option => option.option == name) || null;
	},

	formvalue: function(section_id, name) {
		return this.getOption(name).formvalue(section_id);
	},

	render: function() {
		const names = Object.keys(this.tabs);

		if (!names.length)
			return E('div', { 'class': 'cbi-section' }, this.children.map(option => option.render()));

		return E('div', { 'class': 'cbi-section' }, names.map((name, at) => {
			const pane = E('div', { 'data-tab': name, 'data-tab-active': at == 0 ? 'true' : 'false' },
				[ E('h3', [ this.tabs[name].title ]) ].concat(this.tabs[name].options.map(option => option.render())));

			return pane;
		}));
	}
});

const Value = baseclass.extend({
	__init__: function(map, section, option, title, description) {
		Object.assign(this, {
			map: map, section: section, option: option, title: title, description: description,
			deps: [], choices: [], rmempty: true, optional: false, default: null, retain: false
		});
	},

	cbid: function(section_id) {
		if (section_id == null)
			throw new TypeError('Section ID required');

		return [ 'cbid', this.map.config, section_id, this.option ].join('.');
	},

	value: function(key, text) {
		this.choices.push([ String(key), text == null ? String(key) : text ]);
	},

	depends: function(field, value) {
		this.deps.push(typeof field == 'object' ? field : { [field]: value });
	},

	validate: function() {
		return true;
	},

	satisfied: function() {
		return !this.deps.length || this.deps.some(dep => Object.keys(dep).every(name => {
			const other = this.section.getOption(name);

			return other && other.isActive(other.section.section) &&
				other.formvalue(other.section.section) === dep[name];
		}));
	},

	load: function(section_id) {
		this.before = this.map.data.get(this.map.config, section_id, this.option);
		return Promise.resolve(this.before);
	},

	cfgvalue: function(section_id) {
		return this.before;
	},

	shown: function() {
		return this.before != null ? this.before : this.default;
	},

	render: function() {
		const id = this.cbid(this.section.section);

		this.node = E('div', { 'class': 'cbi-value', 'data-field': id, 'data-name': this.option }, [
			E('label', { 'class': 'cbi-value-title', 'for': 'widget.' + id }, [ this.title ]),
			E('div', { 'class': 'cbi-value-field' }, [ this.widget(id) ])
		]);

		if (this.description)
			this.node.lastChild.appendChild(E('div', { 'class': 'cbi-value-description' }, this.description));

		dom.bindClassInstance(this.node, this);
		return this.node;
	},

	watched: function(node) {
		for (let event of [ 'keyup', 'blur', 'change' ])
			node.addEventListener(event, () => this.changed());

		return node;
	},

	changed: function() {
		this.triggerValidation();
		this.map.checkDepends();

		if (this.onchange && !same(this.last, this.formvalue(this.section.section)))
			this.onchange(null, this.section.section, this.last = this.formvalue(this.section.section));
	},

	widget: function(id) {
		const value = this.shown();

		this.input = this.watched(E('input', {
			id: 'widget.' + id, type: this.password ? 'password' : 'text',
			placeholder: this.placeholder, 'class': 'cbi-input-text'
		}));
		this.input.value = Array.isArray(value) ? value.join(' ') : value == null ? '' : value;

		return E('div', { id: id }, [ this.input ]);
	},

	formvalue: function() {
		return this.input.value.trim();
	},

	setValue: function(value) {
		this.input.value = value;
		this.changed();
	},

	isActive: function() {
		return this.node != null && !this.node.classList.contains('hidden');
	},

	setActive: function(active) {
		this.node.classList[active ? 'remove' : 'add']('hidden');
	},

	// What is wrong with the values, or null.
	wrong: function() {
		const given = L.toArray(this.isList ? this.formvalue() : [ this.formvalue() ]);

		for (let value of given) {
			if (value == '' && !(this.optional || this.rmempty))
				return _('Expecting: %s').format('non-empty value');

			const said = this.validate(this.section.section, value);

			if (said !== true)
				return String(said);
		}

		return this.isList && !given.length && !(this.optional || this.rmempty) ? 'non-empty value' : null;
	},

	triggerValidation: function() {
		const wrong = this.wrong();
		const field = this.input;

		field.classList[wrong ? 'add' : 'remove']('cbi-input-invalid');

		if (wrong)
			field.setAttribute('data-tooltip', wrong);
		else
			field.removeAttribute('data-tooltip');

		return !wrong;
	},

	parse: function(section_id) {
		if (!this.isActive(section_id))
			return this.retain ? Promise.resolve() : Promise.resolve(this.remove(section_id));

		if (!this.triggerValidation())
			return Promise.reject(new TypeError('Option "%s" contains an invalid input value.'.format(this.title)));

		const now = this.formvalue(section_id), empty = now == null || now == '' || now.length == 0;

		if (empty || now === this.default && (this.optional || this.rmempty)) {
			if (!this.rmempty && !this.optional)
				return Promise.reject(new TypeError('Option "%s" must not be empty.'.format(this.title)));

			return Promise.resolve(this.remove(section_id));
		}

		return same(now, this.before) ? Promise.resolve() : Promise.resolve(this.write(section_id, now));
	},

	write: function(section_id, value) {
		return this.map.data.set(this.map.config, section_id, this.option, value);
	},

	remove: function(section_id) {
		return this.map.data.unset(this.map.config, section_id, this.option);
	}
});

const ListValue = Value.extend({
	widget: function(id) {
		const value = this.shown();
		const choices = (this.rmempty || this.optional) && this.default == null
			? [ [ '', '-' ] ].concat(this.choices) : this.choices;

		this.input = this.watched(E('select', { id: 'widget.' + id }, choices.map(choice =>
			E('option', { value: choice[0], selected: choice[0] === value ? '' : null }, [ choice[1] ]))));

		return E('div', { id: id }, [ this.input ]);
	}
});

const Flag = Value.extend({
	enabled: '1',
	disabled: '0',

	widget: function(id) {
		if (this.default == null)
			this.default = this.disabled;

		this.input = this.watched(E('input', {
			id: 'widget.' + id, type: 'checkbox', checked: this.shown() == this.enabled ? '' : null
		}));

		return E('div', { id: id, 'class': 'cbi-checkbox' }, [ this.input ]);
	},

	formvalue: function() {
		return this.input.checked ? this.enabled : this.disabled;
	}
});

const DynamicList = Value.extend({
	isList: true,

	widget: function(id) {
		const items = L.toArray(this.shown());

		this.input = E('input', { type: 'text', 'class': 'cbi-input-text', placeholder: this.placeholder });
		this.list = E('div', { id: id, 'class': 'cbi-dynlist' }, [ E('div', { 'class': 'add-item' }, [ this.input ]) ]);
		items.forEach(item => this.add(item));

		// What is wrong is not taken into the list; but it is looked at as it is typed, not at Enter.
		this.input.addEventListener('keyup', () => {
			const said = this.input.value == '' || this.validate(this.section.section, this.input.value);

			this.input.classList[said !== true ? 'add' : 'remove']('cbi-input-invalid');

			if (said !== true)
				this.input.setAttribute('data-tooltip', said);
			else
				this.input.removeAttribute('data-tooltip');
		});
		this.input.addEventListener('keydown', ev => {
			if (ev.key != 'Enter' || this.input.value == '' || this.input.classList.contains('cbi-input-invalid'))
				return;

			this.add(this.input.value);
			this.input.value = '';
			this.changed();
		});

		return this.list;
	},

	add: function(text) {
		const item = E('div', { 'class': 'item', 'data-value': text, click: () => {
			item.parentNode.removeChild(item);
			this.changed();
		} }, [ text ]);

		this.list.insertBefore(item, this.list.lastChild);
	},

	formvalue: function() {
		return Array.from(this.list.querySelectorAll('.item')).map(item => item.getAttribute('data-value'));
	}
});

return baseclass.extend({
	Map: Map,
	JSONMap: JSONMap,
	NamedSection: NamedSection,
	Value: Value,
	ListValue: ListValue,
	DynamicList: DynamicList,
	Flag: Flag
});
