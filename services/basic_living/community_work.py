"""Community work (公益性劳动, R083, S3(7)): every month a roster of the members of families with the minimum guarantee who are
able to work and have none, and whether they came. What an absence means is for the county's policy, not decided here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from yimen.basic_living.v1 import community_work_pb2 as pb
from yimen.department.facts import household_of
from yimen.department.tables import aid_case
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.kernel.workdays import first_of_next_month, months_later
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.basic_living.tables import community_work

if TYPE_CHECKING:
    from yimen.department.cases import Desk

ITEM, TIMER, TASK = "dibao", "community_roster", "record_community_work"
MONTHLY = "community_work_monthly"
ATTENDED = "attended"
OUTCOMES = (ATTENDED, "excused", "absent")
PAGE_MAX, LISTED_MAX = 100, 500


def draw_up(ctx: Context, month: date) -> None:
    """Begin the roster of the month that begins on this day. Raises Fault FIELD_WRONG for another than this or the next."""
    this = ctx.today.replace(day=1)
    if month not in (this, months_later(this, 1)):
        raise Fault("FIELD_WRONG", field="month", expected="本月或下月,如 2026-05")
    ctx.audit("community_work.asked", f"{month:%Y-%m}")
    ctx.schedule(TIMER, f"{month:%Y-%m}", ctx.now, after="")


def on_page(desk: Callable[[], Desk], ctx: Context, month: str, after: str) -> None:
    """The timer: a page of families; the last one says that the roster is drawn, and the next month's turn comes."""
    page = ctx.tx.find(aid_case, aid_case.c.case_id > after, item=ITEM, outcome="granted", order_by=aid_case.c.case_id,
                       limit=PAGE_MAX)
    for case in page:
        made = desk().decision(ctx, case["decision_id"])
        if not made["amount_fen"]:
            continue  # at the edge: no guarantee
        for member in household_of(ctx, case["household_id"], case["case_id"]).members:
            if member.labour_capable and not member.employed:
                ctx.tx.insert_new(community_work, month=month, person_id=member.person_id, case_id=case["case_id"],
                                  township_code=case["township_code"], village_code=case["village_code"], outcome="", reason="",
                                  recorded_on=None, recorded_by="")
    if len(page) == PAGE_MAX:
        ctx.schedule(TIMER, month, ctx.now, after=page[-1]["case_id"])
        return
    _drawn(ctx, month)
    following = months_later(date.fromisoformat(f"{month}-01"), 1)
    if desk().shelf.active(ctx, ctx.today).parameters.get(MONTHLY, False):
        ctx.schedule(TIMER, f"{following:%Y-%m}", datetime.combine(following, time(), CHINA), after="")


def _drawn(ctx: Context, month: str) -> None:
    """Each township has its list until the month is over."""
    start = date.fromisoformat(f"{month}-01")
    for township in ctx.tx.tally(community_work.c.township_code, month=month):
        subject = _subject(month, township)
        ctx.close_tasks(subject, TASK)
        if _open(ctx, month, township):
            ctx.open_task(TASK, subject, "township_officer", township, first_of_next_month(start) - timedelta(days=1))
    persons = ctx.tx.count(community_work, month=month)
    ctx.audit("community_work.drawn", month, persons=persons)
    ctx.emit(pb.CommunityWorkDrawn(month=month, persons=persons), subject=f"community_work:{month}")


def record(ctx: Context, month: str, person_id: str, outcome: str, reason: str, require_area: Callable[[str], None]) -> None:
    """Whether somebody came; said again it is corrected.

    Raises Fault FIELD_WRONG, REASON_REQUIRED, NOT_ON_ROSTER or OUTSIDE_AREA.
    """
    if outcome not in OUTCOMES:
        raise Fault("FIELD_WRONG", field="outcome", expected="/".join(OUTCOMES))
    if outcome != ATTENDED and not reason:
        raise Fault("REASON_REQUIRED")
    row = ctx.require(ctx.tx.first(community_work, month=month, person_id=person_id, lock=True), "NOT_ON_ROSTER", month=month[:7])
    require_area(row["township_code"])
    if ctx.today < date.fromisoformat(f"{month}-01"):
        raise Fault("FIELD_WRONG", field="month", expected="已经开始的月份")
    ctx.tx.update(community_work, {"month": month, "person_id": person_id}, outcome=outcome, reason=reason, recorded_on=ctx.today,
                  recorded_by=ctx.actor)
    ctx.audit("community_work.recorded", row["case_id"], month=month, outcome=outcome)
    if not _open(ctx, month, row["township_code"]):
        ctx.close_tasks(_subject(month, row["township_code"]), TASK)


def listed(ctx: Context, month: str, township: str, after: str) -> list[Row]:
    """A page, by person."""
    return ctx.tx.find(community_work, community_work.c.person_id > after, month=month, township_code=township,
                       order_by=community_work.c.person_id, limit=LISTED_MAX)


def _open(ctx: Context, month: str, township: str) -> int:
    return int(ctx.tx.count(community_work, month=month, township_code=township, outcome=""))


def _subject(month: str, township: str) -> str:
    return f"community_work:{month}:{township}"


def timer(desk: Callable[[], Desk]) -> Any:
    """For the department's timers."""
    def fire(ctx: Context, subject: str, payload: dict[str, Any]) -> None:
        on_page(desk, ctx, subject, payload["after"])
    return fire
