"""After fraud (requirements 2.7): a credit record with an effect, an end and a way back (R142), and the hand-over to justice
(R141).

The effect is more looking, never less aid: every case of the household is checked in full while its record is in force.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.casework.recovery import Finding
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.kernel.workdays import months_later
from yimen.payment.v1 import events_pb2 as payment
from yimen.runtime.context import Context
from yimen.store.unit import Row
from yimen.supervision.v1 import credit_pb2 as pb

from services.supervision.checks import add_check, parameters
from services.supervision.tables import case_record, credit_record, justice_transfer

POOL = "credit"
IN_FORCE, REPAIRED, REVOKED, EXPIRED = "in_force", "repaired", "revoked", "expired"
ORGANS = ("police", "procuratorate", "supervisory_commission")
# An organ first takes a case or does not; a court's word comes after it took it.
ANSWERS = {"": ("accepted", "not_accepted"), "accepted": ("convicted", "acquitted")}
FINAL = ("not_accepted", "convicted", "acquitted")
TIMER, TASK = "credit_expires", "justice_answer"
LISTED_MAX = 100


# ------------------------------------------------------------------------------------------------ the record
def on_recovery(ctx: Context, event: aid.RecoveryDecided, _: Envelope) -> None:
    """Fraud goes on record; what the household already has under way is checked."""
    if event.finding != Finding.FRAUD:
        return
    debt_id = aid.RecoveryOrder.FromString(event.signed_order.order).debt_id
    expires_on = months_later(ctx.today, int(parameters()["credit_months"]))
    if not ctx.tx.insert_new(credit_record, recovery_id=event.recovery_id, case_id=event.case_id,
                             application_id=event.application_id, household_id=event.household_id,
                             service=event.service, recorded_on=ctx.today, expires_on=expires_on,
                             debt_id=debt_id, owed=bool(debt_id), state=IN_FORCE, ended_on=None, reason="", document_no=""):
        return
    ctx.schedule(TIMER, event.recovery_id, datetime.combine(expires_on, time(), CHINA))
    ctx.audit("credit.recorded", event.recovery_id, service=event.service)
    ctx.emit(pb.CreditRecorded(**_named(event), expires_on=expires_on.isoformat()), subject=event.case_id,
             partition_key=event.household_id)
    for case in ctx.tx.find(case_record, household_id=event.household_id, outcome="", order_by=case_record.c.case_id):
        add_check(ctx, case["case_id"], POOL, case["township_code"])


def on_debt_closed(ctx: Context, event: payment.DebtClosed, _: Envelope) -> None:
    """What was owed is back; what the panel wrote off is not."""
    if event.outcome == "paid":
        ctx.tx.update(credit_record, {"debt_id": event.debt_id}, owed=False)


def check_new_case(ctx: Context, case_id: str, household_id: str, township: str) -> None:
    """The effect of a record in force."""
    if household_id and ctx.tx.count(credit_record, household_id=household_id, state=IN_FORCE):
        add_check(ctx, case_id, POOL, township)


def on_expired(ctx: Context, subject: str, payload: dict[str, Any]) -> None:
    """The timer: a record does not outlive its day."""
    row = ctx.tx.first(credit_record, recovery_id=subject, state=IN_FORCE, lock=True)
    if row is not None:
        _end(ctx, row, EXPIRED, "期满", "")


def repair(ctx: Context, recovery_id: str, reason: str, document_no: str) -> None:
    """Raises Fault CREDIT_NOT_FOUND, CASE_STATE, FIELD_WRONG, REASON_REQUIRED or CREDIT_NOT_REPAIRABLE."""
    row = _in_force(ctx, recovery_id, "修复", reason, document_no)
    earliest = months_later(row["recorded_on"], int(parameters()["credit_repair_months"]))
    if row["owed"] or ctx.today < earliest:
        raise Fault("CREDIT_NOT_REPAIRABLE", earliest=earliest.isoformat())
    _end(ctx, row, REPAIRED, reason, document_no)


def revoke(ctx: Context, recovery_id: str, reason: str, document_no: str) -> None:
    """Raises Fault CREDIT_NOT_FOUND, CASE_STATE, FIELD_WRONG or REASON_REQUIRED."""
    _end(ctx, _in_force(ctx, recovery_id, "撤销", reason, document_no), REVOKED, reason, document_no)


def of_household(ctx: Context, household_id: str, case_id: str) -> list[Row]:
    """Newest first. Raises Fault FIELD_WRONG."""
    if bool(household_id) == bool(case_id):
        raise Fault("FIELD_WRONG", field="household_id/case_id", expected="二者填一")
    where = {"household_id": household_id} if household_id else {"case_id": case_id}
    return ctx.tx.find(credit_record, order_by=credit_record.c.recorded_on.desc(), limit=LISTED_MAX, **where)


def _in_force(ctx: Context, recovery_id: str, act: str, reason: str, document_no: str) -> Row:
    if not reason:
        raise Fault("REASON_REQUIRED")
    if not document_no:
        raise Fault("FIELD_WRONG", field="document_no", expected="依据文号")
    row = ctx.require(ctx.tx.first(credit_record, recovery_id=recovery_id, lock=True), "CREDIT_NOT_FOUND",
                      recovery_id=recovery_id[:36])
    if row["state"] != IN_FORCE:
        raise Fault("CASE_STATE", state=row["state"], act=f"{act}信用记录")
    return row


def _end(ctx: Context, row: Row, state: str, reason: str, document_no: str) -> None:
    ctx.tx.update(credit_record, {"recovery_id": row["recovery_id"]}, state=state, ended_on=ctx.today, reason=reason,
                  document_no=document_no)
    ctx.audit("credit.ended", row["recovery_id"], outcome=state)
    ctx.emit(pb.CreditEnded(**_of(row), outcome=state), subject=row["case_id"], partition_key=row["household_id"])


# ------------------------------------------------------------------------------------------------ justice
def transfer(ctx: Context, recovery_id: str, organ: str, document_no: str, reason: str) -> Row:
    """Hand a case of fraud over; the same again is the same.

    Raises Fault FIELD_WRONG, REASON_REQUIRED, CREDIT_NOT_FOUND or CASE_STATE.
    """
    if organ not in ORGANS:
        raise Fault("FIELD_WRONG", field="organ", expected="/".join(ORGANS))
    if not document_no:
        raise Fault("FIELD_WRONG", field="document_no", expected="移送文书编号")
    if not reason:
        raise Fault("REASON_REQUIRED")
    fraud = ctx.require(ctx.tx.first(credit_record, recovery_id=recovery_id, lock=True), "CREDIT_NOT_FOUND",
                        recovery_id=recovery_id[:36])
    if fraud["state"] == REVOKED:
        raise Fault("CASE_STATE", state="已撤销", act="移送")
    row: Row = {**_of(fraud), "service": fraud["service"], "organ": organ, "document_no": document_no, "reason": reason,
                "transferred_on": ctx.today, "transferred_by": ctx.actor,
                "answer_by": ctx.workdays_later(int(parameters()["justice_answer_days"])), "answer": "", "answer_document_no": "",
                "answered_on": None}
    if not ctx.tx.insert_new(justice_transfer, **row):
        known = ctx.require(ctx.tx.first(justice_transfer, recovery_id=recovery_id), "INTERNAL")
        if (known["organ"], known["document_no"]) != (organ, document_no):
            raise Fault("CASE_STATE", state="已移送", act="再次移送")
        return known
    ctx.open_task(TASK, recovery_id, "supervisor", "", row["answer_by"])
    ctx.audit("case.transferred_to_justice", recovery_id, organ=organ)
    ctx.emit(pb.CaseTransferredToJustice(**_of(row), organ=organ), subject=row["case_id"], partition_key=row["household_id"])
    return row


def record_answer(ctx: Context, recovery_id: str, answer: str, document_no: str) -> None:
    """Raises Fault JUSTICE_NOT_FOUND, CASE_STATE or FIELD_WRONG."""
    row = ctx.require(ctx.tx.first(justice_transfer, recovery_id=recovery_id, lock=True), "JUSTICE_NOT_FOUND",
                      recovery_id=recovery_id[:36])
    if not document_no:
        raise Fault("FIELD_WRONG", field="document_no", expected="答复文书编号")
    if row["answer"] in FINAL:
        raise Fault("CASE_STATE", state="已有最终答复", act="登记答复")
    if answer not in ANSWERS[row["answer"]]:
        raise Fault("FIELD_WRONG", field="answer", expected="/".join(ANSWERS[row["answer"]]))
    ctx.tx.update(justice_transfer, {"recovery_id": recovery_id}, answer=answer, answer_document_no=document_no,
                  answered_on=ctx.today)
    ctx.close_tasks(recovery_id, TASK)
    ctx.audit("justice.answered", recovery_id, answer=answer)
    ctx.emit(pb.JusticeAnswered(**_of(row), answer=answer), subject=row["case_id"], partition_key=row["household_id"])


def transfers(ctx: Context, open_only: bool, after: str) -> list[Row]:
    """By their id, a page at a time."""
    where = [justice_transfer.c.recovery_id > after] + ([justice_transfer.c.answer.not_in(FINAL)] if open_only else [])
    return ctx.tx.find(justice_transfer, *where, order_by=justice_transfer.c.recovery_id, limit=LISTED_MAX)


def _named(event: Any) -> dict[str, str]:
    return {name: getattr(event, name) for name in ("recovery_id", "case_id", "application_id", "household_id")}


def _of(row: Row) -> dict[str, str]:
    return {name: row[name] for name in ("recovery_id", "case_id", "application_id", "household_id")}
