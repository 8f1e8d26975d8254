# SPDX-License-Identifier: Apache-2.0
"""The pages name every option that the handlers take and every error code that a user can meet, and no others."""

import re
from pathlib import Path

from softwire import provisioning
from softwire.codes import CODES
from tests.lab import lines

ROOT = Path(__file__).resolve().parents[2]
FRONT, OPTIONS_PAGE, LINES_PAGE, CODES_PAGE = (
    (ROOT / path).read_text(encoding="utf-8")
    for path in ("README.md", "docs/options.md", "docs/lines.md", "docs/codes.md")
)


def rows(page, heading):
    """The words in back quotes that stand in the first column of the tables below a heading."""
    section = page[page.index(heading) :].split("\n## ")[0]
    return {
        word for row in re.findall(r"^\|([^|]*)\|", section, re.M) for word in re.findall(r"`([\w.]+)`", row)
    }


def declared(handler):
    text = (ROOT / "lib/netifd/proto" / handler).read_text(encoding="utf-8")
    return set(re.findall(r"proto_config_add_(?:string|boolean|int|array) (\w+)", text))


def test_options_of_softwire():
    netifd = {"defaultroute", "peerdns", "dns", "metric"}
    assert (
        rows(OPTIONS_PAGE, "## proto softwire") - netifd
        == set(provisioning.known())
        == declared("softwire.sh")
    )


def test_options_of_flets():
    assert rows(OPTIONS_PAGE, "## proto flets") - {"device"} == declared("flets.sh")


def test_error_codes():
    assert rows(CODES_PAGE, "## Error codes") - {"NO_DEVICE"} == set(CODES)


def test_every_code_in_the_source_is_declared():
    used = set()
    for path in [*(ROOT / "src/softwire").rglob("*.py"), *(ROOT / "lib").rglob("*.s*")]:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'ProvisioningError\(\s*"([A-Z_0-9]+)"', text))
        used |= set(re.findall(r'_fail "\$interface" ([A-Z_0-9]+)', text))
    assert used <= set(CODES) and used > {"BAD_CONFIG", "NO_MAC", "HANDOVER_REFUSED"}


def test_codes_of_the_doctor():
    used = set()
    people = [
        *(ROOT / "src/softwire/doctor").glob("*.py"),
        *(ROOT / "src/softwire/provisioning").rglob("explain.py"),
    ]
    for path in people:
        used |= set(re.findall(r'"([A-Z][A-Z0-9_]{4,})"', path.read_text(encoding="utf-8")))
    assert rows(CODES_PAGE, "## The doctor's codes") == used - set(CODES) - {
        "DISTRIB_DESCRIPTION",
        "DISTRIB_TARGET",
        "WRONG",
    }


def test_lines():
    """The page has each line of the lab, and with the front page the very configuration that its tests use."""
    assert set(re.findall(r"^\|[^|`]*\| `([\w-]+)` \|", LINES_PAGE, re.M)) - {"LINE"} == set(lines.NAMES)
    for name in set(lines.NAMES) - {"wrong-duid"}:
        for path in (lines.FOLDER / name).glob("[nd]*"):
            found = lines.sections(path.read_text(encoding="utf-8"))
            for text in (text for key, text in found.items() if key):
                assert text in FRONT + LINES_PAGE, f"{path}: {text}"
