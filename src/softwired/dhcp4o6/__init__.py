# SPDX-License-Identifier: Apache-2.0
"""The DHCPv6 side of DHCPv4 over DHCPv6 (RFC 7341) in front of a DHCPv4 server that speaks ISC's way, as Kea's does."""

from softwired.dhcp4o6.command import add_commands
from softwired.dhcp4o6.options import TABLE, TOGETHER
from softwired.dhcp4o6.server import CAPABILITIES, check, make

__all__ = ["CAPABILITIES", "TABLE", "TOGETHER", "add_commands", "check", "make"]
