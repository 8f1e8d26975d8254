// SPDX-License-Identifier: Apache-2.0
// One interface of /etc/config/network as LuCI's dialogue shows it: the protocol's options in LuCI's tabs.

'use strict';
'require dom';
'require form';
'require network';
'require uci';
'require view';

return view.extend({
	load: function() {
		return network.getNetworks();
	},

	render: function() {
		const name = new URLSearchParams(location.search).get('interface');
		const proto = uci.get('network', name, 'proto');

		return network.getNetwork(name).then(found => {
			const map = new form.Map('network', name);
			const section = map.section(form.NamedSection, name, 'interface');

			section.tab('general', 'General');
			section.tab('advanced', 'Advanced');
			found.renderFormOptions(section);

			window.shown = {
				map: map, section: section, network: found,
				i18n: found.getI18n(), device: found.getIfname(), errors: found.getErrors(),
				packages: [ 'getOpkgPackage', 'getPackageName' ].map(hook => found[hook] ? found[hook]() : null),
				protocol: network.getProtocol(proto, name)
			};

			return map.render();
		});
	}
});
