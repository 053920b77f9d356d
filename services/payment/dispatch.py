"""Instructions to the bank. Committed before the call; an unknown outcome is queried, never sent anew.

`committed` → (marked `sending`, commit) → bank → `pending` | `settled` | `returned`. Whatever is found in
`sending` after a crash has an unknown outcome: the bank is asked, and only when it has never seen the id is
the instruction put back to `committed`, still with the same id.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from yimen.bank.v1 import bank_pb2
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment.handlers import grant_of, settle
from services.payment.tables import instalment, instruction

SEND_BATCH_MAX = 100
QUERY_BATCH_MAX = 200
QUERY_PAUSE_S = 5
CORRECT_DAYS = 5
BANK_DEADLINE_S = 10.0


def send_instructions(app: App) -> bool:
    """One batch to the bank; True when there was one."""
    with app.work("", write=False) as ctx:
        if ctx.tx.first(instruction, state="committed") is None:
            return False
    with app.work(f"service:{app.name}") as ctx:
        batch = ctx.tx.find(instruction, state="committed", order_by=instruction.c.instruction_id,
                            limit=SEND_BATCH_MAX, lock=True)
        ids = [row["instruction_id"] for row in batch]
        if ids:
            ctx.tx.update(instruction, {"instruction_id": ids}, state="sending",
                          next_query_at=app.machine_now() + timedelta(seconds=BANK_DEADLINE_S), queried_on=ctx.today)
    if not batch:
        return False
    request = bank_pb2.SubmitRequest(instructions=[
        bank_pb2.Instruction(instruction_id=row["instruction_id"], debit_account="treasury",
                             credit_account=app.vault.decrypt(row["account_sealed"]), amount_fen=row["amount_fen"])
        for row in batch
    ])
    try:
        answer = app.peers.stub("bank").Submit(request, timeout_s=BANK_DEADLINE_S)
    except Fault:
        app.telemetry.meter.add("yimen.bank.unanswered")
        # Nobody knows what the bank has done; the next round asks.
        with app.work(f"service:{app.name}") as ctx:
            ctx.tx.update(instruction, {"instruction_id": ids, "state": "sending"},
                          next_query_at=app.machine_now())
        return True
    _take_in(app, answer.outcomes)
    return True


def ask_bank(app: App) -> bool:
    """Ask what became of instructions whose outcome is open; True when one was settled or returned."""
    now = app.machine_now()
    with app.work("", write=False) as ctx:
        open_ones = ctx.tx.find(instruction, state=["sending", "pending"],
                                order_by=instruction.c.next_query_at, limit=QUERY_BATCH_MAX)
    due = [r["instruction_id"] for r in open_ones
           if r["next_query_at"] <= now or r["queried_on"] is None or r["queried_on"] < app.today()]
    if not due:
        return False
    try:
        answer = app.peers.stub("bank").Query(bank_pb2.QueryRequest(instruction_ids=due), timeout_s=BANK_DEADLINE_S)
    except Fault:
        app.telemetry.meter.add("yimen.bank.unanswered")
        return False
    return _take_in(app, answer.outcomes)


def _take_in(app: App, outcomes: Any) -> bool:
    moved = False
    for outcome in outcomes:
        with app.work(f"service:{app.name}") as ctx:
            row = ctx.tx.first(instruction, instruction_id=outcome.instruction_id, lock=True)
            if row is not None and row["state"] in ("sending", "pending"):
                moved = _apply(ctx, row, outcome) or moved
    return moved


def _apply(ctx: Context, row: Row, outcome: Any) -> bool:
    state = {"unknown": "committed"}.get(outcome.state, outcome.state)
    ctx.tx.update(instruction, {"instruction_id": row["instruction_id"]}, state=state,
                  reason_code=outcome.reason_code, queried_on=ctx.today,
                  next_query_at=ctx.app.machine_now() + timedelta(seconds=QUERY_PAUSE_S))
    ctx.app.telemetry.meter.add("yimen.bank.outcomes", attributes={"yimen.outcome": outcome.state})
    if state == "settled":
        settle(ctx, row["instalment_id"], row["instruction_id"], "post")
    if state == "returned":
        _returned(ctx, row, outcome.reason_code)
    return state in ("settled", "returned", "committed")


def _returned(ctx: Context, row: Row, reason_code: str) -> None:
    mine = ctx.require(ctx.tx.first(instalment, instalment_id=row["instalment_id"], lock=True), "INTERNAL")
    grant = grant_of(ctx, mine["grant_id"])
    ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, state="returned")
    ask_correction(ctx, mine, grant.township_code, reason_code)
    ctx.audit("payment.returned", row["instalment_id"], code=reason_code)
    ctx.emit(events.PaymentReturned(grant_id=mine["grant_id"], case_id=grant.case_id,
                                    application_id=grant.application_id, instalment_no=mine["number"],
                                    instruction_id=row["instruction_id"], amount_fen=row["amount_fen"],
                                    reason_code=reason_code, channel=mine["channel"]),
             subject=grant.case_id, partition_key=grant.household_id, audience=grant.service)


def ask_correction(ctx: Context, row: Row, township: str, reason_code: str) -> None:
    """Put the account on the window's list; the payment is issued again when it is corrected."""
    ctx.open_task("correct_account", row["instalment_id"], "window_clerk", township, ctx.workdays_later(CORRECT_DAYS),
                  reason=reason_code)


def commit_instruction(ctx: Context, row: Row, account_sealed: bytes) -> str:
    """The next attempt of an instalment; its id follows from the instalment and the attempt."""
    attempt = row["attempt"] + 1
    instruction_id = derived("instruction", row["instalment_id"], attempt)
    ctx.tx.insert(instruction, instruction_id=instruction_id, instalment_id=row["instalment_id"],
                  amount_fen=row["amount_fen"], account_sealed=account_sealed, state="committed", reason_code="",
                  next_query_at=ctx.app.machine_now(), queried_on=None)
    ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, state="released", attempt=attempt)
    return instruction_id
