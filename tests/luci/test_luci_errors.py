# SPDX-License-Identifier: Apache-2.0
"""Why there is no softwire, and what a dry run tells, in Japanese: the words of the provisioning methods."""

import ast
import re

from tests.luci import sentences
from tests.luci.plugin import Plugin
from tests.luci.server import PACKAGE, TREE
from tests.luci.test_luci_plugin import LINE, SOFTWIRE

HELPER = TREE / "src/softwire"
# The doctor and `configure` have a list of their own (findings.js); the rest prints on a terminal alone.
ELSEWHERE = ("doctor", "configure", "codes.py", "command.py", "status.py", "sip.py")
# What makes an error, and what tells a step of a dry run.
CALLS = re.compile(r".*Error|bad_config|_failed|_absent|_?tell")
# What says how to mend it, and what an answer was.
EXPLAINS = ("diagnose", "rows")
# What an error says that is not made where it is raised.
PUT_IN = {
    "it says nothing of why", "{} is down: {}", "{} is up on {}", "option {}: text in UTF-8 would be right",
    "the options are no JSON object", "interface {}, proto {}, does not come up: {}",
    "netifd refused the device {} of interface {}", "netifd does not have it; see logread for its reason",
    "netifd's status holds no address and mask in {}", "interface {} has {} on the link and no delegated prefix",
    "DHCPv6 options: {}", "no hexadecimal digits", "the name of the interface that has IPv6, such as 'wan6'",
    "the border router's IPv6 address", "the IPv4 address that the operator gave, such as '192.0.2.1'",
    "the address of the operator's RADIUS server", "the RADIUS secret shared by server and client",
    "the line's CHAP password", "the address of the operator's DSTM server", "no route to it", "our address is gone",
    "error {}", "sub-option {}: {}", "option 17: {}",
    "the softwire's own is not configured, and the server may look at the sender's address",
    "netifd has not set up interface {}: {}", "it is not of proto softwire, or down", "{} is not executable",
    "OpenWrt's package {} is not installed", "no border router beside it", "the border router has our address",
    "; ignored: ", "message type {} in state {}", "another client identifier", "a refusal without server identifier",
    "another server", "a refusal in state ", "another address or port set", "option 109 is not our source address",
    "no IA_DSTM of ours", "not authenticated, as option require_auth wants it", "T1 behind T2",
    "an IA_DSTM without an address", "RFC 8415 section 21.13 has its codes",
    "it has no address left; one may be free later", "it does not know the address as ours", "no record of {}",
    "this router's client does not do it", "{} wants user_name and password", "{} rejected user_name and password",
    "{} has nothing for this line", "{} has nothing that this router can use: {}",
    "; the clock of this router is not set", " is silent", " (ignored: {})",
    "compare user_name and password with the operator's", "its border router could not be told",
    "the address cannot be kept", "it does not serve this IPv6 address", "it does not take the IPv4 address",
    "it will be asked again", "{} sends on to {}", "{} speaks another version of TSP", "it offers {}, and not {}",
    "it does not know the password itself", "RFC 5572 section 5 has its codes", "no answer in time", "not allowed",
    "ubus does not know it", "the command ended with {}", "silent", "refused", "in ", "lease",
    "lifetime", "login", "keepalive", "offers", "uses", "operator", "service", "provider", "tried", "method", "problem",
    "the server would offer more with user_name and password", "the server rejected user_name and password",
    "the server accepted user_name and password", "the line delegates no prefix, and every CROSS line does",
    "the prefix has the lifetimes of CROSS lines", "the line delegates a prefix without having a telephone",
    "nothing speaks for a CROSS line", "the server rejected a login as {}", "{} ranges from {} on",
}  # fmt: skip
# Joints, which need no words.
NO_SENTENCES = {"{}: {}", "{} {}", "{:5.1f} s  {}"}


def is_told(nodes):
    """Whether a string that stands in these nodes is an error's, the advice on one, or a dry run's."""
    for node in nodes:
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call):
            if CALLS.fullmatch(getattr(node.func, "id", getattr(node.func, "attr", ""))):
                return True
        if isinstance(node, ast.FunctionDef) and node.name in EXPLAINS:
            return True
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "advice":
            return True
    return False


def said():
    """The sentences of the sources, as the pages write them."""
    found, there = set(), set()
    for path in HELPER.rglob("*.py"):
        if path.relative_to(HELPER).parts[0] in ELSEWHERE:
            continue
        for text, nodes in sentences.texts(path.read_text()):
            there.add(text)
            if is_told(nodes) and sentences.is_sentence(text) and text not in NO_SENTENCES:
                found.add(text)
    assert not PUT_IN - there
    return {sentences.written(text) for text in found | PUT_IN}


def listed(name):
    """The sentences of one of the pages' lists."""
    text = (PACKAGE / f"htdocs/luci-static/resources/softwire/{name}.js").read_text()
    block = re.search(r"const SENTENCES = `\n(.*?)\n`;", text, re.DOTALL)
    return [line.strip() for line in block[1].replace("\n\t\t", " ").splitlines()]


def test_every_error_is_listed():
    """And none that nobody says any more; tests/package sees that each has its Japanese."""
    errors, findings = listed("errors"), set(listed("findings"))
    assert len(errors) == len(set(errors)) > 300 and not set(errors) & findings
    assert set(errors) == said() - findings


