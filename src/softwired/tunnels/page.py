# SPDX-License-Identifier: Apache-2.0
"""The page: pre-requisites, the form, a page for each tunnel behind a link that nobody can guess; what programs call.

A WSGI application (bottle) without privileges: it writes the database, and the monitor does what is there.
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
import pathlib
import types
import typing
import urllib.parse

import bottle
import jinja2
from sqlalchemy.exc import SQLAlchemyError

from softwired.store import Connection, Store
from softwired.tunnels import asked, information, names, ping, pools, register, scripts, tokens
from softwired.tunnels.accounts import Account
from softwired.tunnels.asked import Asker, Fault
from softwired.tunnels.dyndns import DynamicDns
from softwired.tunnels.entry import Entry
from softwired.tunnels.limits import Limits
from softwired.tunnels.register import Tunnel
from softwired.tunnels.scripts import SYSTEMS, Place
from softwired.tunnels.tokens import Tokens
from softwired.tunnels.words import WORDS
from softwired.web import best

FOLDER = pathlib.Path(__file__).parent / "templates"
COOKIE = "form"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Vary": "Accept-Language",
}
# The words of the database that have other names here.
REFUSED = {register.NICNAME: "nicname_taken"}
LONGEST = 4096


@functools.cache
def templates() -> jinja2.Environment:
    """All of them, read once."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        auto_reload=False,
    )
    for name in made.list_templates():
        made.get_template(name)
    return made


