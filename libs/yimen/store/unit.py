"""The unit of work: one transaction in which state, outbox, inbox, timers, tasks and audit commit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from yimen.kernel import limits
from yimen.kernel.errors import Fault

Row = Mapping[str, Any]
T = TypeVar("T")
# Kept open by each process; a whole stack on one PostgreSQL must stay well below its usual 100 connections.
POOL_SIZE = 2
POOL_OVERFLOW = 4
SQLITE_BUSY_MS = 30_000


class Tx:
    """Reads and writes of one transaction, in plain dictionaries. Statements stay in the services' tables."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._dialect = connection.dialect.name

    def find(self, table: sa.Table, *where: sa.ColumnElement[bool], order_by: Any = None,
             limit: int | None = None, lock: bool = False) -> list[Row]:
        """Rows that meet all conditions. `lock` keeps them until the end (PostgreSQL row locks)."""
        statement = sa.select(table).where(*where)
        if order_by is not None:
            statement = statement.order_by(*order_by if isinstance(order_by, tuple) else (order_by,))
        if limit is not None:
            statement = statement.limit(limit)
        if lock and self._dialect == "postgresql":
            statement = statement.with_for_update()
        found: list[Any] = list(self.connection.execute(statement).mappings())
        return found

    def first(self, table: sa.Table, *where: sa.ColumnElement[bool], order_by: Any = None,
              lock: bool = False) -> Row | None:
        """The first row that meets all conditions, or None."""
        found = self.find(table, *where, order_by=order_by, limit=1, lock=lock)
        return found[0] if found else None

    def insert(self, table: sa.Table, /, **values: Any) -> None:
        """One new row; a duplicate key is an error."""
        # Values as parameters, not in the statement: so SQLAlchemy compiles each insert once.
        self.connection.execute(table.insert(), values)

    def insert_all(self, table: sa.Table, batch: Sequence[Mapping[str, Any]]) -> None:
        """New rows in one go; a duplicate key is an error."""
        if batch:
            self.connection.execute(table.insert(), list(batch))

    def insert_new(self, table: sa.Table, /, **values: Any) -> int:
        """One row unless its key is there already; returns how many were new (0 or 1)."""
        if self._dialect == "sqlite":
            return int(self.connection.execute(sqlite.insert(table).on_conflict_do_nothing(), values).rowcount)
        # Here `rowcount` is -1 where SQLAlchemy fetches a generated key; what comes back is counted instead.
        statement = postgresql.insert(table).on_conflict_do_nothing().returning(sa.literal(1))
        return len(self.connection.execute(statement, values).all())

    def update(self, table: sa.Table, *where: sa.ColumnElement[bool], **values: Any) -> int:
        """Change rows; returns how many."""
        return int(self.connection.execute(sa.update(table).where(*where).values(**values)).rowcount)

    def update_each(self, table: sa.Table, key: sa.Column[Any], column: sa.Column[Any], values: Mapping[Any, Any]) -> None:
        """Give `column` another value in many rows, each found by its key; compiled once."""
        statement = sa.update(table).where(key == sa.bindparam("the_key")).values({column.name: sa.bindparam("the_value")})
        if values:
            self.connection.execute(statement, [{"the_key": k, "the_value": v} for k, v in values.items()])

    def delete(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        """Remove rows of bookkeeping tables; records of cases, money and audit are never removed."""
        return int(self.connection.execute(sa.delete(table).where(*where)).rowcount)

    def count(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        """How many rows meet all conditions."""
        return int(self.connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())

    def total(self, column: sa.Column[int], *where: sa.ColumnElement[bool]) -> int:
        """Sum of a column, 0 when there is no row."""
        return int(self.connection.execute(sa.select(sa.func.coalesce(sa.func.sum(column), 0)).where(*where)).scalar_one())

    def largest(self, column: sa.Column[int], *where: sa.ColumnElement[bool]) -> int:
        """Largest value of a column, 0 when there is no row."""
        return int(self.connection.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0)).where(*where)).scalar_one())

    def tally(self, column: sa.Column[Any], *where: sa.ColumnElement[bool]) -> dict[Any, int]:
        """Number of rows by value of a column."""
        statement = sa.select(column, sa.func.count()).where(*where).group_by(column)
        return {value: int(number) for value, number in self.connection.execute(statement)}

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is done inside is undone when it raises; the transaction goes on."""
        with self.connection.begin_nested():
            yield


class Store:
    """A service's database. `url` is SQLAlchemy's; SQLite for one process, PostgreSQL for many."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.where = self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self, write: bool = True) -> Iterator[Tx]:
        """One transaction: commits when the block ends, is undone when it raises.

        Raises Fault DATABASE_UNAVAILABLE when the database cannot be reached or is lost on the way.
        """
        try:
            with self.engine.connect().execution_options(yimen_write=write) as connection, connection.begin():
                yield Tx(connection)
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
    return sa.create_engine(parsed, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, pool_pre_ping=True)


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
