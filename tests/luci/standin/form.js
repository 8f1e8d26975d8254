// SPDX-License-Identifier: Apache-2.0
// Stands for the part of LuCI's form.js that our pages use: a map of uci or of an object, named sections, in tabs of
// the map or not, with tabs of their own, sections by type inside of them, options with dependencies and checks.
// Elements have LuCI's names, by which the tests find them.

'use strict';
'require baseclass';
'require dom';
'require ui';
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

	// Of all sections, also of those inside.
	options: function() {
		return [].concat(...this.children.map(section => section.options()));
	},

	load: function() {
		return Promise.resolve(this.data.load(this.config)).then(() => {
			this.children.forEach(section => section.prepare());

			return Promise.all(this.options().map(option => Promise.resolve(option.load(option.section.section))
				.then(value => { option.before = value; })));
		});
	},

	renderContents: function() {
		const root = this.root || (this.root = E('div', { 'class': 'cbi-map' }));

		dom.content(root, [ E('h2', [ this.title || '' ]) ].concat(
			this.description ? E('div', this.description) : [], this.children.map(section => section.render())));
		dom.bindClassInstance(root, this);
		this.checkDepends();
		return root;
	},

	render: function() {
		return this.load().then(() => this.renderContents());
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

	// What was written is read anew, and the form drawn of it.
	save: function(then, silent) {
		this.checkDepends();
		return this.parse().then(then).then(() => this.data.save()).then(() => this.load()).catch(error => {
			if (!silent)
				ui.showModal(_('Save error'), [ E('p', [ error.message ]) ]);

			throw error;
		}).then(() => this.renderContents());
	}
});

const JSONMap = Map.extend({
	__init__: function(data, title, description) {
		Object.assign(this, { config: 'json', title: title, description: description, children: [] });
		this.data = new Data(data);
	}
});

const Section = baseclass.extend({
	// With what is inside of it.
	options: function() {
		return [].concat(...this.children.map(option => [ option ].concat(
			option.subsection ? option.subsection.options() : [])));
	},

	prepare: function() {
		this.children.forEach(option => { if (option.subsection) option.subsection.prepare(); });
	},

	tab: function(name, title) {
		if (this.tabs[name])
			throw new Error('Tab already declared');

		this.tabs[name] = { title: title };
	},

	option: function(Kind, ...given) {
		const made = new Kind(this.map, this, ...given);

		this.children.push(made);
		return made;
	},

	taboption: function(tab, Kind, ...given) {
		if (!this.tabs[tab])
			throw new ReferenceError('Associated tab not declared');

		return Object.assign(this.option(Kind, ...given), { tab: tab });
	},

	getOption: function(name) {
		return this.children.find(option => option.option == name) || null;
	},

	formvalue: function(section_id, name) {
		return this.getOption(name).formvalue(section_id);
	},

	// The options of a section, in its tabs.
	contents: function() {
		const names = Object.keys(this.tabs);

		if (!names.length)
			return this.children.map(option => option.render());

		return names.map((name, at) => E('div', { 'data-tab': name, 'data-tab-active': at == 0 ? 'true' : 'false' },
			[ E('h3', [ this.tabs[name].title ]) ].concat(this.children.filter(option => option.tab == name)
				.map(option => option.render()))));
	}
});

const NamedSection = Section.extend({
	__init__: function(map, section, type, title, description) {
		Object.assign(this, {
			map: map, section: section, type: type, title: title, description: description, children: [], tabs: {}
		});
	},

	render: function() {
		return E('div', {
			'class': 'cbi-section', 'data-tab': this.map.tabbed ? this.type : null,
			'data-tab-title': this.map.tabbed ? this.title || this.type : null
		}, [ E('h3', [ this.title || '' ]), E('p', [ this.description || '' ]) ].concat(this.contents()));
	}
});

// One section of a type: the options that were declared once, each with what is its own here.
const Row = Section.extend({
	__init__: function(typed, section) {
		Object.assign(this, { map: typed.map, section: section, tabs: typed.tabs });
		this.children = typed.children.map(option => Object.assign(Object.create(option), { section: this }));
	}
});

