// SPDX-License-Identifier: Apache-2.0
// Stands for LuCI's tools/widgets.js: the choice of an interface, of a zone, of a device.

'use strict';
'require baseclass';
'require dom';
'require form';
'require network';

const Choice = form.ListValue.extend({
	load: function(section_id) {
		return this.find().then(names => {
			this.choices = names.filter(name => name != this.exclude).map(name => [ name, name ]);
			return form.ListValue.prototype.load.call(this, section_id);
		});
	},

	widget: function(id) {
		const node = form.ListValue.prototype.widget.call(this, id);

		node.className = 'cbi-dropdown';
		dom.bindClassInstance(node, this);
		return node;
	}
});

return baseclass.extend({
	NetworkSelect: Choice.extend({
		find: () => network.getNetworks().then(found => found.map(one => one.getName()))
	}),

	DeviceSelect: Choice.extend({
		find: () => network.getNetworks().then(found => found.map(one => one.getIfname()).filter(name => name))
	})
});
