#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of softwired prefix64 for uhttpd, one request.

exec /usr/sbin/softwired --config /var/run/softwired.toml prefix64 page --cgi
