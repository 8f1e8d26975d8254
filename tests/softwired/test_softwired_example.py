# SPDX-License-Identifier: Apache-2.0
"""The example configuration: right as it is, right with every line that it proposes, and with every key there is."""

import re

from softwired import configuration, service
from softwired.dhcp4o6 import options
from softwired.dstm import options as dstm
from softwired.prefix64 import options as prefix64
from softwired.tep import options as tep
from softwired.tunnels import options as tunnels
from tests.softwired import network

EXAMPLE = (network.TREE / "docs/softwired.toml").read_text()
# "#key = value" and "# key = value", "# [[table]]": what can be taken out of its comment. Prose has no such line.
PROPOSED = re.compile(r"^# ?((?:[a-z0-9_]+ = .*)|(?:\[\[.*\]\]))$", re.MULTILINE)


def values(text, tmp_path):
    path = tmp_path / "softwired.toml"
    path.write_text(text)
    return service.checked(str(path))


def test_as_it_is(tmp_path):
    assert set(values(EXAMPLE, tmp_path)) == {"softwired", "dhcp4o6", "dstm", "prefix64", "tep", "tunnels"}


def test_with_all_that_it_proposes(tmp_path):
    both = values(PROPOSED.sub(r"\1", EXAMPLE), tmp_path)
    assert both["dstm"].tls.certificate and both["dstm"].tep[0].password_file and both["dstm"].pool[0].exclude
    table = both["dhcp4o6"]
    assert (len(table.subnet), len(getattr(table, "class")), len(table.callout)) == (1, 1, 2)
    assert table.interface[0].addresses and table.duid


def test_what_is_said_to_be_the_default_is(tmp_path):
    """A key behind "#" without a blank, but those that have none."""
    plain = values(EXAMPLE, tmp_path)
    said = values(
        re.sub(r"^#((?!duid|addresses)[a-z0-9_]+ = .*)$", r"\1", EXAMPLE, flags=re.MULTILINE), tmp_path
    )
    assert said == plain


def test_no_key_is_missing():
    def names(table):
        for name, entry in table.items():
            yield name
            if not isinstance(entry, configuration.Field):
                yield from names(entry[0] if isinstance(entry, list) else entry)

    tables = (options.TABLE, dstm.TABLE, prefix64.TABLE, tep.TABLE, tunnels.TABLE, configuration.COMMON)
    for name in {name for table in tables for name in names(table)}:
        assert re.search(rf"\b{name}\b", EXAMPLE), name
