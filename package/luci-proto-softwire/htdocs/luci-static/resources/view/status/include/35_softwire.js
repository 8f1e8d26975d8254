// SPDX-License-Identifier: Apache-2.0
// Softwires on the status overview: one ubus call an interval.

'use strict';
'require baseclass';
'require softwire.show as show';

return baseclass.extend({
	title: _('Softwire'),

	load: function() {
		return show.load();
	},

	// Nothing where there is no softwire.
	render: function(found) {
		const note = show.note(found), list = found.interfaces || [];

		if (!list.length && !note)
			return null;

		return E('div', { 'id': 'softwire_status' }, (note ? [ note ] : []).concat(
			list.map(one => show.table(one, found.uptime))));
	}
});
