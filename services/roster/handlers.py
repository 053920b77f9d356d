"""Categories and benefits follow decisions, and nothing else (promise 7)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import NotYet
from yimen.roster.v1 import events_pb2 as roster
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.roster.spdci.subscribe import tell_subscribers
from services.roster.tables import benefit_record, category_record, household

TIMER = "category_turn"


def on_granted(ctx: Context, event: aid.AidGranted, envelope: Envelope) -> None:
    """Record the benefit; with a category, record it and tell every department."""
    home = ctx.tx.first(household, household_id=event.household_id, lock=True)
    if home is None:
        raise NotYet("台账中还没有这一户")
    granted_on = date.fromisoformat(event.granted_on)
    ctx.tx.insert_new(benefit_record, decision_id=event.decision_id, household_id=event.household_id,
                      person_id=event.person_id, item=event.item, service=envelope.source, output=event.output,
                      amount_fen=event.amount_fen, valid_from=granted_on, recorded_at=ctx.now, valid_to=None)
    if not event.category:
        return
    added = ctx.tx.insert_new(category_record, household_id=event.household_id, person_id=event.person_id,
                              category=event.category, valid_from=granted_on, valid_to=None, recorded_at=ctx.now,
                              decision_id=event.decision_id, authority=envelope.source)
    if not added:
        return
    ctx.audit("category.added", event.household_id, category=event.category, decision_id=event.decision_id)
    _tell(ctx, home, {**_occasion(event), "category": event.category, "change": "added", "valid_from": event.granted_on})


def on_adjusted(ctx: Context, event: aid.BenefitAdjusted, envelope: Envelope) -> None:
    """What stood ends on the day before, what replaces it begins; the departments hear of a category when it turns."""
    home = ctx.tx.first(household, household_id=event.household_id, lock=True)
    if home is None:
        raise NotYet("台账中还没有这一户")
    turn = date.fromisoformat(event.effective_on)
    last = turn - timedelta(days=1)
    ctx.tx.update(benefit_record, {"decision_id": event.previous_decision_id}, valid_to=last)
    if event.kind != "stop":
        ctx.tx.insert_new(benefit_record, decision_id=event.decision_id, household_id=event.household_id,
                          person_id=event.person_id, item=event.item, service=envelope.source, output=event.output,
                          amount_fen=event.amount_fen, valid_from=turn, recorded_at=ctx.now, valid_to=None)
    if event.category == event.previous_category:
        return
    occasion = {**_occasion(event), "valid_from": event.effective_on}
    if event.previous_category and ctx.tx.update(
            category_record, {"household_id": event.household_id, "person_id": event.person_id, "valid_to": None,
                              "category": event.previous_category, "authority": envelope.source},
            valid_to=last, end_recorded_at=ctx.now, ended_by=event.decision_id):
        ctx.audit("category.ended", event.household_id, category=event.previous_category, decision_id=event.decision_id)
        _turn_on(ctx, turn, {**occasion, "category": event.previous_category, "change": "ended"})
    if event.category and ctx.tx.insert_new(
            category_record, household_id=event.household_id, person_id=event.person_id, category=event.category,
            valid_from=turn, valid_to=None, recorded_at=ctx.now, decision_id=event.decision_id, authority=envelope.source):
        ctx.audit("category.added", event.household_id, category=event.category, decision_id=event.decision_id)
        _turn_on(ctx, turn, {**occasion, "category": event.category, "change": "added"})


def _occasion(event: aid.AidGranted | aid.BenefitAdjusted) -> dict[str, str]:
    """What every word about a category says of its decision."""
    return {name: getattr(event, name) for name in (
        "household_id", "person_id", "decision_id", "application_id", "village_code", "area_kind", "report_id")}


def _turn_on(ctx: Context, day: date, said: dict[str, str]) -> None:
    """Said on the day from which it holds: who decides again on hearing it must find it so."""
    if day <= ctx.today:
        on_turn(ctx, "", said)
    else:
        ctx.schedule(TIMER, f"{said['decision_id']}:{said['change']}", datetime.combine(day, time(), CHINA), **said)


def on_turn(ctx: Context, _: str, said: dict[str, str]) -> None:
    """The day has come."""
    home = ctx.tx.first(household, household_id=said["household_id"], lock=True)
    if home is not None:
        _tell(ctx, home, said)


def _tell(ctx: Context, home: Row, said: dict[str, str]) -> None:
    version = home["version"] + 1
    ctx.tx.update(household, {"household_id": home["household_id"]}, version=version)
    ctx.emit(roster.CategoryChanged(version=version, **said), subject=home["household_id"])
    tell_subscribers(ctx, home, said["category"], said["change"])
