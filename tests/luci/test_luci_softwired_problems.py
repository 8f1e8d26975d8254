# SPDX-License-Identifier: Apache-2.0
"""What softwired says of faults and problems, in Japanese: every sentence that its pages can be told."""

import ast
import json
import re

import pytest

from package.sdk import pack
from softwired.tunnels import register
from tests.luci import sentences
from tests.luci.server import SOFTWIRED, TREE
from tests.luci.test_luci_softwired_status import TOLD, plugin, says  # noqa: F401
from tests.package.test_package_luci import entries, po2lmo

SOURCE = TREE / "src/softwired"
# What a border router says is read by the helper's own readers.
PROTOCOL = [TREE / "src/softwire" / name for name in ("tsp.py", "tspdigest.py")]
# What only the log, the command line, the other end of a protocol or a page of the service's own is told.
ELSEWHERE = {
    "control.py", "password.py", "relay.py", "status.py", "web.py", "dhcp4o6/capture.py", "dhcp4o6/command.py",
    "dhcp4o6/dhcpd.py", "dhcp4o6/information.py", "dhcp4o6/messages.py", "dstm/answers.py", "prefix64/command.py",
    "prefix64/forward.py", "prefix64/ndppd.py", "prefix64/probe.py", "prefix64/responder.py",
    "prefix64/solicitation.py", "tep/command.py", "tep/messages.py", "tep/ruleset.py", "tunnels/operator.py",
    "tunnels/ruleset.py", "tunnels/users.py", "tunnels/webserver.py",
}  # fmt: skip
# What makes an error, refuses a value or is why a connection was lost.
CALLS = re.compile(r".*Error|NotYet|text|.*\._lose|(problems|faults)\.append")
# Where a problem is put, or the words of an error that is raised later.
PLACES = re.compile(r"(self\.)?problems|faults|right|said")
# Whose strings are all told.
TELLS = ("problem", "problems", "status")
# What is put into them.
PUT_IN = {"of {}, number {}", "tunnels.tunnels = {} of /{}", "a /{}"}
# Of Python, of the C library of OpenWrt (musl) and of SQLite, what a service may meet.
SYSTEM = {
    "[Errno {}] {}", "timed out", "Permission denied", "Operation not permitted", "No such file or directory",
    "File exists", "No space left on device", "Out of memory", "Resource busy", "Read-only file system",
    "Connection reset by peer", "Operation timed out", "Connection refused", "Host is unreachable",
    "Network unreachable", "Network is down", "Address in use", "Address not available", "I/O error",
    "No such device", "Not a directory", "Is a directory", "Invalid argument", "Not supported",
    "unable to open database file", "database is locked", "database or disk is full",
    "attempt to write a readonly database", "file is not a database", "disk I/O error",
    "database disk image is malformed",
}  # fmt: skip
# Keys in front of what is put in, and what is no sentence.
NO_SENTENCES = re.compile(
    r"([a-z0-9_.\[\]{}]+( = '\{\}')?: )*\{\}|\{\}: \{\}\{\}: \{\}|\{\} (addresses|proxy_ndp)|SELECT .*"
)


def is_told(nodes):
    """Whether a string that stands in these nodes is one for people, of a fault or a problem."""
    for node in nodes:
        if isinstance(node, (ast.Raise, ast.Yield)):
            return True
        if isinstance(node, ast.Call) and CALLS.fullmatch(ast.unparse(node.func)):
            return True
        if isinstance(node, ast.FunctionDef) and node.name in TELLS:
            return True
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            place = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if PLACES.fullmatch(ast.unparse(place.value if isinstance(place, ast.Subscript) else place)):
                return True
    return False


def told_by(paths):
    """The sentences of sources, as the pages write them."""
    found = set()
    for path in paths:
        for text, nodes in sentences.texts(path.read_text()):
            if is_told(nodes) and sentences.is_sentence(text) and not NO_SENTENCES.fullmatch(text):
                found.add(sentences.written(text))
    return found


