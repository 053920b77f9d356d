"""Statements over many rows at once: what is due, what is held, what a batch holds. One room for payment's own SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from yimen.store.tables import task
from yimen.store.unit import Row, Tx

from services.payment.tables import account, batch, hold, instalment, instruction, payee, plan, transfer

i, other = instalment.c, instalment.alias("other")

# Where money comes from: these accounts go below zero by what they gave.
SOURCES = ("treasury", "penalised")
_CHANGE = sa.update(account).where(
    account.c.account_id == sa.bindparam("name"),
    sa.or_(account.c.balance_fen + sa.bindparam("fen", type_=sa.BigInteger) >= 0, *(account.c.kind == one for one in SOURCES)),
).values(balance_fen=account.c.balance_fen + sa.bindparam("fen", type_=sa.BigInteger))


def change_balances(tx: Tx, changes: Sequence[tuple[str, int]]) -> bool:
    """Add to balances, in this order and in one go; False where one of them does not exist or would fall below zero: then the
    caller must undo the others with his transaction."""
    return tx.connection.execute(_CHANGE, [{"name": name, "fen": fen} for name, fen in changes]).rowcount == len(changes)


def balances_at(tx: Tx, channel: str, moment: datetime | None) -> dict[str, int]:
    """Each account's sum of its transfers up to a moment."""
    def side(column: sa.Column[str], sign: int) -> sa.Select[Any]:
        statement = sa.select(column.label("name"), (transfer.c.amount_fen * sign).label("fen")).where(
            column.in_(sa.select(account.c.account_id).where(account.c.channel == channel)))
        return statement if moment is None else statement.where(transfer.c.at <= moment)

    both = sa.union_all(side(transfer.c.to_account, 1), side(transfer.c.from_account, -1)).subquery()
    rows = tx.connection.execute(sa.select(both.c.name, sa.func.sum(both.c.fen)).group_by(both.c.name))
    return {name: int(fen) for name, fen in rows}


def transfers_of(tx: Tx, name: str, since: datetime, until: datetime, after: tuple[datetime, str] | None,
                 limit: int) -> list[Row]:
    """A page of what went in and out of an account, oldest first."""
    where = [sa.or_(transfer.c.from_account == name, transfer.c.to_account == name), transfer.c.at >= since,
             transfer.c.at < until]
    if after is not None:
        where.append(sa.tuple_(transfer.c.at, transfer.c.transfer_id) > sa.tuple_(*map(sa.literal, after)))
    return tx.find(transfer, *where, order_by=(transfer.c.at, transfer.c.transfer_id), limit=limit)


def balance_before(tx: Tx, name: str, moment: datetime) -> int:
    """What one account held just before a moment."""
    came = tx.total(transfer.c.amount_fen, transfer.c.at < moment, to_account=name)
    return came - tx.total(transfer.c.amount_fen, transfer.c.at < moment, from_account=name)


def in_year(year: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Due in this year."""
    return i.due_on >= date(year, 1, 1), i.due_on < date(year + 1, 1, 1)


def has_open_task(tx: Tx, kind: str, subject: str) -> bool:
    """Whether it is on somebody's list already."""
    return bool(tx.count(task, kind=kind, subject=subject, done_at=None))


# ------------------------------------------------------------------------------------------------ batches
def name_households(tx: Tx) -> None:
    """Instalments that a release before this one has planned say their household in their plan only."""
    mine = sa.select(plan.c.household_id).where(plan.c.grant_id == i.grant_id).scalar_subquery()
    tx.connection.execute(sa.update(instalment).where(i.household_id == "", i.state == "planned").values(household_id=mine))


def put_in_batch(tx: Tx, batch_id: str, channel: str, due_on: date, after: str, limit: int) -> str:
    """The next page of what is due and in no batch, beginning after an instalment; returns the last of it, empty for none."""
    page = sa.select(i.instalment_id).where(i.channel == channel, i.state == "planned", i.batch_id == "", i.held.is_(False),
                                            i.due_on <= due_on, i.instalment_id > after).order_by(i.instalment_id).limit(limit)
    done = sa.update(instalment).where(i.instalment_id.in_(page)).values(batch_id=batch_id).returning(i.instalment_id)
    return max(tx.connection.execute(done).scalars(), default="")


def duplicates(tx: Tx, batch_id: str, window: tuple[date, date], limit: int) -> list[Row]:
    """Instalments of a batch beside which another channel has paid the same household for the same purpose in the window, or is
    about to (it is in a batch too), and about which nobody has decided: (instalment_id, household_id, other_id)."""
    decided = sa.exists().where(hold.c.instalment_id == i.instalment_id, hold.c.other_id == other.c.instalment_id)
    under_way = sa.or_(other.c.state.in_(("released", "settled")), sa.and_(other.c.state == "planned", other.c.batch_id != ""))
    statement = (
        sa.select(i.instalment_id, i.household_id, other.c.instalment_id.label("other_id"))
        .join(other, sa.and_(other.c.household_id == i.household_id, other.c.purpose == i.purpose, other.c.channel != i.channel))
        .where(i.batch_id == batch_id, i.state == "planned", i.purpose != "", under_way, other.c.due_on >= window[0],
               other.c.due_on < window[1], ~decided)
        .order_by(i.instalment_id, other.c.instalment_id).limit(limit))
    found: list[Any] = list(tx.connection.execute(statement).mappings())
    return found


def without_account(tx: Tx, batch_id: str, limit: int) -> list[Row]:
    """Instalments of a batch whose household has given no account."""
    known = sa.exists().where(payee.c.household_id == i.household_id)
    return tx.find(instalment, ~known, batch_id=batch_id, state="planned", order_by=i.instalment_id, limit=limit)


def batch_sums(tx: Tx, batch_id: str) -> tuple[int, int]:
    """(instalments, fen) that a batch would pay now."""
    row = tx.connection.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(i.amount_fen), 0)).where(
        i.batch_id == batch_id, i.state == "planned")).one()
    return int(row[0]), int(row[1])


