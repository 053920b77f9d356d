"""What the bank says of instructions, whoever carried the word: an answer, a file, a statement. A group is one transaction;
saying a thing twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.limits import groups
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import debts, holds, ledger, lines
from services.payment.bank import Outcome
from services.payment.batches import close_paid_out
from services.payment.grants import grant_of, settle
from services.payment.instructions import ask_correction
from services.payment.revisions import CLOSED, RELEASED
from services.payment.tables import batch, instalment, instruction

GROUP_MAX = 200
QUERY_PAUSE_S = 5
OPEN = ("committed", "sending", "pending")


def take_in(app: App, found: Iterable[Outcome]) -> bool:
    """True when an instruction was settled, returned, or is to be sent (again)."""
    moved = False
    for group in groups(found, GROUP_MAX):
        try:
            with app.work(f"service:{app.name}") as ctx:
                moved = apply(ctx, group) or moved
        except Fault as fault:
            if fault.code == "DATABASE_UNAVAILABLE" or len(group) == 1:
                raise
            for one in group:  # one of them made trouble; the others are not to wait for it
                moved = take_in(app, [one]) or moved
    return moved


def apply(ctx: Context, group: Sequence[Outcome]) -> bool:
    """Take in a group within the caller's transaction."""
    said = {one.instruction_id: one for one in group}
    rows = ctx.tx.find(instruction, instruction_id=sorted(said), order_by=instruction.c.instruction_id, lock=True)
    rows = [row for row in rows if row["state"] in OPEN]
    by_state: dict[str, list[Row]] = {}
    for row in rows:
        state = {"unknown": "committed"}.get(said[row["instruction_id"]].state, said[row["instruction_id"]].state)
        # What has not been sent yet the bank cannot know; an answer about it is of an older time.
        if not (row["state"] == "committed" and state in ("committed", "pending")):
            by_state.setdefault(state, []).append(row)
        ctx.app.telemetry.meter.add("yimen.bank.outcomes", attributes={"yimen.outcome": said[row["instruction_id"]].state})
    for state, mine in by_state.items():
        ctx.tx.update(instruction, {"instruction_id": [row["instruction_id"] for row in mine]}, state=state, queried_on=ctx.today,
                      next_query_at=ctx.app.machine_now() + timedelta(seconds=QUERY_PAUSE_S))
    _settled(ctx, by_state.get("settled", []))
    close_paid_out(ctx, {returned(ctx, row, said[row["instruction_id"]].reason_code) for row in by_state.get("returned", [])})
    return bool(set(by_state) & {"settled", "returned", "committed"})


def _settled(ctx: Context, rows: Sequence[Row]) -> None:
    if not rows:
        return
    mine = {row["instalment_id"]: row for row in ctx.tx.find(
        instalment, instalment_id=sorted(row["instalment_id"] for row in rows), order_by=instalment.c.instalment_id, lock=True)}
    settle(ctx, [(mine[row["instalment_id"]], row["instruction_id"]) for row in rows], "post")
    for row in rows:
        if row["offset_fen"]:
            debts.offset_settled(ctx, row)
    close_paid_out(ctx, {one["batch_id"] for one in mine.values()})


def returned(ctx: Context, row: Row, reason_code: str) -> str:
    """The money did not arrive, or came back after it had: it is where it was before, and the account must be corrected;
    after the second time somebody must look at it first (W14). Returns its batch."""
    mine = ctx.require(ctx.tx.first(instalment, instalment_id=row["instalment_id"], lock=True), "INTERNAL")
    ctx.tx.update(instruction, {"instruction_id": row["instruction_id"]}, state="returned", reason_code=reason_code)
    back_from = ledger.account_id(lines.line_of(mine), ledger.PAID) if mine["state"] == "settled" else ""
    mine = {**mine, "state": "returned"}
    ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, state="returned")
    if back_from:
        ctx.tx.update(batch, {"batch_id": mine["batch_id"], "state": CLOSED}, state=RELEASED)
        ledger.move(ctx, derived("return", row["instruction_id"]), back_from, lines.holder(mine), mine["amount_fen"], "return",
                    row["instruction_id"])
        if row["offset_fen"]:
            debts.offset_returned(ctx, row)
    ctx.audit("payment.returned", row["instalment_id"], code=reason_code)
    grant = grant_of(ctx, mine["grant_id"])
    ctx.emit(events.PaymentReturned(grant_id=mine["grant_id"], case_id=grant.case_id, application_id=grant.application_id,
                                    instalment_no=mine["number"], instruction_id=row["instruction_id"],
                                    amount_fen=row["amount_fen"], reason_code=reason_code, channel=mine["channel"]),
             subject=grant.case_id, partition_key=grant.household_id, audience=grant.service)
    ask_correction(ctx, mine, reason_code)
    holds.hold_returned(ctx, mine)
    return str(mine["batch_id"])
