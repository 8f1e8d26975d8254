# SPDX-License-Identifier: Apache-2.0
"""The options that the handler declares to netifd are those that the client checks; lists agree too."""

import json
import re
import sys

from sandbox import REPOSITORY, Sandbox

BLOBMSG_TYPE_ARRAY = 1

# netifd's own, declared by proto_config_add_defaults.
NETIFD_DEFAULTS = {"defaultroute", "peerdns", "renew", "metric"}


def declared(root, proto):
    """name -> blobmsg type of every option in the handler's dump."""
    status, output = Sandbox(root, "ash").run([f"./{proto}.sh", "", "dump"], {}, "/lib/netifd/proto")
    assert status == 0, output
    return {name.partition(":")[0]: kind for name, kind in json.loads(output)["config"]}


def test_softwire_declares_what_the_methods_check(tmp_path):
    sys.path.insert(0, str(REPOSITORY / "src"))
    try:
        from softwire import provisioning
    finally:
        sys.path.pop(0)
    options = declared(tmp_path, "softwire")
    assert set(options) == set(provisioning.known()) | NETIFD_DEFAULTS
    lists = {option for name in provisioning.names() for option in provisioning.find(name).lists}
    assert {name for name, kind in options.items() if kind == BLOBMSG_TYPE_ARRAY} == lists


def test_flets_reads_every_option_that_it_declares(tmp_path):
    handler = (REPOSITORY / "lib/netifd/proto/flets.sh").read_text(encoding="utf-8")
    setup = handler[handler.index("proto_flets_setup()") :]
    for name in declared(tmp_path, "flets"):
        assert re.search(rf"(json_get_vars|json_for_each_item)\b.*\b{name}\b", setup), name
