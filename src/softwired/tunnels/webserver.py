# SPDX-License-Identifier: Apache-2.0
"""`softwired tunnels page`: the page's process, which has no privileges; and `application`, for any WSGI server."""

from __future__ import annotations

import argparse
import os
import sys
import time
import types
import typing

from softwired import configuration, privileges, service, web
from softwired.service import StartError

if typing.TYPE_CHECKING:
    from softwired.store import Store

KEY = "tunnels.page.key_file"


def page(given: argparse.Namespace) -> int:
    """Serves until it is ended."""
    common, values = service.values_of("tunnels", given.config)
    # Libraries are loaded and the port is opened while that is allowed; all else comes without privileges.
    store = _store(values)

    def make() -> object:
        for problem in privileges.shed(common.user, ()):
            print(f"tunnels page: {problem}", file=sys.stderr)
        return _made(values, store)

    host, port = values.page.listen
    web.serve(make, host, port, "tunnels")


def _store(values: types.SimpleNamespace) -> Store:
    """Not connected yet; StartError."""
    try:
        from softwired.store import Store
        from softwired.tunnels import page, register, scripts

        page.templates()
        scripts.templates()
        return Store(values.database, register.metadata)
    except ImportError as error:
        raise StartError(
            f"tunnels: {error}: packages python3-bottle, python3-jinja2 and python3-sqlalchemy, for PostgreSQL"
            " python3-psycopg2, would be right"
        ) from None


def _made(values: types.SimpleNamespace, store: Store) -> object:
    """The application; StartError."""
    from sqlalchemy.exc import SQLAlchemyError

    from softwired.store import said
    from softwired.tunnels import check_accounts, ping
    from softwired.tunnels.page import Page

    check_accounts(values)
    if values.page.echo:
        try:
            ping.open_socket().close()
        except OSError:
            raise StartError(
                f"tunnels.page.echo = true: group {os.getgid()} may not send echo requests;"
                " net.ipv4.ping_group_range = 0 2147483647, or echo = false, would be right"
            ) from None
    key = web.key_of(values.page.key_file, True, KEY)
    if not key:
        raise StartError(f"{KEY} = '': the path of a file would be right")
    try:
        store.create()
    except (SQLAlchemyError, OSError) as error:
        # PostgreSQL may come later.
        if store.sqlite:
            raise StartError(f"tunnels.database: {said(error)}") from None
    return Page(values, store, key, time.time).application


def application(path: str = configuration.PATH) -> object:
    """For a WSGI server, such as gunicorn 'softwired.tunnels.webserver:application()'."""
    values = service.values_of("tunnels", path)[1]
    return _made(values, _store(values))
