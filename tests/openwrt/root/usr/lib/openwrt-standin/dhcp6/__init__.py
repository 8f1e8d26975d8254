# SPDX-License-Identifier: Apache-2.0
"""A stand-in for odhcp6c: router discovery and DHCPv6 on one device, told to a state script (odhcp6c's
README; RFC 8415, RFC 4861)."""
