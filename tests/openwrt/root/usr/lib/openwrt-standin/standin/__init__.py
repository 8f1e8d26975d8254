# SPDX-License-Identifier: Apache-2.0
"""A stand-in for OpenWrt's netifd, ubus and uci in the Debian router guest; NETIFD.md is the contract it
keeps."""