def said():
    """All of them."""
    paths = {str(path.relative_to(SOURCE)): path for path in SOURCE.rglob("*.py")}
    assert not ELSEWHERE - set(paths)
    there = {text for path in paths.values() for text, _ in sentences.texts(path.read_text())}
    assert not PUT_IN - there
    shown = [path for name, path in paths.items() if name not in ELSEWHERE]
    return told_by([*shown, *PROTOCOL]) | {sentences.written(text) for text in PUT_IN | SYSTEM}


def listed():
    """The sentences of the pages' list."""
    text = (SOFTWIRED / "htdocs/luci-static/resources/softwired/problems.js").read_text()
    block = re.search(r"const SENTENCES = `\n(.*?)\n`;", text, re.DOTALL)
    return [line.strip() for line in block[1].replace("\n\t\t", " ").splitlines()]


def test_every_sentence_is_listed():
    """And none that nobody says any more; tests/package sees that each has its Japanese."""
    found = listed()
    assert len(found) == len(set(found)) > 150
    assert set(found) == said()


@pytest.fixture
def japanese(page, plugin, router, tmp_path_factory):  # noqa: F811
    """The status page of somebody who reads Japanese."""
    staged = {package.name: package for package in pack.stage(tmp_path_factory.mktemp("stage"))}
    data = (staged["luci-i18n-softwired-ja"].files / "usr/lib/lua/luci/i18n/softwired.ja.lmo").read_bytes()
    router.catalogue = {f"{key:08x}": text for key, text in entries(data).items()}
    page.open("softwired/status", "[data-service=tep]", lang="ja")
    return page


def say(page, texts):
    return page.page.evaluate(
        "texts => L.require('softwired.problems').then(problems => texts.map(problems.say))", texts
    )


def filled(text):
    return re.sub(r"\{(\d)\}", r"<\1>", text)


def pairs():
    """(English, Japanese) of the list, whichever catalogue has it."""
    found = {}
    for path in (SOFTWIRED / "po/ja").glob("*.po"):
        found |= dict(po2lmo().messages(path.read_text(encoding="utf-8")))
    return {filled(text): filled(found[text]) for text in listed()}


def test_each_with_what_is_put_in(japanese):
    """The right sentence is found, and each value stands where the translation has it."""
    assert say(japanese, list(pairs())) == list(pairs().values())


def test_each_in_a_line_of_the_check(japanese):
    """Behind program, file, key and value, which stay."""
    line = "softwired: /var/run/softwired.toml: dstm.pool[1].teps = ['2001:db8::1', 'a or b: c']: "
    checks = told_by([SOURCE / "configuration.py", SOURCE / "tsp.py", *SOURCE.glob("*/options.py")])
    inner = {text: told for text, told in pairs().items() if text in {filled(one) for one in checks}}
    inner = {text: told for text, told in inner.items() if not text.startswith("<1>")}
    assert say(japanese, [line + text for text in inner]) == [line + told for told in inner.values()]
    assert len(inner) > 60


def test_whole_texts(japanese):
    told = {
        "softwired: tep does not run: nobody answers at /var/run/softwired/tep.socket":
            "softwired: tep が動いていません：/var/run/softwired/tep.socket に応答がありません",
        "softwired: /var/run/softwired.toml: dhcp4o6.port = 0: a whole number from 1 to 65534 would be right":
            "softwired: /var/run/softwired.toml: dhcp4o6.port = 0: 1～65534 の整数を入力してください",
        "a.toml: dstm.mechanisms = ['X']: 'X': one of ANONYMOUS, DIGEST-MD5, PLAIN would be right":
            "a.toml: dstm.mechanisms = ['X']: 'X': ANONYMOUS, DIGEST-MD5, PLAIN のいずれかを選んでください",
        "a.toml: tep.users = '/x': No such file or directory":
            "a.toml: tep.users = '/x': そのファイルかディレクトリーがありません",
        "cannot listen at [2001:db8::1]:547: Address not available: this machine does not have the address (yet); it "
        "is waited for":
            "[2001:db8::1]:547 で待ち受けできません：アドレスがありません（このルーターにそのアドレスがまだないので、"
            "待っています）",
        "it is a port of the bridge br-lan, which would be right in its place; it is waited for":
            "ブリッジのポートです。代わりにブリッジ br-lan を設定してください（待っています）",
        "tunnels.dns: 192.0.2.53:53 refuses changes of example.org (REFUSED); 3 changes of names wait":
            "tunnels.dns: 192.0.2.53:53 が example.org の変更を拒否しました（REFUSED）。名前の変更が 3 件待っています",
        "softwired: tunnels.routed = '2001:db8::/64': room for tunnels.tunnels = 9 of /64, so a /60 or shorter, would "
        "be right (this one has 1)":
            "softwired: tunnels.routed = '2001:db8::/64': tunnels.tunnels（9 個）の /64 が入る /60 以下の"
            "長さにしてください（今の大きさでは 1 個）",
    }  # fmt: skip
    assert say(japanese, list(told)) == list(told.values())