const TypedSection = Section.extend({
	__init__: function(map, type, title) {
		Object.assign(this, { map: map, type: type, title: title, children: [], tabs: {}, rows: [] });
	},

	options: function() {
		return [].concat(...this.rows.map(row => row.options()));
	},

	prepare: function() {
		this.rows = uci.sections(this.map.config, this.type).map(found => new Row(this, found['.name']));
	},

	handleAdd: function() {
		uci.add(this.map.config, this.type);
		return this.map.save(null, true);
	},

	handleRemove: function(section_id) {
		uci.remove(this.map.config, section_id);
		return this.map.save(null, true);
	},

	render: function() {
		const button = (kind, title, ...handler) => E('button', {
			'class': 'cbi-button cbi-button-' + kind, 'title': title,
			'click': ui.createHandlerFn(this, ...handler)
		}, [ title ]);

		if (!this.anonymous || !this.addremove)
			throw new Error('TypedSection: anonymous, addremove');

		return E('div', { 'id': 'cbi-%s-%s'.format(this.map.config, this.type), 'class': 'cbi-section' },
			[].concat(...this.rows.map(row => [
				E('div', { 'class': 'cbi-section-remove right' }, [
					button('remove', _('Delete'), 'handleRemove', row.section)
				]),
				E('div', { 'class': 'cbi-section-node', 'data-section-id': row.section }, row.contents())
			]), E('div', { 'class': 'cbi-section-create' }, [
				button('add', this.addbtntitle || _('Add'), 'handleAdd')
			])));
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
		return this.map.data.get(this.map.config, section_id, this.option);
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

		const node = E('div', { id: id, 'class': this.choices.length ? 'cbi-dropdown' : null }, [ this.input ]);

		dom.bindClassInstance(node, this);
		return node;
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

	// What validate is given, one after the other.
	checked: function(value) {
		return this.isList ? L.toArray(value) : [ value ];
	},

	// What is wrong with the values, or null.
	wrong: function() {
		const given = this.checked(this.formvalue());

		for (let value of given) {
			if (!this.isList && value == '' && !(this.optional || this.rmempty))
				return _('Expecting: %s').format('non-empty value');

			const said = this.validate(this.section.section, value);

			if (said !== true)
				return String(said);
		}

		return null;
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

	// The value of the box itself, ticked or not.
	checked: function() {
		return [ this.enabled ];
	},

	formvalue: function() {
		return this.input.checked ? this.enabled : this.disabled;
	}
});

const MultiValue = Value.extend({
	isList: true,

	widget: function(id) {
		const chosen = L.toArray(this.shown());

		this.input = this.watched(E('select', { id: 'widget.' + id, multiple: '' }, this.choices.map(choice =>
			E('option', { value: choice[0], selected: chosen.indexOf(choice[0]) > -1 ? '' : null }, [ choice[1] ]))));

		const node = E('div', { id: id, 'class': 'cbi-dropdown' }, [ this.input ]);

		dom.bindClassInstance(node, this);
		return node;
	},

	// All words together.
	checked: function(value) {
		return [ value.join(' ') ];
	},

	formvalue: function() {
		return Array.from(this.input.selectedOptions).map(option => option.value);
	},

	setValue: function(values) {
		Array.from(this.input.options).forEach(option => { option.selected = values.indexOf(option.value) > -1; });
		this.changed();
	}
});

// A section inside of an option.
const SectionValue = baseclass.extend({
	__init__: function(map, section, option, Kind, ...given) {
		Object.assign(this, { map: map, section: section, option: option, subsection: new Kind(map, ...given) });
	},

	load: () => null,
	parse: () => Promise.resolve(),
	satisfied: () => true,
	setActive: () => null,
	isActive: () => true,
	formvalue: () => null,
	triggerValidation: () => true,

	render: function() {
		return E('div', { 'class': 'cbi-value' }, [ this.subsection.render() ]);
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
			const said = this.validate(this.section.section, this.input.value);

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

	// The item that is being typed, even where there is none.
	checked: function() {
		return [ '' ];
	},

	formvalue: function() {
		return Array.from(this.list.querySelectorAll('.item')).map(item => item.getAttribute('data-value'));
	}
});

return baseclass.extend({
	Map: Map,
	JSONMap: JSONMap,
	NamedSection: NamedSection,
	TypedSection: TypedSection,
	SectionValue: SectionValue,
	Value: Value,
	ListValue: ListValue,
	MultiValue: MultiValue,
	DynamicList: DynamicList,
	Flag: Flag
});
