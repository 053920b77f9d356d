"""What the minimum guarantee gives on average (平均补助水平, R061): computed over what stood in a month, published once for
each month."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from yimen.basic_living.v1 import basic_living_pb2 as pb
from yimen.department.standing import paid_periods
from yimen.department.tables import aid_case
from yimen.kernel.errors import Fault
from yimen.kernel.workdays import months_later
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.basic_living.tables import average_level

if TYPE_CHECKING:
    from yimen.department.cases import Desk

ITEM, CATEGORY, PAGE_MAX = "dibao", "dibao", 500


def publish(ctx: Context, desk: Desk, month: date) -> list[Row]:
    """Of the month that begins on this day, by kind of area. Raises Fault MONTH_NOT_OVER; the same month again is what it was."""
    name, following = f"{month:%Y-%m}", months_later(month, 1)
    if ctx.today < following:
        raise Fault("MONTH_NOT_OVER", month=name)
    known = ctx.tx.find(average_level, month=name, order_by=average_level.c.area_kind)
    if known:
        return known
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    after = ""
    while page := ctx.tx.find(aid_case, aid_case.c.case_id > after, item=ITEM, outcome=["granted", "stopped"],
                              order_by=aid_case.c.case_id,
                              limit=PAGE_MAX):
        for case in page:
            _count(ctx, desk, case, month, following, sums[case["area_kind"]])
        after = page[-1]["case_id"]
    rows: list[Row] = [{"month": name, "area_kind": kind, "households": households, "persons": persons, "total_fen": fen}
            for kind, (households, persons, fen) in sorted(sums.items()) if households]
    ctx.tx.insert_all(average_level, rows)
    for row in rows:
        ctx.emit(pb.AverageLevelPublished(**row, per_person_fen=row["total_fen"] // row["persons"]), subject=f"level:{name}")
    ctx.audit("average_level.published", name)
    return list(rows)


def _count(ctx: Context, desk: Desk, case: Row, month: date, following: date, sums: list[int]) -> None:
    """By the decision that paid this month, whatever has changed since."""
    for period in paid_periods(ctx, desk, case, month, following):
        made = period.decision
        if made["category"] == CATEGORY and made["amount_fen"]:
            sums[0] += 1
            sums[1] += made["facts"]["member_count"]
            sums[2] += made["amount_fen"]
