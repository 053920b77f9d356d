"""Double entry in fen: every transfer takes from one account what it gives to another; none is ever changed.

Accounts of a channel: `treasury` (where the budget comes from, negative by it), `available`, `reserved`,
`paid`, and an `imprest` fund per township. Their balances always add up to zero.
"""

from __future__ import annotations

from yimen.kernel.errors import Fault
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.telemetry.metrics import Reading

from services.payment.tables import account, transfer

TREASURY, AVAILABLE, RESERVED, PAID, IMPREST = "treasury", "available", "reserved", "paid", "imprest"


def account_id(channel: str, kind: str, township: str = "") -> str:
    """`medical_aid:reserved`, `relief:imprest:990101003`."""
    return ":".join(part for part in (channel, kind, township) if part)


def open_account(ctx: Context, channel: str, kind: str, township: str = "") -> str:
    """The account, made when it is new."""
    name = account_id(channel, kind, township)
    ctx.tx.insert_new(account, account_id=name, channel=channel, kind=kind, balance_fen=0)
    return name


def move(ctx: Context, transfer_id: str, source: str, target: str, amount_fen: int, kind: str, reference: str) -> bool:
    """One transfer; the same id again does nothing (False).

    Raises Fault BALANCE_TOO_LOW, AMOUNT_WRONG, or TRANSFER_CONFLICT when the id was used for another transfer.
    """
    if not 0 < amount_fen <= AMOUNT_FEN_MAX:
        raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
    # Both rows in one order, so that two transfers never wait for each other; and before looking whether the transfer is
    # known, so that the same one said twice at once is seen by the second.
    rows = {row["account_id"]: row for row in ctx.tx.find(account, account_id=[source, target],
                                                          order_by=account.c.account_id, lock=True)}
    for name in (source, target):
        if name not in rows:
            raise Fault("CHANNEL_NOT_FOUND", channel=name)
    known = ctx.tx.first(transfer, transfer_id=transfer_id)
    if known is not None:
        if (known["from_account"], known["to_account"], known["amount_fen"]) != (source, target, amount_fen):
            raise Fault("TRANSFER_CONFLICT", transfer_id=transfer_id)
        return False
    balance = rows[source]["balance_fen"]
    if rows[source]["kind"] != TREASURY and balance < amount_fen:
        raise Fault("BALANCE_TOO_LOW", account=source, balance_fen=balance, amount_fen=amount_fen)
    ctx.tx.insert(transfer, transfer_id=transfer_id, from_account=source, to_account=target, amount_fen=amount_fen,
                  kind=kind, reference=reference, at=ctx.now)
    ctx.tx.update(account, {"account_id": source}, balance_fen=account.c.balance_fen - amount_fen)
    ctx.tx.update(account, {"account_id": target}, balance_fen=account.c.balance_fen + amount_fen)
    return True


def balances(app: App) -> list[Reading]:
    """Of every channel and kind of account, in fen; the treasury's (the budget with the other sign) is left out."""
    sums: dict[tuple[str, str], int] = {}
    with app.work("", write=False) as ctx:
        for row in ctx.tx.find(account, account.c.kind != TREASURY):
            key = (row["channel"], row["kind"])
            sums[key] = sums.get(key, 0) + row["balance_fen"]
    return [(fen, {"yimen.channel": channel, "yimen.account": kind}) for (channel, kind), fen in sorted(sums.items())]
