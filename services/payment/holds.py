"""What is not paid before a person has decided: a death, a suspicion, a payment that came back twice, or money that another
channel gives the same household for the same purpose in the same period (requirements 5.3). Never dropped silently."""

from __future__ import annotations

from datetime import date

from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.workdays import months_later
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import ledger, lines, queries, revisions
from services.payment.grants import grant_of, void
from services.payment.tables import hold, instalment

DECEASED, SUSPICION, DUPLICATE, RETURNED_TWICE = "deceased", "suspicion", "duplicate", "returned_twice"
ENTERED = (DECEASED, SUSPICION)
OPEN, RELEASED, VOIDED = "open", "released", "voided"
PAGE_MAX = 200


def place(ctx: Context, household_id: str, reason_code: str, instalment_id: str = "", other_id: str = "") -> str:
    """Hold an instalment, or with none named everything that the household is owed; it leaves its batch. Returns the hold."""
    what = {"household_id": household_id, "reason_code": reason_code, "instalment_id": instalment_id, "other_id": other_id}
    hold_id = derived("hold", *what.values(), ctx.tx.count(hold, state=[RELEASED, VOIDED], **what))
    if not ctx.tx.insert_new(hold, hold_id=hold_id, state=OPEN, placed_by=ctx.actor, placed_on=ctx.today, decided_by="",
                             decided_on=None, **what):
        return hold_id
    queries.refresh_held(ctx.tx, household_id)
    for batch_id in queries.take_out_of_batch(ctx.tx, household_id=household_id, held=True):
        revisions.changed(ctx, batch_id)
    ctx.open_task("decide_hold", hold_id, "finance_officer", "", ctx.workdays_later(int(lines.parameters()["hold_days"])),
                  reason=reason_code, household_id=household_id)
    ctx.audit("payment.held", hold_id, reason=reason_code, instalment_id=instalment_id)
    ctx.emit(events.PaymentHeld(hold_id=hold_id, household_id=household_id, instalment_id=instalment_id, reason_code=reason_code),
             subject=f"hold:{hold_id}")
    return hold_id


def decide(ctx: Context, hold_id: str, pay: bool, reason: str) -> Row:
    """Pay it after all, or never. Raises Fault HOLD_NOT_FOUND, REASON_REQUIRED or INSTALMENT_STATE."""
    row = ctx.require(ctx.tx.first(hold, hold_id=hold_id, lock=True), "HOLD_NOT_FOUND", hold_id=hold_id[:36])
    if row["state"] != OPEN:
        raise Fault("INSTALMENT_STATE", state="已决定", act="决定暂缓的款项")
    if not reason:
        raise Fault("REASON_REQUIRED")
    state = RELEASED if pay else VOIDED
    ctx.tx.update(hold, {"hold_id": hold_id}, state=state, decided_by=ctx.actor, decided_on=ctx.today)
    ctx.close_tasks(hold_id)
    if pay:
        queries.refresh_held(ctx.tx, row["household_id"])
        for channel, due_on in _due_again(ctx, row).items():
            revisions.ask_release(ctx, channel, due_on)
    else:
        for one in _held_by(ctx, row):
            void(ctx, one, row["reason_code"].upper())
    ctx.audit("hold.decided", hold_id, state=state)
    ctx.emit(events.HoldDecided(hold_id=hold_id, household_id=row["household_id"], instalment_id=row["instalment_id"],
                                outcome=state, actor=ctx.actor), subject=f"hold:{hold_id}")
    return row


def _held_by(ctx: Context, row: Row) -> list[Row]:
    one = {"instalment_id": row["instalment_id"]} if row["instalment_id"] else {}
    return ctx.tx.find(instalment, household_id=row["household_id"], held=True, state=[lines.PLANNED, lines.UNFUNDED], lock=True,
                       order_by=instalment.c.instalment_id, **one)


def _due_again(ctx: Context, row: Row) -> dict[str, date]:
    found = ctx.tx.find(instalment, instalment.c.due_on <= ctx.today, household_id=row["household_id"], state=lines.PLANNED,
                        held=False, batch_id="", order_by=instalment.c.due_on)
    return {one["channel"]: one["due_on"] for one in reversed(found)}


def hold_duplicates(ctx: Context, batch_id: str, due_on: date) -> int:
    """Take out of a batch what another channel gives for the same purpose in the same period; returns how many (a page)."""
    months = int(lines.parameters()["duplicate_months"])
    month = due_on.replace(day=1)
    found = queries.duplicates(ctx.tx, batch_id, (months_later(month, 1 - months), months_later(month, months)), PAGE_MAX)
    for row in found:
        place(ctx, row["household_id"], DUPLICATE, row["instalment_id"], row["other_id"])
    return len(found)


def hold_returned(ctx: Context, row: Row) -> bool:
    """A payment that the bank has returned as often as the limit says is not tried again before somebody has looked (W14)."""
    if queries.returns_of(ctx.tx, row["instalment_id"]) < int(lines.parameters()["returns_before_hold"]):
        return False
    back, reserve = lines.holder(row), ledger.account_id(lines.line_of(row), ledger.RESERVED)
    if back != reserve:
        ledger.move(ctx, derived("take_back", row["instalment_id"], row["attempt"]), back, reserve, row["amount_fen"], "return",
                    row["batch_id"])
    ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, state=lines.PLANNED, batch_id="")
    place(ctx, grant_of(ctx, row["grant_id"]).household_id, RETURNED_TWICE, row["instalment_id"])
    return True
