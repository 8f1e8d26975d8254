#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Brings what tests and demo need, a step a word: host (Debian packages), python (virtual environment), fuzz (atheris
# in it), floor (MicroPython 1.23 as WebAssembly), arch (MicroPython of several architectures), image (the guest's),
# server (Kea, ndppd, radvd, nginx, PostgreSQL, BIND, Knot and clients of dynamic DNS, which softwired's tests put
# beside it; a namespace's tools), browser (chromium, half a gigabyte, and Playwright, which leads it),
# eslint, deb (debhelper).
# Everything but packages goes below build/.

set -eu

cd "$(dirname "$0")/.."
umask 022

# Command and the Debian package that has it.
host_commands="
	git:git busybox:busybox dash:dash qemu-system-x86_64:qemu-system-x86
	qemu-s390x:qemu-user mmdebstrap:mmdebstrap sqfstar:squashfs-tools debugfs:e2fsprogs flock:util-linux
	openssl:openssl"
server_commands="
	kea-dhcp4:kea-dhcp4-server kea-dhcp6:kea-dhcp6-server ip:iproute2 nsenter:util-linux nft:nftables ndppd:ndppd
	radvd:radvd nginx:nginx-light unbound:unbound curl:curl sysctl:procps postgres:postgresql named:bind9 knotd:knot
	ddclient:ddclient inadyn:inadyn fping:fping"
browser_commands="chromium:chromium"
deb_commands="dh:debhelper dpkg-buildpackage:dpkg-dev"
# labgrid's is the highest demand.
python_test='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'

fail() {
	echo "setup: $*" >&2
	exit 1
}

# step <title> <name of the log> <command>...: one line with a growing row of dots and the time it took.
step() {
	title=$1 log=build/log/$2.log
	shift 2
	mkdir -p build/log
	started=$(date +%s)
	printf 'setup: %s ' "$title" >&2
	"$@" > "$log" 2>&1 < /dev/null &
	job=$!
	trap 'kill $job 2> /dev/null; exit 130' INT TERM
	beat=0
	while kill -0 "$job" 2> /dev/null; do
		sleep 0.2
		beat=$((beat + 1))
		[ $((beat % 10)) != 0 ] || printf . >&2
	done
	status=0
	wait "$job" || status=$?
	trap - INT TERM
	printf ' %s s\n' $(($(date +%s) - started)) >&2
	return "$status"
}

# must <what cannot be had> <arguments of step>...
must() {
	what=$1
	shift
	step "$@" || {
		tail -n 15 "build/log/$2.log" >&2
		fail "$what; the lines above are the end of build/log/$2.log"
	}
}

find_python() {
	for python in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10; do
		if command -v "$python" > /dev/null && "$python" -c "$python_test" 2> /dev/null; then
			command -v "$python"
			return
		fi
	done
	return 1
}

