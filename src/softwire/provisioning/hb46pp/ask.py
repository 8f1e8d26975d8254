# SPDX-License-Identifier: Apache-2.0
"""Asks for provisioning data (v6mig-prov 1.1 sections 3.1 to 3.3 and 3.6), in a process of its own; see errand.py."""

import random

from softwire import dns, state
from softwire.address import format_ipv6
from softwire.errors import ProvisioningError
from softwire.provisioning.hb46pp import answer, web
from softwire.provisioning.hb46pp.url import Url, join, parse

NAME = "4over6.info"
VERSION = "v6mig-1"
REDIRECTS = 301, 302, 307, 308
MOST_REDIRECTS, MOST_ADDRESSES = 5, 4
# Seconds for all of it but the record, whoever is slow.
LONGEST = 40


def _absent(code, text, ended=False):
    return ProvisioningError(code, text, random.uniform(3600, 10800), ended)


def _unresolved(error):
    return ProvisioningError("NAME_UNRESOLVED", str(error), random.uniform(60, 600))


def _failed(code, text):
    return ProvisioningError(code, text, random.uniform(600, 1800))


def read_record(texts):
    """TXT records' octets -> (Url, whether the certificate is to be checked); ValueError says what is wrong."""
    problem = "no record of {}".format(VERSION)
    for octets in texts:
        try:
            words = octets.decode().split(" ")
        except UnicodeError:
            continue
        fields: dict = {}
        for word in words:
            name, _, value = word.partition("=")
            fields.setdefault(name, value)
        if fields.get("v") != VERSION:
            continue
        try:
            url = parse(fields.get("url") or "")
            check = fields.get("t")
            if check not in ("a", "b"):
                raise ValueError("t: a or b would be right")
            if check == "b" and url.scheme != "https":
                raise ValueError("t=b: https would be right")
            return url, check == "b"
        except ValueError as error:
            problem = str(error)
    raise ValueError(problem)


def discover(resolver):
    """What read_record makes of the line's record; ProvisioningError with the specification's pauses."""
    try:
        texts, _ = resolver.texts(NAME)
    except dns.DnsError as error:
        if error.absent:
            raise _absent("NO_DISCOVERY", "this line has no HB46PP: " + str(error), True)
        raise _unresolved(error)
    try:
        return read_record(texts)
    except ValueError as error:
        raise _absent("BAD_ANSWER", "TXT of {}: {}".format(NAME, error))


def may_send_password(url, checked, server_name):
    """Section 3.3: where the user named a server, only to that one, and only if it proved who it is."""
    if not server_name:
        return True
    same = url.host.rstrip(".") == server_name.lower().rstrip(".")
    return same and checked and url.scheme == "https"


PARAMETERS = "vendorid", "product", "version", "capability", "token", "user", "pass"


def target(url, question, checked):
    """The path and query of the request, parameters in the order of the specification.

    A redirect may repeat those of the request before, which are not all for the next server.
    """
    path, _, query = url.target.partition("?")
    words = [word for word in query.split("&") if word and word.partition("=")[0] not in PARAMETERS]
    told = question
    if not may_send_password(url, checked, question.get("server_name")):
        told = dict([(name, question.get(name)) for name in PARAMETERS[:-2]])
    return (
        path
        + "?"
        + "&".join(words + ["{}={}".format(name, told[name]) for name in PARAMETERS if told.get(name)])
    )


def fetch(url, checked, question, resolver, clock, tell=None):
    """(the host that answered, body); ProvisioningError."""
    until = clock() + LONGEST
    for _ in range(MOST_REDIRECTS + 1):
        addresses = [url.host]
        if ":" not in url.host:
            try:
                addresses = [format_ipv6(item) for item in resolver.addresses(url.host)[0][:MOST_ADDRESSES]]
            except dns.DnsError as error:
                raise _unresolved(error)
        if tell:
            tell(
                "asks {}://{} at {}, certificate {}".format(
                    url.scheme, url.authority(), addresses[0], "checked" if checked else "not checked"
                )
            )
        asked = Url(url.scheme, url.host, url.port, target(url, question, checked))
        try:
            status, headers, body = web.get(asked, addresses, question["source"], checked, clock, until)
        except web.WebError as error:
            raise _failed(error.code, "{}: {}".format(url.host, error))
        if tell:
            tell("{} answers {}, {} octets".format(url.host, status, len(body)))
        if status == 200:
            return url.host, body
        if status in (403, 404):
            raise _failed("NOT_KNOWN", "{} answers {}: it does not know this line".format(url.host, status))
        if status not in REDIRECTS:
            raise _failed("NO_SERVER", "{} answers {}".format(url.host, status))
        try:
            further = join(url, headers.get(b"location", b"").decode())
        except ValueError as error:  # UnicodeError is one
            raise _failed("BAD_ANSWER", "the redirect of {}: {}".format(url.host, error))
        if checked and further.scheme != "https":
            raise _failed("BAD_ANSWER", "{} redirects from https to http: refused".format(url.host))
        url = further
    raise _failed("BAD_ANSWER", "more than {} redirects".format(MOST_REDIRECTS))


def ask(question, tell=None):
    """The whole way: {"server": host, and what answer.read makes of its answer}; ProvisioningError.

    question: "resolvers", "source", "device", "prefixes" of the line, the parameters of the request by name,
    "server_name" where the user gave one.
    """
    resolver = dns.Resolver(question["resolvers"], question["source"], question["device"])
    if tell:
        tell("asks {} for the TXT record of {}".format(", ".join(resolver.servers) or "nobody", NAME))
    url, checked = discover(resolver)
    host, body = fetch(url, checked, question, resolver, state.uptime, tell)
    try:
        found = answer.read(body, question["prefixes"])
    except ValueError as error:
        raise _failed("BAD_ANSWER", "the answer of {}: {}".format(host, error))
    found["server"] = host
    found["resolver"] = resolver.asked
    return found
