"""The signed grants that money moves on, and what becomes of their instalments. Nothing here asks the bank."""

from __future__ import annotations

from collections.abc import Sequence

from yimen.aid.v1 import events_pb2 as aid
from yimen.kernel.ids import derived
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import ledger, lines
from services.payment.tables import instalment, plan


def grant_of(ctx: Context, grant_id: str) -> aid.Grant:
    """The signed grant that an instalment belongs to."""
    return grants_of(ctx, [grant_id])[grant_id]


def grants_of(ctx: Context, grant_ids: Sequence[str]) -> dict[str, aid.Grant]:
    """Several of them."""
    rows = ctx.tx.find(plan, grant_id=sorted(set(grant_ids)))
    return {row["grant_id"]: aid.Grant.FromString(row["grant"]) for row in rows}


def settle(ctx: Context, paid: Sequence[tuple[Row, str]], kind: str) -> int:
    """The money of these instalments has arrived, each by its instruction (or voucher): post it and say so; returns how many were
    new. Doing it twice does nothing. `paid` holds (locked instalment row, instruction id)."""
    fresh = {row["instalment_id"]: (row, by) for row, by in paid if row["state"] != "settled"}
    if not fresh:
        return 0
    grants = grants_of(ctx, [row["grant_id"] for row, _ in fresh.values()])
    ledger.post(ctx, [ledger.Move(derived("post", row["instalment_id"], by), lines.holder(row),
                                  ledger.account_id(lines.line_of(row), ledger.PAID), row["amount_fen"], kind, by)
                      for row, by in fresh.values()])
    ctx.tx.update(instalment, {"instalment_id": list(fresh)}, state="settled")
    for row, by in fresh.values():
        grant = grants[row["grant_id"]]
        ctx.audit("payment.settled", row["instalment_id"], instruction_id=by)
        ctx.emit(events.PaymentSettled(grant_id=row["grant_id"], case_id=grant.case_id, application_id=grant.application_id,
                                       instalment_no=row["number"], instruction_id=by, amount_fen=row["amount_fen"],
                                       settled_on=ctx.today.isoformat(), channel=row["channel"],
                                       due_on=row["due_on"].isoformat()),
                 subject=grant.case_id, partition_key=grant.household_id, audience=grant.service)
    return len(fresh)


def void(ctx: Context, row: Row, reason_code: str) -> None:
    """It will never be paid: its money goes back to the line that it came from, and the department is told."""
    grant = grant_of(ctx, row["grant_id"])
    lines.give_back(ctx, [row], row["instalment_id"], reason_code)
    ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, state="void")
    ctx.close_tasks(row["instalment_id"])
    ctx.audit("payment.voided", row["instalment_id"], code=reason_code)
    ctx.emit(events.PaymentVoided(grant_id=row["grant_id"], case_id=grant.case_id, application_id=grant.application_id,
                                  instalment_no=row["number"], amount_fen=row["amount_fen"], reason_code=reason_code,
                                  channel=row["channel"]),
             subject=grant.case_id, partition_key=grant.household_id, audience=grant.service)
