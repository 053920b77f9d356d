"""What a draft would change: every recorded case decided again, by the pack in force and by the draft."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yimen.department.tables import decision
from yimen.kernel.errors import Fault
from yimen.policy.pack import Decision, Pack

if TYPE_CHECKING:
    from yimen.runtime.context import Context

STRETCH_MAX = 2_000
CHANGES_SHOWN_MAX = 100


@dataclass(frozen=True)
class Change:
    """A case that would come out differently."""

    case_id: str
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
    decided = decision.c.decided_at.is_not(None)
    rows = ctx.tx.find(decision, decided, decision.c.decision_id > after, order_by=decision.c.decision_id, limit=limit)
    stretch = Stretch(total=ctx.tx.count(decision, decided), next=rows[-1]["decision_id"] if len(rows) == limit else "")
    for row in rows:
        stretch.cases += 1
        try:
            change = Change(row["case_id"], now.decide(row["item"], row["facts"]), draft.decide(row["item"], row["facts"]))
        except Fault as fault:
            if fault.code != "FACT_MISSING":
                raise
            stretch.undetermined += 1
            continue
        _add(stretch, change)
    return stretch


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
