// SPDX-License-Identifier: Apache-2.0
// Stands for LuCI's uci.js: configurations that are loaded, changed in the browser and saved as few calls.

'use strict';
'require baseclass';
'require rpc';

const call = (method, params) => rpc.declare({ object: 'uci', method: method, params: params, reject: true });
const get = rpc.declare({ object: 'uci', method: 'get', params: [ 'config' ], expect: { values: {} }, reject: true });
const set = call('set', [ 'config', 'section', 'values' ]);
const remove = call('delete', [ 'config', 'section', 'options' ]);
const add = call('add', [ 'config', 'type', 'name', 'values' ]);

return baseclass.extend({
	__init__: function() {
		this.values = {};
		this.changed = [];
		this.made = 0;
		this.added = [];
		this.removed = [];
	},

	load: function(names) {
		return Promise.all(L.toArray(names).filter(name => !this.values[name])
			.map(name => get(name).then(values => { this.values[name] = values; })));
	},

	unload: function(names) {
		L.toArray(names).forEach(name => { delete this.values[name]; });
	},

	get: function(config, section, option) {
		const found = (this.values[config] || {})[section];

		return found == null ? null : option == null ? found : found[option];
	},

	set: function(config, section, option, value) {
		const found = this.get(config, section);

		if (found == null)
			return null;

		found[option] = value;
		this.changed.push([ config, section, option ]);
		return value;
	},

	unset: function(config, section, option) {
		const found = this.get(config, section);

		if (found && found[option] != null) {
			delete found[option];
			this.changed.push([ config, section, option ]);
		}
	},

	// A section has its own name, or one that is given up for the router's when it is saved.
	add: function(config, type, name) {
		const index = Math.max(-1, ...Object.values(this.values[config]).map(one => one['.index'])) + 1;
		const own = name || 'new%d'.format(++this.made);
		const made = { '.type': type, '.name': own, '.anonymous': !name, '.index': index };

		this.values[config][made['.name']] = made;
		this.added.push([ config, made['.name'] ]);
		return made['.name'];
	},

	remove: function(config, section) {
		delete this.values[config][section];

		if (this.added.some(one => one[0] == config && one[1] == section))
			this.added = this.added.filter(one => one[0] != config || one[1] != section);
		else
			this.removed.push([ config, section ]);

		this.changed = this.changed.filter(one => one[0] != config || one[1] != section);
	},

	sections: function(config, type, each) {
		const found = Object.values(this.values[config] || {}).filter(one => type == null || one['.type'] == type);

		found.sort((one, other) => one['.index'] - other['.index']);
		found.forEach(one => { if (each) each(one, one['.name']); });
		return found;
	},

	save: function() {
		const tasks = [], added = this.added.splice(0), removed = this.removed.splice(0);

		for (let [ config, section, option ] of this.changed.splice(0)) {
			if (added.some(one => one[0] == config && one[1] == section))
				continue;

			const value = this.get(config, section, option);

			tasks.push(value == null || value.length == 0
				? remove(config, section, [ option ]) : set(config, section, { [option]: value }));
		}

		for (let [ config, section ] of removed)
			tasks.push(remove(config, section));

		// In their order.
		const made = added.reduce((before, [ config, section ]) => before.then(() => {
			const found = this.get(config, section), values = {};

			for (let name in found)
				if (name.charAt(0) != '.')
					values[name] = found[name];

			return add(config, found['.type'], found['.anonymous'] ? undefined : section, values);
		}), Promise.resolve());

		return Promise.all(tasks.concat(made)).then(() => {
			const names = Array.from(new Set(added.concat(removed).map(one => one[0])));

			this.unload(names);
			return this.load(names);
		});
	}
});
