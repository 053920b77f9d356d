"""Categories and benefits follow decisions, and nothing else (promise 7)."""

from __future__ import annotations

from datetime import date

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.kernel.errors import NotYet
from yimen.roster.v1 import events_pb2 as roster
from yimen.runtime.context import Context

from services.roster.spdci.subscribe import tell_subscribers
from services.roster.tables import benefit_record, category_record, household


def on_granted(ctx: Context, event: aid.AidGranted, envelope: Envelope) -> None:
    """Record the benefit; with a category, record it and tell every department."""
    home = ctx.tx.first(household, household_id=event.household_id, lock=True)
    if home is None:
        raise NotYet("台账中还没有这一户")
    granted_on = date.fromisoformat(event.granted_on)
    ctx.tx.insert_new(benefit_record, decision_id=event.decision_id, household_id=event.household_id,
                      person_id=event.person_id, item=event.item, service=envelope.source, output=event.output,
                      amount_fen=event.amount_fen, valid_from=granted_on, recorded_at=ctx.now)
    if not event.category:
        return
    added = ctx.tx.insert_new(category_record, household_id=event.household_id, person_id=event.person_id,
                              category=event.category, valid_from=granted_on, valid_to=None, recorded_at=ctx.now,
                              decision_id=event.decision_id, authority=envelope.source)
    if not added:
        return
    version = home["version"] + 1
    ctx.tx.update(household, {"household_id": event.household_id}, version=version)
    ctx.audit("category.added", event.household_id, category=event.category, decision_id=event.decision_id)
    ctx.emit(
        roster.CategoryChanged(
            household_id=event.household_id, person_id=event.person_id, category=event.category, change="added",
            valid_from=event.granted_on, decision_id=event.decision_id, application_id=event.application_id,
            version=version, village_code=event.village_code, area_kind=event.area_kind, report_id=event.report_id,
        ),
        subject=event.household_id,
    )
    tell_subscribers(ctx, home, event.category, "added")
