# SPDX-License-Identifier: Apache-2.0
"""What the doctor says, in Japanese: every sentence of its sources, with what it puts in."""

import ast
import re

import pytest

from package.sdk import pack
from tests.luci.server import PACKAGE, TREE
from tests.package.test_package_luci import entries, po2lmo

DOCTOR = TREE / "src/softwire/doctor"
# Not shown step by step: the report, known servers, the checks of packets, the steps' names.
ELSEWHERE = ("report.py", "redact.py", "known.py", "network.py", "steps.py")
# Words without a sentence around them, parts of commands, and what only the command line prints.
NO_SENTENCES = {
    "{}: {}", "{} {}", "{} from {}", "{} on {}", "{} port {}", "in {}", "and not tried", "not tried", "this router",
    "is missing", "is reached", "error {}", "({} octets)", "on-link {}", "M={} O={}", "option disabled is ",
    "{}  {:<14}  {}{}", "{:23}seen   {}", "{:23}do     {}", "softwire doctor: ", "begin with: {}", "all is well",
    "softwire doctor: '{}' is no IPv4 address", "/etc/config/network has no interface of proto softwire",
    "all is well; the notes can wait", "/etc/init.d/firewall reload",
}  # fmt: skip
COMMANDS = re.compile(r"'[^']*'|(set|delete) network\.\S+|uci (set|delete|commit) .*")


def sentences():
    """Those of the sources as the pages write them: {1} for what is put in, also where another text is joined on."""
    found = set()
    for path in sorted(DOCTOR.glob("*.py")):
        tree = ast.parse(path.read_text()) if path.name not in ELSEWHERE else ast.Module([], [])
        prose = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(getattr(node, "body", None), list)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in prose else None
            if not isinstance(text, str) or " " not in text.strip():
                continue
            if text in NO_SENTENCES or COMMANDS.fullmatch(text) or text.startswith("proto device "):
                continue
            text = "{}" * text.startswith((" ", ",", ";", ":")) + text + "{}" * text.endswith(" ")
            numbers = iter(range(1, 10))
            found.add(re.sub(r"\{[^}]*\}", lambda _, each=numbers: f"{{{next(each)}}}", text))
    return found


def pairs():
    return dict(po2lmo().messages((PACKAGE / "po/ja/findings.po").read_text(encoding="utf-8")))


def test_every_sentence_of_the_doctors_has_japanese():
    """And none that it does not say any more."""
    there = sentences()
    assert len(there) > 200
    assert set(pairs()) == there


@pytest.fixture
def japanese(page, router, tmp_path_factory):
    staged = {package.name: package for package in pack.stage(tmp_path_factory.mktemp("stage"))}
    data = (staged["luci-i18n-softwire-ja"].files / "usr/lib/lua/luci/i18n/softwire.ja.lmo").read_bytes()
    router.catalogue = {f"{key:08x}": text for key, text in entries(data).items()}
    page.interface("wan", lang="ja")
    return page


def say(page, texts):
    return page.page.evaluate(
        "texts => L.require('softwire.findings').then(findings => texts.map(text => findings.say(text)))",
        texts,
    )


def filled(text):
    return re.sub(r"\{(\d)\}", r"<\1>", text)


def test_each_with_what_is_put_in(japanese):
    """The right sentence is found, and each value stands where the translation has it."""
    found = pairs()
    assert say(japanese, [filled(text) for text in found]) == [filled(text) for text in found.values()]


def test_sentences_inside_of_sentences(japanese):
    said = say(
        japanese,
        [
            "/var/run cannot be written: it is full",
            "eth1 has a link of 1000 Mbit/s",
            "wan6 counts 7 packets sent and none received; the line says interface wan6 is not up",
            "what nobody has ever said",
        ],
    )
    assert said == [
        "/var/run に書き込めません：いっぱいです",
        "eth1 はリンクしています 1000 Mbit/s",
        "wan6 は送信 7 パケット、受信 0 です。回線によると インターフェース wan6 が稼働していません",
        "what nobody has ever said",
    ]


def test_english_stays_as_it_came(page):
    page.interface("wan")
    texts = ["eth1 has a link of 1000 Mbit/s", "<b>1970</b>"]
    assert say(page, texts) == texts
