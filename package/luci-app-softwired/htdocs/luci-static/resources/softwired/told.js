// SPDX-License-Identifier: Apache-2.0
// What a service tells of itself (softwired SERVICE status --json) and its table, as rows of text.

'use strict';
'require baseclass';
'require softwired.labels as labels';
'require softwired.problems as problems';

// Of the frame, shown in a form of their own, or of no use here.
const FRAME = [
	'service', 'version', 'pid', 'configuration', 'started', 'reloaded', 'user', 'capabilities', 'no_new_privs',
	'problems', 'problem', 'counters'
];

const KEYS = {
	address: _('Address'),
	all_tunnels: _('All tunnels'),
	callouts: _('Callouts'),
	database: _('Database'),
	device: _('Tunnel device'),
	dhcpv4_server: _('DHCPv4 server'),
	dhcpv6: _('DHCPv6'),
	duid: _('DUID'),
	leases: _('Leases'),
	listens: _('Listens at'),
	loaded: _('Database read'),
	port: _('UDP port'),
	ranges: _('Ranges'),
	rounds: _('Rounds of echo requests'),
	teps: _('Border routers'),
	users: _('Users'),
	waits_for: _('Waits for')
};

const COUNTERS = {
	answers_total: _('Answers to nodes'),
	asked: _('Questions that are open'),
	asked_waiting: _('Addresses that may still answer'),
	callouts_total: _('Packets given to callouts'),
	commands_total: _('Commands that were done'),
	connections: _('Open connections'),
	connections_closed_total: _('Connections that ended'),
	connections_total: _('Connections'),
	dhcpv6_dropped_total: _('DHCPv6 messages that went no further'),
	dropped_total: _('What went no further'),
	echoes_total: _('Echo requests'),
	ended_total: _('Leases that ended'),
	leases: _('Leases that are held'),
	leases_ending: _('Leases that end'),
	mappings: _('Mappings'),
	messages_total: _('Messages'),
	names_total: _('Changes of names'),
	reconfigures_total: _('Reconfigure messages'),
	refused_total: _('Commands that were refused'),
	repaired_total: _('Repaired in the kernel'),
	round_seconds: _('Seconds of the last round'),
	solicitations_total: _('Neighbour solicitations'),
	stopped_packets_total: _('Packets that were dropped'),
	tep_commands_total: _('Commands to border routers'),
	teps_alive: _('Border routers that answer'),
	tunnels: _('Tunnels of this server'),
	tunnels_total: _('Tunnels by what became of them'),
	waiting: _('Queries that wait')
};

// Of the parts of what is told, and what they may be.
const PARTS = {
	address: _('address'),
	alive: _('answers'),
	'all': _('all'),
	'all_tunnels.answer': _('answer'),
	answer: _('neighbour discovery'),
	gone: _('its nodes move'),
	'interface': _('interface'),
	kind: _('kind'),
	late: _('behind'),
	local: _('local'),
	name: _('name'),
	'new': _('new'),
	pending: _('waiting packets'),
	prefix: _('prefix'),
	problem: _('problem'),
	running: _('runs'),
	silent: _('silent'),
	suspended: _('suspended'),
	waiting: _('waiting commands')
};

const VALUES = {
	advertisements: _('neighbour advertisements'),
	answers: _('answers'),
	kernel: _('by the kernel'),
	'link-local': _('link-local'),
	multicast: _('multicast'),
	no: _('no'),
	solicitations: _('neighbour solicitations'),
	unicast: _('unicast'),
	yes: _('yes')
};

// The page's, which need not be the browser's.
const LANGUAGE = /^[a-z]{2,3}(-[a-z]{2,4})?$/i.exec(document.documentElement.lang);

function known(table, name) {
	return Object.prototype.hasOwnProperty.call(table, name) ? table[name] : null;
}

function plain(value) {
	if (value === true || value === false)
		return value ? _('yes') : _('no');

	if (value == null)
		return '-';

	return typeof value == 'object' ? JSON.stringify(value) : String(value);
}

function said(value) {
	return typeof value == 'string' ? known(VALUES, value) || problems.say(value) : plain(value);
}

