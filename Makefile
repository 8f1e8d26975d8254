# SPDX-License-Identifier: Apache-2.0
# Every developer command, by name; each brings what it needs (tests/setup.sh) and keeps it under build/.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint unit fuzz handler methods softwired integration system test-luci test-openwrt \
	openwrt-image faults package bench ipk apk deb release clean

# The pinned tools come first; a user's PATH may lack the folders of mmdebstrap's helpers.
export PATH := $(CURDIR)/build/venv/bin:$(PATH):/usr/sbin:/sbin
export PYTHONDONTWRITEBYTECODE := 1

setup  := @tests/setup.sh
python := build/venv/bin/python
# Every fault in turn, a server that is installed and purged, and further lines take too long for every change: make
# system runs them, make softwired those of a service.
slow = $(addprefix tests/system/test_,diagnosis.py faults.py server.py server_prefix64.py server_tep.py \
	provisioned_lines.py dstm_line.py lw4o6_line.py tsp_line.py demand_line.py \
	handed_on.py) tests/system/systemd tests/softwired/tunnels/test_softwired_tunnels_bad_monitor.py
# Where a service's faults are.
services = tests/system/tunnels $(addprefix tests/softwired/tunnels/test_softwired_tunnels_bad_,days.py monitor.py)
# ARGS reaches pytest, make bench and make demo: make unit ARGS='-k wire -x'
pytest  = $(python) -m pytest --junit-xml=build/junit-$@.xml $(ARGS)

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | \
		while read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

demo: ## machines, and a line comes up (LINE=next, cross, lw4o6, ocx, tsp, auto …, SERVICE=prefix64, tunnels)
	$(setup) host python $(if $(SERVICE),server,image) $(if $(filter tunnels,$(SERVICE)),image browser) \
		$(if $(wildcard tests/lab/lines/$(LINE)/server),deb)
	@LINE=$(LINE) PYTHONPATH=src:. $(python) -m tests.$(if $(SERVICE),softwired.$(SERVICE),lab).demo $(ARGS)

test: lint ## every test but those of all faults in turn, which make system runs
	$(setup) host python floor arch image server browser deb
	@$(python) tests/beside.py build/junit-$@.xml tests/unit tests/fuzz tests/floor tests/arch tests/handler \
		tests/package tests/openwrt tests/methods tests/softwired tests/luci tests/integration -- tests/system \
		-- $(addprefix --ignore=,$(slow)) $(ARGS)

lint: ## style, types, shell, and what MicroPython 1.23 cannot do
	$(setup) host python eslint
	@tests/lint/run.sh

unit: ## the helper's own tests, on CPython, MicroPython 1.23, big-endian and 32-bit MicroPython
	$(setup) host python floor arch
	@$(pytest) tests/unit tests/fuzz tests/floor tests/arch

fuzz: ## every parser that reads the network, ten seconds each: ARGS='--inputs 1000000 --keep [target ...]'
	$(setup) host python fuzz
	@PYTHONPATH=src $(python) -m tests.fuzz $(ARGS)

handler: ## what the shell says to netifd, and the stand-in for OpenWrt
	$(setup) host python
	@$(pytest) tests/handler tests/openwrt

package: ## the packages: what is in them, that each build gives the same bytes
	$(setup) host python floor
	@$(pytest) tests/package

methods: ## provisioning methods beside real resolvers, web and DHCPv6 servers, in network namespaces
	$(setup) host python arch server
	@$(pytest) tests/methods

softwired: ## the other end: its own tests; it and the client of dhcp4o6 beside a real Kea in network namespaces
	$(setup) host python arch server browser deb
	@$(pytest) tests/softwired

integration: ## pyrad_lite against a real FreeRADIUS (boots a machine)
	$(setup) host python image
	@$(pytest) tests/integration

system: ## the whole way, from the line's DHCPv6 to a LAN host's packet (boots machines)
	$(setup) host python image deb
	@$(pytest) tests/system

test-luci: ## LuCI's pages in Chromium, over a stand-in: LUCI=<checkout>, OPENWRT_IMAGE=<path>: over the real one
	$(setup) host python browser $(if $(OPENWRT_IMAGE),server)
	@LUCI=$(LUCI) $(pytest) tests/luci

test-openwrt: ## most of it on a real OpenWrt: OPENWRT_IMAGE=<path> OPENWRT_FEED=<folder>; tests/openwrt/README.md
	$(setup) host python image deb server browser
	@$(python) -m tests.lab.openwrt
	@$(pytest) tests/luci/test_luci_openwrt.py tests/system $(addprefix --ignore=,$(slow))

openwrt-image: ## fetches an OpenWrt image into build/openwrt/: RELEASE=24.10.4 OPENWRT_MIRROR=<address> IMAGE=ext4
	$(setup) host python
	@$(python) -m tests.lab.openwrt.download

faults: ## every fault as long and as often as docs/reliability.md says, which it writes (an hour)
	$(setup) host python image server
	@FAULTS_LONG=1 $(pytest) tests/system/test_faults.py $(services)

bench: ## instructions, time, memory and size beside radclient, Kea and the budgets; results in build/bench/
	$(setup) host python image server
	@PYTHONPATH=src $(python) -m tests.bench $(ARGS)

ipk: ## packages for opkg (OpenWrt 24.10) and their index, in dist/
	$(setup) host python
	@$(python) package/sdk/pack.py ipk

apk: ## packages for apk (OpenWrt 25.12) and their index, in dist/; needs apk-tools 3 (APK=<path>)
	$(setup) host python
	@$(python) package/sdk/pack.py apk

deb: ## softwired as a Debian package, in dist/
	$(setup) host deb
	@package/debian/build

release: ## both, and their checksums
	$(setup) host python
	@$(python) package/sdk/pack.py release

clean: ## removes build/ (the guest image and the virtual environment included) and dist/
	rm -rf build dist
