"""Double entry in fen: every transfer takes from one account what it gives to another; none is ever changed, an error is
undone by a reversal.

A channel's money stands on budget lines (`lines.py`): a line's accounts are `treasury` (where its budget comes from, negative
by it), `available`, `reserved`, one per `batch` under way, `paid`, `purchase` and one per `debt`; an `imprest` fund belongs to a
township. All balances of a channel add up to zero. What a fine brings stands apart (`penalised`, negative by it, and `fine`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.telemetry.metrics import Reading

from services.payment import queries
from services.payment.tables import account, transfer

TREASURY, AVAILABLE, RESERVED, PAID, IMPREST = "treasury", "available", "reserved", "paid", "imprest"
BATCH, PURCHASE, DEBT = "batch", "purchase", "debt"
FINE, PENALISED = "fine", "penalised"
LINE_KINDS = (TREASURY, AVAILABLE, RESERVED, PAID)
REVERSAL = "reversal"


def account_id(line: str, kind: str, detail: str = "") -> str:
    """`medical_aid:reserved`, `relief@2026/central:available`, `relief:imprest:990101003`."""
    return ":".join(part for part in (line, kind, detail) if part)


def open_account(ctx: Context, line: str, kind: str, detail: str = "") -> str:
    """The account, made when it is new."""
    name = account_id(line, kind, detail)
    ctx.tx.insert_new(account, account_id=name, channel=line.partition("@")[0], line=line, kind=kind, balance_fen=0)
    return name


@dataclass(frozen=True)
class Move:
    """One transfer; its id is the caller's, so that saying it twice moves money once."""

    transfer_id: str
    source: str
    target: str
    amount_fen: int
    kind: str
    reference: str


def move(ctx: Context, transfer_id: str, source: str, target: str, amount_fen: int, kind: str, reference: str) -> bool:
    """One transfer; the same id again does nothing (False). Raises what `post` raises."""
    return bool(post(ctx, [Move(transfer_id, source, target, amount_fen, kind, reference)]))


def post(ctx: Context, moves: Sequence[Move]) -> int:
    """All of these transfers or none; returns how many were new. Each account is touched once, in one order for everybody, so
    that two writers never wait for each other in a circle.

    Raises Fault BALANCE_TOO_LOW, AMOUNT_WRONG, CHANNEL_NOT_FOUND, or TRANSFER_CONFLICT when an id was used for another transfer.
    """
    for one in moves:
        if not 0 < one.amount_fen <= AMOUNT_FEN_MAX:
            raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
    wanted = {one.transfer_id: one for one in moves}
    # Whoever says the same transfer at the same time waits here until this one has ended.
    new = ctx.tx.insert_unseen(transfer.c.transfer_id, [
        {"transfer_id": one.transfer_id, "from_account": one.source, "to_account": one.target, "amount_fen": one.amount_fen,
         "kind": one.kind, "reference": one.reference, "at": ctx.now} for one in wanted.values()])
    _require_same(ctx, [one for one in wanted.values() if one.transfer_id not in new])
    change: Counter[str] = Counter()
    for name in new:
        change[wanted[name].source] -= wanted[name].amount_fen
        change[wanted[name].target] += wanted[name].amount_fen
    changes = sorted(change.items())
    if changes and not queries.change_balances(ctx.tx, changes):
        _refuse(ctx, changes)
    return len(new)


def _require_same(ctx: Context, again: Sequence[Move]) -> None:
    if not again:
        return
    known = {row["transfer_id"]: row for row in ctx.tx.find(transfer, transfer_id=[one.transfer_id for one in again])}
    for one in again:
        row = known[one.transfer_id]
        if (row["from_account"], row["to_account"], row["amount_fen"]) != (one.source, one.target, one.amount_fen):
            raise Fault("TRANSFER_CONFLICT", transfer_id=one.transfer_id)


def _refuse(ctx: Context, changes: Sequence[tuple[str, int]]) -> NoReturn:
    """Say which account it was (of several sources the first that could be); what was changed is undone with the transaction,
    or the savepoint, that this ends."""
    rows = {row["account_id"]: row for row in ctx.tx.find(account, account_id=[name for name, _ in changes])}
    for name, _ in changes:
        if name not in rows:
            raise Fault("CHANNEL_NOT_FOUND", channel=name)
    for name, fen in changes:
        if fen < 0 and rows[name]["kind"] not in queries.SOURCES and rows[name]["balance_fen"] < -fen:
            raise Fault("BALANCE_TOO_LOW", account=name, balance_fen=rows[name]["balance_fen"], amount_fen=-fen)
    raise Fault("BALANCE_TOO_LOW", account=changes[0][0], balance_fen=rows[changes[0][0]]["balance_fen"],
                amount_fen=-changes[0][1])


def reverse(ctx: Context, transfer_id: str, reference: str) -> bool:
    """Undo a transfer by its contrary, once. Raises Fault TRANSFER_NOT_FOUND, or BALANCE_TOO_LOW when the money is not there
    any more; a reversal itself is not reversed."""
    row = ctx.require(ctx.tx.first(transfer, transfer_id=transfer_id), "TRANSFER_NOT_FOUND", transfer_id=transfer_id[:36])
    if row["kind"] == REVERSAL:
        raise Fault("TRANSFER_CONFLICT", transfer_id=transfer_id)
    return move(ctx, derived(REVERSAL, transfer_id), row["to_account"], row["from_account"], row["amount_fen"], REVERSAL,
                reference)


def balance(ctx: Context, name: str) -> int:
    """What an account holds now; 0 where there is none."""
    return ctx.tx.total(account.c.balance_fen, account_id=name)


def balances_at(ctx: Context, channel: str, moment: datetime | None) -> dict[str, int]:
    """What each account of a channel held at a past moment, by its transfers; None: now, by the same."""
    return queries.balances_at(ctx.tx, channel, moment)


def balances(app: App) -> list[Reading]:
    """Of every channel and kind of account, in fen; where the money comes from (the budget with the other sign) is left out."""
    sums: Counter[tuple[str, str]] = Counter()
    with app.work("", write=False) as ctx:
        for row in ctx.tx.find(account):
            if row["kind"] not in queries.SOURCES:
                sums[row["channel"], row["kind"]] += row["balance_fen"]
    return [(fen, {"yimen.channel": channel, "yimen.account": kind}) for (channel, kind), fen in sorted(sums.items())]
