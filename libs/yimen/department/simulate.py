"""What a draft would change: recorded cases, or every household of the roster, decided by the pack in force and by
the draft. Nothing is written but that the ledgers were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from yimen.department.declaration import Department
from yimen.department.facts import report_facts, roster_facts, standards
from yimen.department.tables import aid_case, decision
from yimen.kernel.errors import Fault
from yimen.means_test.v1 import means_test_pb2
from yimen.policy.pack import Decision, Pack
from yimen.roster.v1 import roster_pb2

if TYPE_CHECKING:
    from yimen.runtime.context import Context

STRETCH_MAX = 2_000
CHANGES_SHOWN_MAX = 100
PURPOSE, PAGE_DEADLINE_S = "simulate_policy", 30.0
TOWNSHIP_DIGITS = 9  # of an area's code


@dataclass(frozen=True)
class Change:
    """A case or a household that would come out differently."""

    subject: str
    before: Decision
    after: Decision


@dataclass
class Stretch:
    """Some of the recorded cases. Money in fen; a saving is negative."""

    cases: int = 0
    gain: int = 0
    lose: int = 0
    enter: int = 0
    leave: int = 0
    undetermined: int = 0
    month_delta_fen: int = 0
    once_delta_fen: int = 0
    changes: list[Change] = field(default_factory=list)
    # Where the next stretch begins; empty after the last.
    next: str = ""
    total: int = 0


def simulate(ctx: Context, now: Pack, draft: Pack, after: str, limit: int) -> Stretch:
    """The next cases after the decision `after`, at most `limit`. Nothing is written."""
    limit = min(limit or STRETCH_MAX, STRETCH_MAX)
    # Of each case the decision that holds: a review's other ones are not counted again.
    decided = sa.and_(decision.c.decided_at.is_not(None), decision.c.decision_id.in_(sa.select(aid_case.c.decision_id)))
    rows = ctx.tx.find(decision, decided, decision.c.decision_id > after, order_by=decision.c.decision_id, limit=limit)
    stretch = Stretch(total=ctx.tx.count(decision, decided), next=rows[-1]["decision_id"] if len(rows) == limit else "")
    for row in rows:
        stretch.cases += 1
        _compare(stretch, row["case_id"], row["item"], row["facts"], now, draft)
    return stretch


def simulate_roster(ctx: Context, department: Department, now: Pack, draft: Pack, after: str, limit: int) -> Stretch:
    """The next households after `after`: what each would be given of the items that need nothing but the household."""
    asked = {"case_id": f"policy:{draft.hash[:12]}", "purpose": PURPOSE}
    roster = ctx.app.peers.stub("roster").ListHouseholds(roster_pb2.ListHouseholdsRequest(
        after=after, limit=limit, **asked), timeout_s=PAGE_DEADLINE_S)
    items = [item for item in department.items if not item.request_facts and not item.urgent and now.has(item.name)]
    homes = list(roster.households)
    reports = {}
    if homes and any(item.means_test for item in items):
        listed = ctx.app.peers.stub("means_test").ListReports(means_test_pb2.ListReportsRequest(
            household_ids=[home.household_id for home in homes], **asked), timeout_s=PAGE_DEADLINE_S)
        reports = {one.household_id: one for one in listed.reports}
    stretch = Stretch(total=roster.total, next=homes[-1].household_id if homes else "")
    for home in homes:
        stretch.cases += 1
        published = standards(ctx, home.area_kind)
        for item in items:
            for person_id in [member.person_id for member in home.members] if item.subject == "person" else [""]:
                asking = {"case_id": "", "item": item.name, "household_id": home.household_id, "person_id": person_id,
                          "township_code": home.village_code[:TOWNSHIP_DIGITS], "request": {}}
                facts = {**department.own_defaults, **department.find_own_facts(ctx, asking),
                         **roster_facts(home, person_id, ctx.today), **published}
                if home.household_id in reports:
                    facts |= report_facts(reports[home.household_id], person_id)
                _compare(stretch, home.household_id, item.name, facts, now, draft)
    return stretch


def _compare(stretch: Stretch, subject: str, item: str, facts: dict[str, Any], now: Pack, draft: Pack) -> None:
    try:
        change = Change(subject, now.decide(item, facts), draft.decide(item, facts))
    except Fault as fault:
        if fault.code != "FACT_MISSING":
            raise
        stretch.undetermined += 1
        return
    _add(stretch, change)


def _add(stretch: Stretch, change: Change) -> None:
    before, after = change.before, change.after
    entered = before.outcome == "refuse" and after.outcome == "grant"
    left = before.outcome == "grant" and after.outcome == "refuse"
    delta = after.amount_fen - before.amount_fen
    stretch.enter += entered
    stretch.leave += left
    stretch.gain += delta > 0 and not entered
    stretch.lose += delta < 0 and not left
    stretch.month_delta_fen += _monthly(after) - _monthly(before)
    stretch.once_delta_fen += _once(after) - _once(before)
    same = (before.outcome, before.amount_fen, before.category) == (after.outcome, after.amount_fen, after.category)
    if not same and len(stretch.changes) < CHANGES_SHOWN_MAX:
        stretch.changes.append(change)


def _monthly(made: Decision) -> int:
    return made.amount_fen // made.every_months if made.instalments > 1 else 0


def _once(made: Decision) -> int:
    return made.amount_fen if made.instalments == 1 else 0
