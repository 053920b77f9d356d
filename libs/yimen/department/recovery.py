"""Somebody was given more than he was entitled to (requirements 2.7): suspected, looked into, decided; the order to give it
back is signed here and carried out by payment.

The pack of then decides again by the facts as they were found. What stands is corrected from next month on, whoever was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.casework.recovery import INVESTIGATE_DAYS, OWING, TITLES, Finding, Paid, overpaid_fen, require_fine
from yimen.casework.reviews import Result, compare
from yimen.department.grants import sign_order
from yimen.department.standing import adjust, finish, paid_periods, standing_of
from yimen.department.tables import recovery
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.workdays import first_of_next_month
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.department.cases import Desk
    from yimen.runtime.context import Context

CAUSE = "recovery"
LISTED_MAX = 100


def open_one(ctx: Context, case: Row, suspicion_code: str, reason: str) -> Row:
    """Begin to look into it; a case has one at a time. Raises Fault CASE_STATE when nothing was ever granted."""
    if case["outcome"] not in ("granted", "stopped") or case["decided_on"] is None:
        raise Fault("CASE_STATE", state="没有给予过救助", act="启动追回调查")
    running = ctx.tx.first(recovery, case_id=case["case_id"], finding="", lock=True)
    if running is not None:
        return running
    due_on = ctx.today + timedelta(days=INVESTIGATE_DAYS)
    row = {"recovery_id": derived("recovery", case["case_id"], ctx.tx.count(recovery, case_id=case["case_id"])),
           "case_id": case["case_id"], "suspicion_code": suspicion_code, "opened_on": ctx.today, "opened_by": ctx.actor,
           "due_on": due_on, "finding": "", "since": None, "corrections": {}, "decision_id": "", "amount_fen": 0, "fine_fen": 0,
           "reason": reason, "concluded_on": None, "concluded_by": ""}
    ctx.tx.insert(recovery, **row)
    ctx.open_task("conclude_recovery", row["recovery_id"], "county_approver", case["township_code"], due_on,
                  application_id=case["application_id"])
    ctx.audit("recovery.opened", row["recovery_id"], suspicion=suspicion_code)
    ctx.emit(aid.RecoveryOpened(
        recovery_id=row["recovery_id"], case_id=case["case_id"], application_id=case["application_id"],
        household_id=case["household_id"], item=case["item"], service=ctx.service, suspicion_code=suspicion_code,
        due_on=due_on.isoformat(), actor=ctx.actor), subject=case["case_id"], partition_key=case["household_id"])
    return row


def find(ctx: Context, recovery_id: str) -> Row:
    """Raises Fault RECOVERY_NOT_FOUND."""
    return ctx.require(ctx.tx.first(recovery, recovery_id=recovery_id, lock=True), "RECOVERY_NOT_FOUND",
                       recovery_id=recovery_id[:36])


def of_case(ctx: Context, case_id: str) -> list[Row]:
    """Oldest first."""
    return ctx.tx.find(recovery, case_id=case_id, order_by=recovery.c.opened_on, limit=LISTED_MAX)


def conclude(ctx: Context, desk: Desk, row: Row, finding: Finding, since: date | None, corrections: Mapping[str, Any],
             fine_fen: int,
             basis: str, reason: str, minutes_ref: str) -> Row:
    """What it came to. Raises Fault CASE_STATE, FIELD_WRONG or FINE_OUT_OF_RANGE."""
    if row["finding"]:
        raise Fault("CASE_STATE", state="已结论", act="登记追回结论")
    case = desk.case(ctx, row["case_id"])
    changes: dict[str, Any] = {"finding": finding.value, "corrections": dict(corrections), "since": since, "reason": reason,
                               "concluded_on": ctx.today, "concluded_by": ctx.actor, "fine_fen": fine_fen}
    order = None
    if finding is not Finding.UNFOUNDED:
        if not corrections or since is None or not case["decided_on"] <= since <= ctx.today:
            raise Fault("FIELD_WRONG", field="since/corrections", expected="从哪一天起、哪些事实与申报不同")
        made = _decide_again(ctx, desk, case, corrections)
        owed = overpaid_fen(_paid(ctx, desk, case, since, corrections)) if finding in OWING else 0
        require_fine(finding, owed, fine_fen)
        changes |= {"decision_id": desk.record(ctx, case, made[0], made[1]), "amount_fen": owed}
        finish(ctx, changes["decision_id"], "confirmed", basis, minutes_ref)
        if owed:
            order = sign_order(ctx, desk.department, case, row["recovery_id"], changes["decision_id"], finding.value, owed,
                               fine_fen)
        _correct(ctx, desk, case, changes["decision_id"], finding, reason)
    elif fine_fen:
        require_fine(finding, 0, fine_fen)
    ctx.tx.update(recovery, {"recovery_id": row["recovery_id"]}, **changes)
    ctx.close_tasks(row["recovery_id"])
    ctx.audit("recovery.decided", row["recovery_id"], finding=finding.value, amount_fen=changes.get("amount_fen", 0))
    ctx.emit(aid.RecoveryDecided(
        recovery_id=row["recovery_id"], case_id=case["case_id"], application_id=case["application_id"],
        household_id=case["household_id"], item=case["item"], service=ctx.service, finding=finding.value,
        amount_fen=changes.get("amount_fen", 0), fine_fen=fine_fen, decision_id=changes.get("decision_id", ""),
        reason=f"{TITLES[finding]}。{reason}", actor=ctx.actor, signed_order=order),
        subject=case["case_id"], partition_key=case["household_id"])
    return {**row, **changes}


def _decide_again(ctx: Context, desk: Desk, case: Row, corrections: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What the decision that holds would have been by the facts as they are."""
    return desk.by_other_facts(ctx, desk.decision(ctx, case["decision_id"]), corrections)


def _paid(ctx: Context, desk: Desk, case: Row, since: date, corrections: Mapping[str, Any]) -> list[Paid]:
    """Each decision's payments since then, beside what its own pack gives by the facts as they were."""
    found = []
    for one in paid_periods(ctx, desk, case, since, first_of_next_month(ctx.today)):
        again, _ = desk.by_other_facts(ctx, one.decision, corrections)
        entitled = again.amount_fen if again.outcome == "grant" else 0
        found.append(Paid(one.starts_on, one.months(), one.decision["amount_fen"], entitled))
    return found


def _correct(ctx: Context, desk: Desk, case: Row, decision_id: str, finding: Finding, reason: str) -> None:
    """What stands goes on as it should be; fraud ends it (649号§68)."""
    before = standing_of(ctx, desk, case)
    if before is None:
        return
    made = desk.decision(ctx, decision_id)
    result = compare(before.amount, made["outcome"], (made["category"], made["amount_fen"]), 0)
    if finding is Finding.FRAUD:
        result = Result.STOP
    if result is not Result.UNCHANGED:
        adjust(ctx, desk, before, made, result, cause=CAUSE, reason=reason or made["reason"],
               effective_on=first_of_next_month(ctx.today))
