# SPDX-License-Identifier: Apache-2.0
"""What must outlive the process: SQLAlchemy Core over SQLite, or PostgreSQL where several servers share it.

Jobs run in a thread of their own, all that wait in one transaction: what they say leaves once it is on the disk.
"""

from __future__ import annotations

import collections
import contextlib
import os
import sys
import threading
import typing

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateColumn

from softwired import privileges
from softwired.loop import Loop
from softwired.service import StartError, values_of

__all__ = ["Connection", "Store", "Worker", "operate", "said"]

Job = typing.Callable[[Connection], typing.Any]
Answer = typing.Callable[[typing.Any, Exception | None], object]
# Jobs of one transaction.
AT_ONCE = 256
# Seconds that a database may take to let us in, PostgreSQL to answer at all.
PATIENCE = 5
# Any number: what the servers of one PostgreSQL agree on.
LOCK = 0x736F6674


def said(error: BaseException) -> str:
    """A database's error in one line, without the statement and its values."""
    origin = getattr(error, "orig", None) or error
    lines = str(origin).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class Store:
    """One database, with these tables in it."""

    def __init__(self, url: str, tables: sqlalchemy.MetaData) -> None:
        self.tables = tables
        # Threads of one process take turns; SQLite would have them try again until one of them gives up.
        self.turn = threading.Lock()
        self.sqlite = sqlalchemy.engine.make_url(url).get_backend_name() == "sqlite"
        arguments: dict[str, typing.Any] = {"timeout": PATIENCE, "check_same_thread": False}
        if not self.sqlite:
            # Also a server that is there and says nothing, and a lock that somebody forgot.
            arguments = {
                "connect_timeout": PATIENCE,
                "tcp_user_timeout": PATIENCE * 1000,
                "options": f"-c statement_timeout={PATIENCE * 1000}",
            }
        self.engine = sqlalchemy.create_engine(
            url, future=True, connect_args=arguments, poolclass=QueuePool, pool_size=1, max_overflow=4
        )
        if self.sqlite:
            event.listen(self.engine, "connect", _connected)
            event.listen(
                self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE")
            )

    def create(self) -> None:
        """Makes what is not there; SQLAlchemyError, OSError. The file is its owner's alone."""
        before = os.umask(0o077)
        try:
            self.run([self.make])
        finally:
            os.umask(before)

    def make(self, connection: Connection) -> None:
        """What is not there, in any database."""
        self.tables.create_all(connection)
        self.grow(connection)

    def grow(self, connection: Connection) -> None:
        """Tables and columns that a database of an earlier version lacks; an empty one stays empty.

        Such a column may be NULL, or has a default of the database."""
        looked = sqlalchemy.inspect(connection)
        names = set(looked.get_table_names())
        there = [table for table in self.tables.sorted_tables if table.name in names]
        if there:
            self.tables.create_all(connection)
        for table in there:
            known = {one["name"] for one in looked.get_columns(table.name)}
            new = [column for column in table.columns if column.name not in known]
            for column in new:
                made = CreateColumn(column).compile(dialect=connection.dialect)
                name = connection.dialect.identifier_preparer.format_table(table)
                connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {made}")
            for index in table.indexes if new else ():
                index.create(connection, checkfirst=True)

    def _lock(self, connection: Connection) -> None:
        # One transaction at a time, as SQLite has it anyway: what was looked at stays so until the end.
        if not self.sqlite:
            connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({LOCK})"))

    def run(self, jobs: typing.Sequence[Job]) -> list[typing.Any]:
        """Their results, once all of it is on the disk; SQLAlchemyError."""
        with self.turn, self.engine.begin() as connection:
            self._lock(connection)
            return [job(connection) for job in jobs]

    def close(self) -> None:
        self.engine.dispose()


def _connected(connection: typing.Any, _: typing.Any) -> None:
    # SQLAlchemy's own advice for SQLite: the driver shall not begin transactions, we do.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def operate(service: str, path: str, tables: sqlalchemy.MetaData, job: Job) -> typing.Any:
    """What an operator's command asks of a service's database, by its configuration file; StartError.

    Root does it as the service's user: what is made on the way, the first of all the database, is the service's.
    """
    common, values = values_of(service, path)
    try:
        store = Store(values.database, tables)
        if os.geteuid() == 0 and common.user:
            with contextlib.suppress(KeyError):  # the service stays root as well
                privileges.become(common.user)
        store.create()
        return store.run([job])[0]
    except (SQLAlchemyError, OSError) as error:
        raise StartError(f"{service}.database: {said(error)}") from None


class Worker:
    """The thread; answers come back in the loop's."""

    def __init__(
        self, store: Store, loop: Loop, lost: typing.Callable[[], object], most: int = AT_ONCE
    ) -> None:
        """lost: called in the thread where a transaction failed; what jobs remembered beside it may be wrong."""
        self.store, self.loop, self.lost, self.most = store, loop, lost, most
        self.jobs: collections.deque[tuple[Job, Answer]] = collections.deque()
        self.done: collections.deque[tuple[Answer, typing.Any, Exception | None]] = collections.deque()
        self.condition = threading.Condition()
        self.stopping = False
        self.error: str | None = None
        # Not inherited, and never blocks the thread.
        self.wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.thread = threading.Thread(target=self._work, name="store", daemon=True)

    def start(self) -> None:
        # The thread's short turns must not wait for the loop's long ones.
        sys.setswitchinterval(0.0005)
        self.loop.watch(self.wake, self._heard)
        self.thread.start()

    def ask(self, job: Job, answer: Answer) -> None:
        """answer(result, None) or answer(None, error), later and in order."""
        with self.condition:
            self.jobs.append((job, answer))
            self.condition.notify()

    def stop(self) -> None:
        """What was asked for is done; its answers are not given any more."""
        with self.condition:
            self.stopping = True
            self.condition.notify()
        if self.thread.is_alive():
            self.thread.join(2 * PATIENCE)
        self.loop.forget(self.wake)
        self.store.close()

    def _work(self) -> None:
        while True:
            with self.condition:
                while not self.jobs and not self.stopping:
                    self.condition.wait()
                if not self.jobs:
                    return
                batch = [self.jobs.popleft() for _ in range(min(self.most, len(self.jobs)))]
            self._do(batch)
            os.eventfd_write(self.wake, 1)

    def _do(self, batch: list[tuple[Job, Answer]]) -> None:
        try:
            results = self.store.run([job for job, _ in batch])
        except SQLAlchemyError as error:
            self.error = said(error)
            self.lost()
            self.done.extend((answer, None, error) for _, answer in batch)
        except Exception as error:  # a fault of ours in one of them must not fail the others
            self.lost()
            if len(batch) == 1:
                self.done.append((batch[0][1], None, error))
            else:
                for one in batch:
                    self._do([one])
        else:
            self.error = None
            self.done.extend(
                (answer, result, None) for (_, answer), result in zip(batch, results, strict=True)
            )

    def _heard(self) -> None:
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            pass
        while self.done:
            answer, result, error = self.done.popleft()
            answer(result, error)
