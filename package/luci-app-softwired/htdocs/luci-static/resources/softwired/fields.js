// SPDX-License-Identifier: Apache-2.0
// Makes the form of a service of its tables in softwired.options.

'use strict';
'require baseclass';
'require form';
'require uci';
'require softwired.options as options';
'require softwired.texts as texts';
'require softwired.together as together';

const CONFIG = 'softwired';

function widget(row) {
	if (row.flag)
		return form.Flag;

	if (row.list)
		return row.words ? form.MultiValue : form.DynamicList;

	return row.words ? form.ListValue : form.Value;
}

function dress(o, row, networks) {
	for (let word of row.words || [])
		o.value(word, texts.word(word));

	for (let name of row.network ? networks : [])
		o.value(name);

	if (row.flag || row.words && !row.list)
		o.default = row.fallback;
	else if (row.fallback != null)
		o.placeholder = row.fallback;
}

// The section of a table of which there is one; it is made when it gets its first option.
function only(type) {
	const found = uci.sections(CONFIG, type)[0];

	return found ? found['.name'] : null;
}

function elsewhere(o, type, name) {
	o.load = () => only(type) ? uci.get(CONFIG, only(type), name) : null;
	o.write = (section_id, value) => uci.set(CONFIG, only(type) || uci.add(CONFIG, type), name, value);
	o.remove = () => only(type) ? uci.unset(CONFIG, only(type), name) : null;

	return o;
}

return baseclass.extend({
	// One option; add(Kind, name, title, text) puts it where it belongs. isOn(): whether the service is turned on, so
	// that what it cannot do without is missed. prefix: of its name in the form.
	option: function(add, service, table, row, networks, isOn, prefix) {
		const text = texts.of(service, table.table, row.name), o = add(widget(row), prefix + row.name, ...text);
		const value = section => (section_id, name) => {
			const other = section.getOption(prefix + name);
			const given = other ? L.toArray(other.formvalue(section_id)).join(' ') : '';
			const fallback = table.rows.find(one => one.name == name).fallback;

			return given == '' && fallback != null ? fallback : given;
		};

		dress(o, row, networks);

		o.validate = function(section_id, given) {
			// LuCI gives of a box what it would mean if it were ticked, of several words all of them.
			const text = row.flag ? this.formvalue(section_id) : given;

			for (let item of row.list && row.words ? L.toArray(text) : text == '' ? [] : [ text ]) {
				const first = L.toArray(row.command ? this.formvalue(section_id) : null)[0];
				const said = row.command && (first == null || first === item) && item.charAt(0) != '/'
					? _('a program by its absolute path, then its arguments, would be right')
					: options.check(row, item);

				if (said !== true)
					return said;
			}

			if (!isOn())
				return true;

			if (text == '' && row.required && !row.list)
				return _('it must not be empty');

			const wrong = together.fault(service, table.table, name => name == row.name && !row.list
				? (text == '' && row.fallback != null ? row.fallback : text) : value(this.section)(section_id, name));

			return wrong && wrong[0] == row.name ? wrong[1] : true;
		};

		// Some LuCI writes what a missing one means as well.
		const write = o.write;

		if (row.words && !row.list)
			o.write = function(section_id, value) {
				return value === row.fallback ? this.remove(section_id) : write.call(this, section_id, value);
			};

		const parse = o.parse;

		// A list without an item is checked nowhere else.
		o.parse = function(section_id) {
			const given = L.toArray(this.formvalue(section_id));

			return row.required && row.list && isOn() && !given.length
				? Promise.reject(new TypeError('%s: %s'.format(text[0], _('it must not be empty'))))
				: parse.call(this, section_id);
		};

		if (together.has(service, table.table))
			o.onchange = function(ev, section_id) {
				for (let one of table.rows) {
					const other = this.section.getOption(prefix + one.name);

					if (other && other.option != this.option && other.isActive(section_id))
						other.triggerValidation(section_id);
				}
			};

		return o;
	},

	// The tab of a service, with tabs of its own.
	service: function(map, service, networks) {
		const title = texts.service(service);

		if (!uci.get(CONFIG, service))
			uci.add(CONFIG, service, service);

		const s = map.section(form.NamedSection, service, service, title[0], title[1]);
		const isOn = () => s.formvalue(service, 'enabled') == '1';

		s.tab('general', _('General'));

		const enabled = s.taboption('general', form.Flag, 'enabled', ...texts.of(service, '', 'enabled'));

		enabled.rmempty = false;

		for (let table of options.services[service]) {
			if (table.several)
				this.several(s, service, table, networks, isOn);
			else if (table.table == '')
				this.own(s, service, table, networks, isOn);
			else
				this.single(s, service, table, networks, isOn);
		}

		if (options.services[service][0].rows.some(row => !row.main))
			this.rest(s, service, options.services[service][0], networks, isOn);

		return s;
	},

	own: function(s, service, table, networks, isOn) {
		for (let row of table.rows.filter(row => row.main))
			this.option((...given) => s.taboption('general', ...given), service, table, row, networks, isOn, '');
	},

	// What few need, on the last tab.
	rest: function(s, service, table, networks, isOn) {
		s.tab('advanced', _('Advanced'));

		for (let row of table.rows.filter(row => !row.main))
			this.option((...given) => s.taboption('advanced', ...given), service, table, row, networks, isOn, '');
	},

	single: function(s, service, table, networks, isOn) {
		const name = table.table, prefix = name + '_';

		s.tab(name, table.title);

		for (let row of table.rows)
			this.option((...given) => elsewhere(s.taboption(name, ...given), '%s_%s'.format(service, name), row.name),
				service, table, row, networks, isOn, prefix);
	},

	several: function(s, service, table, networks, isOn) {
		const name = table.table, inside = table.rows.some(row => row.main);

		s.tab(name, table.title);

		const holder = s.taboption(name, form.SectionValue, '_' + name, form.TypedSection, service + '_' + name);
		const sub = holder.subsection;

		sub.anonymous = true;
		sub.addremove = true;
		sub.addbtntitle = table.add;

		// LuCI adds first, and where the form is wrong shows nothing of it, nor of what is wrong elsewhere.
		sub.handleAdd = function(...given) {
			return this.map.save().then(() => form.TypedSection.prototype.handleAdd.apply(this, given), () => null);
		};

		if (inside) {
			sub.tab('general', _('General'));
			sub.tab('advanced', _('Advanced'));
		}

		for (let row of table.rows)
			this.option((...given) => inside ? sub.taboption(row.main ? 'general' : 'advanced', ...given)
				: sub.option(...given), service, table, row, networks, isOn, '');
	}
});
