# SPDX-License-Identifier: Apache-2.0
"""A stand-in for fw4: nftables rules from /etc/config/firewall and from what netifd's interfaces ask for
(OpenWrt wiki, firewall)."""
