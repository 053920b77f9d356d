"""Where the county approves itself, it visits at least 30 % of the homes before it does (K2: S3(5)), and every home of which
a relative of staff was declared or somebody has complained ([N*57号], requirements 2.1 row 12b)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from yimen.casework import authority
from yimen.department.declaration import DELEGABLE
from yimen.department.tables import county_visit
from yimen.kernel.errors import Fault
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.department.cases import Desk
    from yimen.runtime.context import Context

RATIO = "county_visit_ratio"
FINDINGS = ("consistent", "differs", "not_eligible")
DRAWN = "drawn"


def ask(ctx: Context, desk: Desk, case: Row, outcome: str) -> bool:
    """Whether the home is to be visited before the decision; puts it on the county officers' list then.

    Of the cases of a month the share that is visited never falls below the ratio, whenever one looks.
    """
    item = desk.department.item(case["item"])
    ratio = desk.shelf.active(ctx, ctx.today).parameters.get(RATIO, 0)
    county = case["decide_level"] == authority.COUNTY and item.decided_by == DELEGABLE
    if not ratio or not county or outcome != "grant":
        return False
    known = ctx.tx.first(county_visit, case_id=case["case_id"])
    if known is not None:
        return bool(known["cause"]) and known["visited_on"] is None
    month = f"{ctx.today:%Y-%m}"
    before, drawn = ctx.tx.count(county_visit, month=month), ctx.tx.count(county_visit, month=month, cause=DRAWN)
    cause = case["full_visit"] or (DRAWN if drawn < math.ceil(Fraction(str(ratio)) * (before + 1)) else "")
    ctx.tx.insert(county_visit, case_id=case["case_id"], month=month, cause=cause, visited_on=None, visitors=[], finding="")
    if cause:
        ctx.open_task("county_visit", case["case_id"], "county_officer", case["township_code"],
                      ctx.workdays_later(item.decide_days), cause=cause, application_id=case["application_id"])
        ctx.audit("county_visit.asked", case["case_id"], cause=cause)
    return bool(cause)


def require_done(ctx: Context, case: Row) -> None:
    """Raises Fault VISIT_FIRST while the home that was drawn has not been seen."""
    row = ctx.tx.first(county_visit, case_id=case["case_id"])
    if row is not None and row["cause"] and row["visited_on"] is None:
        raise Fault("VISIT_FIRST")


def record(ctx: Context, case: Row, visitors: list[str], finding: str) -> None:
    """Two of the county were there. Raises Fault CHECK_NOT_DUE or CASE_STATE."""
    row = ctx.tx.first(county_visit, case_id=case["case_id"], lock=True)
    if row is None or not row["cause"]:
        raise Fault("CHECK_NOT_DUE", case_id=case["case_id"], pool="county_visit")
    if row["visited_on"] is not None:
        raise Fault("CASE_STATE", state="已入户", act="登记县级入户抽查")
    ctx.tx.update(county_visit, {"case_id": case["case_id"]}, visited_on=ctx.today, visitors=visitors, finding=finding)
    ctx.close_tasks(case["case_id"], "county_visit")
    ctx.audit("county_visit.recorded", case["case_id"], finding=finding)
