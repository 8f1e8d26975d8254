// SPDX-License-Identifier: Apache-2.0
// What services and options are called and what they mean, for people: docs/softwired.md and its pages in short.

'use strict';
'require baseclass';

const SERVICES = {
	dhcp4o6: [ 'DHCPv4 over DHCPv6', _("Kea's DHCPv6 side for clients that get their IPv4 address inside of DHCPv6.") ],
	prefix64: [ _('Whole prefixes'), _('This router has every address of a prefix, and answers who asks for them.') ],
	dstm: [ _('DSTM server'), _('Nodes of an IPv6-only network get an IPv4 address for a time.') ],
	tep: [ _('DSTM border router'), _('Carries IPv4 for nodes of an IPv6 network, as their server says.') ],
	tunnels: [ _('Tunnel service'), _('A page hands out 6in4 tunnels; the monitor carries and watches them.') ]
};

const WORDS = {
	yes: _('yes'),
	no: _('no'),
	kernel: _('by the kernel (a single address)'),
	'link-local': _('link-local address'),
	target: _('the address asked for'),
	none: _('none'),
	update: _('dynamic update (RFC 2136)'),
	en: _('English'),
	ja: _('Japanese')
};

const CLIENTS = _('Prefixes of who may ask; empty: everybody who gets here.');
const PATIENCE = _('Seconds.');

