// SPDX-License-Identifier: Apache-2.0
// The options of /etc/config/softwired: which there are, what a value may be, what stands in its place where it is
// missing. The init script has the same names, softwired the same checks; tests/luci compares them.

'use strict';
'require baseclass';
'require softwired.checks as checks';

// A service has tables: the one without a name is the service's own section, another one sections <service>_<table>,
// of which there are `several`, or one that has a tab of the form for itself. A row: name, check, and of these what
// differs from a single value that may be missing:
//   fallback   what a missing one means, as it is written
//   words      the values that there are
//   flag       a box to tick; `fallback` '1' where it is ticked by default
//   list       several values
//   command    several words, the first of them a program
//   network    the name of a network of /etc/config/network will do
//   required   it must be there once the service is turned on
//   main       belongs on the first tab

const { whole, seconds, choice, printable, file, flag, name } = checks;
const bound = method => L.bind(checks[method], checks);
const port = bound('port'), device = bound('device'), ipv6 = bound('ipv6'), ipv4 = bound('ipv4');
const unicast = bound('unicast'), ipv6Prefix = bound('ipv6Prefix'), ipv4Prefix = bound('ipv4Prefix');
const octets = bound('octets'), database = checks.database;

const REFRESH = whole(600, 4294967295);
const ANSWERS = [ 'yes', 'no', 'kernel' ];
const SOURCES = [ 'link-local', 'target' ];
const MECHANISMS = [ 'DIGEST-MD5', 'PLAIN', 'ANONYMOUS' ];
const ALGORITHMS = [ 'hmac-sha256', 'hmac-sha384', 'hmac-sha512' ];
const NAMES = [ 'none', 'update' ];
const HOOKS = [ 'buffer6_send' ];
const DHCPV4_SERVERS = [ 'kea', 'dhcpd' ];

const DHCP4O6 = [
	{
		table: '',
		rows: [
			{ name: 'port', check: whole(1, 65534), required: true, main: true },
			{
				name: 'dhcpv4_server', check: choice(DHCPV4_SERVERS), words: DHCPV4_SERVERS, fallback: 'kea',
				main: true
			},
			{ name: 'servers', check: bound('clientsCanReach'), list: true, main: true },
			{ name: 'refresh_time', check: REFRESH, fallback: '86400' },
			{ name: 'duid', check: bound('duid') }
		]
	},
	{
		table: 'interface', several: true, title: _('Interfaces'), add: _('Add an interface'),
		rows: [
			{ name: 'name', check: device, network: true, required: true },
			{ name: 'addresses', check: unicast, list: true },
			{ name: 'serve_information', check: flag, flag: true, fallback: '0' }
		]
	},
	{
		table: 'subnet', several: true, title: _('Subnets'), add: _('Add a subnet'),
		rows: [
			{ name: 'prefix', check: ipv6Prefix, required: true },
			{ name: 'interface', check: device, network: true },
			{ name: 'interface_id', check: octets },
			{ name: 'relays', check: ipv6, list: true },
			{ name: 'client_class', check: name },
			{ name: 'servers', check: bound('clientsCanReach'), list: true },
			{ name: 'refresh_time', check: REFRESH }
		]
	},
	{
		table: 'class', several: true, title: _('Classes'), add: _('Add a class'),
		rows: [
			{ name: 'name', check: name, required: true },
			{ name: 'option', check: port, required: true },
			{ name: 'starts_with', check: octets }
		]
	},
	{
		table: 'callout', several: true, title: _('Callouts'), add: _('Add a callout'),
		rows: [
			{ name: 'hook', check: choice(HOOKS), words: HOOKS, fallback: 'buffer6_send' },
			{ name: 'function', check: checks.entryPoint },
			{ name: 'command', check: printable, list: true, command: true },
			{ name: 'time_limit', check: seconds(0.001, 60), fallback: '0.1' }
		]
	},
	{
		table: 'limits', title: _('Limits'),
		rows: [
			{ name: 'in_flight', check: whole(1, 1024), fallback: '64' },
			{ name: 'waiting', check: whole(0, 100000), fallback: '4096' },
			{ name: 'patience', check: seconds(1, 300), fallback: '30' }
		]
	}
];