def test_texts_from_the_network(japanese):
    """They stay what they are; none makes the browser try every way to divide it."""
    texts = [
        "<b>{1}</b> $& \\1",
        "{1}: {2}",
        ": ; , ",
        "",
        "a: " * 21845,
        "would be right; " * 4096,
        "x\n" * 9,
    ]
    assert say(japanese, texts) == texts
    said = say(japanese, ["sends nonsense: " + "a, " * 600, "refuses: " * 200, "refuses: 500 <b>{2} {1}</b>"])
    assert said[0].startswith("異常なデータを送ってきます：a, a") and len(said) == 3
    assert said[2] == "拒否しました：500 <b>{2} {1}</b>"


def test_english_stays_as_it_came(page, plugin):  # noqa: F811
    page.open("softwired/status", "[data-service=tep]")
    texts = [
        "runs as root",
        "softwired: a.toml: tep.port = 0: a whole number from 1 to 65535 would be right\nmore",
    ]
    assert say(page, texts) == texts


# What services tell of which parts have words.
NAMES = {
    "dhcp4o6": {
        "listens": [{"kind": "multicast", "address": "ff02::1:2", "interface": "br-lan"}],
        "dhcpv4_server": "nobody listens", "waits_for": {"eth1_2": "there is no such interface"},
        "callouts": [{"name": "a:b", "running": True, "late": False, "pending": 2}],
    },
    "dstm": {
        "database": "answers", "users": "Permission denied", "dhcpv6": ["[ff02::1:2]:547 on br-lan"],
        "teps": [{"address": "2001:db8:b::1", "alive": False, "problem": "is silent", "waiting": 3}],
    },
    "prefix64": {
        "ranges": [{"prefix": "of wan6, number 2", "interface": "eth0", "local": True, "answer": "kernel"}],
        "listens": [{"interface": "eth0", "kind": "solicitations"}],
        "waits_for": {"of wan6, number 2": "has a /64 only, which has no /64 of that number"},
    },
    "tep": {
        "problems": ["runs as root"], "problem": ["net.ipv4.ip_forward is 0: this machine forwards no IPv4 packets"],
    },
    "tunnels": {"all_tunnels": {"all": 4, "answer": 1, "silent": 1, "suspended": 1, "new": 1}},
}  # fmt: skip
SHOWN = {
    "dhcp4o6": [
        "種類: マルチキャスト, アドレス: ff02::1:2, インターフェース: br-lan", "待ち受けなし",
        "eth1_2: そのインターフェースはありません", "名前: a:b, 稼働中: はい, 遅れ: いいえ, 待機中のパケット: 2",
    ],
    "dstm": [
        "応答あり", "権限がありません", "[ff02::1:2]:547（br-lan）",
        "アドレス: 2001:db8:b::1, 応答あり: いいえ, 問題: 応答がありません, 待機中の命令: 3",
    ],
    "prefix64": [
        "プレフィックス: wan6 の 2 番, インターフェース: eth0, このルーターで受ける: はい, 近隣探索: カーネル",
        "インターフェース: eth0, 種類: 近隣要請", "wan6 の 2 番: /64 だけなので、その番号の /64 はありません",
    ],
    "tep": ["root で動いています", "net.ipv4.ip_forward が 0 なので、このルーターは IPv4 パケットを転送しません"],
    "tunnels": ["全体: 4", "応答あり: 1", "応答なし: 1", "一時停止: 1", "新規: 1"],
}  # fmt: skip


