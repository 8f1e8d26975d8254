// SPDX-License-Identifier: Apache-2.0
// Protocol flets in LuCI's interface dialogue.

'use strict';
'require network';
'require softwire.codes as codes';
'require softwire.fields as fields';
'require softwire.options as options';

codes.register();

return network.registerProtocol('flets', {
	getI18n: function() {
		return _("FLET'S (DHCPv6 as NTT wants it)");
	},

	getOpkgPackage: function() {
		return 'softwire';
	},

	getPackageName: function() {
		return 'softwire';
	},

	renderFormOptions: function(s) {
		for (let row of options.flets) {
			const o = fields.line(s, row);

			if (row.name == 'voip_zone' || row.name == 'vendorid')
				o.depends('voip', '1');
		}
	}
});
