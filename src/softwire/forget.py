# SPDX-License-Identifier: Apache-2.0
"""`softwire forget`: erases what a provisioning method remembers beyond its process, in RAM and on flash."""

import os
import sys

from softwire import config, state


def main(interface):
    """Exit status 0, 1 where a file stays. A softwire that is up stays, too, and remembers what it is told next."""
    try:
        config.name(interface)
    except ValueError as error:
        print("softwire: interface '{}': {}".format(interface, error), file=sys.stderr)
        return 2
    forgotten = False
    for lasting in (False, True):
        path = state.kept_path(interface, lasting)
        try:
            os.stat(path)
        except OSError:
            continue
        try:
            os.remove(path)
        except OSError as error:
            print("softwire: {} cannot be removed: error {}".format(path, error.errno), file=sys.stderr)
            return 1
        print("forgotten: " + path)
        forgotten = True
    if not forgotten:
        print("nothing is remembered of interface {}".format(interface))
    return 0
