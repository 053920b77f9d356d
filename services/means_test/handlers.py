"""Events and the loop of `means_test`."""

from __future__ import annotations

from datetime import date

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.intake.v1 import events_pb2 as intake
from yimen.kernel.ids import derived
from yimen.runtime.app import App
from yimen.runtime.context import Context

from services.means_test import verification as steps
from services.means_test.tables import report, verification


def on_accepted(ctx: Context, event: intake.ApplicationAccepted, _: Envelope) -> None:
    """An item needs a means test: use the household's valid report (R031), or open a verification."""
    if not any(item.means_test for item in event.items):
        return
    valid = ctx.tx.first(report, report.c.valid_until >= ctx.today, household_id=event.household_id,
                         order_by=report.c.issued_on.desc())
    if valid is None:
        steps.open_verification(ctx, event)
        return
    steps.announce(ctx, event.application_id, event.household_id, valid["verification_id"], valid["report_id"],
                   valid["surveyors"], valid["doubts"], valid["major_doubt"], reused=True)


def on_review_due(ctx: Context, event: aid.ReviewDue, envelope: Envelope) -> None:
    """A standing benefit is looked at again: the household is verified anew, once for all who ask."""
    if not event.means_test:
        return
    running = ctx.tx.first(verification, household_id=event.household_id, review=True, state=("matching", "visiting"),
                           lock=True)
    if running is not None:
        steps.include_newcomers(ctx, running)  # reported while it ran; for all else it goes by what is declared at its end
        return
    fresh = ctx.tx.first(report, report.c.issued_on > date.fromisoformat(event.opened_on), household_id=event.household_id,
                         order_by=report.c.issued_on.desc())
    if fresh is None:
        steps.open_verification(ctx, event, derived("verification", envelope.event_id), review=True)
        return
    steps.announce(ctx, event.application_id, event.household_id, fresh["verification_id"], fresh["report_id"],
                   fresh["surveyors"], fresh["doubts"], fresh["major_doubt"], reused=True, review=True)


def on_withdrawn(ctx: Context, event: intake.ApplicationWithdrawn, _: Envelope) -> None:
    """No query without an application: outstanding questions are dropped."""
    row = ctx.tx.first(verification, verification.c.state.not_in(("done", "stopped")), review=False,
                       application_id=event.application_id, lock=True)
    if row is not None:
        steps.stop(ctx, row)


def collect_answers(app: App) -> bool:
    """One round of questions to the sources, in the server process."""
    return bool(steps.ask_sources(app))
