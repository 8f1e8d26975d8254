# SPDX-License-Identifier: Apache-2.0
"""A configuration as `uci export` prints it, changed by the uci command's words."""

from softwire.uci import read_sections


class Package:
    """One file of /etc/config: sections as [type, name or None, {option: text or list}]."""

    def __init__(self, exported):
        self.sections = [
            [section.kind, section.name, section.options()] for section in read_sections(exported)
        ]

    def find(self, key):
        """The section of this name, or the one that `@type[index]` counts."""
        if key[:1] == "@":
            kind, index = key[1:-1].split("[")
            return [section for section in self.sections if section[0] == kind][int(index)]
        return [section for section in self.sections if section[1] == key][0]

    def run(self, command):
        """One command without the word uci, such as "set network.wan.mtu=1400"; IndexError, KeyError, ValueError."""
        word, argument = command.split(" ", 1)
        if word == "commit":
            return
        if word == "add":
            self.sections.append([argument.split(" ")[1], None, {}])
            return
        path, equals, value = argument.partition("=")
        _, key, option = path.split(".")
        options = self.find(key)[2]
        if word == "set" and value:
            options[option] = value
        elif word == "add_list" and value:
            known = options.get(option, [])
            options[option] = (known if isinstance(known, list) else [known]) + [value]
        elif word == "delete" and not equals:
            del options[option]
        else:
            raise ValueError(command)

    def export(self):
        """What softwire.uci reads."""
        lines = []
        for kind, name, options in self.sections:
            lines.append("config {} {}".format(kind, "'{}'".format(name) if name else ""))
            for option in sorted(options):
                value = options[option]
                word = "list" if isinstance(value, list) else "option"
                for item in value if isinstance(value, list) else [value]:
                    lines.append("\t{} {} '{}'".format(word, option, item.replace("'", "'\\''")))
        return "\n".join(lines) + "\n"
