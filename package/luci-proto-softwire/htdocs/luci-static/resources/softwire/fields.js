// SPDX-License-Identifier: Apache-2.0
// Makes an option of LuCI's form of a row of softwire.options.

'use strict';
'require baseclass';
'require form';
'require softwire.options as options';
'require softwire.texts as texts';

function widget(row) {
	if (row.flag)
		return form.Flag;

	return row.words ? form.ListValue : row.list ? form.DynamicList : form.Value;
}

function dress(o, row) {
	if (row.words)
		for (let word of row.words)
			o.value(word, texts.word(word));

	if (row.flag || row.words)
		o.default = row.fallback;
	else if (row.fallback != null)
		o.placeholder = row.fallback;

	if (row.secret)
		o.password = true;

	if (row.required)
		o.rmempty = false;
}

return baseclass.extend({
	// An option of protocol flets.
	line: function(s, row) {
		const text = texts.of(row.name, true);
		const o = s.taboption(row.main ? 'general' : 'advanced', widget(row), row.name, text[0], text[1]);

		dress(o, row);
		o.validate = (section_id, value) => value == '' || row.check(value);

		return o;
	},

	// An option of all methods.
	common: function(s, row, tab) {
		const text = texts.of(row.name);
		const o = s.taboption(tab || 'advanced', widget(row), row.name, text[0], text[1]);

		dress(o, row);
		o.validate = (section_id, value) => value == '' || row.check(value);

		return o;
	},

	// An option that one or several methods look at; chosen(section_id) tells the method that is set in the form.
	own: function(s, name, chosen) {
		const methods = Object.keys(options.methods).filter(method => this.has(method, name));
		const rows = methods.map(method => options.row(method, name));
		const text = texts.of(name);
		const main = rows.some(row => row.main);
		const o = s.taboption(main ? 'general' : 'advanced', widget(rows[0]), name, text[0], text[1]);

		// Where some methods can do without, who needs it says so in validate.
		dress(o, Object.assign({}, rows[0], { required: rows.every(row => row.required) }));

		for (let method of methods)
			o.depends('provisioning', method);

		const value = (section_id, other) => {
			const option = s.getOption(other);

			return L.toArray(option && option.isActive(section_id) ? option.formvalue(section_id) : null).join(' ');
		};

		o.validate = function(section_id, text) {
			const method = chosen(section_id), row = options.row(method, name);

			// Of a list LuCI gives the item that is being typed.
			if (text == '' && row && row.required && !(row.list && L.toArray(this.formvalue(section_id)).length))
				return _('it must not be empty');

			return options.check(method, name, text, other => other == name ? text : value(section_id, other));
		};

		const parse = o.parse;

		o.parse = function(section_id) {
			return !this.isActive(section_id) && options.methods[chosen(section_id)].others
				? Promise.resolve() : parse.call(this, section_id);
		};

		if (options.together.indexOf(name) > -1)
			o.onchange = (ev, section_id) => options.together.map(other => s.getOption(other)).forEach(other => {
				if (other && other !== o && other.isActive(section_id))
					other.triggerValidation(section_id);
			});

		return o;
	},

	has: function(method, name) {
		return options.methods[method].rows.some(row => row.name == name);
	}
});
