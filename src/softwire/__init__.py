# SPDX-License-Identifier: Apache-2.0
"""IPv4 over an IPv6-only line: asks for a softwire's parameters and hands them to netifd."""

__version__ = "0.1.0"
