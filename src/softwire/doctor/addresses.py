# SPDX-License-Identifier: Apache-2.0
"""Finds addresses and telephone numbers in a text, in the notation of RFC 4291 and in others, also within words."""

from softwire.address import parse_ipv6
from softwire.doctor.known import is_private

HEX = "0123456789abcdefABCDEF"
DIGITS = "0123456789"
# Eight digits and more that are everybody's: the head of a DUID-LL, a lifetime without end.
EVERYBODYS = ("00030001", "4294967295", "ffffffff")
# What stands between octets that are written one by one; 0x is none of their digits.
OCTET_GAPS = (":", "-", ".", " ", ",", ", ", "%", "\\x", "_")
# Where a further digit may stand right beside them.
GLUED = (":", "-")


class Addresses:
    """Addresses and numbers in a part of a text, from each run of hexadecimal digits on."""

    def __init__(self, text, start, end):
        self.text = text[:end]
        self.runs: list = []  # (start, end)
        while start < end:
            if text[start] not in HEX:
                start += 1
            elif text[start : start + 2] in ("0x", "0X"):
                start += 2
            else:
                first = start
                while start < end and text[start] in HEX:
                    start += 1
                self.runs.append((first, start))
        # What stands behind each run, and which is the last of those that have the same between them.
        self.gaps = [self.text[a[1] : b[0]] for a, b in zip(self.runs, self.runs[1:])] + [""]
        self.last = list(range(len(self.runs)))
        for index in range(len(self.runs) - 2, -1, -1):
            same = self.gaps[index] == self.gaps[index + 1] and index + 2 < len(self.runs)
            self.last[index] = self.last[index + 1] if same else index + 1

    def found(self, redactor):
        """Yields (start, end, what to show instead), in order."""
        index, done = 0, 0
        looks = self._octets, self._ipv6, self._glued, self._chain, self._ipv4, self._number, self._digits
        while index < len(self.runs):
            start, end = self.runs[index]
            if end <= done:
                index += 1
                continue
            if start < done:  # the rest of a run whose head belonged to what stands before
                self.runs[index] = done, end
            done = end
            for look in looks:
                item = look(index, redactor)
                if item:
                    yield item
                    done = item[1]
                    break

    def _octets(self, index, redactor, glued=False):
        """Six octets and more, written one by one; six are a MAC address."""
        gap = self.gaps[index]
        if gap not in GLUED if glued else gap.replace("0x", "").replace("0X", "") not in OCTET_GAPS:
            return None
        start, end = self.runs[index]
        if end - start != 2 and not (glued and end - start > 2):
            return None
        start, count = end - 2, 1
        while index + count <= self.last[index]:
            first, last = self.runs[index + count]
            if last - first != 2 and not (glued and last - first > 2):
                break
            count, end = count + 1, first + 2
            if last > end:
                break
        if count < 6:
            return None
        if count == 6 and gap in GLUED:
            return start, end, redactor.mac(self.text[start:end])
        return start, end, "({} octets)".format(count)

    def _glued(self, index, redactor):
        """The same where another letter or digit stands before or behind."""
        return self._octets(index, redactor, True)

    def _ipv6(self, index, redactor):
        item = self._read_ipv6(index)
        if item is None:
            return None
        start, end, value, whole = item
        if not whole:
            shown = redactor.user_name(value)
        else:
            # In src:2001:db8::1 the address begins behind the first group.
            behind = None if _is_common(value) or index + 1 == len(self.runs) else self._read_ipv6(index + 1)
            if behind and behind[0] < end <= behind[1] and _is_common(behind[2]):
                end = self.runs[index][1]
                return start, end, self.text[start:end]
            shown = redactor.ipv6(value)
        return start, end, self.text[start:end] if shown is None else shown

    def _read_ipv6(self, index):
        """(start, end, value, groups) of the address, or of the groups of a prefix, that begin here."""
        text = self.text
        first, end = self.runs[index]
        start = at = max(first, end - 4)
        short = (
            start == first
            and start > 1
            and text[start - 2 : start] == "::"
            and _at(text, start - 3) not in HEX
        )
        if short:
            start -= 2
        sizes: list = []
        while True:
            first = at
            while at - first < 4 and _at(text, at) in HEX:
                at += 1
            dotted = _read_ipv4(text, first, ".") if sizes or short else None
            if dotted:
                at = dotted[0]
                sizes += [0, 0]
                break
            sizes.append(at - first)
            if len(sizes) == 8 or _at(text, at) in HEX:
                break
            if text[at : at + 2] == "::" and not short:
                short = True
                at += 2
                if _at(text, at) not in HEX:
                    break
            elif _at(text, at) == ":" and _at(text, at + 1) in HEX:
                at += 1
            else:
                break
        whole = short or len(sizes) == 8
        # The four groups of a User-Name; or what looks like the beginning of a global prefix, and is no time.
        part = sizes == [4] * 4 or (len(sizes) > 2 and sizes[0] == 4 and sizes[1] > 2 and text[start] in "23")
        try:
            if whole or part:
                return start, at, parse_ipv6(text[start:at] + ("" if whole else "::")), whole
        except ValueError:
            pass
        return None

    def _ipv4(self, index, redactor):
        first, end = self.runs[index]
        separator = _at(self.text, end)
        if separator not in ".-_" or _at(self.text, first - 1) in "vV":  # a version
            return None
        start = end
        while start > max(first, end - 3) and self.text[start - 1] in DIGITS:
            start -= 1
        while start < end:
            found = _read_ipv4(self.text, start, separator)
            if found:
                end, value = found
                if is_private(value):
                    return start, end, self.text[start:end]
                head = self.text[start:end].partition(separator)[0] + separator
                return start, end, redactor.ipv4(value, head)
            start += 1
        return None

    def _number(self, index, redactor):
        """Nine decimal digits and more, with - between some of them."""
        start = self.runs[index][0]
        digits = ""
        for first, last in self.runs[index : (self.last[index] if self.gaps[index] == "-" else index) + 1]:
            if not self.text[first:last].isdigit() or len(digits) > 15:
                break
            digits, end = digits + self.text[first:last], last
        if not 9 <= len(digits) <= 15 or digits in EVERYBODYS:
            return None
        return start, end, redactor.number("tel", digits)

    def _chain(self, index, redactor):
        """Groups of digits that are neither address nor time: a MAC address in threes, ip6.arpa, a UUID."""
        gap = self.gaps[index]
        start, end = self.runs[index]
        if gap == ".":
            sizes = [last - first for first, last in self.runs[index : min(index + 3, self.last[index] + 1)]]
            if sizes == [4, 4, 4]:
                end = self.runs[index + 2][1]
                return start, end, redactor.mac(self.text[start:end])
            ones = 0
            while (
                index + ones <= self.last[index]
                and self.runs[index + ones][1] == self.runs[index + ones][0] + 1
            ):
                end = self.runs[index + ones][1]
                ones += 1
            return (start, end, "({} octets)".format(ones // 2)) if ones >= 8 else None
        groups = self.last[index] - index + 1
        if groups > 4 and gap == ":" or groups > 3 and gap == "-":
            digits = sum([last - first for first, last in self.runs[index : index + groups]])
            if gap == ":" or digits >= 16:
                return start, self.runs[self.last[index]][1], "({} octets)".format((digits + 1) // 2)
        return None

    def _digits(self, index, redactor):
        """Eight hexadecimal digits and more in a row."""
        start, end = self.runs[index]
        text = self.text[start:end]
        if end - start < 8 or text.lower() in EVERYBODYS or self._is_revision(index):
            return None
        if end - start == 12 and redactor.is_mac(text):
            return start, end, redactor.mac(text)
        return start, end, "({} octets)".format((end - start) // 2)

    def _is_revision(self, index):
        """Whether it is the second half of a revision of OpenWrt's, r28427-6df0e3d02a."""
        start, end = self.runs[index]
        before = self.runs[index - 1] if index else (0, 0)
        return (
            end - start == 10
            and self.text[before[1] : start] == "-"
            and self.text[before[0] : before[1]].isdigit()
            and _at(self.text, before[0] - 1) == "r"
        )


def _at(text, place):
    return text[place] if 0 <= place < len(text) else " "


def _is_common(value):
    """Whether addresses that begin so are in use: global, unique local, link-local, multicast."""
    return value >> 125 == 1 or value >> 121 == 0x7E or value >> 118 == 0x3FA or value >> 120 == 0xFF


def _read_ipv4(text, start, separator):
    """(end, value) of four numbers up to 255, or None."""
    value, at = 0, start
    for count in range(4):
        first = at
        while at - first < 3 and _at(text, at) in DIGITS:
            at += 1
        if count == 3 and at > first and int(text[first:at]) > 255:
            at -= 1
        if at == first or int(text[first:at]) > 255 or (count < 3 and _at(text, at) != separator):
            return None
        value = value << 8 | int(text[first:at])
        at += 1
    return at - 1, value
