# SPDX-License-Identifier: Apache-2.0
"""What /usr/sbin/softwire starts: netifd's task at once, since loading costs a router the most, else a command."""

import sys

# Linux' number on every machine; MicroPython's errno does not name it.
EPIPE = 32


def main(words):
    """The exit status."""
    if words[:1] == ["client"] and len(words) == 2:
        from softwire.client import main as client

        return client(words[1])
    if words[:1] == ["errand"] and len(words) == 3:
        from softwire.errand import main as errand

        return errand(*words[1:])
    from softwire.command import main as command

    return command(words)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno != EPIPE:  # `softwire status | head`
            raise
