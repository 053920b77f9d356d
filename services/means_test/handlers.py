"""Events and the loop of `means_test`."""

from __future__ import annotations

from yimen.bus.envelope import Envelope
from yimen.intake.v1 import events_pb2 as intake
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


def on_withdrawn(ctx: Context, event: intake.ApplicationWithdrawn, _: Envelope) -> None:
    """No query without an application: outstanding questions are dropped."""
    row = ctx.tx.first(verification, verification.c.state != "done", application_id=event.application_id, lock=True)
    if row is not None:
        steps.stop(ctx, row)


def collect_answers(app: App) -> bool:
    """One round of questions to the sources, in the server process."""
    return bool(steps.ask_sources(app))
