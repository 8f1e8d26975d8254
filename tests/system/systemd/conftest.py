# SPDX-License-Identifier: Apache-2.0
"""These tests run in a guest with systemd, which is the host: test_systemd_in_guest.py boots it."""

import os

IN_GUEST = "SOFTWIRE_GUEST" in os.environ

collect_ignore = ["test_systemd_in_guest.py"] if IN_GUEST else []
collect_ignore_glob = [] if IN_GUEST else ["test_systemd_[!i]*.py"]
