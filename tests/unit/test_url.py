# SPDX-License-Identifier: Apache-2.0
"""URLs of a record, and where a Location leads from there (RFC 3986 section 5.4)."""

import unittest

from softwire.provisioning.hb46pp.url import join, parse


def parts(url):
    return url.scheme, url.authority(), url.target


class Parse(unittest.TestCase):
    def test_right(self):
        for text, found in (
            ("https://vne.example.jp/rule.cgi", ("https", "vne.example.jp", "/rule.cgi")),
            ("HTTP://VNE.Example.JP", ("http", "vne.example.jp", "/")),
            ("https://vne.example.jp?a=b#c", ("https", "vne.example.jp", "/?a=b")),
            ("https://vne.example.jp:443/", ("https", "vne.example.jp", "/")),
            ("https://vne.example.jp:8443/a/b?c", ("https", "vne.example.jp:8443", "/a/b?c")),
            ("http://[2001:DB8::1]:80/x", ("http", "[2001:db8::1]", "/x")),
            ("http://[2001:db8::1]:8080", ("http", "[2001:db8::1]:8080", "/")),
        ):
            self.assertEqual(parts(parse(text)), found)

    def test_wrong(self):
        for text in (
            "", "x", "ftp://a.example/", "//a.example/", "https:/a.example", "https://", "https:///x", "https://:443/",
            "https://192.0.2.1/", "https://user:pw@a.example/", "https://a.example:0/", "https://a.example:65536/",
            "https://a.example:x/", "https://[2001:db8::1/", "https://[2001:db8::g]/", "https://[::1]x/", "https://a..b/",
            "https://a b/", "https://a.example/\r\nX: y", "https://a.example/\u00e9",
            "https://" + "a" * 64 + ".example/", "https://a.example/" + "a" * 2048, "javascript:alert(1)",
        ):  # fmt: skip
            with self.assertRaises(ValueError):
                parse(text)


class Join(unittest.TestCase):
    def test_relative_and_absolute(self):
        base = parse("https://vne.example.jp:8443/a/b/c?q")
        here = "vne.example.jp:8443"
        for text, found in (
            ("g", (here, "/a/b/g")),
            ("./g", (here, "/a/b/g")),
            ("g/", (here, "/a/b/g/")),
            ("/g?y", (here, "/g?y")),
            ("?y", (here, "/a/b/c?y")),
            ("../g", (here, "/a/g")),
            ("../../../g", (here, "/g")),
            ("..", (here, "/a/")),
            (".", (here, "/a/b/")),
            ("g?u=http://x/", (here, "/a/b/g?u=http://x/")),
            ("//other.example/g", ("other.example", "/g")),
            ("https://other.example", ("other.example", "/")),
            (" https://other.example/g ", ("other.example", "/g")),
        ):
            self.assertEqual(parts(join(base, text)), ("https",) + found)
        self.assertEqual(join(base, "http://other.example/").scheme, "http")

    def test_wrong(self):
        base = parse("https://vne.example.jp/")
        for text in ("ftp://a.example/", "https://192.0.2.1/", "http://", "//", "\u00e9", "a b", "mailto:x"):
            with self.assertRaises(ValueError):
                join(base, text)