// What somebody waits for is told by its name, an interface's or the like.
function part(key, name) {
	return key == 'waits_for' ? problems.say(name)
		: known(PARTS, '%s.%s'.format(key, name)) || known(PARTS, name) || name.replace(/_/g, ' ');
}

function pairs(key, found) {
	return Object.keys(found).filter(name => found[name] !== '' && found[name] != null)
		.map(name => '%s: %s'.format(part(key, name), said(found[name])));
}

// Any value as lines of text.
function lines(key, value) {
	if (Array.isArray(value))
		return value.map(one => L.isObject(one) ? pairs(key, one).join(', ') : said(one));

	if (L.isObject(value))
		return pairs(key, value);

	return [ said(value) ];
}

function when(seconds) {
	return typeof seconds == 'number' ? new Date(seconds * 1000).toLocaleString(LANGUAGE ? LANGUAGE[0] : []) : '-';
}

function address(one) {
	const all = one.first_port == null || one.first_port == 0 && one.last_port == 65535;

	return all ? plain(one.address) : _('%s ports %s').format(one.address,
		one.last_port == null ? one.first_port : '%d-%d'.format(one.first_port, one.last_port));
}

function stateOf(one) {
	if (one.state == 'suspended')
		return _('suspended');

	if (one.state != 'on')
		return _('ends');

	if (one.unreachable < 0)
		return _('new');

	if (one.unreachable > 0)
		return _('silent for %d rounds').format(one.unreachable);

	return one.answered ? _('answers') : _('not heard yet');
}

// By service: [heading, function of an entry that gives its text].
const TABLES = {
	dstm: [
		[ _('Address'), address ],
		[ _('Node'), one => plain(one.node) ],
		[ _('User'), one => one.user || _('anonymous') ],
		[ _('Border router'), one => plain(one.tep) ],
		[ _('Since'), one => when(one.since) ],
		[ _('Until'), one => one.ending ? _('ends') : when(one.expires) ]
	],
	tep: [
		[ _('Address'), address ],
		[ _('Node'), one => plain(one.node) ],
		[ _('Told by'), one => one.server || _('learned from packets') ],
		[ _('Since'), one => when(one.since) ]
	],
	tunnels: [
		[ _('Number'), one => plain(one.id) ],
		[ _('IPv4 address'), one => plain(one.IPv4client) ],
		[ _('IPv6 address'), one => plain(one.IPv6client) ],
		[ _('Routed prefix'), one => one.routed || '-' ],
		[ _('Name'), one => '%s.%s'.format(one.nicname, one.country) ],
		[ _('State'), stateOf ]
	]
};

return baseclass.extend({
	keys: KEYS,
	counters: COUNTERS,
	parts: PARTS,
	values: VALUES,

	// What the button of a service's table says.
	button: function(service) {
		return { dstm: _('Leases'), tep: _('Mappings'), tunnels: _('Tunnels') }[service];
	},

	// [heading, lines of text, whether it is a problem] of what a service told.
	rows: function(told) {
		const rows = [], add = (heading, text, wrong) => { if (text.length) rows.push([ heading, text, wrong ]); };

		add(_('Runs since'), [ _('%s, version %s').format(when(told.started), plain(told.version)) ]);

		if (told.reloaded && told.reloaded.error)
			add(_('Changes not taken'), problems.say(plain(told.reloaded.error)).split('\n'), true);

		add(_('Problem'), [].concat(L.toArray(told.problems), L.toArray(told.problem)).map(said), true);

		for (let key in told)
			if (FRAME.indexOf(key) < 0)
				add(KEYS[key] || key.replace(/_/g, ' '), lines(key, told[key]), key == 'waits_for');

		const counted = told.counters || {};

		for (let name in counted.families || {}) {
			const values = counted.families[name].values || {};
			const shown = Object.keys(values).filter(label => values[label]);

			add(COUNTERS[name] || name, [
				shown.map(label => '%s: %s'.format(labels.text(label), values[label])).join(', ') || '0'
			]);
		}

		for (let name in counted.gauges || {})
			add(COUNTERS[name] || name, [ plain(counted.gauges[name].value) ]);

		return rows;
	},

	// [headings, cells by row] of a service's table.
	table: function(service, entries) {
		const columns = TABLES[service];

		return [ columns.map(column => column[0]), entries.map(one => columns.map(column => column[1](one))) ];
	}
});