def batch_by_line(tx: Tx, batch_id: str) -> dict[str, int]:
    """Fen that a batch would pay now, by budget line."""
    rows = tx.connection.execute(sa.select(i.line, sa.func.sum(i.amount_fen)).where(
        i.batch_id == batch_id, i.state == "planned").group_by(i.line).order_by(i.line))
    return {line: int(fen) for line, fen in rows}


def take_out_of_batch(tx: Tx, *where: sa.ColumnElement[bool], **equal: Any) -> set[str]:
    """Planned instalments leave the batches that they are in; returns those batches."""
    rows = tx.find(instalment, i.batch_id != "", *where, state="planned", **equal)
    if rows:
        tx.update(instalment, {"instalment_id": [row["instalment_id"] for row in rows]}, batch_id="")
    return {row["batch_id"] for row in rows}


def batches_of_household(tx: Tx, household_id: str, states: Sequence[str]) -> list[Row]:
    """Batches in these states that would pay something to a household."""
    mine = sa.select(i.batch_id).where(i.household_id == household_id, i.state == "planned", i.batch_id != "")
    return tx.find(batch, batch.c.batch_id.in_(mine), state=list(states), lock=True)


def is_paid_out(tx: Tx, batch_id: str) -> bool:
    """Whether everything of a batch is settled or void."""
    return not tx.count(instalment, batch_id=batch_id, state=["planned", "released", "returned"])


# ------------------------------------------------------------------------------------------------ holds
def refresh_held(tx: Tx, household_id: str) -> None:
    """Mark as held what an open hold names, or everything of the household where one names it whole; and nothing else."""
    named = sa.exists().where(hold.c.state == "open", hold.c.household_id == i.household_id,
                              sa.or_(hold.c.instalment_id == "", hold.c.instalment_id == i.instalment_id))
    tx.connection.execute(sa.update(instalment).where(i.household_id == household_id, i.state.in_(("planned", "unfunded")))
                          .values(held=named))


def returns_of(tx: Tx, instalment_id: str) -> int:
    """How often the bank has returned an instalment."""
    return tx.count(instruction, instalment_id=instalment_id, state="returned")


# ------------------------------------------------------------------------------------------------ reading
def line_balances(tx: Tx, line: str) -> dict[str, int]:
    """What a line's accounts hold together, by kind; the townships' funds are the channel's, not the line's."""
    a = account.c
    mine = sa.or_(a.line == line, sa.and_(a.line == "", a.channel == line)) if "@" not in line else a.line == line
    rows = tx.connection.execute(sa.select(a.kind, sa.func.sum(a.balance_fen)).where(mine).group_by(a.kind))
    return {kind: int(fen) for kind, fen in rows}


def returned_fen(tx: Tx, channel: str) -> int:
    """What the bank has returned of a channel's payments, whether it was issued again or not."""
    mine = sa.select(i.instalment_id).where(i.channel == channel)
    return tx.total(instruction.c.amount_fen, instruction.c.instalment_id.in_(mine), state="returned")


def paid_by_township(tx: Tx) -> list[Row]:
    """What has arrived, by channel and township: households, instalments, amount_fen."""
    statement = (sa.select(i.channel, plan.c.township_code, sa.func.count(sa.distinct(plan.c.household_id)).label("households"),
                           sa.func.count().label("instalments"), sa.func.sum(i.amount_fen).label("amount_fen"))
                 .join(plan, plan.c.grant_id == i.grant_id).where(i.state == "settled")
                 .group_by(i.channel, plan.c.township_code).order_by(i.channel, plan.c.township_code))
    found: list[Any] = list(tx.connection.execute(statement).mappings())
    return found


def demand(tx: Tx, channel: str, since: date, until: date) -> tuple[int, int, int]:
    """(instalments, fen, fen of them without a budget) that are due between two days and not paid."""
    unfunded = sa.case((i.state == "unfunded", i.amount_fen), else_=0)
    row = tx.connection.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(i.amount_fen), 0),
                                          sa.func.coalesce(sa.func.sum(unfunded), 0)).where(
        i.channel == channel, i.state.in_(("planned", "unfunded")), i.due_on >= since, i.due_on < until)).one()
    return int(row[0]), int(row[1]), int(row[2])
