#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every static check, all of them even if one fails: our own rules, ruff, mypy, shellcheck, eslint where it is there,
# MicroPython 1.23's compiler.

set -u

cd "$(dirname "$0")/../.." || exit
status=0

check() {
	title=$1
	shift
	if "$@"; then
		echo "lint: $title: ok"
	else
		echo "lint: $title: FAILED"
		status=1
	fi
}

# Programs without a suffix, which ruff would not find.
python_programs=$(python tests/lint/tree.py | grep -v '\.py$' | while read -r file; do
	! head -n 1 "$file" | grep -q '^#!.*python' || echo "$file"
done)

# shellcheck disable=SC2086  # a list of paths without blanks
{
	check "the tree's own rules" python tests/lint/check_tree.py
	check "links" python tests/lint/check_links.py
	check "ruff" ruff check --quiet . $python_programs
	check "ruff format" ruff format --quiet --diff . $python_programs
	check "mypy" mypy --no-error-summary
	check "mypy, the other end" mypy --no-error-summary --python-version 3.11 src/softwired \
		tests/softwired/network.py tests/softwired/packets.py
	check "shellcheck" python -m pytest -q tests/handler/test_shellcheck.py
	[ ! -e build/eslint/stamp ] || check "eslint" python tests/lint/npm.py exec --prefix build/eslint -- \
		eslint --config tests/lint/eslint.config.mjs package tests/luci
	check "MicroPython 1.23" python tests/lint/check_micropython.py
}
exit $status
