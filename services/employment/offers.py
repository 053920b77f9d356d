"""Work and training that is offered, and what comes of it (国务院令649号§42–45, requirements 4.5). What a refusal costs is not
decided here: 民政 hears of it and decides by its own policy (两不变)."""

from __future__ import annotations

from typing import Any

from yimen.employment.v1 import employment_pb2 as pb
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.roster.v1 import roster_pb2
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.employment.tables import offer

KINDS = ("job", "public_post", "training")
ACCEPTED, REFUSED, EXCUSED = "accepted", "refused", "excused"
OUTCOMES = (ACCEPTED, REFUSED, EXCUSED)
FAMILIES = frozenset({"dibao", "dibao_edge"})
PURPOSE, TASK = "work_offer", "conclude_offer"
REFERENCE_MAX, LISTED_MAX = 80, 200


def find_member(app: App, resident_id: str, reference: str, anybody: bool = False) -> tuple[str, str]:
    """Household and person; the roster logs the reading. Raises Fault OFFER_NOT_DUE for whom no work is sought, unless
    `anybody` may be asked for, and an ID_… code."""
    roster = app.peers.stub("roster")
    found = roster.ResolveIdentities(roster_pb2.ResolveIdentitiesRequest(
        resident_ids=[resident_id], case_id=reference, purpose=PURPOSE)).identities[0]
    if found.problem:
        raise Fault(found.problem, position=1, today=app.today().isoformat())
    if not found.household_id:
        raise Fault("OFFER_NOT_DUE")
    if not anybody:
        home = roster.GetHousehold(roster_pb2.GetHouseholdRequest(household_id=found.household_id, case_id=reference,
                                                                  purpose=PURPOSE))
        able = {member.person_id for member in home.members if member.labour_capable}
        if found.person_id not in able or not FAMILIES & {one.category for one in home.categories}:
            raise Fault("OFFER_NOT_DUE")
    return found.household_id, found.person_id


def make(ctx: Context, household_id: str, person_id: str, kind: str, offer_ref: str, days: int) -> Row:
    """Keep an offer; `days` working days later somebody has written down what came of it."""
    offer_id = derived("offer", person_id, offer_ref)
    row: Row = {"offer_id": offer_id, "household_id": household_id, "person_id": person_id, "kind": kind, "offer_ref": offer_ref,
                "offered_on": ctx.today, "answer_by": ctx.workdays_later(days), "outcome": "", "reason": "", "concluded_on": None}
    if not ctx.tx.insert_new(offer, **row):
        return ctx.require(ctx.tx.first(offer, offer_id=offer_id), "INTERNAL")
    ctx.open_task(TASK, offer_id, "county_officer", "", row["answer_by"])
    ctx.audit("offer.made", offer_id, kind=kind)
    ctx.emit(pb.OfferMade(offer_id=offer_id, household_id=household_id, person_id=person_id, kind=kind,
                          offered_on=ctx.today.isoformat()), subject=f"offer:{offer_id}", partition_key=household_id)
    return row


def conclude(ctx: Context, offer_id: str, outcome: str, reason: str) -> int:
    """Write down what came of it; returns the person's refusals in succession. The same again changes nothing.

    Raises Fault OFFER_NOT_FOUND, FIELD_WRONG, REASON_REQUIRED or CASE_STATE.
    """
    if outcome not in OUTCOMES:
        raise Fault("FIELD_WRONG", field="outcome", expected="/".join(OUTCOMES))
    if outcome != ACCEPTED and not reason:
        raise Fault("REASON_REQUIRED")
    row = ctx.require(ctx.tx.first(offer, offer_id=offer_id, lock=True), "OFFER_NOT_FOUND", offer_id=offer_id[:36])
    if row["outcome"]:
        if row["outcome"] != outcome:
            raise Fault("CASE_STATE", state="已有结果", act="改写推荐结果")
        return refusals(ctx, row["person_id"])
    ctx.tx.update(offer, {"offer_id": offer_id}, outcome=outcome, reason=reason, concluded_on=ctx.today)
    ctx.close_tasks(offer_id, TASK)
    ctx.audit("offer.concluded", offer_id, outcome=outcome)
    count = refusals(ctx, row["person_id"])
    said: dict[str, Any] = {"offer_id": offer_id, "household_id": row["household_id"], "person_id": row["person_id"],
                            "offered_on": row["offered_on"].isoformat()}
    event = (pb.OfferAccepted(**said) if outcome == ACCEPTED
             else pb.OfferRefused(**said, excused=outcome == EXCUSED, refusals=count))
    ctx.emit(event, subject=f"offer:{offer_id}", partition_key=row["household_id"])
    return count


def of_person(ctx: Context, person_id: str) -> list[Row]:
    """Oldest first."""
    return ctx.tx.find(offer, person_id=person_id, order_by=(offer.c.offered_on, offer.c.offer_ref), limit=LISTED_MAX)


def refusals(ctx: Context, person_id: str) -> int:
    """Without reason, since the last acceptance."""
    count = 0
    for row in of_person(ctx, person_id):
        count = 0 if row["outcome"] == ACCEPTED else count + (row["outcome"] == REFUSED)
    return count
