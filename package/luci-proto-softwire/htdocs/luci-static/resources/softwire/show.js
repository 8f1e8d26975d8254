// SPDX-License-Identifier: Apache-2.0
// One softwire and its line as elements: what the overview and the page of its own show alike.

'use strict';
'require baseclass';
'require softwire.codes as codes';
'require softwire.findings as findings';
'require softwire.router as router';

// Seconds -> '2 h 5 min'.
function span(seconds) {
	const units = [ [ 86400, _('%d d') ], [ 3600, _('%d h') ], [ 60, _('%d min') ], [ 1, _('%d s') ] ];
	let left = Math.max(0, Math.floor(seconds)), parts = [];

	for (let [ size, text ] of units) {
		if (left >= size && parts.length < 2)
			parts.push(text.format(left / size));

		left %= size;
	}

	return parts.join(' ') || _('%d s').format(0);
}

function failure(error) {
	return codes.codes[error.code] ? codes.text(error.code) : [ error.code ].concat(error.data || []).join(': ');
}

// What the telephone's numbers are, once somebody asked, by interface: the overview is drawn anew each interval.
const numbers = {};

return baseclass.extend({
	span: span,

	headline: function(one) {
		if (one.up)
			return [ 'success', _('up') ];

		return [ 'warning', one.autostart ? _('down') : _('turned off') ];
	},

	// [heading, text or element]: only what is known.
	rows: function(one, uptime) {
		const state = one.state || {}, tunnel = state.tunnel, line = one.line, rows = [];
		const add = (heading, text) => { if (text) rows.push([ heading, text ]); };

		if (line) {
			add(_('Line'), line.up ? _('%s is up on %s').format(line['interface'], line.device || '?')
				: _('%s is down').format(line['interface']));
			add(_('Prefix'), line.prefixes.join(', '));

			for (let error of line.errors)
				add(_('Error of the line'), failure(error));
		}

		if (tunnel) {
			// On demand: there is a way out, and nobody who was asked yet.
			if (tunnel.ipaddr.length)
				add(_('Endpoints'), '%s → %s'.format(tunnel.local, tunnel.remote));

			add(_('IPv4 address'), tunnel.ipaddr.join(', ') || _('asked for when a packet wants out'));
			add(_('MTU'), tunnel.mtu ? String(tunnel.mtu) : null);
			add(_('Resolvers'), tunnel.dns.join(', '));
		}

		if (state.handed_on)
			add(_('Handed on to'), _('protocol %s, interface %s').format(state.handed_on, one['interface'] + '_4'));

		if (state.server && state.asked != null)
			add(_('Answered by'), _('%s, %s ago').format(state.server, span(uptime - state.asked)));

		if (state.next != null)
			add(_('Next question'), _('in %s').format(span(state.next - uptime)));

		if (state.expires != null)
			add(_('Over'), _('in %s if nobody answers until then').format(span(state.expires - uptime)));

		if (state.error)
			add(_('Error'), '%s (%s)'.format(failure(state.error), findings.say(String(state.error.text))));
		else if (!one.up)
			for (let error of one.errors)
				add(_('Error'), error.code == 'NO_DEVICE'
					? _('the line is missing, down, or has no IPv6 default route: the doctor says which (NO_DEVICE)')
					: failure(error));

		return rows;
	},

	// A button that asks for the telephone's numbers, and in its place what came.
	telephone: function(one) {
		const name = one['interface'], node = E('div', { 'class': 'softwire-telephone' });
		const draw = () => {
			while (node.firstChild)
				node.removeChild(node.firstChild);

			if (numbers[name])
				node.appendChild(E('div', [ numbers[name].text ]));

			if (!numbers[name] || numbers[name].failed)
				node.appendChild(E('button', {
					'class': 'btn cbi-button cbi-button-neutral', 'click': ask,
					// LuCI's theme has larger buttons on a telephone, which is no wider for that.
					'style': 'padding-left: .4em; padding-right: .4em'
				}, [ _('Show the numbers') ]));
		};
		const ask = ev => {
			ev.currentTarget.disabled = true;
			numbers[name] = { text: _('asking …') };
			draw();
			router.follow('look', [ name ]).then(router.parse).then(report => {
				const line = report.line || {};

				numbers[name] = { text: line.numbers && line.numbers.length
					? _('%s, SIP domain %s').format(line.numbers.join(', '), line.sip_domain || '?')
					: _('the line told no number') };
			}).catch(error => {
				numbers[name] = { text: router.sentence(error), failed: true };
			}).then(draw);
		};

		draw();
		return node;
	},

	// One softwire as a table.
	table: function(one, uptime) {
		const head = this.headline(one), rows = this.rows(one, uptime);

		if (one.line && one.line.proto == 'flets')
			rows.push([ _('Telephone'), this.telephone(one) ]);

		return E('table', { 'class': 'table', 'data-softwire': one['interface'] }, [
			E('tr', { 'class': 'tr' }, [
				E('td', { 'class': 'td left', 'width': '33%' }, [ E('strong', [ one['interface'] ]) ]),
				E('td', { 'class': 'td left' }, [ E('span', { 'class': 'label ' + head[0] }, [ head[1] ]) ])
			])
		].concat(rows.map(row => E('tr', { 'class': 'tr' }, [
			E('td', { 'class': 'td left', 'width': '33%' }, [ row[0] ]),
			E('td', { 'class': 'td left', 'style': 'overflow-wrap: anywhere' }, [ row[1] ])
		]))));
	},

	// What there is to say besides the softwires themselves; an element, or null.
	note: function(found) {
		const text = found.fault || (found.netifd === false ? codes.text('NETIFD_SILENT')
			: found.helper === false ? router.reason('NO_HELPER') : null);

		return text ? E('p', { 'class': 'alert-message warning' }, [ text ]) : null;
	},

	// The status, or { fault: a sentence }: what fails here must not stop anything else.
	load: function() {
		return router.status().catch(error => ({ fault: router.sentence(error), interfaces: [] }));
	}
});
