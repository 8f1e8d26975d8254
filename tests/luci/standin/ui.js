// SPDX-License-Identifier: Apache-2.0
// Stands for LuCI's ui.js: notes, dialogues, handlers of buttons, and the way in which changes are applied.

'use strict';
'require baseclass';
'require dom';

function post(action, query) {
	return fetch(L.url('admin/uci', action) + '?' + new URLSearchParams(query), { method: 'POST' });
}

function told(text, kind) {
	let node = document.getElementById('uci-status');

	if (!node)
		node = document.body.appendChild(E('div', { id: 'uci-status' }));

	dom.content(node, E('p', { 'class': kind || 'notice' }, [ text ]));
}

return baseclass.extend({
	addNotification: function(title, children, ...classes) {
		const node = E('div', { 'class': [ 'alert-message' ].concat(classes).join(' ') },
			[ title != null ? E('h4', [ title ]) : '', children ]);
		const content = document.getElementById('maincontent');

		content.insertBefore(node, content.firstChild);
		return node;
	},

	showModal: function(title, children) {
		this.hideModal();

		const node = E('div', { id: 'modal_overlay' }, E('div', { 'class': 'modal' }, [ E('h4', [ title ]) ]
			.concat(children)));

		document.body.appendChild(node);
		document.body.classList.add('modal-overlay-active');
		return node;
	},

	hideModal: function() {
		const node = document.getElementById('modal_overlay');

		if (node)
			node.parentNode.removeChild(node);

		document.body.classList.remove('modal-overlay-active');
	},

	// The button is out of use until what it does is done.
	createHandlerFn: function(self, method, ...given) {
		const fn = typeof method == 'string' ? self[method] : method;

		if (typeof fn != 'function')
			return null;

		return function(ev) {
			const button = ev.currentTarget;

			button.disabled = true;
			Promise.resolve(fn.apply(self, given.concat(ev))).catch(L.error).finally(() => {
				button.disabled = false;
			});
		};
	},

	instantiateView: function(path) {
		return L.require('view.' + path.replace(/\//g, '.')).catch(L.error);
	},

	changes: {
		// The configuration comes back by itself unless the browser still finds the router.
		apply: function(checked) {
			return post(checked ? 'apply_rollback' : 'apply_unchecked', {
				sid: L.env.sessionid, token: L.env.token
			}).then(reply => {
				if (reply.status == 204)
					return told('There are no changes to apply');

				if (reply.status != 200)
					return told('Apply request failed with status ' + reply.status, 'warning');

				return reply.json().then(auth => {
					const deadline = Date.now() + L.env.apply_rollback * 1000;
					const applied = () => {
						document.dispatchEvent(new CustomEvent('uci-applied'));
						told('Configuration changes applied.');
					};
					const confirm = () => Date.now() > deadline ? told('rolled back', 'warning')
						: post('confirm', auth).then(reply => reply.ok ? applied() : Promise.reject())
							.catch(() => window.setTimeout(confirm, 250));

					return confirm();
				});
			});
		}
	}
});
