// SPDX-License-Identifier: Apache-2.0
// What the options of one section mean together, as softwired has it; what holds between sections, `check` tells.

'use strict';
'require baseclass';

const BOTH = _('both of them or none would be right');

function files(one, other) {
	return value => value(one) && !value(other) ? [ other, _('the file that belongs to it would be right') ] : null;
}

// By service and table: what is looked at, in turn. Each takes value(name), '' for a missing one, lists as their items
// with blanks between, and gives [name, what would be right] or null.
const RULES = {
	'dhcp4o6.callout': [
		value => !value('function') == !value('command')
			? [ 'function', _('either a function or a command would be right') ] : null
	],
	'prefix64.range': [
		value => !value('prefix') == !value('delegated')
			? [ 'prefix', _('either a prefix or a delegated one would be right') ] : null,
		value => value('answer') == 'kernel' && value('prefix') && !/\/128$/.test(value('prefix'))
			? [ 'answer', _('a prefix of one address (/128) would be right: the kernel has no ranges') ] : null,
		value => value('forward') && (value('local') == '1' || value('answer') != 'yes')
			? [ 'forward', _('with answers, and without packets to this router, would be right') ] : null,
		value => value('forward') && value('forward') == value('interface')
			? [ 'forward', _("another interface than the range's own would be right") ] : null,
		value => value('wire') == '1' && !value('forward')
			? [ 'wire', _('an interface to ask first beside it would be right') ] : null,
		value => value('answer') == 'no' && value('local') == '0'
			? [ 'answer', _('a range that is neither local nor answered does nothing: leave it out') ] : null
	],
	'dstm.': [
		value => new Set([ 'code_ia_dstm', 'code_dstm_tep', 'code_dstm_ports' ].map(value)).size < 3
			? [ 'code_ia_dstm', _('three codes of which none is another would be right') ] : null,
		value => value('mechanisms') != 'ANONYMOUS' && !value('users')
			? [ 'users', _('a file of users would be right, or ANONYMOUS alone') ] : null
	],
	'dstm.tep': [
		value => !value('user') != !value('password_file')
			? [ value('user') ? 'password_file' : 'user', BOTH ] : null,
		value => value('tell') == '0' && !value('ipv4')
			? [ 'ipv4', _('what nodes are told of it, since it is not asked, would be right') ] : null
	],
	'dstm.tls': [ files('certificate', 'key'), files('key', 'certificate') ],
	'tep.': [
		value => value('learn') == '1' && value('servers')
			? [ 'learn', _('either servers or learning would be right') ] : null,
		value => value('learn') != '1' && !value('servers')
			? [ 'learn', _('the address of a server, or learning, would be right') ] : null
	],
	'tep.tls': [
		files('certificate', 'key'), files('key', 'certificate'), files('authorities', 'certificate')
	],
	'tunnels.dns': [ 'zone', 'key_name', 'key_file' ].map(name =>
		value => value('type') == 'update' && !value(name)
			? [ name, _('one would be right: without it there are no names') ] : null)
};

return baseclass.extend({
	// The first fault of a section, [name, what would be right], or null.
	fault: function(service, table, value) {
		const rules = RULES['%s.%s'.format(service, table)] || [];

		return rules.map(rule => rule(value)).find(said => said != null) || null;
	},

	// Whether a section's options are looked at together.
	has: function(service, table) {
		return '%s.%s'.format(service, table) in RULES;
	}
});