# missing_packages <command:package>...
missing_packages() {
	for pair; do
		command -v "${pair%%:*}" > /dev/null || ls /usr/lib/postgresql/*/bin/"${pair%%:*}" > /dev/null 2>&1 ||
			printf '%s ' "${pair#*:}"
	done
}

missing_on_host() {
	# shellcheck disable=SC2086  # a list of words
	missing_packages $host_commands
	[ "$(id -u)" = 0 ] || missing_packages newuidmap:uidmap
	find_python > /dev/null || printf '%s ' python3 python3-venv
}

missing_for_server() {
	# shellcheck disable=SC2086  # a list of words
	missing_packages $server_commands
}

apt_get() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

setup_host() {
	install missing_on_host
}

# Debian starts Kea's servers, BIND and Knot once they are installed; as they are configured then, they serve nobody
# but this machine.
setup_server() {
	install missing_for_server
}

missing_for_browser() {
	# shellcheck disable=SC2086  # a list of words
	packages=$(missing_packages $browser_commands)
	[ -z "$packages" ] || echo "$packages fonts-vlgothic"
}

# What cannot be had is skipped by its tests, with the reason.
setup_browser() {
	(install missing_for_browser) || echo "setup: no chromium; its tests will be skipped" >&2
	stamp=$(sed -n '/^browser = \[/,/^]/p' pyproject.toml | cat build/venv/stamp - | sha256sum)
	[ "$(cat build/venv/browser-stamp 2> /dev/null)" != "$stamp" ] || return 0
	must "Playwright cannot be had" "installing Playwright" browser \
		build/venv/bin/python -m pip install --group browser
	echo "$stamp" > build/venv/browser-stamp
}

# Its versions are exact, what it needs itself is npm's choice: it only reads. Without it lint says so, and goes on.
setup_eslint() {
	versions="eslint@9.39.1 @eslint/js@9.39.1 globals@16.5.0"
	[ "$(cat build/eslint/stamp 2> /dev/null)" != "$versions" ] || return 0
	rm -rf build/eslint
	mkdir -p build/eslint
	# shellcheck disable=SC2086  # a list of words
	if step "fetching eslint" eslint build/venv/bin/python tests/lint/npm.py install --no-audit --no-fund \
		--fetch-retries 0 --fetch-timeout 30000 \
		--prefix build/eslint $versions; then
		echo "$versions" > build/eslint/stamp
	else
		echo "setup: eslint cannot be had (build/log/eslint.log); lint goes on without it" >&2
	fi
}

missing_for_deb() {
	# shellcheck disable=SC2086  # a list of words
	missing_packages $deb_commands
}

setup_deb() {
	install missing_for_deb
}

# install <function that tells what is missing>
install() {
	packages=$("$1")
	[ -n "$packages" ] || return 0
	command -v apt-get > /dev/null ||
		fail "this machine lacks what these Debian packages have, and has no apt-get: $packages"
	sudo=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo > /dev/null || fail "not root and no sudo; as root: apt-get install $packages"
		# The password, where one is needed, is asked for now, not behind the progress line.
		sudo -n true 2> /dev/null || { [ -t 0 ] && sudo -v; } ||
			fail "sudo wants a password and nobody is there to type it; as root: apt-get install $packages"
		sudo='sudo -n'
	fi
	echo "setup: these Debian packages are missing: $packages" >&2
	# Fresh package lists only where the ones at hand do not do.
	# shellcheck disable=SC2086  # a list of words
	step "installing them" apt apt_get install --no-install-recommends $packages || {
		must "Debian's package lists cannot be had" "fetching package lists first" apt-update apt_get update
		must "apt-get cannot install $packages" "installing them" apt apt_get install --no-install-recommends $packages
	}
	packages=$("$1")
	[ -z "$packages" ] || fail "installed, but their commands are still not found: $packages"
}

setup_python() {
	base=$(find_python) || fail "no Python 3.10 or newer with the modules venv and ensurepip (Debian: python3-venv)"
	# A virtual environment knows its own path, and its Python's.
	stamp=$({
		pwd
		"$base" -c 'import sys; print(sys.version, sys.base_prefix)'
		sed -n '/^\[dependency-groups\]/,/^]/p' pyproject.toml
		cat tests/constraints.txt
	} | sha256sum)
	[ "$(cat build/venv/stamp 2> /dev/null)" != "$stamp" ] || return 0
	rm -rf build/venv
	must "no virtual environment" "making a virtual environment" venv "$base" -m venv build/venv
	must "the pinned pip cannot be had" "installing pip" pip \
		build/venv/bin/python -m pip install --upgrade -c tests/constraints.txt pip
	must "the pinned Python packages cannot be had" "installing the pinned Python packages" python \
		build/venv/bin/python -m pip install -c tests/constraints.txt --group dev
	echo "$stamp" > build/venv/stamp
}

# Only `make fuzz` needs it, and no other test shall wait for it.
setup_fuzz() {
	stamp=$(sed -n '/^fuzz = \[/,/^]/p' pyproject.toml | cat build/venv/stamp - | sha256sum)
	[ "$(cat build/venv/fuzz-stamp 2> /dev/null)" != "$stamp" ] || return 0
	must "atheris cannot be had" "installing atheris" fuzz build/venv/bin/python -m pip install --group fuzz
	echo "$stamp" > build/venv/fuzz-stamp
}

setup_floor() {
	stamp=$(sha256sum < tests/floor/fetch.py)
	[ "$(cat build/micropython-1.23/stamp 2> /dev/null)" != "$stamp" ] || return 0
	rm -rf build/micropython-1.23
	mkdir -p build/micropython-1.23
	must "MicroPython 1.23 cannot be had" "fetching MicroPython 1.23" floor \
		build/venv/bin/python tests/floor/fetch.py build/micropython-1.23
	echo "$stamp" > build/micropython-1.23/stamp
}

# Only the archive's main part: a mirror's updates may be between two states for architectures that few use.
make_arch() {
	rm -rf "build/arch/$1"
	mkdir -p build/arch
	# shellcheck disable=SC2016  # $1 is the hook's
	mmdebstrap --quiet --variant=extract --architectures="$1" --include=micropython \
		--setup-hook='sed -i "/ trixie main/!d" "$1/etc/apt/sources.list"' trixie "build/arch/$1" &&
		ln -s usr/lib "build/arch/$1/lib"
}

# What cannot be had is skipped by its tests, with the reason.
setup_arch() {
	for arch in s390x armhf "$(dpkg --print-architecture)"; do
		[ ! -e "build/arch/$arch/lib" ] || continue
		step "fetching MicroPython for $arch" arch make_arch "$arch" || {
			rm -rf "build/arch/$arch"
			echo "setup: MicroPython for $arch cannot be had (build/log/arch.log); its tests will be skipped" >&2
		}
	done
}

setup_image() {
	# It has its own cache and tells its own progress; pip comes from the virtual environment.
	PATH=$PWD/build/venv/bin:$PATH tests/lab/image.sh > /dev/null || fail "the guest image cannot be made"
}

# The virtual environment is made, and found stale, by another Python than its own.
while [ "${PATH#"$PWD/build/venv/bin:"}" != "$PATH" ]; do
	PATH=${PATH#"$PWD/build/venv/bin:"}
done
PATH=$PATH:/usr/sbin:/sbin
for word in "$@"; do
	case $word in
		host | python | fuzz | floor | arch | image | server | browser | eslint | deb) "setup_$word" ;;
		*) fail "unknown step '$word'; right are host python fuzz floor arch image server browser eslint deb" ;;
	esac
done
