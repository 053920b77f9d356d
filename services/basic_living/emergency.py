"""Public emergencies (S1(19), R079, requirements 2.4): declared for townships, ended, and what was given is checked after."""

from __future__ import annotations

import hashlib
import math
from datetime import date
from fractions import Fraction
from typing import Any

from yimen.policy.expression import BOOL
from yimen.policy.pack import Fact
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.basic_living.tables import posthoc_check, public_emergency

FINDINGS = ("ok", "amount_wrong", "not_in_need")
WAIVED_ITEM = "urgent_aid"
CHECK_DAYS = 15  # working days [A], as for a warning (requirements 7.2)
OWN_FACTS = {"in_public_emergency": Fact(BOOL, "own", None, "所在乡镇处于已宣布的突发公共事件中")}


def find_emergency(ctx: Context, case: Row) -> dict[str, Any]:
    """Whether an emergency is on in the township of the case today."""
    return {"in_public_emergency": any(_covers(row, case["township_code"], ctx.today)
                                       for row in ctx.tx.find(public_emergency, closed=False))}


def _covers(row: Row, township: str, day: date) -> bool:
    return (row["starts_on"] <= day and (row["ends_on"] is None or day <= row["ends_on"])
            and (not row["townships"] or township in row["townships"]))


def draw(ctx: Context, emergency_id: str, waived: list[Row], ratio: Any) -> list[Row]:
    """At least that share of what was given without a test is checked afterwards; drawn by a hash that anybody can repeat."""
    count = math.ceil(Fraction(str(ratio)) * len(waived))
    order = sorted(waived, key=lambda case: hashlib.sha256(f"{emergency_id}:{case['case_id']}".encode()).hexdigest())
    for case in order[:count]:
        if ctx.tx.insert_new(posthoc_check, case_id=case["case_id"], emergency_id=emergency_id, finding="", checked_on=None,
                             checker=""):
            ctx.open_task("posthoc_check", case["case_id"], "county_officer", case["township_code"],
                          ctx.workdays_later(CHECK_DAYS), application_id=case["application_id"])
    return order[:count]
