# SPDX-License-Identifier: Apache-2.0
"""What the doctor and `configure` say, in Japanese: every sentence of their sources, with what is put in."""

import json
import re

from tests.luci import sentences
from tests.luci.plugin import Plugin
from tests.luci.server import PACKAGE, TREE
from tests.package.test_package_luci import po2lmo

DOCTOR, CONFIGURE = TREE / "src/softwire/doctor", TREE / "src/softwire/configure"
# What refuses or warns while it plans.
PLANS = ("advice.py", "plan.py", "zone.py")
# Not shown step by step: the report, known servers, the checks of packets, the steps' names.
ELSEWHERE = ("report.py", "redact.py", "known.py", "network.py", "steps.py")
# Words without a sentence around them, parts of commands, and what only the command line prints.
NO_SENTENCES = {
    "{}: {}", "{} {}", "{} from {}", "{} on {}", "{} port {}", "in {}", "and not tried", "not tried", "this router",
    "is missing", "is reached", "error {}", "({} octets)", "on-link {}", "M={} O={}", "option disabled is ",
    "{}  {:<14}  {}{}", "{:23}seen   {}", "{:23}do     {}", "softwire doctor: ", "begin with: {}", "all is well",
    "softwire doctor: '{}' is no IPv4 address", "/etc/config/network has no interface of proto softwire",
    "all is well; the notes can wait", "/etc/init.d/firewall reload", "/etc/init.d/network reload",
    "/etc/init.d/network restart", "command -v odhcp6c >/dev/null", "itself ({})", "{}: {} would be right",
    "it was given up", "a new protocol: netifd learns it only when it starts",
}  # fmt: skip
COMMANDS = re.compile(
    r"'[^']*'|(set|delete) network\.\S+|uci (set|delete|commit) .*"
    r"|(add|set|add_list|delete|del_list) (firewall|\{).*"
)


def said():
    """The sentences of the sources, as the pages write them."""
    found = set()
    paths = [path for path in DOCTOR.glob("*.py") if path.name not in ELSEWHERE]
    for path in paths + [CONFIGURE / name for name in PLANS]:
        for text, _ in sentences.texts(path.read_text()):
            if not sentences.is_sentence(text) or text in NO_SENTENCES or COMMANDS.fullmatch(text):
                continue
            if not text.startswith("proto device "):
                found.add(sentences.written(text))
    return found


def pairs():
    return dict(po2lmo().messages((PACKAGE / "po/ja/findings.po").read_text(encoding="utf-8")))


def test_every_sentence_of_the_doctors_has_japanese():
    """And none that it does not say any more."""
    there = said()
    assert len(there) > 200
    assert set(pairs()) == there


def filled(text):
    return re.sub(r"\{(\d)\}", r"<\1>", text)


def test_each_with_what_is_put_in(japanese):
    """The right sentence is found, and each value stands where the translation has it."""
    found = pairs()
    assert japanese.say([filled(text) for text in found]) == [filled(text) for text in found.values()]


def test_sentences_inside_of_sentences(japanese):
    said = japanese.say(
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
    assert page.say(texts) == texts


def test_what_configure_refuses_and_warns_of(japanese, router, tmp_path):
    """On the page of the first set-up: the code stays, the sentence is Japanese."""
    plugin = Plugin(tmp_path)
    router.objects.update(plugin.objects())
    refusal = "softwire configure: BAD_CONFIG: this router has no port eth9 (it has eth0, eth1)\nNothing was changed."
    plugin.does(f"echo '{refusal}'; exit 1")
    japanese.map = "json.form"
    japanese.open("softwire/setup", "#softwire-preview", lang="ja")
    japanese.choose("provisioning", "dslite")
    japanese.page.click("#softwire-preview")
    japanese.page.wait_for_selector("#softwire-plan .alert-message:has-text('ポート eth9 はありません')")
    assert "softwire configure: BAD_CONFIG: このルーターに" in japanese.text("#softwire-plan")
    warning = "the comments in /etc/config/network go, as with every uci commit"
    plan = {"interfaces": [], "warnings": [warning], "difference": [], "changes": [], "then": []}
    (tmp_path / "plan").write_text(json.dumps(plan))
    plugin.does(f"cat {tmp_path}/plan")
    japanese.page.click("#softwire-preview")
    japanese.page.wait_for_selector(
        "#softwire-plan .alert-message:has-text('/etc/config/network のコメントは消えます')"
    )
    plugin.close()
