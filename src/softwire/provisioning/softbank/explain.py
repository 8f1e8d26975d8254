# SPDX-License-Identifier: Apache-2.0
"""The RADIUS answer in words: names and values of its attributes, by the dictionaries in /etc/softwire."""

from binascii import unhexlify

from pyrad_lite import dictionary
from pyrad_lite.tools import DecodeAttr
from softwire.address import format_ipv4, format_ipv6
from softwire.errors import ProvisioningError
from softwire.provisioning import _explain
from softwire.provisioning.softbank import printable, read_address

DICTIONARIES = ("/etc/softwire/dictionary.rfc", "/etc/softwire/dictionary.softbank")


class Explain(_explain.Explain):
    """See _explain.py."""

    def describe(self, answer):
        """Attributes by name, each with its values; what is not what its type says as it came."""
        told = dict(answer)
        shown: dict = {}
        problems: list = []
        names = _names(problems)
        for key, value in answer.get("attributes") or []:
            key = tuple(key) if isinstance(key, list) else key
            name = names.name(key)
            shown.setdefault(str(name), []).append(_value(names, name, value))
        told["attributes"] = shown
        if problems:
            told["problems"] = problems
        return told

    def rows(self, described):
        """See _explain.py."""
        attributes = described["attributes"]
        rows = [
            ("", "{}: {}".format(name, ", ".join([str(value) for value in attributes[name]])))
            for name in sorted(attributes)
        ]
        if described.get("line_type_why"):
            rows.append(("line type", "{}: {}".format(described["line_type"], described["line_type_why"])))
        return rows + [("problem", problem) for problem in described.get("problems") or []]

    def diagnose(self, method, line, source, error):
        """Some servers drop requests without Message-Authenticator in silence, old ones perhaps those with it.

        A server that checks it drops what another secret signed as well.
        """
        if error.code != "NO_ANSWER":
            return []
        if "message-authenticator" in error.text:
            return [
                (
                    "MESSAGE_AUTHENTICATOR",
                    "the server's answers have no Message-Authenticator that is right",
                    "option message_authenticator says require, so they are ignored",
                    "ask the operator to sign them; to do without: " + _mend("send"),
                )
            ]
        wanted = "off" if method.signed else "send"
        method.signed = not method.signed
        method.retries = 2  # about six seconds
        try:
            method.exchange(line, source, line.delegated_prefix(source)[0])
        except ProvisioningError as second:
            if second.code != "SECRET_MISMATCH" or wanted != "off":
                return []
            return [
                (
                    second.code,
                    "the server has another shared secret",
                    "a question without Message-Authenticator was answered, and signed with another one",
                    "correct option shared_secret of interface {wan}",
                )
            ]
        finally:
            method.signed = not method.signed
        return [
            (
                "MESSAGE_AUTHENTICATOR",
                "the server answers only requests {} Message-Authenticator".format(
                    "without" if wanted == "off" else "with"
                ),
                "one question the other way was answered",
                _mend(wanted),
            )
        ]


def _mend(wanted):
    return (
        "'uci set network.{{wan}}.message_authenticator={}; uci commit network; "
        "/etc/init.d/network reload'".format(wanted)
    )


def _names(problems):
    """The dictionaries; what cannot be read of them is named in `problems` and left out."""
    names = dictionary.Dictionary()
    for path in DICTIONARIES:
        try:
            names.ReadDictionary(path)
        except dictionary.ParseError as error:
            problems.append(str(error))
        except OSError:
            problems.append(path + " cannot be read")
    return names


def _value(names, name, value):
    """What one wants to see of a value that is wrong, too."""
    if not isinstance(value, str) or not value:
        return "({} octets)".format(value or 0)
    octets = unhexlify(value)
    try:
        kind = names[name].type
        if kind == "ipaddr":
            return format_ipv4(read_address(octets, 4))
        if kind == "ipv6addr":
            return format_ipv6(read_address(octets, 16))
        read = DecodeAttr(kind, octets)
        if isinstance(read, int):
            return read
    except (KeyError, ValueError):
        pass
    text = printable(octets)
    return "0x" + value[:256] if "?" in text and b"?" not in octets else text