const PREFIX64 = [
	{
		table: '',
		rows: [
			{ name: 'mark', check: whole(1, 4294967295), fallback: '64' },
			{ name: 'table', check: whole(1, 4294967295), fallback: '64' },
			{ name: 'rule', check: whole(1, 32765), fallback: '64' }
		]
	},
	{
		table: 'range', several: true, title: _('Ranges'), add: _('Add a range'),
		rows: [
			{ name: 'interface', check: device, network: true, required: true, main: true },
			{ name: 'delegated', check: bound('delegated'), network: true, main: true },
			{ name: 'number', check: whole(0, 65535), fallback: '0', main: true },
			{ name: 'prefix', check: bound('unicastPrefix'), main: true },
			{ name: 'exceptions', check: bound('span'), list: true, main: true },
			{ name: 'local', check: flag, flag: true, fallback: '1', main: true },
			{ name: 'ports', check: port, list: true, fallback: '80 443', main: true },
			{ name: 'udp_ports', check: port, list: true, main: true },
			{ name: 'echo', check: flag, flag: true, fallback: '1' },
			{ name: 'answer', check: choice(ANSWERS), words: ANSWERS, fallback: 'yes', main: true },
			{ name: 'source', check: choice(SOURCES), words: SOURCES, fallback: 'link-local' },
			{ name: 'router', check: flag, flag: true, fallback: '0' },
			{ name: 'override', check: flag, flag: true, fallback: '0' },
			{ name: 'defend', check: flag, flag: true, fallback: '1' },
			{ name: 'delay', check: seconds(0, 1), fallback: '0' },
			{ name: 'join', check: ipv6, list: true },
			{ name: 'prime', check: ipv6, list: true },
			{ name: 'forward', check: device, network: true },
			{ name: 'timeout', check: seconds(0.01, 10), fallback: '0.5' },
			{ name: 'ttl', check: seconds(0.1, 3600), fallback: '30' },
			{ name: 'wire', check: flag, flag: true, fallback: '0' }
		]
	},
	{
		table: 'page', title: _('Page'),
		rows: [
			{ name: 'listen', check: checks.listen, fallback: '[::1]:8064' },
			{ name: 'key_file', check: file, fallback: '/etc/softwired.key' }
		]
	},
	{
		table: 'limits', title: _('Limits'),
		rows: [
			{ name: 'answers', check: whole(1, 1000000), fallback: '20000' },
			{ name: 'to_all', check: whole(1, 1000), fallback: '50' },
			{ name: 'delayed', check: whole(1, 65536), fallback: '4096' },
			{ name: 'asked', check: whole(1, 65536), fallback: '4096' }
		]
	}
];

const DSTM = [
	{
		table: '',
		rows: [
			{ name: 'name', check: name },
			{ name: 'listen', check: ipv6, list: true, fallback: '::' },
			{ name: 'port', check: whole(0, 65535), fallback: '3653', main: true },
			{ name: 'database', check: database, fallback: 'sqlite:////var/lib/softwired/dstm.db', main: true },
			{ name: 'lifetime', check: whole(60, 31536000), fallback: '3600', main: true },
			{ name: 'clients', check: ipv6Prefix, list: true, main: true },
			{ name: 'same_prefix', check: whole(0, 128), fallback: '64' },
			{
				name: 'mechanisms', check: choice(MECHANISMS), words: MECHANISMS, list: true, fallback: 'DIGEST-MD5',
				main: true
			},
			{ name: 'users', check: file, main: true },
			{ name: 'realm', check: name, fallback: 'dstm' },
			{ name: 'history', check: whole(0, 3650), fallback: '180' },
			{ name: 'keepalive', check: whole(0, 3600), fallback: '0' },
			{ name: 'duid', check: bound('duid') },
			{ name: 'code_ia_dstm', check: port, fallback: '65361' },
			{ name: 'code_dstm_tep', check: port, fallback: '65362' },
			{ name: 'code_dstm_ports', check: port, fallback: '65363' }
		]
	},
	{
		table: 'pool', several: true, title: _('Pools'), add: _('Add a pool'),
		rows: [
			{ name: 'addresses', check: bound('range'), list: true, required: true },
			{ name: 'exclude', check: bound('range'), list: true },
			{ name: 'teps', check: unicast, list: true, required: true },
			{ name: 'ports_of_a_node', check: checks.ports, fallback: '0' },
			{ name: 'first_port', check: whole(0, 65535), fallback: '1024' }
		]
	},
	{
		table: 'tep', several: true, title: _('Border routers'), add: _('Add a border router'),
		rows: [
			{ name: 'address', check: unicast, required: true },
			{ name: 'port', check: port, fallback: '3653' },
			{ name: 'weight', check: whole(0, 100), fallback: '1' },
			{ name: 'tell', check: flag, flag: true, fallback: '1' },
			{ name: 'ipv4', check: ipv4 },
			{ name: 'user', check: checks.userName },
			{ name: 'password_file', check: file },
			{ name: 'certificate', check: file },
			{ name: 'patience', check: seconds(0.05, 60), fallback: '3' },
			{ name: 'gone_after', check: whole(0, 86400), fallback: '0' }
		]
	},
	{
		table: 'interface', several: true, title: _('DHCPv6'), add: _('Add an interface'),
		rows: [
			{ name: 'name', check: device, network: true, required: true },
			{ name: 'addresses', check: ipv6, list: true }
		]
	},
	{
		table: 'tls', title: _('TLS'),
		rows: [
			{ name: 'certificate', check: file },
			{ name: 'key', check: file },
			{ name: 'port', check: port, fallback: '3653' }
		]
	},
	{
		table: 'limits', title: _('Limits'),
		rows: [
			{ name: 'leases_of_a_user', check: whole(0, 1000000), fallback: '0' },
			{ name: 'leases_of_a_prefix', check: whole(0, 1000000), fallback: '0' },
			{ name: 'connections', check: whole(1, 100000), fallback: '4096' },
			{ name: 'patience', check: seconds(0.1, 600), fallback: '15' }
		]
	}
];

