"""Tips (举报核查, requirements 2.9, R131): each is checked in the field, never by the unit that it is about; who gave a name is
answered. Who it was is sealed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from yimen.kernel import areas
from yimen.kernel.errors import Fault
from yimen.kernel.ids import canonical, derived
from yimen.runtime.context import Context
from yimen.store.unit import Row
from yimen.supervision.v1 import tips_pb2 as pb

from services.supervision.checks import add_check, parameters
from services.supervision.tables import case_record, tip

CHANNELS = ("phone", "letter", "web", "petition")
OUTCOMES = ("upheld", "partly", "not_upheld", "unclear")
RECEIVED, ASSIGNED, CONCLUDED, ANSWERED = "received", "assigned", "concluded", "answered"
POOL, TASK, ANSWER_TASK = "complained", "conclude_tip", "answer_tip"
COUNTY = "county"
TEXT_MAX, NAME_MAX, UNIT_MAX, LISTED_MAX = 2_000, 200, 40, 100
ANSWER_DAYS = 3  # working days after the conclusion [A]


def receive(ctx: Context, request: Any) -> Row:
    """Register it; the same key again is the same tip. Raises Fault KEY_MISSING, FIELD_WRONG or CASE_NOT_FOUND."""
    if not request.idempotency_key:
        raise Fault("KEY_MISSING")
    if request.via not in CHANNELS:
        raise Fault("FIELD_WRONG", field="via", expected="/".join(CHANNELS))
    if not 0 < len(request.content) <= TEXT_MAX:
        raise Fault("FIELD_WRONG", field="content", expected=f"举报内容,不超过 {TEXT_MAX} 字")
    if max(len(request.informant_name), len(request.informant_contact)) > NAME_MAX:
        raise Fault("FIELD_WRONG", field="informant", expected=f"不超过 {NAME_MAX} 字")
    about = request.about_unit
    if request.case_id:
        case = ctx.require(ctx.tx.first(case_record, case_id=request.case_id), "CASE_NOT_FOUND", case_id=request.case_id[:36])
        about = case["township_code"]
    if not 0 < len(about) <= UNIT_MAX:
        raise Fault("FIELD_WRONG", field="case_id/about_unit", expected="被举报的案件,或乡镇代码、部门服务名")
    named = bool(request.informant_name)
    informant = canonical({"name": request.informant_name, "contact": request.informant_contact})
    row: Row = {"tip_id": derived("tip", request.idempotency_key), "via": request.via, "named": named, "case_id": request.case_id,
                "about_unit": about, "state": RECEIVED, "unit": "", "received_on": ctx.today,
                "due_on": ctx.today + timedelta(days=int(parameters()["tip_days"])), "outcome": "", "concluded_on": None,
                "answered_on": None, "informant_sealed": ctx.app.vault.encrypt(informant),
                "content_sealed": ctx.app.vault.encrypt(request.content), "finding_sealed": None, "answer_sealed": None}
    if not ctx.tx.insert_new(tip, **row):
        return ctx.require(ctx.tx.first(tip, tip_id=row["tip_id"]), "INTERNAL")
    ctx.open_task(TASK, row["tip_id"], "supervisor", "", row["due_on"])
    ctx.audit("tip.received", row["tip_id"], via=request.via, named=named)
    ctx.emit(pb.TipReceived(tip_id=row["tip_id"], case_id=request.case_id, named=named, due_on=row["due_on"].isoformat()),
             subject=f"tip:{row['tip_id']}")
    if request.case_id:
        add_check(ctx, request.case_id, POOL, about)
    return row


def assign(ctx: Context, tip_id: str, unit: str) -> None:
    """Raises Fault TIP_NOT_FOUND, TIP_OWN_UNIT, FIELD_WRONG, AREA_UNKNOWN or CASE_STATE."""
    row = find(ctx, tip_id)
    if not 0 < len(unit) <= UNIT_MAX:
        raise Fault("FIELD_WRONG", field="unit", expected=f"乡镇代码、部门服务名或 {COUNTY}")
    if not unit.isidentifier():  # neither the county nor a department: a township
        areas.level(unit)
    if unit == row["about_unit"]:
        raise Fault("TIP_OWN_UNIT")
    if row["state"] not in (RECEIVED, ASSIGNED):
        raise Fault("CASE_STATE", state="已结论", act="转办举报")
    ctx.tx.update(tip, {"tip_id": tip_id}, state=ASSIGNED, unit=unit)
    ctx.audit("tip.assigned", tip_id, unit=unit)
    ctx.emit(pb.TipAssigned(tip_id=tip_id, unit=unit), subject=f"tip:{tip_id}")


def conclude(ctx: Context, tip_id: str, second_checker: str, outcome: str, finding: str) -> bool:
    """What was found; True when somebody waits for an answer.

    Raises Fault TIP_NOT_FOUND, VISIT_NEEDS_TWO, FIELD_WRONG, REASON_REQUIRED or CASE_STATE.
    """
    if not second_checker or second_checker == ctx.actor:
        raise Fault("VISIT_NEEDS_TWO")
    if outcome not in OUTCOMES:
        raise Fault("FIELD_WRONG", field="outcome", expected="/".join(OUTCOMES))
    if not finding:
        raise Fault("REASON_REQUIRED")
    row = find(ctx, tip_id)
    if row["state"] != ASSIGNED:
        raise Fault("CASE_STATE", state="待转办" if row["state"] == RECEIVED else "已结论", act="登记核查结论")
    ctx.tx.update(tip, {"tip_id": tip_id}, state=CONCLUDED, outcome=outcome, concluded_on=ctx.today,
                  finding_sealed=ctx.app.vault.encrypt(finding[:TEXT_MAX]))
    ctx.close_tasks(tip_id, TASK)
    if row["named"]:
        ctx.open_task(ANSWER_TASK, tip_id, "supervisor", "", ctx.workdays_later(ANSWER_DAYS))
    ctx.audit("tip.concluded", tip_id, outcome=outcome, checkers=[ctx.actor, second_checker])
    ctx.emit(pb.TipConcluded(tip_id=tip_id, case_id=row["case_id"], outcome=outcome), subject=f"tip:{tip_id}")
    return bool(row["named"])


def answer(ctx: Context, tip_id: str, text: str) -> None:
    """Raises Fault TIP_NOT_FOUND, REASON_REQUIRED or CASE_STATE: nothing was found yet, or nobody gave a name."""
    if not text:
        raise Fault("REASON_REQUIRED")
    row = find(ctx, tip_id)
    if row["state"] != CONCLUDED or not row["named"]:
        raise Fault("CASE_STATE", state="匿名、未结论或已答复", act="答复举报人")
    ctx.tx.update(tip, {"tip_id": tip_id}, state=ANSWERED, answered_on=ctx.today,
                  answer_sealed=ctx.app.vault.encrypt(text[:TEXT_MAX]))
    ctx.close_tasks(tip_id, ANSWER_TASK)
    ctx.audit("tip.fed_back", tip_id)
    ctx.emit(pb.TipFedBack(tip_id=tip_id), subject=f"tip:{tip_id}")


def informant(ctx: Context, tip_id: str, reason: str) -> dict[str, str]:
    """Who it was; the reading is on record. Raises Fault TIP_NOT_FOUND or REASON_REQUIRED."""
    if not reason:
        raise Fault("REASON_REQUIRED")
    row = find(ctx, tip_id)
    ctx.audit("tip.informant_read", tip_id, reason=reason[:NAME_MAX])
    found: dict[str, str] = json.loads(ctx.app.vault.decrypt(row["informant_sealed"]))
    return found


def find(ctx: Context, tip_id: str) -> Row:
    """Raises Fault TIP_NOT_FOUND."""
    return ctx.require(ctx.tx.first(tip, tip_id=tip_id, lock=True), "TIP_NOT_FOUND", tip_id=tip_id[:36])


def listed(ctx: Context, open_only: bool, after: str) -> list[Row]:
    """A page, by id."""
    where = [tip.c.tip_id > after] + ([tip.c.state.in_((RECEIVED, ASSIGNED))] if open_only else [])
    return ctx.tx.find(tip, *where, order_by=tip.c.tip_id, limit=LISTED_MAX)
