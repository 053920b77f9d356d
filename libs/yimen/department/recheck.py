"""An applicant does not agree (异议复核, R127, requirements 2.8): the township looks at the decision again, then the county, each
by another officer than who made it and within fifteen working days. What was wrong is carried out like a reconsideration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.casework import authority
from yimen.department.reconsider import REVERSED, UPHELD, reverse
from yimen.department.tables import recheck
from yimen.kernel.errors import Fault
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.department.cases import Desk
    from yimen.runtime.context import Context

DECIDE_DAYS = 15  # working days [A]
ASK_WITHIN_DAYS = 60  # natural days after the decision, as for a reconsideration
OUTCOMES = (UPHELD, REVERSED)
DECIDERS = {authority.TOWNSHIP: "township_head", authority.COUNTY: "county_approver"}


def ask(ctx: Context, case: Row, reason: str) -> Row:
    """At the township first; at the county when that has not helped. Raises Fault CASE_STATE or RECONSIDERATION_LATE."""
    if case["decided_on"] is None:
        raise Fault("CASE_STATE", state="尚未决定", act="申请复核")
    if (ctx.today - case["decided_on"]).days > ASK_WITHIN_DAYS and case["effective_on"] is None:
        raise Fault("RECONSIDERATION_LATE", days=ASK_WITHIN_DAYS)
    earlier = {row["level"]: row for row in ctx.tx.find(recheck, case_id=case["case_id"])}
    running = next((row for row in earlier.values() if not row["outcome"]), None)
    if running is not None:
        return running
    level = authority.TOWNSHIP if authority.TOWNSHIP not in earlier else authority.COUNTY
    if level in earlier or any(row["outcome"] == REVERSED for row in earlier.values()):
        raise Fault("CASE_STATE", state="复核已办结,可以申请行政复议", act="申请复核")
    due_on = ctx.workdays_later(DECIDE_DAYS)
    row = {"case_id": case["case_id"], "level": level, "asked_on": ctx.today, "due_on": due_on, "reason": reason, "outcome": "",
           "decided_on": None, "decided_by": "", "against": case["decision_id"], "decision_id": "", "corrections": {}}
    ctx.tx.insert(recheck, **row)
    ctx.open_task("decide_recheck", case["case_id"], DECIDERS[level], case["township_code"], due_on, level=level,
                  application_id=case["application_id"])
    ctx.audit("recheck.requested", case["case_id"], level=level)
    ctx.emit(aid.RecheckRequested(case_id=case["case_id"], application_id=case["application_id"], item=case["item"],
                                  service=ctx.service, level=level, due_on=due_on.isoformat(), actor=ctx.actor),
             subject=case["case_id"], partition_key=case["household_id"])
    return row


def decide(ctx: Context, desk: Desk, case: Row, level: str, outcome: str, corrections: Mapping[str, Any],
           reason: str) -> tuple[str, int]:
    """It stands, or it is replaced; returns the decision in its place and what is owed. Raises Fault RECHECK_NOT_FOUND,
    CASE_STATE, SEPARATION_OF_DUTIES or FIELD_WRONG."""
    row = ctx.require(ctx.tx.first(recheck, case_id=case["case_id"], level=level, lock=True), "RECHECK_NOT_FOUND")
    if row["outcome"]:
        raise Fault("CASE_STATE", state="已办结", act="决定复核")
    made = desk.decision(ctx, row["against"])
    authority.require_other(ctx.actor, {**case["duties"], made["decided_by"]: "作出原决定"})
    decision_id, arrears = "", 0
    if outcome == REVERSED:
        decision_id, arrears = reverse(ctx, desk, case, row["against"], corrections, f"异议复核({level}):{reason}")
    ctx.tx.update(recheck, {"case_id": case["case_id"], "level": level}, outcome=outcome, decided_on=ctx.today,
                  decided_by=ctx.actor, decision_id=decision_id, corrections=dict(corrections))
    ctx.close_tasks(case["case_id"], "decide_recheck")
    ctx.audit("recheck.decided", case["case_id"], level=level, outcome=outcome)
    ctx.emit(aid.RecheckDecided(case_id=case["case_id"], application_id=case["application_id"], item=case["item"],
                                service=ctx.service, level=level, outcome=outcome, decision_id=decision_id, arrears_fen=arrears,
                                reason=reason, actor=ctx.actor),
             subject=case["case_id"], partition_key=case["household_id"])
    return decision_id, arrears
