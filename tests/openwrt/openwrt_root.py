# SPDX-License-Identifier: Apache-2.0
"""Where the stand-in's file tree is; importing this makes its Python packages importable on the host."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE / "root"
LIBRARY = ROOT / "usr/lib/openwrt-standin"

if str(LIBRARY) not in sys.path:
    sys.path.insert(0, str(LIBRARY))
