"""Administrative reconsideration (行政复议法 §20, §62; requirements 2.8): its outcome binds, and is carried out with arrears.

The reconsideration says which facts were wrong. The pack that made the first decision decides again with the right ones, so
that the new decision can be replayed and explained like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.casework.reviews import Result, compare
from yimen.casework.states import Act
from yimen.department import birthdays
from yimen.department.grants import first_due
from yimen.department.standing import Standing, adjust, finish, history, paid_by, standing_of
from yimen.department.tables import aid_case, reconsideration
from yimen.kernel.errors import Fault
from yimen.kernel.workdays import first_of_next_month, months_later
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.department.cases import Desk
    from yimen.runtime.context import Context

APPLY_WITHIN_DAYS = 60  # natural days after the decision became known: 行政复议法 §20
DECIDE_WITHIN_MONTHS = 2  # 60 days of acceptance, §62
UPHELD, REVERSED = "upheld", "reversed"
CAUSE = "reconsideration"


def receive(ctx: Context, case: Row, document_no: str) -> str:
    """Returns the day by which it should be decided. Raises Fault CASE_STATE or RECONSIDERATION_LATE."""
    if case["decided_on"] is None:
        raise Fault("CASE_STATE", state="尚未决定", act="登记行政复议")
    if (ctx.today - case["decided_on"]).days > APPLY_WITHIN_DAYS and case["effective_on"] is None:
        raise Fault("RECONSIDERATION_LATE", days=APPLY_WITHIN_DAYS)
    due = months_later(ctx.today, DECIDE_WITHIN_MONTHS)
    if ctx.tx.insert_new(reconsideration, case_id=case["case_id"], document_no=document_no, received_on=ctx.today, outcome="",
                         decided_on=None, against=case["decision_id"], decision_id="", corrections={}):
        ctx.open_task("await_reconsideration", case["case_id"], "county_approver", case["township_code"], due,
                      application_id=case["application_id"])
        ctx.audit("reconsideration.received", case["case_id"])
        ctx.emit(aid.ReconsiderationReceived(
            case_id=case["case_id"], application_id=case["application_id"], item=case["item"], service=ctx.service,
            decision_id=case["decision_id"], due_on=due.isoformat(), actor=ctx.actor),
            subject=case["case_id"], partition_key=case["household_id"])
    return due.isoformat()


def record(ctx: Context, desk: Desk, case: Row, document_no: str, outcome: str,
           corrections: Mapping[str, Any]) -> tuple[str, int]:
    """Carry out the outcome; returns the decision in the place of the old one and what is owed. Raises Fault
    RECONSIDERATION_NOT_FOUND, CASE_STATE, FIELD_WRONG or NOT_STANDING."""
    open_ = ctx.require(ctx.tx.first(reconsideration, case_id=case["case_id"], document_no=document_no, lock=True),
                        "RECONSIDERATION_NOT_FOUND", document_no=document_no[:80])
    if open_["outcome"]:
        raise Fault("CASE_STATE", state="已办结", act="登记行政复议结果")
    decision_id, arrears = "", 0
    if outcome == REVERSED:
        decision_id, arrears = reverse(ctx, desk, case, open_["against"], corrections, f"行政复议 {open_['document_no']}")
    ctx.tx.update(reconsideration, {"case_id": case["case_id"], "document_no": document_no}, outcome=outcome,
                  decided_on=ctx.today, decision_id=decision_id, corrections=dict(corrections))
    ctx.close_tasks(case["case_id"], "await_reconsideration")
    ctx.audit("reconsideration.decided", case["case_id"], outcome=outcome, decision_id=decision_id)
    ctx.emit(aid.ReconsiderationDecided(
        case_id=case["case_id"], application_id=case["application_id"], item=case["item"], service=ctx.service,
        outcome=outcome, against=open_["against"], decision_id=decision_id, arrears_fen=arrears, document_no=document_no,
        actor=ctx.actor), subject=case["case_id"], partition_key=case["household_id"])
    return decision_id, arrears


def reverse(ctx: Context, desk: Desk, case: Row, against: str, corrections: Mapping[str, Any], basis: str) -> tuple[str, int]:
    """Put another decision in the place of `against`, by its own pack and the facts as they are; returns it and what is owed.
    Raises Fault FIELD_WRONG or NOT_STANDING."""
    old = desk.decision(ctx, against)
    made, facts = desk.by_other_facts(ctx, old, corrections)
    if made.outcome != "grant":
        raise Fault("FIELD_WRONG", field="corrections", expected="按更正后的事实应给予救助;维持原决定的请登记 upheld")
    decision_id = desk.record(ctx, case, made, facts)
    finish(ctx, decision_id, "confirmed", basis, "")
    before = standing_of(ctx, desk, case)
    if before is None:
        return decision_id, _grant(ctx, desk, case, decision_id)
    return decision_id, _raise(ctx, desk, before, decision_id)


def _raise(ctx: Context, desk: Desk, before: Standing, decision_id: str) -> int:
    """It was too little: the rest of the plan is signed anew, the difference of the months before is paid at once."""
    made = desk.decision(ctx, decision_id)
    result = compare(before.amount, made["outcome"], (made["category"], made["amount_fen"]), 0)
    if result is Result.UNCHANGED:
        return 0
    turn = first_of_next_month(ctx.today)
    past = history(ctx, desk, before, before.effective_on, turn) if before.until > before.effective_on else []
    owed: int = sum(max(0, made["amount_fen"] - one.decision["amount_fen"]) * one.months() for one in past)
    adjust(ctx, desk, before, made, result, cause=CAUSE, reason=made["reason"], effective_on=turn, arrears_fen=owed)
    for one in past:
        paid_by(ctx, before.case["case_id"], one.starts_on, decision_id)
    return owed


def _grant(ctx: Context, desk: Desk, case: Row, decision_id: str) -> int:
    """It was refused or stopped: granted as of then. The plan begins where it would have begun, so that what has fallen due
    meanwhile is paid with the next batch."""
    made = desk.decision(ctx, decision_id)
    if case["decided_on"] is None:
        raise Fault("NOT_STANDING")
    case = desk.move(ctx, case, Act.REVERSE, decision_id=decision_id, outcome="granted", closed_on=None)
    first = first_due(case["decided_on"], made["instalments"])
    desk.say_granted(ctx, case, made, "bank", first)
    if not made["amount_fen"]:
        desk.move(ctx, case, Act.KEEP_CATEGORY)
        return 0
    ctx.tx.update(aid_case, {"case_id": case["case_id"]}, effective_on=first)
    desk.reviews.schedule(ctx, case["case_id"], ctx.today)
    birthdays.schedule(ctx, desk, case["case_id"], case["decided_on"])
    months, day = 0, first
    while day <= ctx.today and months < made["instalments"]:
        months += 1
        day = months_later(first, months * made["every_months"])
    return int(made["amount_fen"]) * months
