// SPDX-License-Identifier: Apache-2.0
// Stands for the part of LuCI's network.js that protocol pages use.

'use strict';
'require baseclass';
'require rpc';
'require uci';

const dump = rpc.declare({ object: 'network.interface', method: 'dump', expect: { 'interface': [] } });
const handlers = rpc.declare({ object: 'network', method: 'get_proto_handlers', expect: { '': {} } });
const errors = {}, protocols = {}, patterns = [];
let known = [];

const Protocol = baseclass.extend({
	__init__: function(name) {
		this.sid = name;
	},

	_ubus: function(field) {
		const found = known.find(one => one['interface'] == this.sid);

		return found == null ? null : field == null ? found : found[field];
	},

	getI18n: function() { return this.protocol; },
	getOpkgPackage: function() { return null; },
	getPackageName: function() { return null; },
	isCreateable: function() { return Promise.resolve(null); },
	isFloating: function() { return false; },
	isVirtual: function() { return false; },
	getName: function() { return this.sid; },

	getIfname: function() {
		return this._ubus('l3_device') || this._ubus('device') || uci.get('network', this.sid, 'device');
	},

	getErrors: function() {
		const found = this._ubus('errors');

		return Array.isArray(found)
			? found.map(error => errors[error.code] || 'Unknown error (%s)'.format(error.code)) : null;
	}
});

return baseclass.extend({
	registerProtocol: function(name, properties) {
		protocols[name] = Protocol.extend(Object.assign({ protocol: name }, properties));
		return protocols[name];
	},

	registerPatternVirtual: function(pattern) {
		patterns.push(pattern);
	},

	registerErrorCode: function(code, text) {
		if (typeof code == 'string' && typeof text == 'string' && !errors[code]) {
			errors[code] = text;
			return true;
		}

		return false;
	},

	getProtocol: function(name, network) {
		return protocols[name] ? new protocols[name](network || '__dummy__') : null;
	},

	// Protocols that netifd knows, each from its own file.
	load: function() {
		return Promise.all([ uci.load('network'), handlers().then(found => Promise.all(Object.keys(found).map(
			name => L.resolveDefault(L.require('protocol.' + name))))), dump().then(found => { known = found; }) ]);
	},

	getNetworks: function() {
		return this.load().then(() => uci.sections('network', 'interface').map(section =>
			new (protocols[section.proto] || Protocol)(section['.name'])));
	},

	getNetwork: function(name) {
		return this.getNetworks().then(found => found.find(one => one.sid == name) || null);
	},

	getIfnameOf: function(value) {
		return typeof value == 'string' ? value : value.getIfname();
	},

	flushCache: function() {
		return this.load();
	}
});