class Page:
    """`application` is what a server calls."""

    def __init__(
        self,
        values: types.SimpleNamespace,
        store: Store,
        key: bytes,
        clock: typing.Callable[[], float],
        answers: typing.Callable[[str], bool] = ping.answers,
    ) -> None:
        self.values, self.store, self.clock, self.answers = values, store, clock, answers
        self.tokens = Tokens(key, clock)
        self.limits = Limits(values.limits)
        self.dyndns = DynamicDns(values, store, clock)
        # With accounts, the tunnels' pages are for who is logged in.
        self.entry = Entry(self) if values.page.accounts else None
        self.application = bottle.Bottle()
        own = bool(self.entry)
        for method, path, answer, closed in (
            ("GET", "/", self.start, False),
            ("GET", "/new/<system>", self.form, own),
            ("POST", "/new", self.create, own),
            ("GET", "/t/<link>", self.show, own),
            ("POST", "/t/<link>/ipv4", self.move, own),
            ("POST", "/t/<link>/routed", self.route, own),
            ("POST", "/t/<link>/nameservers", self.delegate, own),
            ("POST", "/t/<link>/delete", self.delete, own),
            ("POST", "/t/<link>/claim", self.claim, own),
            ("GET", "/t/<link>/state.json", self.state, own),
            ("GET", "/t/<link>/<file>", self.script, own),
            ("GET", "/nic/update", self.update, False),
            ("POST", "/nic/update", self.update, False),
            ("GET", "/tunnelInfo.php", self.information, False),
            ("GET", "/tunnelInfo.xml", self.information, False),
            ("GET", "/tunnelInfo.json", self.information, False),
            *(self.entry.routes() if self.entry else ()),
        ):
            self.application.route(path, method, self._guarded(answer, closed))
        for code in (404, 405, 500):
            self.application.error(code)(self._nothing)

    # What all have in common

    def _guarded(
        self, answer: typing.Callable[..., typing.Any], closed: bool
    ) -> typing.Callable[..., typing.Any]:
        """Headers, limits, a database that is away, and who is not logged in where it is closed."""

        def guarded(**words: str) -> typing.Any:
            for name, value in HEADERS.items():
                bottle.response.set_header(name, value)
            who = self.asker()
            if not Limits.take(self.limits.requests, who.person, who.network):
                return self._message(429, "fault", "many")
            if bottle.request.method == "POST" and not _short(bottle.request.environ.get("CONTENT_LENGTH")):
                return self._message(413, "fault", "")
            try:
                if self.entry:
                    self.entry.look()
                if closed and not self.person():
                    return self.to("/login", next=bottle.request.path)
                return answer(**words)
            except (SQLAlchemyError, OSError):
                return self._message(503, "fault", "away")

        return guarded

    def asker(self) -> Asker:
        return asked.asker(bottle.request.environ, self.values.page.proxies)

    @staticmethod
    def person() -> Account | None:
        """Who is logged in."""
        return Entry.person()

    def to(self, path: str, **query: str) -> str:
        """The browser goes on there."""
        bottle.response.status = 303
        bottle.response.set_header("Location", f"{self.place()}{path}{self.suffix(**query)}")
        return ""

    def suffix(self, **query: str) -> str:
        """What an address of ours ends with; a language that was asked for stays."""
        told = self.query("lang")
        if told in self.values.page.languages:
            query["lang"] = told
        return "?" + urllib.parse.urlencode(query, safe="/") if query else ""

    def place(self) -> Place:
        """What the page is called by: as configured, or as it was called."""
        if self.values.page.url:
            scheme, _, rest = self.values.page.url.partition("://")
            host, slash, path = rest.partition("/")
            return Place(scheme, host, slash + path)
        environ = bottle.request.environ
        return Place(asked.scheme(environ, self.values.page.proxies), asked.host(environ))

    def _language(self) -> str:
        """Asked for by the address, else as the browser likes it."""
        languages = self.values.page.languages
        told = self.query("lang")
        return (
            told
            if told in languages
            else best(str(bottle.request.environ.get("HTTP_ACCEPT_LANGUAGE", "")), languages, "-")
        )

    @staticmethod
    def query(name: str) -> str:
        return str(bottle.request.query.getunicode(name) or "")[:200]

    @staticmethod
    def given(name: str, longest: int = 200) -> str:
        return str(bottle.request.forms.getunicode(name) or "")[:longest]

    @staticmethod
    def secret(name: str) -> str:
        """A password as it was given, whole."""
        return str(bottle.request.forms.getunicode(name) or "")

    def run(self, job: typing.Callable[[Connection], typing.Any]) -> typing.Any:
        return self.store.run([job])[0]

    def html(self, template: str, fault: str = "", status: int = 200, **told: typing.Any) -> str:
        language = self._language()
        words = WORDS[language]
        who = self.asker()
        bottle.response.status = status
        bottle.response.content_type = "text/html; charset=utf-8"
        text = words.get(fault, "")
        return (
            templates()
            .get_template(template)
            .render(
                words=words,
                language=language,
                languages=self.values.page.languages,
                contact=self.values.page.contact,
                base=self.place().path,
                suffix=self.suffix(),
                server4=str(self.values.address),
                systems=list(SYSTEMS.values()),
                address=str(who.address),
                is4=bool(who.ipv4),
                proxy=who.proxy,
                person=self.person(),
                accounts=bool(self.entry),
                sign_up=self.values.page.sign_up,
                fault=text.format(server=self.values.address, **told.pop("of_fault", {})),
                **told,
            )
        )

    def _message(self, status: int, heading: str, text: str) -> str:
        words = WORDS[self._language()]
        return self.html("message.html", status=status, heading=words[heading], text=words.get(text, ""))

    def _nothing(self, error: bottle.HTTPError) -> str:
        for name, value in HEADERS.items():
            bottle.response.set_header(name, value)
        return self._message(error.status_code, "fault", "nothing" if error.status_code != 500 else "")

    # Making one

    def start(self) -> str:
        return self.html("start.html")

    def told_cookie(self) -> str:
        """The browser's own, of its forms: who is logged in has another one with each login."""
        if self.entry and self.person():
            return self.entry.session()
        return asked.cookie(bottle.request.environ, self.cookie_name(COOKIE))

    def cookie_name(self, name: str) -> str:
        """Behind https one that only this very host can have set: browsers check it."""
        place = self.place()
        return f"__Host-{name}" if place.scheme == "https" and not place.path else name

    def cookie(self) -> str:
        """It gets one with its first form."""
        told = self.told_cookie()
        if told:
            return told
        made = Tokens.cookie()
        self.set_cookie(self.cookie_name(COOKIE), made)
        return made

    def set_cookie(self, name: str, value: str, seconds: int | None = None) -> None:
        """By hand: bottle of Debian 12 knows SameSite, but not for every Python."""
        secure = "; Secure" if self.place().scheme == "https" else ""
        age = "" if seconds is None else f"; Max-Age={seconds}"
        bottle.response.add_header(
            "Set-Cookie",
            f"{name}={value}; Path={self.place().path or '/'}{age}; HttpOnly; SameSite=Strict{secure}",
        )

    def _form(self, system: str, fault: str = "", status: int = 200, **told: typing.Any) -> str:
        given = told.pop("given", None) or {"ipv4": self.asker().ipv4, "nicname": "", "country": ""}
        return self.html(
            "new.html",
            fault,
            status,
            system=SYSTEMS[system],
            form=self.tokens.form(self.cookie()),
            given=given,
            of_fault=told,
        )

    def form(self, system: str) -> str:
        if system not in SYSTEMS:
            return self._message(404, "fault", "no_system")
        return self._form(system)

    def create(self) -> str:
        """The draft's sanity checks, a free tunnel, and its page."""
        given = {name: self.given(name) for name in ("ipv4", "nicname", "country", "system")}
        system = given["system"] if given["system"] in SYSTEMS else "iproute2"
        try:
            link = self._create(given)
        except Fault as error:
            return self._form(system, str(error), 400, given=given, address=given["ipv4"][:20])
        return self.to(f"/t/{link}")

    def _create(self, given: typing.Mapping[str, str]) -> str:
        """The secret of the tunnel's page; Fault."""
        mark, cookie = self.given("form"), self.told_cookie()
        if not self.tokens.is_form(mark, cookie):
            raise Fault("form")
        link, who, values = self.tokens.link(mark), self.asker(), self.values
        hidden = tokens.stored(link)
        if self.run(lambda connection: register.by_link(connection, hidden)):
            return link
        if given["system"] not in SYSTEMS:
            raise Fault("no_system")
        ipv4 = asked.ipv4(given["ipv4"], values.page, values.address)
        request = register.Request(
            ipv4,
            asked.nicname(given["nicname"], values.page.reserved),
            asked.country(given["country"]),
            given["system"],
            who.person,
            register.network_of(ipv4, values.limits.network_length),
            hidden,
            tokens.stored(self.tokens.key_of(link)),
            *self._owner(link),
        )
        self._stale(ipv4, who, hidden)
        if not Limits.take(self.limits.new, who.person, who.network):
            raise Fault("many_new")
        if values.page.echo and not self.answers(ipv4):
            raise Fault("silent")
        try:
            self.run(lambda connection: register.create(connection, values, request, self.clock()))
        except register.Refused as error:
            raise Fault(REFUSED.get(str(error), str(error))) from None
        return link

    def _owner(self, link: str) -> tuple[int, str]:
        """Who has it, and its address for this account's list; (0, '') without accounts."""
        one = self.person()
        return (one.id, self.tokens.sealed(link)) if one else (0, "")

    def _stale(self, ipv4: str, who: Asker, link: str) -> None:
        """Another one's tunnel to this address: it goes if it is silent and who asks is there himself. Fault."""

        def job(connection: Connection) -> str:
            there = register.by_ipv4(connection, ipv4)
            # The same form, sent twice at once, is not another one.
            if there is None or there.link == link:
                return ""
            if there.state == register.ENDING:
                return "again"
            if there.unreachable > 0 and who.ipv4 == ipv4 and there.state == register.ON:
                register.end(connection, there.id)
                return "again"
            return register.TAKEN

        why = self.run(job)
        if why:
            raise Fault(why)

    # One of them

    def _found(self, link: str) -> Tunnel | None:
        if not tokens.LINK.fullmatch(link):
            return None
        hidden = tokens.stored(link)
        found: Tunnel | None = self.run(lambda connection: register.by_link(connection, hidden))
        person = self.person()
        if self.entry and found and (person is None or found.account not in (0, person.id)):
            return None
        return found

    def _session(self) -> str:
        """What the marks of forms are bound to; '' without accounts."""
        return self.entry.session() if self.entry else ""

    def show(self, link: str, fault: str = "", status: int = 200) -> str:
        one = self._found(link)
        if one is None:
            return self._message(404, "fault", "nothing")
        words = WORDS[self._language()]
        system = SYSTEMS.get(self.query("system")) or SYSTEMS.get(one.system) or SYSTEMS["iproute2"]
        routed = ipaddress.IPv6Network(one.routed) if one.routed else None
        dns = self.values.dns
        delegable = routed is not None and dns.type == "update" and names.delegable(routed, dns.reverse)
        here = self.asker().ipv4
        return self.html(
            "tunnel.html",
            fault,
            status,
            one=one,
            link=link,
            state=self.state_of(one),
            answered=_time(one.answered) or words["never"],
            from_client=self._packets(words, one.packets_from_client, one.octets_from_client),
            to_client=self._packets(words, one.packets_to_client, one.octets_to_client),
            created=_time(one.creation_time),
            moved=_time(one.moved),
            zone=dns.zone if dns.type == "update" else "",
            system=system,
            script=self._script(system.name, one, link),
            form=self.tokens.change(link, self._session()),
            here="" if here == one.IPv4client else here,
            key=self.tokens.key_of(link),
            place=str(self.place()),
            apex=pools.reverse_zone(routed) if delegable and routed else "",
            lengths=pools.lengths(self.values),
            length=routed.prefixlen if routed else pools.NOTHING,
        )

    def state_of(self, one: Tunnel) -> str:
        """In the language of who asks."""
        words = WORDS[self._language()]
        if one.state != register.ON:
            return words[f"state_{one.state}"]
        if one.unreachable < 0:
            return words["state_new"]
        if one.unreachable == 0:
            return words["state_on" if one.answered else "state_quiet"]
        found = words["state_silent"].format(count=one.unreachable)
        return found + (" " + words["state_goes"].format(until=_time(one.until)) if one.until else "")

    @staticmethod
    def _packets(words: typing.Mapping[str, str], packets: int, octets: int) -> str:
        return words["packets"].format(packets=f"{packets:,}", octets=_size(octets))

    def _script(self, system: str, one: Tunnel, link: str) -> str:
        place = self.place()
        words = dict(WORDS[self._language()])
        words["script"] = words["script"].format(name=one.name, place=place)
        if one.routed:
            words["script"] += "; " + words["script_routed"].format(routed=one.routed)
        return scripts.of(system, one, self.values, self.tokens.key_of(link), place, words)

    def script(self, link: str, file: str) -> typing.Any:
        one = self._found(link)
        system = next((each for each in SYSTEMS.values() if each.file == file), None)
        if one is None or system is None:
            return self._message(404, "fault", "nothing")
        bottle.response.content_type = "text/plain; charset=utf-8"
        bottle.response.set_header("Content-Disposition", f'attachment; filename="{system.file}"')
        return self._script(system.name, one, link)

    def state(self, link: str) -> typing.Any:
        one = self._found(link)
        if one is None:
            bottle.response.status = 404
            return {}
        told = information.as_json([one], self.values)["tunnels"][0]
        seen = "state unreachable answered packets_from_client octets_from_client packets_to_client octets_to_client"
        return {**told, **{name: getattr(one, name) for name in seen.split()}}

    def _changed(self, link: str, job: typing.Callable[[Connection, Tunnel], typing.Any]) -> typing.Any:
        """Back to the tunnel's page, or why not."""
        one = self._found(link)
        if one is None:
            return self._message(404, "fault", "nothing")
        try:
            if not self.tokens.is_change(self.given("form"), link, self._session()):
                raise Fault("form")
            self.run(lambda connection: job(connection, one))
        except (Fault, register.Refused) as error:
            return self.show(link, str(error), 400)
        return self.to(f"/t/{link}")

    def move(self, link: str) -> typing.Any:
        def job(connection: Connection, one: Tunnel) -> None:
            ipv4 = asked.ipv4(self.given("ipv4"), self.values.page, self.values.address)
            network = register.network_of(ipv4, self.values.limits.network_length)
            register.move(connection, one.id, ipv4, network, self.clock())

        return self._changed(link, job)

    def route(self, link: str) -> typing.Any:
        def job(connection: Connection, one: Tunnel) -> None:
            register.route(connection, self.values, one.id, asked.length(self.given("length")))

        return self._changed(link, job)

    def delegate(self, link: str) -> typing.Any:
        def job(connection: Connection, one: Tunnel) -> None:
            register.delegate(connection, one.id, asked.nameservers(self.given("nameservers", 1000)))

        return self._changed(link, job)

    def claim(self, link: str) -> typing.Any:
        def job(connection: Connection, one: Tunnel) -> None:
            if not self.entry or not register.claim(connection, self.values, one.id, *self._owner(link)):
                raise Fault("claimed")

        return self._changed(link, job)

    def delete(self, link: str) -> typing.Any:
        return self._changed(link, lambda connection, one: register.end(connection, one.id))

    # What programs call

    def _login(self) -> tuple[str, str]:
        """(user, update key) by basic authentication or parameters."""
        try:
            told = bottle.request.auth
        except (ValueError, TypeError):
            told = None
        if told:
            return str(told[0] or "")[:200], str(told[1] or "")[:200]
        given = bottle.request.params
        return str(given.get("username") or "")[:200], str(given.get("password") or "")[:200]

    def update(self) -> str:
        """dyndns2, as Hurricane Electric's tunnels have it."""
        bottle.response.content_type = "text/plain; charset=utf-8"
        user, key = self._login()
        given = bottle.request.params
        answer = self.dyndns.update(
            user,
            key,
            str(given.get("hostname") or given.get("tid") or "")[:300],
            str(given.get("myip") or given.get("ip") or "")[:100],
            self.asker(),
        )
        if answer == "badauth":
            bottle.response.status = 401
            bottle.response.set_header("WWW-Authenticate", 'Basic realm="tunnels"')
        return answer + "\n"

    def information(self) -> typing.Any:
        user, key = self._login()
        found = self.dyndns.tunnel(user, key)
        if found is None or self.query("tid") not in ("", str(found.id)):
            bottle.response.status = 401
            bottle.response.set_header("WWW-Authenticate", 'Basic realm="tunnels"')
            bottle.response.content_type = "text/plain; charset=utf-8"
            return "badauth\n"
        if bottle.request.path.endswith(".json"):
            return information.as_json([found], self.values)
        bottle.response.content_type = "text/xml; charset=utf-8"
        return information.as_xml([found], self.values)


def _short(length: typing.Any) -> bool:
    """Whether a body has a length that a form of ours may have."""
    return (
        str(length).isascii() and str(length).isdigit() and len(str(length)) < 10 and int(length) <= LONGEST
    )


def _size(octets: int) -> str:
    """For people, to three digits."""
    value, unit = float(octets), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
