# SPDX-License-Identifier: Apache-2.0
"""A machine that has every address of a prefix, and answers neighbour solicitations for all of them."""

from softwired.prefix64.command import add_commands
from softwired.prefix64.options import TABLE, TOGETHER
from softwired.prefix64.server import CAPABILITIES, check, make

__all__ = ["CAPABILITIES", "TABLE", "TOGETHER", "add_commands", "check", "make"]
