# SPDX-License-Identifier: Apache-2.0
"""An operator's command before the service's first start: the database is the service's, and nobody else reads it."""

import os
import subprocess
import sys

import pytest

from tests.softwired.network import TREE

TABLES = {
    "dstm": """
users = "FOLDER/users"
[[dstm.tep]]
address = "2001:db8:b::1"
[[dstm.pool]]
addresses = ["198.51.100.0/24"]
teps = ["2001:db8:b::1"]
""",
    "tunnels": """
address = "192.0.2.1"
prefix = "2001:db8:1::/48"
""",
}
COMMANDS = {"dstm": "leases", "tunnels": "list"}
NOBODY = 65534


@pytest.mark.parametrize("service", TABLES)
def test_the_database_is_the_services(tmp_path_factory, service):
    # Where the service's user may go.
    folder = tmp_path_factory.mktemp("operator")
    for one in (folder, *folder.parents[:2]):
        one.chmod(0o755)
    state = folder / "state"
    state.mkdir()
    root = os.geteuid() == 0
    if root:
        os.chown(state, NOBODY, NOBODY)
    (folder / "users").touch(0o600)
    text = f"""
[softwired]
user = "{"nobody" if root else ""}"
run_directory = "{folder}/run"
[{service}]
database = "sqlite:///{state}/database"
{TABLES[service]}"""
    (folder / "softwired.toml").write_text(text.replace("FOLDER", str(folder)))
    subprocess.run(
        [
            *(sys.executable, "-m", "softwired", "--config", str(folder / "softwired.toml")),
            *(service, COMMANDS[service]),
        ],
        env={**os.environ, "PYTHONPATH": str(TREE / "src")},
        check=True,
        umask=0o022,
    )
    made = list(state.iterdir())
    assert state / "database" in made
    for one in made:
        assert one.stat().st_mode & 0o777 == 0o600
        assert one.stat().st_uid == (NOBODY if root else os.geteuid())
