# SPDX-License-Identifier: Apache-2.0
"""Opens a queue of netfilter's as demand.py does, on whichever interpreter: keep.py <number>.

Says "open", or the error number, on standard error, and ends with its standard input.
"""

import sys

from softwire.demand import Queue


def main(number):
    try:
        queue = Queue(int(number))
        queue.open()
        print("open", file=sys.stderr)
        sys.stdin.read()
        queue.let_go()
    except OSError as error:
        print(error.errno, file=sys.stderr)


main(*sys.argv[1:])
