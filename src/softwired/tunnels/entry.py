# SPDX-License-Identifier: Apache-2.0
"""The page's part for people with accounts: sign-up, login, logout, the list of their tunnels, another password.

The browser has a secret in a cookie, the database its SHA-256. Each login makes a new one; what was there before is
worth nothing.
"""

from __future__ import annotations

import re
import typing

import bottle

from softwired.store import Connection
from softwired.tunnels import accounts, asked, passwords, register, tokens
from softwired.tunnels.accounts import Account
from softwired.tunnels.asked import Fault
from softwired.tunnels.limits import Limits

if typing.TYPE_CHECKING:
    from softwired.tunnels.page import Page

COOKIE, OWN = "session", "account"
# So long a login lasts.
SECONDS = 14 * 86400
# Where a login may lead to: pages of ours.
NEXT = re.compile(r"/account|/new/[a-z0-9]{1,20}|/t/[a-z2-7]{26}")
PERSON = "softwired.person"


class Entry:
    """Of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def routes(self) -> typing.Iterator[tuple[str, str, typing.Callable[..., typing.Any], bool]]:
        """Method, path, what answers, and whether it is for who is logged in alone."""
        yield from (
            ("GET", "/login", self.login, False),
            ("POST", "/login", self.log_in, False),
            ("POST", "/logout", self.log_out, False),
            ("GET", "/account", self.account, True),
            ("POST", "/account/password", self.change, True),
        )
        if self.page.values.page.sign_up:
            yield "GET", "/sign-up", self.sign_up, False
            yield "POST", "/sign-up", self.register, False

    # Who is logged in

    def session(self) -> str:
        """What the browser has; '' for nobody's."""
        return asked.cookie(bottle.request.environ, self.page.cookie_name(COOKIE))

    def look(self) -> None:
        """Finds out who asks, once for each request; SQLAlchemyError."""
        session, found = self.session(), None
        if session:
            secret, now = tokens.stored(session), self.page.clock()
            found = self.page.run(lambda connection: accounts.by_session(connection, secret, now))
        bottle.request.environ[PERSON] = found

    @staticmethod
    def person() -> Account | None:
        found: Account | None = bottle.request.environ.get(PERSON)
        return found

    def _enter(self, one: Account) -> bool:
        """A new session in place of the browser's; False if the account has changed meanwhile."""
        before, made, now = self.session(), tokens.Tokens.cookie(), self.page.clock()

        def job(connection: Connection) -> bool:
            accounts.end(connection, tokens.stored(before))
            return accounts.begin(connection, one, tokens.stored(made), now, now + SECONDS)

        if not self.page.run(job):
            return False
        self.page.set_cookie(self.page.cookie_name(COOKIE), made, SECONDS)
        return True

    # Sign-up, login, logout

    def _next(self) -> str:
        """Where who logs in wants to go."""
        told = self.page.given("next") or self.page.query("next")
        return told if NEXT.fullmatch(told) else "/account"

    def _form(self, name: str, fault: str = "", status: int = 200) -> str:
        return self.page.html(
            name,
            fault,
            status,
            form=self.page.tokens.form(self.page.cookie()),
            name=self.page.given("name"),
            next=self._next(),
            other=self.page.suffix(next=self._next()),
        )

    def _proved(self) -> None:
        """That the form is ours, and this browser's; Fault."""
        if not self.page.tokens.is_form(self.page.given("form"), self.page.told_cookie()):
            raise Fault("form")

    def _may_try(self, name: str) -> None:
        """As many passwords as one may try, also of names that are not there; Fault."""
        limits, who = self.page.limits, self.page.asker()
        if not (Limits.take(limits.logins, who.person, who.network) and limits.names.take(name)):
            raise Fault("many_logins")

    def login(self) -> str:
        return self.page.to(self._next()) if self.person() else self._form("login.html")

    def log_in(self) -> str:
        try:
            self._proved()
            name, password = self.page.given("name").strip().lower(), self.page.secret("password")
            self._may_try(name)
            one = self.page.run(lambda connection: accounts.by_name(connection, name))
            # As much work for a name that is not there.
            if not passwords.right(password, one.password if one else "") or one is None:
                raise Fault("no_login")
            if passwords.is_old(one.password):
                kept = passwords.kept(password)
                one = self.page.run(lambda connection: accounts.keep(connection, one, kept))
            if not self._enter(one):
                raise Fault("no_login")
        except Fault as error:
            return self._form("login.html", str(error), 429 if str(error) == "many_logins" else 400)
        return self.page.to(self._next())

    def sign_up(self) -> str:
        return self.page.to(self._next()) if self.person() else self._form("sign-up.html")

    def register(self) -> str:
        try:
            self._proved()
            name = asked.account(self.page.given("name"))
            password = asked.password(self.page.secret("password"), name)
            if password != self.page.secret("again"):
                raise Fault("password_differs")
            who = self.page.asker()
            # It has to say that a name is taken, to so many of those who only want to know.
            if not Limits.take(self.page.limits.sign_ups, who.person, who.network):
                raise Fault("many_sign_ups")
            kept, now = passwords.kept(password), self.page.clock()
            one = self.page.run(lambda connection: accounts.create(connection, name, kept, now))
        except (Fault, register.Refused) as error:
            return self._form("sign-up.html", str(error), 429 if str(error) == "many_sign_ups" else 400)
        self._enter(one)
        return self.page.to(self._next())

    def log_out(self) -> str:
        """Also of a session that is over: nothing is left in the browser."""
        session = self.session()
        if self.person() and not self._is_ours():
            return self.account("form", 400)
        self.page.run(lambda connection: accounts.end(connection, tokens.stored(session)))
        self.page.set_cookie(self.page.cookie_name(COOKIE), "", 0)
        return self.page.to("/")

    # A person's own page

    def _is_ours(self) -> bool:
        """Whether the form that was sent is of this session's own page."""
        return self.page.tokens.is_change(self.page.given("form"), OWN, self.session())

    def account(self, fault: str = "", status: int = 200) -> str:
        one, page = self.person(), self.page
        assert one
        found = page.run(lambda connection: register.of_account(connection, one.id))
        return page.html(
            "account.html",
            fault,
            status,
            form=page.tokens.change(OWN, self.session()),
            tunnels=[(tunnel, page.tokens.opened(tunnel.sealed, tunnel.link)) for tunnel in found],
            state=page.state_of,
            most=page.values.limits.of_an_account,
            changed=page.query("changed") == "1",
        )

    def change(self) -> str:
        one = self.person()
        assert one
        try:
            if not self._is_ours():
                raise Fault("form")
            new = asked.password(self.page.secret("new"), one.name)
            if new != self.page.secret("again"):
                raise Fault("password_differs")
            self._may_try(one.name)
            if not passwords.right(self.page.secret("password"), one.password):
                raise Fault("password_wrong")
            kept = passwords.kept(new)

            def job(connection: Connection) -> Account | None:
                # Somebody else may have changed it meanwhile.
                same = accounts.by_id(connection, one.id) == one
                return accounts.change(connection, one, kept) if same else None

            changed = self.page.run(job)
            if changed is None or not self._enter(changed):
                raise Fault("password_wrong")
        except Fault as error:
            return self.account(str(error), 429 if str(error) == "many_logins" else 400)
        return self.page.to("/account", changed="1")
