"""A township's fund for urgent aid (R069, R074): filled up to its limit, and not while papers for what it paid are missing."""

from __future__ import annotations

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.context import Context

from services.payment import ledger
from services.payment.tables import imprest_advance, imprest_fund, transfer

PAPERS_DAYS = 10  # working days after the advance (requirements 2.3)
# Overdue papers for more than this share of the fund block its replenishment (requirements 2.3 [A]); percent.
BLOCK_ABOVE = 20


def reserve(ctx: Context, grant: aid.Grant, total_fen: int) -> None:
    """Take it from the township's fund. Raises Fault BALANCE_TOO_LOW."""
    ledger.move(ctx, derived("reserve", grant.grant_id), ledger.account_id(grant.channel, ledger.IMPREST, grant.township_code),
                ledger.account_id(grant.channel, ledger.RESERVED), total_fen, "reserve", grant.grant_id)


def advanced(ctx: Context, grant: aid.Grant) -> None:
    """Paid from the fund; its papers are owed."""
    ctx.tx.insert_new(imprest_advance, grant_id=grant.grant_id, case_id=grant.case_id, channel=grant.channel,
                      township_code=grant.township_code, amount_fen=grant.instalment_fen,
                      papers_due_on=ctx.workdays_later(PAPERS_DAYS), papers_on=None)


def on_supplement(ctx: Context, event: aid.SupplementFiled, _: Envelope) -> None:
    """The papers are there."""
    ctx.tx.update(imprest_advance, {"case_id": event.case_id, "papers_on": None}, papers_on=ctx.today)


def overdue_fen(ctx: Context, channel: str, township: str) -> int:
    """Advances of the township whose papers should have been there by now."""
    return ctx.tx.total(imprest_advance.c.amount_fen, imprest_advance.c.papers_due_on < ctx.today, channel=channel,
                        township_code=township, papers_on=None)


def is_blocked(overdue: int, limit: int) -> bool:
    """Whether too many papers are missing to fill it up."""
    return overdue * 100 > limit * BLOCK_ABOVE


def replenish(ctx: Context, channel: str, township: str, amount_fen: int, reference: str, limit_fen: int) -> int:
    """Fill it up; returns its balance. Raises Fault IMPREST_BLOCKED, IMPREST_ABOVE_LIMIT, or those of a transfer."""
    fund = ledger.open_account(ctx, channel, ledger.IMPREST, township)
    transfer_id = derived("imprest", channel, township, reference)
    said = ctx.tx.first(transfer, transfer_id=transfer_id) is not None
    if not said:
        key = {"channel": channel, "township_code": township}
        if not ctx.tx.insert_new(imprest_fund, **key, limit_fen=limit_fen or amount_fen) and limit_fen:
            ctx.tx.update(imprest_fund, key, limit_fen=limit_fen)
        _check(ctx, channel, township, fund, amount_fen)
    if ledger.move(ctx, transfer_id, ledger.account_id(channel, ledger.AVAILABLE), fund, amount_fen, "fund_imprest", reference):
        ctx.audit("imprest.funded", fund, amount_fen=amount_fen)
        ctx.emit(events.ImprestReplenished(channel=channel, township_code=township, amount_fen=amount_fen,
                                           balance_fen=ledger.balance(ctx, fund)), subject=f"imprest:{fund}")
    return ledger.balance(ctx, fund)


def _check(ctx: Context, channel: str, township: str, fund: str, amount_fen: int) -> None:
    known = ctx.require(ctx.tx.first(imprest_fund, channel=channel, township_code=township, lock=True), "INTERNAL")
    overdue = overdue_fen(ctx, channel, township)
    if is_blocked(overdue, known["limit_fen"]):
        raise Fault("IMPREST_BLOCKED", overdue_fen=overdue, limit_fen=known["limit_fen"], share=f"{BLOCK_ABOVE}%")
    if ledger.balance(ctx, fund) + amount_fen > known["limit_fen"]:
        raise Fault("IMPREST_ABOVE_LIMIT", limit_fen=known["limit_fen"], balance_fen=ledger.balance(ctx, fund))
