# SPDX-License-Identifier: Apache-2.0
"""Which interface rides on which, and on which port at last (netifd: alias.c, interface.c, config.c).

An interface rides on another by its device: `@wan`, or the tunnel device that wan's protocol makes, pppoe-wan; or by
option tunlink. Protocols make interfaces of their own on top of one, such as wan_6, which no file holds.
"""

from softwire.uci import find


def device(section):
    """Its device, or ""; netifd takes ifname, the older word, where there is no device."""
    return section.get("device") or section.get("ifname") or ""


def carrier(sections, section):
    """(name of the interface that this one rides on, the word that says so), or None."""
    own = device(section)
    if own.startswith("@"):
        return _written(sections, own[1:]), own
    protocol, _, name = own.partition("-")
    maker = find(sections, name)
    if maker and maker.kind == "interface" and maker.get("proto") == protocol:
        return name, own
    for word in "tunlink", "interface":  # the latter is `config alias`: further addresses of an interface
        name = section.get(word) if word == "tunlink" or section.kind == "alias" else None
        if name:
            return _written(sections, name), "{} {}".format(word, name)
    return None


def _written(sections, name):
    """An interface as it is; one that no file has is its parent's."""
    parent = name.rpartition("_")[0]
    return parent if not find(sections, name) and find(sections, parent) else name


def carriers(sections, section):
    """(name, word) of what it rides on, from the nearest down; a loop ends with what comes twice."""
    found: list = []
    while section:
        pair = carrier(sections, section)
        section = None
        if pair:
            section = find(sections, pair[0]) if pair[0] not in [name for name, _ in found] else None
            found.append(pair)
    return found


def port(sections, section):
    """The port at the end, or None: a loop, a modem (/dev/...), a bridge of an interface's own, nothing at all."""
    names = [name for name, _ in carriers(sections, section)]
    last = find(sections, names[-1]) if names else section
    if not last or names[-1:] and names[-1] in names[:-1] or last.get("type") == "bridge":
        return None
    name = device(last)
    return name if name and name[0] not in "@/" and " " not in name else None


def riders(sections, name):
    """(section, word) of each that rides on the interface, on another that does, and so on."""
    return [
        (section, carrier(sections, section)[1])
        for section in sections
        if section.name != name and name in [other for other, _ in carriers(sections, section)]
    ]
