#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The packages feed's version check: PKG_NAME and PKG_VERSION are in the environment.

case "$PKG_NAME" in
softwire|softwire-python3)
	softwire --version | grep -F "$PKG_VERSION"
	;;
*)
	echo "Untested package: $PKG_NAME" >&2
	exit 1
	;;
esac
