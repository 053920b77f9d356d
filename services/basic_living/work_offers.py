"""Work that was offered and refused (国务院令649号§45, requirements 4.5): after three refusals without reason in succession the
member's own share of the minimum guarantee stops; an acceptance begins the count anew. The employment department tells; here
it is decided (两不变)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from yimen.bus.envelope import Envelope
from yimen.casework import reviews
from yimen.department.standing import standing_cases, standing_of
from yimen.employment.v1 import employment_pb2 as employment
from yimen.kernel.errors import Fault
from yimen.policy.expression import NUMBER
from yimen.policy.pack import Fact
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.basic_living.tables import work_offer

if TYPE_CHECKING:
    from yimen.department.cases import Desk

ITEM, LIMIT = "dibao", "work_refusals_limit"
ACCEPTED, REFUSED, EXCUSED = "accepted", "refused", "excused"
OUTCOMES = (ACCEPTED, REFUSED, EXCUSED)
OWN_FACTS = {"members_refusing_work": Fact(NUMBER, "own", 0, "无正当理由连续三次拒绝就业的成员数")}
DEFAULTS = {"members_refusing_work": 0}


def refusals(ctx: Context, household_id: str) -> dict[str, int]:
    """Person → refusals in succession; an acceptance begins anew, an excused one does not count."""
    counted: dict[str, int] = {}
    for row in ctx.tx.find(work_offer, household_id=household_id, order_by=(work_offer.c.offered_on, work_offer.c.offer_ref)):
        if row["outcome"] == ACCEPTED:
            counted[row["person_id"]] = 0
        elif row["outcome"] == REFUSED:
            counted[row["person_id"]] = counted.get(row["person_id"], 0) + 1
    return counted


def find_refusing(ctx: Context, case: Row, limit: int) -> dict[str, Any]:
    """How many members have refused as often as the limit says."""
    if case["item"] != ITEM:
        return dict(DEFAULTS)
    return {"members_refusing_work": sum(count >= limit for count in refusals(ctx, case["household_id"]).values())}


def record(ctx: Context, desk: Desk, case: Row, person_id: str, offer_ref: str, offered_on: date, outcome: str) -> int:
    """Keep what came of an offer; returns the person's refusals in succession. What it changes is reviewed at once.

    Raises Fault FIELD_WRONG or NOT_STANDING.
    """
    if outcome not in OUTCOMES:
        raise Fault("FIELD_WRONG", field="outcome", expected="/".join(OUTCOMES))
    if not person_id or not offer_ref or offered_on > ctx.today:
        raise Fault("FIELD_WRONG", field="person_id/offer_ref/offered_on", expected="成员、推荐单编号和不晚于今天的日期")
    if case["item"] != ITEM or standing_of(ctx, desk, case) is None:
        raise Fault("NOT_STANDING")
    limit = int(desk.shelf.active(ctx, ctx.today).parameters[LIMIT])
    before = find_refusing(ctx, case, limit)
    ctx.tx.insert_new(work_offer, household_id=case["household_id"], person_id=person_id, offer_ref=offer_ref,
                      offered_on=offered_on, outcome=outcome)
    ctx.audit("work_offer.recorded", case["case_id"], outcome=outcome)
    if find_refusing(ctx, case, limit) != before:
        desk.reviews.open(ctx, case, reviews.REFUSED_WORK)
    return refusals(ctx, case["household_id"]).get(person_id, 0)


class Offers:
    """What the employment department says of its offers: of a family without the guarantee nothing is kept."""

    def __init__(self, desk: Callable[[], Desk]) -> None:
        self._desk = desk

    def on_accepted(self, ctx: Context, event: employment.OfferAccepted, _: Envelope) -> None:
        """The member has work, or learns: the count begins anew."""
        self._tell(ctx, event, ACCEPTED)

    def on_refused(self, ctx: Context, event: employment.OfferRefused, _: Envelope) -> None:
        """It counts unless there was a reason."""
        self._tell(ctx, event, EXCUSED if event.excused else REFUSED)

    def _tell(self, ctx: Context, event: employment.OfferAccepted | employment.OfferRefused, outcome: str) -> None:
        desk = self._desk()
        for one in standing_cases(ctx, desk, event.household_id):
            if one.case["item"] == ITEM:
                record(ctx, desk, one.case, event.person_id, event.offer_id, date.fromisoformat(event.offered_on), outcome)