def test_what_each_service_tells(japanese):
    for service, told in NAMES.items():
        lines = japanese.page.evaluate(
            "told => L.require('softwired.told').then(one => one.rows(told).flatMap(row => row[1]))",
            {**TOLD, "reloaded": {}, "problem": [], "counters": {}, "listens": [], "address": None, **told},
        )
        for line in SHOWN[service]:
            assert line in lines, (service, line, lines)


def test_every_part_has_words(page, plugin):  # noqa: F811
    """Of what is told in more than one word, as the services' own sources name it."""
    page.open("softwired/status", "[data-service=tep]")
    parts = page.page.evaluate("() => L.require('softwired.told').then(told => Object.keys(told.parts))")
    named = set()
    for path in SOURCE.glob("*/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            if node.name == "status":
                lists = [one for one in ast.walk(node) if isinstance(one, ast.ListComp)]
                named |= {
                    key.value
                    for one in lists
                    for part in ast.walk(one)
                    if isinstance(part, ast.Dict)
                    for key in part.keys
                }
            elif (path.parent.name, node.name) == ("tunnels", "count"):
                counted = {eval(ast.unparse(key), vars(register)) for key in node.body[-1].value.keys}
    # The same word as of a range, whose neighbour discovery it is.
    named |= counted - {"answer"} | {"all_tunnels.answer"}
    assert len(named) > 15 and named == set(parts)


def test_the_page(japanese, plugin):  # noqa: F811
    """Changes that were not taken, problems, why a service cannot be asked, and the check; text is never markup."""
    error = (
        "a.toml: tep.ipv4 = '<b>': an IPv4 address such as '192.0.2.1' would be right\na.toml: tep.learn: x"
    )
    (plugin.root / "tep").write_text(
        json.dumps({**TOLD, "reloaded": {"at": 1, "error": error}, **NAMES["tep"]})
    )
    refusal = "softwired: may not ask at /var/run/softwired/dstm.socket: root and the service's user may"
    wrong = "softwired: a.toml: tep.port: missing, and there is no default\nsoftwired: a.toml: <i>x</i>"
    plugin.does(
        f"[ \"$1\" != check ] || {{ printf '{wrong}' >&2; exit 1; }}\n"
        f'[ "$3" != dstm ] || {{ echo "{refusal}" >&2; exit 1; }}\ncat "{plugin.root}/tep"'
    )
    plugin.runs("dstm", "tep")
    japanese.open("softwired/status", "[data-told=tep] table", lang="ja")
    assert japanese.page.locator("[data-told=tep] .softwired-problem").all_text_contents() == [
        "a.toml: tep.ipv4 = '<b>': '192.0.2.1' のような IPv4 アドレスを入力してください",
        "a.toml: tep.learn: x",
        *SHOWN["tep"],
    ]
    assert japanese.text("[data-told=dstm] .alert-message") == (
        "softwired: /var/run/softwired/dstm.socket に問い合わせる権限がありません。"
        "root とサービスのユーザーだけができます"
    )
    japanese.page.click("[data-action=check]")
    japanese.page.wait_for_selector("#softwired-check .alert-message")
    assert japanese.page.locator("#softwired-check .alert-message").text_content() == (
        "softwired: a.toml: tep.port: 必須ですが、設定されていません\nsoftwired: a.toml: <i>x</i>"
    )
    began = japanese.page.locator("td:has-text('バージョン')").first.text_content()
    assert re.fullmatch(r"2023/11/1\d \d+:13:20、バージョン 0.1.0", began)