const TEP = [
	{
		table: '',
		rows: [
			{ name: 'address', check: bound('nodesCanReach'), required: true, main: true },
			{ name: 'ipv4', check: ipv4, required: true, main: true },
			{ name: 'prefixes', check: ipv4Prefix, list: true, required: true, main: true },
			{ name: 'servers', check: bound('addressOrPrefix'), list: true, main: true },
			{ name: 'listen', check: ipv6, list: true },
			{ name: 'port', check: port, fallback: '3653' },
			{ name: 'users', check: file, main: true },
			{ name: 'realm', check: name, fallback: 'dstm' },
			{ name: 'device', check: device, fallback: 'dstm' },
			{ name: 'file', check: file, fallback: '/var/lib/softwired/tep.db' },
			{ name: 'learn', check: flag, flag: true, fallback: '0', main: true }
		]
	},
	{
		table: 'shared', several: true, title: _('Shared addresses'), add: _('Add a prefix'),
		rows: [
			{ name: 'prefix', check: ipv4Prefix, required: true },
			{ name: 'ports_of_a_node', check: checks.sharedPorts, required: true }
		]
	},
	{
		table: 'tls', title: _('TLS'),
		rows: [
			{ name: 'certificate', check: file },
			{ name: 'key', check: file },
			{ name: 'authorities', check: file }
		]
	},
	{
		table: 'learning', title: _('Learning'),
		rows: [
			{ name: 'clients', check: ipv6Prefix, list: true },
			{ name: 'mappings', check: whole(1, 1000000), fallback: '4096' },
			{ name: 'age', check: whole(10, 31536000), fallback: '3600' },
			{ name: 'rate', check: whole(1, 10000), fallback: '100' },
			{ name: 'group', check: port, fallback: '3653' }
		]
	},
	{
		table: 'limits', title: _('Limits'),
		rows: [
			{ name: 'mappings', check: whole(1, 1000000), fallback: '65536' },
			{ name: 'connections', check: whole(1, 10000), fallback: '64' },
			{ name: 'patience', check: seconds(0.1, 600), fallback: '15' }
		]
	}
];

