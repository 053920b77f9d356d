"""Differentiated aid (分类增发, R159) rests on the minimum guarantee: it stops when, and from the day on which, that does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.casework.reviews import GROUNDS, GUARANTEE_ENDED, Result
from yimen.department.standing import adjust, again, finish, standing_cases
from yimen.runtime.context import Context

if TYPE_CHECKING:
    from yimen.department.cases import Desk

ITEM, GUARANTEE, CATEGORY = "differentiated_extra", "dibao", "dibao"


class Extras:
    """What the department hears of its own guarantee."""

    def __init__(self, desk: Callable[[], Desk]) -> None:
        self._desk = desk

    def on_adjusted(self, ctx: Context, event: aid.BenefitAdjusted, _: Envelope) -> None:
        """The household is without the guarantee from a day on: so is each of its members without the extra."""
        if event.service != ctx.service or event.item != GUARANTEE or event.category == CATEGORY:
            return
        desk, reason = self._desk(), GROUNDS[GUARANTEE_ENDED]
        for before in standing_cases(ctx, desk, event.household_id):
            if before.case["item"] == ITEM:
                decision_id = again(ctx, desk, before.case, before.decision)
                finish(ctx, decision_id, "overruled", reason, "")
                adjust(ctx, desk, before, desk.decision(ctx, decision_id), Result.STOP, cause=GUARANTEE_ENDED, reason=reason,
                       effective_on=date.fromisoformat(event.effective_on))