// By option, or by service or table where the same name means something else.
const TEXTS = {
	enabled: [ _('Turned on'), '' ],

	// Of several services
	addresses: [ _('Addresses'), _('Further addresses of this router, for relays.') ],
	address: [ _('IPv6 address'), _("This router's; nodes send their packets to it.") ],
	authorities: [ _('Certificate authorities'), _('A file; who connects then needs a certificate of one of them.') ],
	certificate: [ _('Certificate'), _('A file.') ],
	connections: [ _('Connections'), _('Open at a time, at most.') ],
	database: [ _('Database'), _('sqlite:////path, or postgresql://user@/database where several servers share it.') ],
	device: [ _('Tunnel device'), _('The service makes it.') ],
	duid: [ _('DUID'), _("Hexadecimal; empty: of an interface's MAC address.") ],
	file: [ _('File'), _('Who has which address, for the next start.') ],
	interface: [ _('Interface'), _('A network, or a device.') ],
	ipv4: [ _('IPv4 address'), _("This router's; nodes are told it.") ],
	key: [ _('Private key'), _('A file that the user softwired may read.') ],
	key_file: [ _('Key file'), _('A secret of this router; made where there is none.') ],
	listen: [ _('Listens at'), _('Addresses; empty: all.') ],
	mappings: [ _('Mappings'), _('At most.') ],
	name: [ _('Name'), _("Of this server; empty: the router's. Servers that share a database have different ones.") ],
	patience: [ _('Patience'), PATIENCE ],
	port: [ _('Port'), _('TCP port.') ],
	ports_of_a_node: [ _('Ports of a node'), _('A power of two.') ],
	prefix: [ _('IPv6 prefix'), '' ],
	realm: [ _('Realm'), _('The users of the file are of this one.') ],
	users: [ _('Users'), _('A file; who asks has to log in. Nobody but root and softwired may read it.') ],
	servers: [ _('Servers'), _('Option 88: where clients send; empty: to the multicast group of their link.') ],
	refresh_time: [ _('Ask again after'), _('Option 32, seconds.') ],

	// DHCPv4 over DHCPv6
	'dhcp4o6.port': [ _('UDP port'), _("Kea's dhcp4o6-port; the DHCPv4 server listens on the next one.") ],
	'dhcp4o6.interface.name': [ _('Interface'), _('A network, or a device, by which clients or relays come in.') ],
	dhcpv4_server: [ _('DHCPv4 server'), _("Kea, or ISC's dhcpd with its own form between the servers.") ],
	serve_information: [
		_('Answer Information-requests'),
		_('For option 88; leave it off where another DHCPv6 server serves the link.')
	],
	'dhcp4o6.subnet.interface': [ _('Interface'), _('Messages of this link.') ],
	interface_id: [ _('Interface identifier'), _('Option 18 of the relay, hexadecimal.') ],
	relays: [ _('Relays'), _('Their link addresses.') ],
	client_class: [ _('Class'), _('Only clients of this class.') ],
	'subnet.servers': [ _('Servers'), _("Option 88 of this subnet; empty: the service's.") ],
	'subnet.refresh_time': [ _('Ask again after'), _("Option 32, seconds; empty: the service's.") ],
	'class.name': [ _('Name'), _('What subnets call it.') ],
	option: [ _('Option'), _('Whose message has this option is of the class.') ],
	starts_with: [ _('Starts with'), _('Octets of the option, hexadecimal; empty: any.') ],
	'callout.hook': [ _('Hook'), '' ],
	'function': [ _('Python function'), _('module:function, in place of a command.') ],
	command: [ _('Command'), _('A program and its arguments, each for itself.') ],
	time_limit: [ _('Time limit'), _('Seconds; who takes longer is skipped.') ],
	in_flight: [ _('Unread queries'), _('That the DHCPv4 server has not read yet, at most.') ],
	waiting: [ _('Waiting queries'), _('What comes beyond is dropped.') ],
	'dhcp4o6.limits.patience': [ _('Patience'), _('Seconds after which an answer is one for nobody.') ],

	// Whole prefixes
	mark: [ _('Packet mark'), _('One bit that is ours alone.') ],
	table: [ _('Routing table'), _('Ours alone.') ],
	rule: [ _('Place of the rule'), '' ],
	'range.interface': [ _('Interface'), _('A network, or a device, by which packets for the range come in.') ],
	delegated: [ _('Delegated to'), _('A network: a /64 of what it was delegated. Or the delegated prefix itself.') ],
	number: [ _('Number'), _('The n-th /64 of it, from 0 on.') ],
	'range.prefix': [ _('Prefix'), _('In place of a delegated one, of any length.') ],
	exceptions: [ _('Exceptions'), _("Somebody else's: addresses, prefixes, or from one address to another.") ],
	local: [ _('Packets come to this router'), _('Those for the ports below; all others of the range are dropped.') ],
	ports: [ _('TCP ports'), '' ],
	udp_ports: [ _('UDP ports'), '' ],
	echo: [ _('Answer echo requests'), '' ],
	answer: [ _('Answer neighbour solicitations'), _('No: the provider routes the prefix to this router.') ],
	source: [ _('Answers come from'), _('Some networks drop the former.') ],
	router: [ _('Flag R'), _('This machine is a router.') ],
	override: [ _('Flag O'), _('What a neighbour knows already is replaced.') ],
	defend: [ _('Defend'), _('Who detects duplicate addresses is told that the address is taken.') ],
	delay: [ _('Delay'), _('Answers to multicast wait for a random time up to so many seconds.') ],
	join: [ _('Groups to join'), _('Addresses whose solicited-node groups are joined, for switches that snoop MLD.') ],
	prime: [ _('Announce'), _('Addresses that are told to all nodes at the start, for routers that do not ask.') ],
	forward: [ _('Ask there first'), _('A network, a device, or auto: the one that the routing table names.') ],
	timeout: [ _('Pause between questions'), _('Seconds; three questions are asked there.') ],
	ttl: [ _('Remember'), _('Seconds for which what was found counts.') ],
	wire: [ _('Host routes'), _('To each who answers there.') ],
	'page.listen': [ _('Listens at'), _('Address and port.') ],
	answers: [ _('Answers'), _('A second, of one interface.') ],
	to_all: [ _('Answers to all nodes'), _('A second, of one interface.') ],
	delayed: [ _('Delayed answers'), _('At a time, at most.') ],
	asked: [ _('Addresses asked for elsewhere'), _('At a time, at most.') ],

	// DSTM's server
	'dstm.port': [ _('Port'), _('TCP and UDP; 0: over TLS only.') ],
	lifetime: [ _('Lifetime'), _('Seconds for which a node has its address; it asks again before.') ],
	clients: [ _('Clients'), CLIENTS ],
	same_prefix: [
		_('Same prefix'),
		_("So many bits of the tunnel's end have to be those of the address that a node asks from.")
	],
	mechanisms: [ _('Ways to log in'), _('PLAIN over TLS only.') ],
	'dstm.users': [ _('Users'), _('A file; softwired dstm user add NAME writes it.') ],
	history: [ _('History'), _('Days for which it is known who had an address.') ],
	keepalive: [ _('Keep open'), _('Seconds between packets that keep a firewall open; 0: none.') ],
	code_ia_dstm: [ _('Code of IA_DSTM'), _('The same at all ends; IANA never assigned one.') ],
	code_dstm_tep: [ _('Code of the border router option'), _('The same at all ends; IANA never assigned one.') ],
	code_dstm_ports: [ _('Code of the ports option'), _('The same at all ends; IANA never assigned one.') ],
	'pool.addresses': [ _('Addresses'), _('IPv4: prefixes, single ones, or from one to another.') ],
	exclude: [ _('Without'), _('Addresses that nobody gets.') ],
	teps: [ _('Border routers'), _('Addresses of those that carry the pool.') ],
	'pool.ports_of_a_node': [ _('Ports of a node'), _('A power of two, for nodes that can do with them; 0: all.') ],
	first_port: [ _('First port'), _('That nodes get.') ],
	'dstm.tep.address': [ _('IPv6 address'), _('Nodes send their packets to it.') ],
	weight: [ _('Weight'), _('How many of the nodes it gets beside the others.') ],
	tell: [ _('Tell it of nodes'), _('Off for who carries all.') ],
	'dstm.tep.ipv4': [ _('IPv4 address'), _('What nodes are told where it is not asked.') ],
	user: [ _('User'), _('How the server logs in there; empty: ANONYMOUS.') ],
	password_file: [ _('Password file'), _('The password stays in it, and never comes to this page.') ],
	'dstm.tep.certificate': [ _('Certificate'), _('A file, to trust; with it, over TLS.') ],
	'dstm.tep.patience': [ _('Patience'), _('Seconds for its answer.') ],
	gone_after: [ _('Gone after'), _('Seconds that its nodes wait for it before they get another one; 0: always.') ],
	'dstm.interface.name': [ _('Interface'), _('A network, or a device, on which DHCPv6 is heard.') ],
	leases_of_a_user: [ _('Addresses of a user'), _('At a time; 0: as many as there are.') ],
	leases_of_a_prefix: [ _('Addresses of a prefix'), _('At a time; 0: as many as there are.') ],
	'limits.patience': [ _('Patience'), _('Seconds for a login, a question, the rest of a message.') ],

	// DSTM's border router
	prefixes: [ _('IPv4 prefixes'), _("Of the nodes' addresses; routed to this router.") ],
	'tep.servers': [ _('Servers'), _('Addresses or prefixes whose commands are taken.') ],
	'tep.listen': [ _('Listens at'), _('Addresses; empty: the one above.') ],
	learn: [ _('Learn from packets'), _('In place of servers, where all nodes are trusted.') ],
	'shared.prefix': [ _('IPv4 prefix'), _('Each address of it is shared by several nodes.') ],
	'learning.clients': [ _('Clients'), _('Prefixes of nodes whose packets are trusted.') ],
	age: [ _('Silence'), _('Seconds after which a node has lost its address.') ],
	'learning.rate': [ _('New nodes'), _('A second, at most.') ],
	group: [ _('Log group'), _('Of nfnetlink_log; one that no other program uses.') ],

	// The tunnel service
	'tunnels.address': [ _('IPv4 address'), _("This router's; tunnels end here.") ],
	'tunnels.prefix': [ _('IPv6 prefix'), _('Routed to this router; each tunnel has a /64 of it for its ends.') ],
	routed: [ _('Routed prefix'), _('Of which each tunnel gets a prefix of its own; empty: none.') ],
	routed_length: [ _('Length of a routed prefix'), '' ],
	tunnels: [ _('Tunnels'), _('So many are promised.') ],
	interval: [ _('Interval'), _('Seconds between two echo requests to a client.') ],
	'tunnels.patience': [ _('Patience'), _('Seconds for an answer.') ],
	echoes: [ _('Echo requests'), _('A second, at most.') ],
	unreachable: [ _('Unreachable'), _('More rounds without an answer than this: the hook is run.') ],
	grace: [ _('Grace'), _('Seconds from then on until the tunnel goes.') ],
	'tunnels.hook': [ _('Hook'), _('A program and its arguments, each for itself.') ],
	lease: [ _('Lease'), _('Seconds without news of a server until others take its tunnels.') ],
	rate: [ _('Rate'), _('Kilobytes a second of a tunnel and direction; 0: as fast as it goes.') ],
	closed_ports: [ _('Closed ports'), _('From either side.') ],
	'tunnels.pool.prefix': [ _('IPv6 prefix'), _('Routed to this router; people may choose a piece of it.') ],
	'tunnels.pool.length': [ _('Length of a piece'), _('Another one in each pool.') ],
	url: [ _('Address of the page'), _('As people call it; empty: as they called it.') ],
	proxies: [ _('Proxies'), _('Web servers whose X-Forwarded-For is believed.') ],
	languages: [ _('Languages'), '' ],
	contact: [ _('Contact'), _('Where people ask, a line of text.') ],
	allow: [ _('Allow'), _('Private or shared IPv4 networks that may have tunnels.') ],
	refuse: [ _('Refuse'), _('IPv4 networks that may not.') ],
	reserved: [ _('Reserved names'), _('* stands for any text.') ],
	'page.echo': [ _('Ask for an echo'), _('A new client has to answer one of three.') ],
	accounts: [ _('Accounts'), _('Tunnels are of people who log in.') ],
	sign_up: [ _('Sign up'), _('Anybody may have an account; otherwise the operator adds them.') ],
	type: [ _('Kind'), '' ],
	zone: [ _('Zone'), _('Names are nicname.country below it.') ],
	reverse: [ _('Reverse zones'), _('Below ip6.arpa.') ],
	server: [ _('DNS server'), _('Address, perhaps with a port.') ],
	key_name: [ _('Name of the key'), _("The server's TSIG key.") ],
	'dns.key_file': [ _('File of the key'), _('What tsig-keygen wrote; it never comes to this page.') ],
	algorithm: [ _('Algorithm'), '' ],
	'dns.ttl': [ _('Time to live'), _('Seconds that others may remember a name.') ],
	of_a_person: [ _('Tunnels of a person'), _('By address; 0: as many as there are.') ],
	of_a_network: [ _('Tunnels of a network'), _('0: as many as there are.') ],
	of_an_account: [ _('Tunnels of an account'), _('0: as many as there are.') ],
	network_length: [ _('Length of a network'), _('Bits.') ],
	requests: [ _('Requests'), _('A minute, of an address.') ],
	requests_of_a_network: [ _('Requests of a network'), _('A minute.') ],
	'new': [ _('New tunnels'), _('An hour, of an address.') ],
	new_of_a_network: [ _('New tunnels of a network'), _('An hour.') ],
	logins: [ _('Logins'), _('An hour, of an address.') ],
	logins_of_a_network: [ _('Logins of a network'), _('An hour.') ],
	logins_of_a_name: [ _('Logins of a name'), _('An hour.') ],
	sign_ups: [ _('New accounts'), _('An hour, of an address.') ],
	sign_ups_of_a_network: [ _('New accounts of a network'), _('An hour.') ]
};

return baseclass.extend({
	// [title, what it is for] of a service.
	service: function(name) {
		return SERVICES[name] || [ name, '' ];
	},

	// [title, description] of an option, or null.
	of: function(service, table, name) {
		const places = [ [ service, table, name ], [ service, name ], [ table, name ], [ name ] ].map(
			words => words.join('.'));
		const found = places.find(place => Object.prototype.hasOwnProperty.call(TEXTS, place));

		return found ? TEXTS[found] : null;
	},

	word: function(name) {
		return WORDS[name] || name;
	}
});