const TUNNELS = [
	{
		table: '',
		rows: [
			{ name: 'address', check: bound('publicIpv4'), required: true, main: true },
			{ name: 'prefix', check: ipv6Prefix, required: true, main: true },
			{ name: 'routed', check: ipv6Prefix, main: true },
			{ name: 'routed_length', check: whole(48, 64), fallback: '64', main: true },
			{ name: 'tunnels', check: whole(1, 200000), fallback: '1000', main: true },
			{ name: 'database', check: database, fallback: 'sqlite:////var/lib/softwired/tunnels.db', main: true },
			{ name: 'name', check: name },
			{ name: 'device', check: device, fallback: 'tunnels' },
			{ name: 'interval', check: seconds(0.2, 86400), fallback: '60' },
			{ name: 'patience', check: seconds(0.1, 60), fallback: '3' },
			{ name: 'echoes', check: whole(1, 100000), fallback: '2000' },
			{ name: 'unreachable', check: whole(1, 100000), fallback: '60' },
			{ name: 'grace', check: whole(0, 31536000), fallback: '604800' },
			{ name: 'hook', check: printable, list: true, command: true },
			{ name: 'lease', check: whole(1, 86400), fallback: '60' },
			{ name: 'rate', check: whole(0, 10000000), fallback: '0' },
			{ name: 'closed_ports', check: port, list: true, fallback: '25' }
		]
	},
	{
		table: 'pool', several: true, title: _('Routed prefixes'), add: _('Add a pool'),
		rows: [
			{ name: 'prefix', check: ipv6Prefix, required: true },
			{ name: 'length', check: whole(48, 64), fallback: '64' }
		]
	},
	{
		table: 'page', title: _('Page'),
		rows: [
			{ name: 'listen', check: checks.listen, fallback: '[::1]:8041' },
			{ name: 'url', check: checks.url },
			{ name: 'key_file', check: file, fallback: '/var/lib/softwired/tunnels.key' },
			{ name: 'proxies', check: checks.network, list: true, fallback: '127.0.0.1 ::1' },
			{ name: 'languages', check: choice([ 'en', 'ja' ]), words: [ 'en', 'ja' ], list: true, fallback: 'en ja' },
			{ name: 'contact', check: checks.contact },
			{ name: 'allow', check: ipv4Prefix, list: true },
			{ name: 'refuse', check: ipv4Prefix, list: true },
			{ name: 'reserved', check: checks.nicname, list: true },
			{ name: 'echo', check: flag, flag: true, fallback: '1' },
			{ name: 'accounts', check: flag, flag: true, fallback: '0' },
			{ name: 'sign_up', check: flag, flag: true, fallback: '1' }
		]
	},
	{
		table: 'dns', title: _('Names'),
		rows: [
			{ name: 'type', check: choice(NAMES), words: NAMES, fallback: 'none' },
			{ name: 'zone', check: checks.zone },
			{ name: 'reverse', check: checks.zone, list: true },
			{ name: 'server', check: checks.dnsServer, fallback: '127.0.0.1' },
			{ name: 'key_name', check: checks.zone },
			{ name: 'key_file', check: file },
			{ name: 'algorithm', check: choice(ALGORITHMS), words: ALGORITHMS, fallback: 'hmac-sha256' },
			{ name: 'ttl', check: whole(1, 86400), fallback: '60' }
		]
	},
	{
		table: 'limits', title: _('Limits'),
		rows: [
			{ name: 'of_a_person', check: whole(0, 100000), fallback: '4' },
			{ name: 'of_a_network', check: whole(0, 1000000), fallback: '32' },
			{ name: 'of_an_account', check: whole(0, 100000), fallback: '4' },
			{ name: 'network_length', check: whole(8, 32), fallback: '24' },
			{ name: 'requests', check: whole(1, 1000000), fallback: '60' },
			{ name: 'requests_of_a_network', check: whole(1, 1000000), fallback: '600' },
			{ name: 'new', check: whole(1, 1000000), fallback: '10' },
			{ name: 'new_of_a_network', check: whole(1, 1000000), fallback: '100' },
			{ name: 'logins', check: whole(1, 1000000), fallback: '20' },
			{ name: 'logins_of_a_network', check: whole(1, 1000000), fallback: '200' },
			{ name: 'logins_of_a_name', check: whole(1, 1000000), fallback: '20' },
			{ name: 'sign_ups', check: whole(1, 1000000), fallback: '5' },
			{ name: 'sign_ups_of_a_network', check: whole(1, 1000000), fallback: '50' }
		]
	}
];

return baseclass.extend({
	// In the order of the init script.
	services: { dhcp4o6: DHCP4O6, prefix64: PREFIX64, dstm: DSTM, tep: TEP, tunnels: TUNNELS },

	// True, or what would be right for one value.
	check: function(row, text) {
		const said = printable(text);

		return said === true ? row.check(text) : said;
	}
});
