"""Statements that differ only in their values, built once.

Building a statement and its cache key costs SQLAlchemy several times what SQLite or PostgreSQL need to run it
(140 µs against 30 µs for a look-up by key); nearly all statements of a service ask for equality, so these are
kept by table and column names and only given values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ClauseElement

STATEMENTS_MAX = 2_000
# A condition's kind: equal to a value, one of several, or absent.
_SAME, _ONE_OF, _ABSENT = "same", "one of", "absent"
Shape = tuple[tuple[str, str], ...]
Order = tuple[sa.ColumnElement[Any], ...]


def shape_of(equal: Mapping[str, Any]) -> Shape:
    """What the conditions are, without their values. None is `is null`, a collection is `in`."""
    return tuple((name, _kind(value)) for name, value in equal.items())


def _kind(value: Any) -> str:
    if value is None:
        return _ABSENT
    return _ONE_OF if isinstance(value, Collection) and not isinstance(value, str | bytes) else _SAME


def values_of(equal: Mapping[str, Any]) -> dict[str, Any]:
    """The values that go with `shape_of`."""
    return {f"is_{name}": list(value) if _kind(value) == _ONE_OF else value
            for name, value in equal.items() if value is not None}


def conditions(table: sa.FromClause, shape: Shape) -> list[sa.ColumnElement[bool]]:
    """One condition for each name; raises KeyError for a name that is no column."""
    found: list[sa.ColumnElement[bool]] = []
    for name, kind in shape:
        column = table.c[name]
        if kind == _ABSENT:
            found.append(column.is_(None))
            continue
        value = sa.bindparam(f"is_{name}", type_=column.type, expanding=kind == _ONE_OF)
        found.append(column.in_(value) if kind == _ONE_OF else column == value)
    return found


def ordered(order_by: Any) -> Order:
    """One column or several, as a tuple."""
    if order_by is None:
        return ()
    return order_by if isinstance(order_by, tuple) else (order_by,)


def select(table: sa.Table, shape: Shape, order: Order, limit: int | None, lock: bool) -> sa.Select[Any]:
    """Rows. Kept unless the order is more than columns: such an order is a new object each time."""
    if all(isinstance(column, sa.Column) for column in order):
        return _kept_select(table, shape, order, limit, lock)
    return build_select(table, conditions(table, shape), order, limit, lock)


def build_select(table: sa.Table, where: list[sa.ColumnElement[bool]], order: Order, limit: int | None,
                 lock: bool) -> sa.Select[Any]:
    """Rows that meet all conditions."""
    statement = sa.select(table).where(*where).order_by(*order).limit(limit)
    return statement.with_for_update() if lock else statement


@lru_cache(STATEMENTS_MAX)
def _kept_select(table: sa.Table, shape: Shape, order: Order, limit: int | None, lock: bool) -> sa.Select[Any]:
    return build_select(table, conditions(table, shape), order, limit, lock)


@lru_cache(STATEMENTS_MAX)
def aggregate(table: sa.FromClause, column: str, function: str, shape: Shape) -> sa.Select[Any]:
    """Number of rows, sum or largest of a column; 0 when there is no row."""
    what = sa.func.count() if function == "count" else sa.func.coalesce(getattr(sa.func, function)(table.c[column]), 0)
    return sa.select(what).select_from(table).where(*conditions(table, shape))


@lru_cache(STATEMENTS_MAX)
def largest_by(group: sa.Column[Any], column: sa.Column[int], shape: Shape) -> sa.Select[Any]:
    """Largest value of a column for each value of another."""
    return sa.select(group, sa.func.max(column)).where(*conditions(column.table, shape)).group_by(group)


@lru_cache(STATEMENTS_MAX)
def tally(column: sa.Column[Any], shape: Shape) -> sa.Select[Any]:
    """Number of rows by value of a column."""
    return sa.select(column, sa.func.count()).where(*conditions(column.table, shape)).group_by(column)


@lru_cache(STATEMENTS_MAX)
def delete(table: sa.Table, shape: Shape) -> sa.Delete:
    """Remove the rows that meet all conditions."""
    return sa.delete(table).where(*conditions(table, shape))


@lru_cache(STATEMENTS_MAX)
def insert(table: sa.Table) -> sa.Insert:
    """One row or many."""
    return table.insert()


@lru_cache(STATEMENTS_MAX)
def insert_new(table: sa.Table, dialect: str, answer: str = "") -> Any:
    """Rows whose key is not there yet; answers with this column (or with 1) of each that was new.

    `rowcount` would be -1 on PostgreSQL where SQLAlchemy fetches a generated key, so what comes back is counted.
    """
    kind = postgresql if dialect == "postgresql" else sqlite
    return kind.insert(table).on_conflict_do_nothing().returning(table.c[answer] if answer else sa.literal_column("1"))


@lru_cache(STATEMENTS_MAX)
def advance(column: sa.Column[int], shape: Shape) -> Any:
    """Add `steps` and answer with what it is now."""
    return sa.update(column.table).where(*conditions(column.table, shape)).values(
        {column.name: column + sa.bindparam("steps", type_=column.type)}).returning(column)


def update(table: sa.Table, shape: Shape, values: Mapping[str, Any]) -> tuple[sa.Update, dict[str, Any]]:
    """The statement and the values to run it with. A value that is an expression makes it one of its own."""
    computed = {name: value for name, value in values.items() if isinstance(value, ClauseElement)}
    plain = {f"to_{name}": value for name, value in values.items() if name not in computed}
    statement = _kept_update(table, shape, tuple(name for name in values if name not in computed))
    return (statement.values(computed) if computed else statement), plain


@lru_cache(STATEMENTS_MAX)
def _kept_update(table: sa.Table, shape: Shape, names: tuple[str, ...]) -> sa.Update:
    changes = {name: sa.bindparam(f"to_{name}", type_=table.c[name].type) for name in names}
    statement = sa.update(table).where(*conditions(table, shape))
    return statement.values(changes) if changes else statement
