// SPDX-License-Identifier: Apache-2.0
// The settings of softwired: a tab for each service whose package is installed.

'use strict';
'require form';
'require uci';
'require view';
'require softwired.fields as fields';
'require softwired.router as router';

return view.extend({
	load: function() {
		return Promise.all([
			router.services(),
			uci.load('softwired').catch(() => null),
			L.resolveDefault(uci.load('network'))
		]);
	},

	render: function(loaded) {
		const found = loaded[0], networks = uci.sections('network', 'interface').map(one => one['.name'])
			.filter(name => name != 'loopback');
		const fault = router.trouble(found);

		if (fault) {
			this.handleSaveApply = this.handleSave = this.handleReset = null;

			return E('div', { 'class': 'cbi-map' }, [
				E('h2', [ _('softwired: settings') ]), E('p', { 'class': 'alert-message warning' }, [ fault ])
			]);
		}

		const map = new form.Map('softwired', _('softwired: settings'), _(
			'The other end of softwires and tunnels. The status page has a check of what sections mean together.'));

		map.tabbed = true;

		for (let one of found.services)
			fields.service(map, one.name, networks);

		return map.render();
	}
});
