// SPDX-License-Identifier: Apache-2.0
// Stands for LuCI's uci.js: configurations that are loaded, changed in the browser and saved as few calls.

'use strict';
'require baseclass';
'require rpc';

const call = (method, params) => rpc.declare({ object: 'uci', method: method, params: params, reject: true });
const get = rpc.declare({ object: 'uci', method: 'get', params: [ 'config' ], expect: { values: {} }, reject: true });
const set = call('set', [ 'config', 'section', 'values' ]);
const remove = call('delete', [ 'config', 'section', 'options' ]);

return baseclass.extend({
	__init__: function() {
		this.values = {};
		this.changed = [];
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

	sections: function(config, type, each) {
		const found = Object.values(this.values[config] || {}).filter(one => type == null || one['.type'] == type);

		found.sort((one, other) => one['.index'] - other['.index']);
		found.forEach(one => { if (each) each(one, one['.name']); });
		return found;
	},

	save: function() {
		const tasks = [];

		for (let [ config, section, option ] of this.changed.splice(0)) {
			const value = this.get(config, section, option);

			tasks.push(value == null || value.length == 0
				? remove(config, section, [ option ]) : set(config, section, { [option]: value }));
		}

		return Promise.all(tasks);
	}
});
