# SPDX-License-Identifier: Apache-2.0
"""The options of a method whose addresses can be had on demand (demand.py)."""

from softwire.config import flag, number

OPTIONS: tuple = (("demand", flag, False), ("idle", number(10, 86400), 600))
