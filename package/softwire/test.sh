#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The packages feed's functional test, after the package was installed; there need be no netifd and no ubus.

set -e

# netifd takes a handler only where it is executable, and reads what it declares.
cd /lib/netifd/proto
for protocol in flets softwire; do
	[ -x "$protocol.sh" ]
	"./$protocol.sh" "" dump | grep -E "\"name\": ?\"$protocol\""
done
[ -x /lib/netifd/softwire.script ]
[ -x /usr/sbin/softwire ]

# The interpreter is there and finds every module: the client says which option is missing.
mkdir -p /var/run/softwire
echo '{"tunlink": "wan6", "auth_server": ["2001:db8::1"], "shared_secret": "x"}' > /var/run/softwire/testsh.config
softwire client testsh 2>&1 | grep -F "BAD_CONFIG: option password is missing"
rm -f /var/run/softwire/testsh.*
softwire --help | grep -F status
