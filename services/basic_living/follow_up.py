"""Follow-up aid (R075): a second temporary aid for the same cause in one year names the case that it follows, so that nothing is
split below a tier unseen (requirements 2.3, K9)."""

from __future__ import annotations

from datetime import date
from typing import Any

from yimen.department.tables import aid_case
from yimen.policy.expression import BOOL, TEXT
from yimen.policy.pack import Fact
from yimen.runtime.context import Context
from yimen.store.unit import Row

ITEMS = ("temporary_aid", "urgent_aid")
REFERENCE = Fact(TEXT, "request", None, "同一原因的前次案件编号(跟进救助)")
OWN_FACTS = {"same_cause_granted": Fact(BOOL, "own", None, "本年已因同一原因给予过临时救助"),
             "same_cause_linked": Fact(BOOL, "own", None, "申请注明了前次案件")}
DEFAULTS = {"same_cause_granted": False, "same_cause_linked": False}


def find_same_cause(ctx: Context, case: Row) -> dict[str, Any]:
    """What the household was given this year for the cause that it names now."""
    if case["item"] not in ITEMS:
        return dict(DEFAULTS)
    request = case["request"]
    given = ctx.tx.find(aid_case, aid_case.c.decided_on >= date(ctx.today.year, 1, 1), household_id=case["household_id"],
                        item=ITEMS, outcome="granted")
    earlier = {row["case_id"] for row in given
               if row["request"].get("cause") == request.get("cause") and row["case_id"] != case["case_id"]}
    return {"same_cause_granted": bool(earlier), "same_cause_linked": request.get("same_cause_ref") in earlier}
