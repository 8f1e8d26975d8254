// SPDX-License-Identifier: Apache-2.0
// The plugin of softwires and what its faults mean.

'use strict';
'require baseclass';
'require softwire.jobs as jobs';

const FORM = [ 'method', 'wan', 'interface', 'line', 'zone', 'add_zone', 'options' ];

return baseclass.extend(jobs.of({
	object: 'luci.softwire',
	begin: { look: [ 'interface' ], run: [ 'command', 'interface' ], plan: FORM, keep: FORM },
	ask: { firewall: [] },
	reasons: { NO_HELPER: _('The package softwire is not installed on the router, or is broken: install it.') },
	denied: _('You may not do this: your login has no access to softwires.'),
	unknown: _("The router does not know the page's plugin: restart rpcd, or install luci-proto-softwire anew."),
	old: _('The package softwire on the router is too old for this page: upgrade it.')
}));
