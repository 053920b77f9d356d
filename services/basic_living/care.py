"""Care of the destitute (R064–R067, S1(9)): agreements, visits, facilities, carers in hospital.

A visit is a task with its day: one that is missed is overdue, and everybody who watches hears it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from yimen.basic_living.v1 import care_pb2 as pb
from yimen.department.standing import standing_of
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.basic_living.tables import care, care_facility

if TYPE_CHECKING:
    from yimen.department.cases import Desk

ITEM, TASK, NEGLECT_TASK = "destitute_support", "care_visit", "care_neglected"
HOME, INSTITUTION, HOSPITAL = "home", "institution", "hospital"
WELL, NEGLECTED = "well", "neglected"
FINDINGS = (WELL, NEGLECTED, "not_met")
VISIT_DAYS, HOSPITAL_DAYS, HOSPITAL_FEE = "care_visit_days", "hospital_care_days_max", "hospital_care_fee_max_fen"
BEDS_MAX, LISTED_MAX = 100_000, 200


# ------------------------------------------------------------------------------------------------ facilities
def register(ctx: Context, name: str, township: str, beds: int, nursing_beds: int) -> str:
    """A facility as it is; said again it is corrected. Raises Fault FIELD_WRONG."""
    if not name or not 0 <= nursing_beds <= beds <= BEDS_MAX or not beds:
        raise Fault("FIELD_WRONG", field="name/beds/nursing_beds", expected=f"名称;床位 1–{BEDS_MAX},护理型床位不超过床位")
    facility_id = derived("facility", name)
    values = {"name": name, "township_code": township, "beds": beds, "nursing_beds": nursing_beds}
    if not ctx.tx.insert_new(care_facility, facility_id=facility_id, **values):
        ctx.tx.update(care_facility, {"facility_id": facility_id}, **values)
    ctx.audit("care.facility", facility_id, beds=beds, nursing_beds=nursing_beds)
    return facility_id


def facilities(ctx: Context) -> list[Row]:
    """All of the county, each with how many live there."""
    living = ctx.tx.tally(care.c.facility_id, mode=INSTITUTION, ends_on=None)
    rows = ctx.tx.find(care_facility, order_by=care_facility.c.name, limit=LISTED_MAX)
    return [{**row, "occupied": living.get(row["facility_id"], 0)} for row in rows]


def willing(ctx: Context) -> tuple[int, int]:
    """How many wish to live in an institution, and how many of them do."""
    wishing = {"wishes_institution": True, "ends_on": None}
    return ctx.tx.count(care, **wishing), ctx.tx.count(care, mode=INSTITUTION, **wishing)


# ------------------------------------------------------------------------------------------------ agreements
def agree(ctx: Context, desk: Desk, case: Row, mode: str, carer_ref: str, facility_id: str, starts_on: date,
          wishes_institution: bool, document_no: str) -> Row:
    """Raises Fault NOT_STANDING, FIELD_WRONG, FACILITY_NOT_FOUND or FACILITY_FULL."""
    _require_standing(ctx, desk, case)
    if mode not in (HOME, INSTITUTION):
        raise Fault("FIELD_WRONG", field="mode", expected=f"{HOME}/{INSTITUTION}")
    if not document_no or bool(carer_ref) != (mode == HOME) or bool(facility_id) != (mode == INSTITUTION):
        raise Fault("FIELD_WRONG", field="carer_ref/facility_id/document_no", expected="居家填照料人,集中填机构;协议编号必填")
    if starts_on < ctx.today:
        raise Fault("FIELD_WRONG", field="starts_on", expected="不早于今天")
    if facility_id:
        _require_bed(ctx, facility_id, case["case_id"])
    agreement_id = derived("care", case["case_id"], document_no)
    known = ctx.tx.first(care, agreement_id=agreement_id)
    if known is not None:
        return known
    _end(ctx, case["case_id"], starts_on)
    visit_by = starts_on + timedelta(days=_parameter(ctx, desk, VISIT_DAYS)) if mode == HOME else None
    row: Row = {"agreement_id": agreement_id, "case_id": case["case_id"], "household_id": case["household_id"], "mode": mode,
                "carer_ref": carer_ref, "facility_id": facility_id, "starts_on": starts_on, "ends_on": None, "visited_on": None,
                "visit_by": visit_by, "fee_fen": 0, "wishes_institution": wishes_institution, "document_no": document_no}
    ctx.tx.insert(care, **row)
    if visit_by is not None:
        ctx.open_task(TASK, agreement_id, "township_officer", case["township_code"], visit_by, case_id=case["case_id"])
    _say(ctx, row)
    return row


def visit(ctx: Context, desk: Desk, row: Row, township: str, finding: str, note: str) -> date:
    """Somebody went there; returns the day of the next visit. Raises Fault FIELD_WRONG, REASON_REQUIRED or CASE_STATE."""
    if finding not in FINDINGS:
        raise Fault("FIELD_WRONG", field="finding", expected="/".join(FINDINGS))
    if finding != WELL and not note:
        raise Fault("REASON_REQUIRED")
    if row["mode"] != HOME or row["ends_on"] is not None:
        raise Fault("CASE_STATE", state="没有进行中的居家照料", act="登记访视")
    visit_by = ctx.today + timedelta(days=_parameter(ctx, desk, VISIT_DAYS))
    ctx.tx.update(care, {"agreement_id": row["agreement_id"]}, visited_on=ctx.today, visit_by=visit_by)
    ctx.close_tasks(row["agreement_id"], TASK)
    ctx.open_task(TASK, row["agreement_id"], "township_officer", township, visit_by, case_id=row["case_id"])
    if finding == NEGLECTED:
        ctx.open_task(NEGLECT_TASK, row["agreement_id"], "county_officer", township, ctx.workdays_later(1),
                      case_id=row["case_id"])
    ctx.audit("care.visited", row["agreement_id"], finding=finding)
    return visit_by


def find(ctx: Context, agreement_id: str) -> Row:
    """Raises Fault CARE_NOT_FOUND."""
    return ctx.require(ctx.tx.first(care, agreement_id=agreement_id, lock=True), "CARE_NOT_FOUND", agreement_id=agreement_id[:36])


def of_case(ctx: Context, case_id: str) -> list[Row]:
    """Newest first."""
    return ctx.tx.find(care, case_id=case_id, order_by=(care.c.starts_on.desc(), care.c.agreement_id), limit=LISTED_MAX)


def end_with_case(ctx: Context, case_id: str, effective_on: date) -> None:
    """The support stops: so does the care."""
    _end(ctx, case_id, effective_on)


# ------------------------------------------------------------------------------------------------ hospital
def in_hospital(ctx: Context, desk: Desk, case: Row, starts_on: date, ends_on: date, carer_ref: str, fee_fen: int,
                document_no: str) -> Row:
    """A carer for the time of a stay. Raises Fault NOT_STANDING, FIELD_WRONG or AMOUNT_WRONG."""
    _require_standing(ctx, desk, case)
    days_max, fee_max = _parameter(ctx, desk, HOSPITAL_DAYS), _parameter(ctx, desk, HOSPITAL_FEE)
    days = (ends_on - starts_on).days + 1
    if not 0 < days <= days_max:
        raise Fault("FIELD_WRONG", field="starts_on/ends_on", expected=f"起止日期,不超过 {days_max} 天")
    if not carer_ref or not document_no:
        raise Fault("FIELD_WRONG", field="carer_ref/document_no", expected="照料人和委托书编号")
    if not 0 < fee_fen <= min(fee_max, AMOUNT_FEN_MAX):
        raise Fault("AMOUNT_WRONG", limit_fen=fee_max)
    row: Row = {"agreement_id": derived("care", case["case_id"], document_no), "case_id": case["case_id"],
                "household_id": case["household_id"], "mode": HOSPITAL, "carer_ref": carer_ref, "facility_id": "",
                "starts_on": starts_on, "ends_on": ends_on, "visited_on": None, "visit_by": None, "fee_fen": fee_fen * days,
                "wishes_institution": False, "document_no": document_no}
    if ctx.tx.insert_new(care, **row):
        _say(ctx, row)
    return row


# ------------------------------------------------------------------------------------------------ shared
def _end(ctx: Context, case_id: str, day: date) -> None:
    for row in ctx.tx.find(care, case_id=case_id, ends_on=None, order_by=care.c.agreement_id, lock=True):
        ctx.tx.update(care, {"agreement_id": row["agreement_id"]}, ends_on=max(day - timedelta(days=1), row["starts_on"]),
                      visit_by=None)
        ctx.close_tasks(row["agreement_id"])
        ctx.audit("care.ended", row["agreement_id"])


def _require_standing(ctx: Context, desk: Desk, case: Row) -> None:
    if case["item"] != ITEM or standing_of(ctx, desk, case) is None:
        raise Fault("NOT_STANDING")


def _require_bed(ctx: Context, facility_id: str, case_id: str) -> None:
    facility = ctx.require(ctx.tx.first(care_facility, facility_id=facility_id, lock=True), "FACILITY_NOT_FOUND",
                           facility_id=facility_id[:36])
    living = ctx.tx.count(care, care.c.case_id != case_id, facility_id=facility_id, mode=INSTITUTION, ends_on=None)
    if living >= facility["beds"]:
        raise Fault("FACILITY_FULL", beds=facility["beds"])


def _parameter(ctx: Context, desk: Desk, name: str) -> int:
    return int(desk.shelf.active(ctx, ctx.today).parameters[name])


def _say(ctx: Context, row: Any) -> None:
    ctx.audit("care.agreed", row["agreement_id"], mode=row["mode"])
    ctx.emit(pb.CareAgreed(agreement_id=row["agreement_id"], case_id=row["case_id"], household_id=row["household_id"],
                           mode=row["mode"], starts_on=row["starts_on"].isoformat()),
             subject=row["case_id"], partition_key=row["household_id"])
