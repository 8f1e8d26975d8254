# SPDX-License-Identifier: Apache-2.0
"""The files of the tree, without what git or make put beside them; works without git, too.

python tests/lint/tree.py [pattern ...]
"""

import fnmatch
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Folders that are nobody's source, wherever they are.
LEFT_OUT = {".git", "__pycache__", "build", "dist"}


def files(*patterns):
    """Sorted paths relative to the tree's root; with patterns, those that match one."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        found += [(pathlib.Path(folder) / name).relative_to(ROOT) for name in names]
    found = [path for path in found if (ROOT / path).is_file() and not (ROOT / path).is_symlink()]
    return sorted(
        path for path in found if not patterns or any(fnmatch.fnmatch(str(path), one) for one in patterns)
    )


if __name__ == "__main__":
    print("\n".join(str(path) for path in files(*sys.argv[1:])))
