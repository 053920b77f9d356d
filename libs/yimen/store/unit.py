"""The unit of work: one transaction in which state, outbox, inbox, timers, tasks and audit commit together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from math import inf
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.store import bell, statements

Row = Mapping[str, Any]
T = TypeVar("T")
# The most connections of one process, for a deployment with many services on one PostgreSQL; two are kept open.
CONNECTIONS_VARIABLE, CONNECTIONS_USUAL, CONNECTIONS_KEPT = "YIMEN_DATABASE_CONNECTIONS", 6, 2
SQLITE_BUSY_MS = 30_000
PING_AFTER_S = 1.0


class Tx:
    """Reads and writes of one transaction, in plain dictionaries. Statements stay in the services' tables."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._dialect = connection.dialect.name
        self._gathered: dict[Callable[[Tx, list[Any]], None], list[Any]] = {}
        # Whether something was gathered that another process of the service may be waiting for.
        self.has_spoken = False

    def find(self, table: sa.Table, /, *where: sa.ColumnElement[bool], order_by: Any = None,
             limit: int | None = None, lock: bool = False, **equal: Any) -> list[Row]:
        """Rows that meet all conditions. `lock` keeps them until the end (PostgreSQL row locks).

        A column's name with a value asks for equality, with None for absence, with a collection for one of it.
        """
        lock = lock and self._dialect == "postgresql"
        statement = statements.select(table, statements.shape_of(equal), statements.ordered(order_by), limit, lock)
        found: list[Any] = list(self._execute(statement, where, equal).mappings())
        return found

    def first(self, table: sa.Table, /, *where: sa.ColumnElement[bool], order_by: Any = None,
              lock: bool = False, **equal: Any) -> Row | None:
        """The first row that meets all conditions, or None."""
        found = self.find(table, *where, order_by=order_by, limit=1, lock=lock, **equal)
        return found[0] if found else None

    def insert(self, table: sa.Table, /, **values: Any) -> None:
        """One new row; a duplicate key is an error."""
        self.connection.execute(statements.insert(table), values)

    def insert_all(self, table: sa.Table, batch: Sequence[Mapping[str, Any]]) -> None:
        """New rows in one go; a duplicate key is an error."""
        if batch:
            self.connection.execute(statements.insert(table), list(batch))

    def insert_new(self, table: sa.Table, /, **values: Any) -> int:
        """One row unless its key is there already; returns how many were new (0 or 1)."""
        return len(self.connection.execute(statements.insert_new(table, self._dialect), values).all())

    def insert_unseen(self, key: sa.Column[T], batch: Sequence[Mapping[str, Any]]) -> set[T]:
        """Of these rows only those whose key is not there yet; returns the keys that were new."""
        if not batch:
            return set()
        if len(batch) == 1:  # a plain statement: nothing of many rows has to be put together
            return {batch[0][key.name]} if self.insert_new(key.table, **batch[0]) else set()
        statement = statements.insert_new(key.table, self._dialect, key.name)
        return set(self.connection.execute(statement, list(batch)).scalars())

    def update(self, table: sa.Table, equal: Mapping[str, Any], /, *where: sa.ColumnElement[bool], **values: Any) -> int:
        """Change the rows that meet all conditions; returns how many. `equal` as the names of `find`."""
        statement, plain = statements.update(table, statements.shape_of(equal), values)
        return int(self._execute(statement, where, equal, plain).rowcount)

    def advance(self, column: sa.Column[int], steps: int = 1, /, **key: Any) -> int:
        """Add to a counter and say what it is now, from 0 for a new one; its row is ours until the end."""
        statement, by = statements.advance(column, statements.shape_of(key)), {"steps": steps}
        value = self._execute(statement, (), key, by).scalar()
        if value is None:
            self.insert_new(column.table, **key, **{column.name: 0})
            value = self._execute(statement, (), key, by).scalar_one()
        return int(value)

    def update_each(self, table: sa.Table, key: sa.Column[Any], column: sa.Column[Any], values: Mapping[Any, Any]) -> None:
        """Give `column` another value in many rows, each found by its key; compiled once."""
        statement = sa.update(table).where(key == sa.bindparam("the_key")).values({column.name: sa.bindparam("the_value")})
        if values:
            self.connection.execute(statement, [{"the_key": k, "the_value": v} for k, v in values.items()])

    def delete(self, table: sa.Table, /, *where: sa.ColumnElement[bool], **equal: Any) -> int:
        """Remove rows of bookkeeping tables; records of cases, money and audit are never removed."""
        statement = statements.delete(table, statements.shape_of(equal))
        return int(self._execute(statement, where, equal).rowcount)

    def count(self, table: sa.Table, /, *where: sa.ColumnElement[bool], **equal: Any) -> int:
        """How many rows meet all conditions."""
        return self._aggregate(table, "", "count", where, equal)

    def total(self, column: sa.Column[int], /, *where: sa.ColumnElement[bool], **equal: Any) -> int:
        """Sum of a column, 0 when there is no row."""
        return self._aggregate(column.table, column.name, "sum", where, equal)

    def largest(self, column: sa.Column[int], /, *where: sa.ColumnElement[bool], **equal: Any) -> int:
        """Largest value of a column, 0 when there is no row."""
        return self._aggregate(column.table, column.name, "max", where, equal)

    def largest_by(self, group: sa.Column[Any], column: sa.Column[int], **equal: Any) -> dict[Any, int]:
        """Largest value of a column for each value of another; who has no row is not in it."""
        rows: Any = self._execute(statements.largest_by(group, column, statements.shape_of(equal)), (), equal)
        return {value: int(number) for value, number in rows}

    def tally(self, column: sa.Column[Any], /, *where: sa.ColumnElement[bool], **equal: Any) -> dict[Any, int]:
        """Number of rows by value of a column."""
        rows: Any = self._execute(statements.tally(column, statements.shape_of(equal)), where, equal)
        return {value: int(number) for value, number in rows}

    def _aggregate(self, table: sa.FromClause, column: str, function: str, where: Sequence[sa.ColumnElement[bool]],
                   equal: Mapping[str, Any]) -> int:
        statement = statements.aggregate(table, column, function, statements.shape_of(equal))
        return int(self._execute(statement, where, equal).scalar_one())

    def _execute(self, statement: Any, where: Sequence[sa.ColumnElement[bool]], equal: Mapping[str, Any],
                 values: Mapping[str, Any] | None = None) -> sa.CursorResult[Any]:
        if where:
            statement = statement.where(*where)
        return self.connection.execute(statement, {**statements.values_of(equal), **(values or {})})

    def gather(self, write: Callable[[Tx, list[Any]], None], item: Any) -> None:
        """Have `write` called once with all its items when the transaction (or savepoint) ends, before its commit.

        For rows that nobody reads in the transaction that writes them: one statement for all of a batch.
        """
        self._gathered.setdefault(write, []).append(item)

    def append(self, table: sa.Table, /, **values: Any) -> None:
        """One new row that nobody reads in this transaction; written at its end together with others of its table."""
        self.gather(_rows_of(table), values)

    def flush(self) -> None:
        """Write what was gathered."""
        gathered, self._gathered = self._gathered, {}
        self.has_spoken = self.has_spoken or bool(gathered)
        for write, items in gathered.items():
            write(self, items)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is done inside is undone when it raises; the transaction goes on."""
        self.flush()  # what was gathered before stays
        try:
            with self.connection.begin_nested():
                yield
                self.flush()
        finally:
            self._gathered.clear()


@cache
def _rows_of(table: sa.Table) -> Callable[[Tx, list[Any]], None]:
    return lambda tx, rows: tx.insert_all(table, rows)


class Store:
    """A service's database. `url` is SQLAlchemy's; SQLite for one process, PostgreSQL for many."""

    def __init__(self, url: str, engine: Engine | None = None) -> None:
        self.engine = engine or make_engine(url)
        # READ COMMITTED gives each statement its own view in any case: a read needs no transaction around it.
        self._reader = (self.engine.execution_options(isolation_level="AUTOCOMMIT")
                        if self.engine.dialect.name == "postgresql" else self.engine)
        self.where = self.engine.url.render_as_string(hide_password=True)
        # Grows with every writer of this process: who has looked since the last one need not look again.
        self.version = 0

    @contextmanager
    def transaction(self, write: bool = True, steady: bool = False) -> Iterator[Tx]:
        """One transaction: commits when the block ends, is undone when it raises. A reader that needs more than
        single statements (a server-side cursor) asks for a `steady` one.

        Raises Fault DATABASE_UNAVAILABLE when the database cannot be reached or is lost on the way.
        """
        self.version += write
        try:
            engine = self.engine if write or steady else self._reader
            with engine.connect().execution_options(yimen_write=write) as connection, connection.begin():
                tx = Tx(connection)
                yield tx
                tx.flush()
                if tx.has_spoken:
                    bell.ring(connection)
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise Fault("DATABASE_UNAVAILABLE", attempts=1, where=self.where) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Fault("DATABASE_UNAVAILABLE", attempts=1, where=self.where) from error
            raise

    def run(self, work: Callable[[Tx], T]) -> T:
        """Do `work` in one transaction; again when two writers collided on a unique key."""
        for attempt in range(1, limits.TRANSACTION_ATTEMPTS_MAX + 1):
            try:
                with self.transaction() as tx:
                    return work(tx)
            except IntegrityError:
                if attempt == limits.TRANSACTION_ATTEMPTS_MAX:
                    raise
        raise AssertionError("unreachable")

    def ping(self) -> None:
        """Raises Fault DATABASE_UNAVAILABLE unless a statement goes through."""
        with self.transaction(write=False) as tx:
            tx.connection.execute(sa.text("select 1"))

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def make_engine(url: str) -> Engine:
    """An engine with the settings that the unit of work relies on."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"check_same_thread": False, "timeout": SQLITE_BUSY_MS / 1000})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    most = int(os.environ.get(CONNECTIONS_VARIABLE) or CONNECTIONS_USUAL)
    kept = min(CONNECTIONS_KEPT, most)
    engine = sa.create_engine(parsed, pool_size=kept, max_overflow=most - kept)
    sa.event.listen(engine, "checkin", _remember_use)
    sa.event.listen(engine, "checkout", _ping_after_idleness)
    return engine


def _remember_use(_connection: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _ping_after_idleness(connection: Any, record: Any, _proxy: Any) -> None:
    """SQLAlchemy's `pool_pre_ping` asks before each transaction; a connection that was just used needs no asking."""
    if time.monotonic() - record.info.get("used_at", -inf) < PING_AFTER_S:
        return
    try:
        connection.execute("select 1")
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # pysqlite's own transaction handling breaks savepoints; SQLAlchemy's documentation gives this remedy.
    connection.isolation_level = None
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=normal")
    connection.execute("pragma foreign_keys=on")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: a reader that upgrades later could find its snapshot stale.
    write = connection.get_execution_options().get("yimen_write", True)
    connection.exec_driver_sql("begin immediate" if write else "begin")
