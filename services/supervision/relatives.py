"""Relatives of officers and village cadres (近亲属备案, R134, requirements 2.10): declared every year, compared each night with
who applies. A case that one of them stands in is checked in full, and the relative may not act on it; who had not declared is
a case of duty.

The numbers stay sealed here; the roster says who has them, and keeps the reading in its log.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from yimen.kernel import limits, resident_id
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.limits import groups
from yimen.kernel.workdays import months_later
from yimen.roster.v1 import roster_pb2
from yimen.runtime.context import Context
from yimen.store.unit import Row
from yimen.supervision.v1 import supervision_pb2 as pb

from services.supervision.checks import add_check
from services.supervision.tables import case_record, relative, relative_match

# 民法典§1045: spouse, parents, children, siblings, grandparents, grandchildren.
RELATIONS = ("spouse", "parent", "child", "sibling", "grandparent", "grandchild")
VALID_MONTHS = 12
NIGHT = time(2, 0, tzinfo=CHINA)
TIMER, EVERYBODY, PURPOSE = "match_relatives", "all", "match_relatives"
DUTY_DAYS = 15  # working days, as for a warning (requirements 7.2)
POOL = "relative_registered"


def declare(ctx: Context, officer_id: str, relation: str, number: str) -> str:
    """An officer (or cadre) names a relative; again within the year renews it. Raises Fault FIELD_WRONG or an ID_… code."""
    if relation not in RELATIONS:
        raise Fault("FIELD_WRONG", field="relation", expected="/".join(RELATIONS))
    if not officer_id:
        raise Fault("FIELD_WRONG", field="officer_id", expected="申报人编号")
    number = resident_id.check(number, 1)
    match = ctx.app.vault.match(number)
    relative_id = derived("relative", officer_id, match)
    values = {"relation": relation, "declared_on": ctx.today, "valid_until": months_later(ctx.today, VALID_MONTHS)}
    if not ctx.tx.insert_new(relative, relative_id=relative_id, officer_id=officer_id, number_match=match,
                             number_sealed=ctx.app.vault.encrypt(number), **values):
        ctx.tx.update(relative, {"relative_id": relative_id}, **values)
    ctx.audit("relative.declared", relative_id, relation=relation)
    ctx.emit(pb.RelativeDeclared(relative_id=relative_id, officer_id=officer_id, relation=relation),
             subject=f"relative:{relative_id}")
    next_night(ctx)
    return relative_id


def next_night(ctx: Context) -> None:
    """Compare again in the coming night."""
    tonight = datetime.combine(ctx.today, NIGHT)
    ctx.schedule(TIMER, EVERYBODY, tonight if tonight > ctx.now else tonight + timedelta(days=1))


def match_all(ctx: Context, subject: str, payload: dict[str, Any]) -> None:
    """The timer: whose relatives are in a household that applies or stands? Goes on every night while anybody is declared."""
    declared = ctx.tx.find(relative, relative.c.valid_until >= ctx.today, order_by=relative.c.relative_id)
    for page in groups(declared, limits.RESOLVE_IDS_MAX):
        answer = ctx.app.peers.stub("roster").ResolveIdentities(roster_pb2.ResolveIdentitiesRequest(
            resident_ids=[ctx.app.vault.decrypt(row["number_sealed"]) for row in page],
            case_id=f"{PURPOSE}:{ctx.today.isoformat()}", purpose=PURPOSE))
        for row, found in zip(page, answer.identities, strict=True):
            if found.household_id:
                _match(ctx, row, found.household_id)
    if declared:
        next_night(ctx)


def _match(ctx: Context, row: Row, household_id: str) -> None:
    for case in ctx.tx.find(case_record, household_id=household_id, order_by=case_record.c.case_id):
        if not ctx.tx.insert_new(relative_match, case_id=case["case_id"], relative_id=row["relative_id"], matched_on=ctx.today):
            continue
        add_check(ctx, case["case_id"], POOL, case["township_code"])
        ctx.audit("relative.matched", case["case_id"], relative_id=row["relative_id"])
        ctx.emit(pb.RelativeMatched(case_id=case["case_id"], application_id=case["application_id"], service=case["service"],
                                    officer_id=row["officer_id"], declared=case["relative_declared"]),
                 subject=case["case_id"], partition_key=household_id, audience=case["service"])
        if not case["relative_declared"] and case["trigger"] == "application":
            ctx.open_task("relative_undeclared", case["case_id"], "supervisor", case["township_code"],
                          ctx.workdays_later(DUTY_DAYS),
                          relative_id=row["relative_id"])
            ctx.emit(pb.RelativeUndeclaredFound(case_id=case["case_id"], application_id=case["application_id"],
                                                service=case["service"]),
                     subject=case["case_id"], partition_key=household_id, audience=case["service"])
