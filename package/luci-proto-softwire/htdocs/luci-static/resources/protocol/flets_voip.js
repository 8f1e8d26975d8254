// SPDX-License-Identifier: Apache-2.0
// Protocol flets_voip: the telephone's side of a line of protocol flets, which makes the interface itself.

'use strict';
'require network';

return network.registerProtocol('flets_voip', {
	getI18n: function() {
		return _("Telephone of FLET'S");
	},

	getOpkgPackage: function() {
		return 'softwire';
	},

	getPackageName: function() {
		return 'softwire';
	},

	// Nobody can add one.
	isCreateable: function() {
		return Promise.resolve(_('the line makes it'));
	}
});
