// SPDX-License-Identifier: Apache-2.0
// Stands for LuCI's rpc.js: ubus over JSON-RPC, its answers as `expect` wants them.

'use strict';
'require baseclass';

let last = 0;

return baseclass.extend({
	declare: function(told) {
		return (...given) => {
			const message = {};

			(told.params || []).forEach((name, at) => {
				if (given[at] !== undefined)
					message[name] = given[at];
			});

			return fetch(L.env.ubuspath + '?' + told.object + '.' + told.method, {
				method: 'POST',
				headers: { 'Content-Type': 'application/json' },
				body: JSON.stringify({
					jsonrpc: '2.0', id: ++last, method: 'call',
					params: [ L.env.sessionid, told.object, told.method, message ]
				})
			}).then(reply => {
				if (!reply.ok)
					L.raise('RPCError', 'RPC call to %s/%s failed with HTTP error %d'.format(
						told.object, told.method, reply.status));

				return reply.json();
			}).then(reply => {
				if (reply.error)
					L.raise('RPCError', 'RPC call to %s/%s failed with error %d: %s'.format(
						told.object, told.method, reply.error.code, reply.error.message));

				if (told.reject && reply.result[0] !== 0)
					L.raise('RPCError', 'RPC call to %s/%s failed with ubus code %d'.format(
						told.object, told.method, reply.result[0]));

				let answer = reply.result.length > 1 ? reply.result[1] : reply.result[0];

				for (let key in told.expect || {}) {
					if (answer != null && key != '')
						answer = answer[key];

					const wanted = told.expect[key], kind = value => Object.prototype.toString.call(value);

					return answer == null || kind(answer) != kind(wanted) ? wanted : answer;
				}

				return answer;
			});
		};
	}
});