def test_whole_errors(japanese):
    """As the methods make them, of several sentences."""
    told = {
        "option psid '17': at most 15, which has 4 bits, would be right":
            "オプション psid の「17」：15 以下にしてください（4 ビット）",
        "option password '(not shown)': 1 to 253 octets of text would be right":
            "オプション password の「（表示しません）」：1～253 オクテットの文字列を入力してください",
        "[2001:db8::1]:1812 is silent; [2001:db8::2]:1812: no route to it":
            "[2001:db8::1]:1812 が応答しません; [2001:db8::2]:1812: 経路がありません",
        "[2001:db8::1]:1812 is silent (ignored: 2 authenticator): option shared_secret is not the server's, or "
        "they are forged":
            "[2001:db8::1]:1812 が応答しません（無視したもの：2 authenticator）：オプション shared_secret が"
            "サーバーのものと違うか、応答が偽物です",
        "[2001:db8::9]:3653 says 306 Address Pool Exhausted: it has no address left; one may be free later":
            "[2001:db8::9]:3653 の応答 306 Address Pool Exhausted：空きアドレスがありません。後で空くかもしれません",
        "AAAA of gw.example.net: no such name": "gw.example.net の AAAA：その名前はありません",
        "hb46pp: this line has no HB46PP: TXT of 4over6.info: no such record":
            "hb46pp: この回線に HB46PP はありません：4over6.info の TXT：そのレコードはありません",
        "DHCPv6 of interface wan6 has no option 88, and there is no option server":
            "インターフェース wan6 の DHCPv6 にオプション 88 がなく、オプション server も設定されていません",
        "no DHCPv6 server of the line answers with option 65001 (IA_DSTM); ignored: T1 behind T2, no "
        "IA_DSTM of ours":
            "回線の DHCPv6 サーバーがオプション 65001（IA_DSTM）で答えません。無視したもの：T1 が T2 より後, "
            "こちらの IA_DSTM がない",
        "interface wan6 has 2001:db8::/64 on the link and no delegated prefix yet; takes the /64 in 20 s if DHCPv6 "
        "stays silent":
            "まだインターフェース wan6 にはリンク上の 2001:db8::/64 だけがあり、委譲されたプレフィックスはありません。"
            "DHCPv6 の応答がなければ 20 秒後に /64 を使います",
    }  # fmt: skip
    assert japanese.say(list(told)) == list(told.values())


def test_texts_from_the_network(japanese):
    """They stay what they are; none makes the browser try every way to divide it."""
    texts = ["<b>{1}</b> $& \\1", "{1}: {2}", ": ; , ", "", "a: " * 20000, " is silent" * 20000]
    assert japanese.say(texts) == texts
    said = japanese.say(["a, " * 600 + "silent", "no " * 600, "option 1 '2': " * 140, "the x of: " * 190])
    assert said[0] == "a, " * 600 + "応答なし" and len(said) == 4


PROBE = """configuration   ok: provisioning softbank, tunlink wan6
line            ok: wan6 is up on eth1, MTU 1500, MAC 00:00:5e:00:53:01
endpoint        would be 2001:db8:4000:300:1111:1111:1111:1111
                in 2001:db8:4000:300::/56
exchange        asks as a cross line: the prefix has the lifetimes of CROSS lines
exchange        sends MAC address 00:00:5e:00:53:01
answer          from [2001:db8::1]:1812
                SoftBank-WANv4-IP: 203.0.113.7
failed          NO_ANSWER: [2001:db8::1]:1812 is silent
Segmentation fault, and <b>more</b>
"""
TOLD = [
    ["設定", "ok：provisioning softbank、tunlink wan6"],
    ["回線", "ok：wan6 が eth1 で稼働しています。MTU 1500、MAC 00:00:5e:00:53:01"],
    ["エンドポイント", "2001:db8:4000:300:1111:1111:1111:1111 になります"],
    ["", "2001:db8:4000:300::/56 の中"],
    ["やり取り", "cross の回線として問い合わせます：プレフィックスの有効期間が CROSS の回線のものです"],
    ["やり取り", "MAC address 00:00:5e:00:53:01 を送信します"],
    ["応答", "[2001:db8::1]:1812 から"],
    ["", "SoftBank-WANv4-IP: 203.0.113.7"],
    ["失敗", "NO_ANSWER: [2001:db8::1]:1812 が応答しません"],
    ["", "Segmentation fault, and <b>more</b>"],
]


def test_a_dry_run(japanese, router, tmp_path):
    """As `softwire probe` prints it, a row a line."""
    plugin = Plugin(tmp_path)
    plugin.netifd([SOFTWIRE, LINE])
    router.objects.update(plugin.objects())
    (tmp_path / "told").write_text(PROBE)
    plugin.does(f"cat {tmp_path}/told; exit 1")
    japanese.open("softwire/status", "[data-action=probe]", lang="ja")
    japanese.page.click("[data-action=probe]")
    japanese.page.wait_for_selector("#softwire-probe:has-text('more')")
    rows = japanese.page.locator("#softwire-probe tr")
    assert [rows.nth(at).locator("td").all_text_contents() for at in range(rows.count())] == TOLD
    plugin.close()
