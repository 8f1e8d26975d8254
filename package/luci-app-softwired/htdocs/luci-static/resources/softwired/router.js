// SPDX-License-Identifier: Apache-2.0
// The plugin of softwired and what its faults mean.

'use strict';
'require baseclass';
'require softwired.jobs as jobs';

const plugin = jobs.of({
	object: 'luci.softwired',
	begin: { ask: [ 'question', 'service' ], check: [] },
	reasons: {
		NO_HELPER: _('The package softwired is not installed on the router, or is broken: install it.'),
		NOT_RUNNING: _('The service does not run.')
	},
	denied: _('You may not do this: your login has no access to softwired.'),
	unknown: _("The router does not know the page's plugin: restart rpcd, or install luci-app-softwired anew."),
	old: _('The package softwired on the router is too old for this page: upgrade it.')
});

return baseclass.extend(Object.assign({
	// Which services there are, or { fault: a sentence }: what fails here must not stop anything else.
	services: function() {
		return this.status().catch(error => ({ fault: this.sentence(error), services: [] }));
	},

	// Why nothing can be shown of services, or null.
	trouble: function(found) {
		if (found.fault || !found.helper)
			return found.fault || this.reason('NO_HELPER');

		return found.services.length ? null
			: _('No service is installed: install softwired-dhcp4o6, -prefix64, -dstm, -tep or -tunnels.');
	}
}, plugin));
