# SPDX-License-Identifier: Apache-2.0
"""A database of an earlier version gains what this one has more, whoever of its processes comes first."""

import threading

import pytest
import sqlalchemy
from sqlalchemy import Column, Integer, String

from softwired.store import Store


def tables(*more):
    """Of one version."""
    found = sqlalchemy.MetaData()
    sqlalchemy.Table(
        "grown", found, Column("id", Integer, primary_key=True), Column("Name", String(9)), *more
    )
    return found


def later():
    return tables(
        Column("count", Integer, nullable=False, server_default="7"),
        Column("owner", Integer, nullable=False, server_default="0", index=True),
        Column("Seen", String(5)),
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/grown.db"
        return
    url = request.getfixturevalue("postgres").url
    yield url
    store = Store(url, later())
    store.tables.drop_all(store.engine)
    store.close()


def execute(store, text):
    return store.run([lambda connection: connection.execute(sqlalchemy.text(text))])[0]


def test_rows_stay_and_columns_come(url):
    before = Store(url, tables())
    before.create()
    execute(before, "INSERT INTO grown VALUES (1, 'one')")
    # Page and monitor start at once.
    stores = [Store(url, later()) for _ in range(4)]
    threads = [threading.Thread(target=one.run, args=([one.make],)) for one in stores]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    # Those of the version before go on as well.
    execute(before, "INSERT INTO grown (id) VALUES (2)")
    (rows,) = stores[0].run(
        [lambda connection: connection.execute(stores[0].tables.tables["grown"].select()).all()]
    )
    assert rows == [(1, "one", 7, 0, None), (2, None, 7, 0, None)]
    assert [one["name"] for one in sqlalchemy.inspect(stores[0].engine).get_indexes("grown")] == [
        "ix_grown_owner"
    ]
    for one in (before, *stores):
        one.close()


def test_an_operator_makes_no_tables(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/grown.db", later())
    store.run([store.grow])
    assert not sqlalchemy.inspect(store.engine).get_table_names()
    store.close()
