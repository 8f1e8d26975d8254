# SPDX-License-Identifier: Apache-2.0
"""Leaves out of a long status of netifd's what makes it long: a router in a large network has hundreds of routes.

The resident client's heap holds what it needs of a line, not all of it; of the routes those are the default ones.
"""

ROUTES = b'\t"route": ['
DEFAULT = b'"target": "::"'


def without_routes(start, file):
    """The octets `start` and the rest of the file, as the ubus command indents JSON, without routes to somewhere."""
    kept: list = []  # lines
    routes: list = []
    entry = b""
    inside = False
    rest = b""
    while start:
        lines = (rest + start).split(b"\n")
        rest = lines.pop()
        for line in lines:
            if not inside:
                kept.append(line)
                inside = line == ROUTES
            elif line[:2] == b"\t]":
                kept += [b",".join(routes), line]
                inside = False
            elif line[:3] == b"\t\t{":
                entry = b"{"
            elif line[:3] == b"\t\t}":
                if DEFAULT in entry:
                    routes.append(entry + b"}")
            else:
                entry += line
        start = file.read(2048)
    return b"\n".join(kept + [rest])
