// SPDX-License-Identifier: Apache-2.0
// The status overview with our include alone, loaded and shown as LuCI does at each interval of its poll.

'use strict';
'require dom';
'require poll';
'require view';
'require view.status.include.35_softwire as include';

return view.extend({
	render: function() {
		const node = E('div', { id: 'include' });
		const show = () => include.load().then(found => {
			const content = include.render(found);

			if (content != null)
				dom.content(node, content);
		});

		return show().then(() => {
			poll.add(show);
			return [ E('h3', [ include.title ]), node ];
		});
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
