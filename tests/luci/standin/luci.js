// SPDX-License-Identifier: Apache-2.0
// Stands for LuCI's luci.js: classes, the loader of modules with its 'require' directives, elements, requests, poll.
// Kept to what LuCI of 23.05 and later does alike; what it does not know is an error.

'use strict';

(function(window) {
	// Single inheritance: Class.extend(properties) -> class, whose __init__ is the constructor.
	const Class = function() {};

	Class.extend = function(properties) {
		const Parent = this;
		const Child = function(...given) {
			if (typeof this.__init__ == 'function')
				this.__init__(...given);
		};

		Child.prototype = Object.create(Parent.prototype);
		Object.assign(Child.prototype, properties, { constructor: Child });
		Object.assign(Child, { extend: Class.extend, singleton: Class.singleton, isSubclass: true });
		Child.prototype.super = function(name, given) {
			let holder = Object.getPrototypeOf(this);

			while (!Object.prototype.hasOwnProperty.call(holder, name) || holder[name] !== this[name])
				holder = Object.getPrototypeOf(holder);

			return Object.getPrototypeOf(holder)[name].apply(this, given);
		};

		return Child;
	};

	Class.singleton = function(properties) {
		return new (this.extend(properties))();
	};

	const instances = new WeakMap();
	const dom = {
		elem: node => node instanceof Node,

		append: function(node, children) {
			if (Array.isArray(children)) {
				for (let child of children)
					if (Array.isArray(child) || child instanceof Node)
						dom.append(node, child);
					else if (child != null)
						node.appendChild(document.createTextNode(String(child)));
			}
			else if (children instanceof Node)
				node.appendChild(children);
			else if (children != null)
				// A string in place of children is markup, and takes the place of what is there.
				node.innerHTML = String(children);

			return node.lastChild;
		},

		content: function(node, children) {
			while (node.firstChild)
				node.removeChild(node.firstChild);

			return dom.append(node, children);
		},

		create: function(tag, attributes, children) {
			if (tag instanceof Node)
				return tag;

			if (Array.isArray(tag)) {
				const fragment = document.createDocumentFragment();

				dom.append(fragment, tag);
				return fragment;
			}

			if (!/^[a-z][a-z0-9]*$/.test(tag))
				throw new Error('E: ' + tag);

			if (attributes != null && (typeof attributes != 'object' || Array.isArray(attributes) ||
			    attributes instanceof Node))
				[ attributes, children ] = [ {}, attributes ];

			const node = document.createElement(tag);

			for (let name in attributes || {}) {
				const value = attributes[name];

				if (typeof value == 'function')
					node.addEventListener(name, value);
				else if (value != null)
					node.setAttribute(name, value);
			}

			dom.append(node, children);
			return node;
		},

		bindClassInstance: (node, instance) => (instances.set(node, instance), instance),
		findClassInstance: node => node && (instances.get(node) || dom.findClassInstance(node.parentNode)) || null,

		callClassMethod: function(node, name, ...given) {
			const instance = dom.findClassInstance(node);

			return instance && typeof instance[name] == 'function' ? instance[name](...given) : null;
		}
	};

	const pollers = [];
	const poll = {
		add: function(fn, seconds) {
			if (typeof fn != 'function')
				throw new TypeError('poll.add: no function');

			const entry = { fn: fn, seconds: seconds || L.env.pollinterval, ready: true };

			pollers.push(entry);
			entry.timer = window.setInterval(() => {
				if (!entry.ready || !poll.on)
					return;

				entry.ready = false;
				Promise.resolve(fn()).finally(() => { entry.ready = true; });
			}, entry.seconds * 1000);

			return true;
		},

		remove: function(fn) {
			const at = pollers.findIndex(entry => entry.fn === fn);

			if (at < 0)
				return false;

			window.clearInterval(pollers[at].timer);
			pollers.splice(at, 1);
			return true;
		},

		on: true,
		active: () => poll.on,
		start: () => { poll.on = true; },
		stop: () => { poll.on = false; }
	};

	const View = Class.extend({
		__init__: function() {
			const node = document.getElementById('view');

			dom.content(node, dom.create('div', { 'class': 'spinning' }, _('Loading view…')));
			Promise.resolve(L.ready).then(() => this.load()).then(loaded => this.render(loaded)).then(nodes => {
				dom.content(node, null);
				dom.append(node, nodes);
				dom.append(node, this.addFooter());
			}).catch(L.error);
		},

		load: function() {},
		render: function() {},

		handleSave: function() {
			return Promise.all(Array.from(document.getElementById('maincontent').querySelectorAll('.cbi-map'))
				.map(map => dom.callClassMethod(map, 'save')));
		},

		handleSaveApply: function(ev, mode) {
			return this.handleSave(ev).then(() => loaded.ui.changes.apply(mode == '0'));
		},

		handleReset: function() {},

		addFooter: function() {
			const readonly = L.hasViewPermission() ? null : 'disabled';
			const buttons = [];

			if (this.handleSaveApply)
				buttons.push(dom.create('button', {
					'class': 'cbi-button cbi-button-apply', 'disabled': readonly,
					'click': loaded.ui.createHandlerFn(this, ev => this.handleSaveApply(ev, '0'))
				}, [ _('Save & Apply') ]));

			if (this.handleSave)
				buttons.push(dom.create('button', {
					'class': 'cbi-button cbi-button-save', 'disabled': readonly,
					'click': loaded.ui.createHandlerFn(this, 'handleSave')
				}, [ _('Save') ]));

			return buttons.length ? dom.create('div', { 'class': 'cbi-page-actions' }, buttons) : null;
		}
	});

	const loaded = { baseclass: Class, dom: dom, poll: poll, view: View };
	const loading = {};

	// The directives may stand behind comments and 'use strict' alone, as LuCI wants it.
	function directives(source) {
		const found = [];
		let rest = source;

		while (true) {
			rest = rest.replace(/^(\s+|\/\/[^\n]*\n|\/\*[^]*?\*\/)+/, '');

			const match = /^(["'])((?:use|require) [^"']+)\1\s*;/.exec(rest);

			if (!match)
				return found;

			const words = /^require[ \t]+(\S+)(?:[ \t]+as[ \t]+([a-zA-Z_]\S*))?$/.exec(match[2]);

			if (words)
				found.push([ words[1], words[2] || words[1].replace(/[^a-zA-Z0-9]/g, '_') ]);
			else if (match[2] != 'use strict')
				throw new Error('directive: ' + match[2]);

			rest = rest.substr(match[0].length);
		}
	}

	function run(name, source) {
		const wanted = directives(source);

		return Promise.all(wanted.map(pair => L.require(pair[0]))).then(modules => {
			const body = new Function('window', 'document', 'L', ...wanted.map(pair => pair[1]), source);
			const made = body.call(window, window, document, L, ...modules);

			if (typeof made != 'function' || !made.isSubclass)
				throw new TypeError('"' + name + '" factory yields no class');

			const instance = new made();

			return loaded[name] = instance;
		});
	}

	window.E = (tag, attributes, children) => dom.create(tag, attributes, children);

	window.LuCI = function(env) {
		this.env = env;
		Object.assign(this, { Class: Class, dom: dom, Poll: poll, view: View });
		this.ready = new Promise(done => document.addEventListener('DOMContentLoaded', done, { once: true }))
			.then(() => this.require('ui'));
	};

	LuCI.prototype = {
		require: function(name) {
			if (loaded[name])
				return Promise.resolve(loaded[name]);

			if (!loading[name])
				loading[name] = fetch(this.resource(name.replace(/\./g, '/') + '.js')).then(reply => {
					if (!reply.ok)
						this.raise('NetworkError', 'HTTP error %d while loading class file'.format(reply.status));

					return reply.text();
				}).then(source => run(name, source));

			return loading[name];
		},

		resource: path => L.env.resource + '/' + path,
		url: (...parts) => [ L.env.scriptname ].concat(parts).join('/'),
		isObject: value => value != null && typeof value == 'object',
		bind: (fn, self, ...given) => fn.bind(self, ...given),
		resolveDefault: (value, fallback) => Promise.resolve(value).catch(() => fallback),

		toArray: function(value) {
			if (value == null)
				return [];

			if (Array.isArray(value))
				return value;

			if (typeof value == 'object')
				return [ value ];

			const text = String(value).trim();

			return text == '' ? [] : text.split(/\s+/);
		},

		hasViewPermission: () => L.env.nodespec.readonly ? false : true,

		raise: function(type, text) {
			const error = new Error(text);

			error.name = type;
			throw error;
		},

		error: function(error) {
			if (typeof error == 'string')
				error = new Error(error);

			console.error(error);
			dom.append(document.getElementById('maincontent'),
				dom.create('div', { 'class': 'alert-message error' }, [ error.name + ': ' + error.message ]));
			throw error;
		}
	};
})(window);
