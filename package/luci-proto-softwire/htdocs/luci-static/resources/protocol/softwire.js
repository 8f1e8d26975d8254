// SPDX-License-Identifier: Apache-2.0
// Protocol softwire in LuCI's interface dialogue.

'use strict';
'require form';
'require network';
'require tools.widgets as widgets';
'require softwire.codes as codes';
'require softwire.fields as fields';
'require softwire.options as options';
'require softwire.texts as texts';

network.registerPatternVirtual(/^sw-.+$/);
codes.register();

return network.registerProtocol('softwire', {
	getI18n: function() {
		return _('Softwire (IPv4 over IPv6)');
	},

	// What netifd will call it, too: a name of at most fifteen characters.
	getIfname: function() {
		return this._ubus('l3_device') || 'sw-%s'.format(this.sid).substr(0, 15);
	},

	// The name of the hook in LuCI of 24.10, and before it.
	getOpkgPackage: function() {
		return 'softwire';
	},

	getPackageName: function() {
		return 'softwire';
	},

	isFloating: function() {
		return true;
	},

	isVirtual: function() {
		return true;
	},

	getDevices: function() {
		return null;
	},

	containsDevice: function(ifname) {
		return network.getIfnameOf(ifname) == this.getIfname();
	},

	renderFormOptions: function(s) {
		let text = texts.of('tunlink');
		let o = s.taboption('general', widgets.NetworkSelect, 'tunlink', text[0], text[1]);

		o.nocreate = true;
		o.exclude = s.section;
		// May be left open: else LuCI takes the first of all interfaces for none, and for one that is gone.
		o.validate = function(section_id) {
			return this.formvalue(section_id) ? true : _('it must not be empty');
		};

		text = texts.of('provisioning');
		o = s.taboption('general', form.ListValue, 'provisioning', text[0], text[1]);
		o.default = 'softbank';
		o.rmempty = false;

		for (let method in options.methods)
			o.value(method, options.methods[method].title);

		const provisioning = o;
		const chosen = section_id => provisioning.formvalue(section_id) || 'softbank';

		for (let name of options.names())
			fields.own(s, name, chosen);

		for (let row of options.common)
			fields.common(s, row);
	}
});
