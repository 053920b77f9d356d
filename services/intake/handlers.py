"""Everything that concerns an application comes back to its window: timeline, feedback, closing."""

from __future__ import annotations

from typing import Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.intake.v1 import events_pb2 as intake
from yimen.kernel.errors import NotYet
from yimen.runtime.context import Context

from services.intake.conferences import on_task_done
from services.intake.narrate import NARRATORS, OUTCOME_TITLES, Entry, adjusted
from services.intake.tables import aid_item, application, feedback, item_status
from services.intake.timeline import write_down

OPEN_STATES = {
    aid.CaseOpened: "办理中", aid.AidProposed: "已提出意见", aid.AidGranted: "已确认,待落实",
}


def on_catalogue(ctx: Context, event: aid.CataloguePublished, envelope: Envelope) -> None:
    """A department says what it offers; only its own items are taken from it."""
    for item in event.items:
        row = {"service": envelope.source, "title": item.title, "subject": item.subject, "means_test": item.means_test,
               "urgent": item.urgent, "by_application": item.by_application,
               "temporary_identity": item.temporary_identity, "grants_category": item.grants_category,
               "request_facts": list(item.request_facts), "optional_facts": list(item.optional_facts)}
        if not ctx.tx.insert_new(aid_item, item=item.item, **row):
            ctx.tx.update(aid_item, {"item": item.item, "service": envelope.source}, **row)


def narrate(ctx: Context, event: Any, envelope: Envelope) -> None:
    """One line in the timeline, and the item's state where the event changes it."""
    application_id, case_id = event.application_id, getattr(event, "case_id", "")
    if not application_id:
        return
    entry = NARRATORS[type(event)](event)
    write_down(ctx, application_id, entry, envelope.source, case_id)
    if isinstance(event, aid.CaseOpened):
        ctx.tx.insert_new(item_status, case_id=case_id, application_id=application_id, item=event.item,
                          service=envelope.source, trigger=event.trigger, state="", reason="", closed_at=None)
    if state := OPEN_STATES.get(type(event)):
        ctx.tx.update(item_status, {"case_id": case_id, "closed_at": None}, state=state)


def on_case_closed(ctx: Context, event: aid.CaseClosed, envelope: Envelope) -> None:
    """Feed back to window and applicant; close the application with its last item (R001, R018)."""
    if not ctx.tx.count(item_status, case_id=event.case_id):
        raise NotYet("事项登记在后")
    narrate(ctx, event, envelope)
    ctx.tx.update(item_status, {"case_id": event.case_id}, state=event.outcome, reason=event.reason,
                  closed_at=ctx.now)
    title = ctx.tx.first(aid_item, item=event.item)
    text = f"{title['title'] if title else event.item}:{OUTCOME_TITLES.get(event.outcome, event.outcome)}。{event.reason}"
    for receiver in ("window", "applicant"):
        ctx.tx.insert_new(feedback, application_id=event.application_id, case_id=event.case_id, receiver=receiver,
                          text=text, at=ctx.now)
    if title and title["grants_category"] and event.outcome != "granted" and event.trigger == "application":
        ctx.emit(intake.ItemWithoutCategory(application_id=event.application_id, case_id=event.case_id),
                 subject=event.application_id, partition_key=event.household_id)
    _close_when_done(ctx, event.application_id)


def on_adjusted(ctx: Context, event: aid.BenefitAdjusted, envelope: Envelope) -> None:
    """A later decision is fed back like the first (R018, R052)."""
    narrate(ctx, event, envelope)
    title = ctx.tx.first(aid_item, item=event.item)
    told = adjusted(event)
    if event.kind == "stop":
        ctx.tx.update(item_status, {"case_id": event.case_id}, state="stopped", reason=event.reason)
    text = f"{told.what.replace(event.item, title['title'] if title else event.item, 1)}。{told.why}"
    for receiver in ("window", "applicant"):
        ctx.tx.insert_new(feedback, application_id=event.application_id, case_id=event.decision_id, receiver=receiver,
                          text=text, at=ctx.now)


def on_reconsidered(ctx: Context, event: aid.ReconsiderationDecided | aid.RecheckDecided, envelope: Envelope) -> None:
    """A reversed refusal stands as granted from now on."""
    narrate(ctx, event, envelope)
    if event.outcome == "reversed":
        why = event.reason if isinstance(event, aid.RecheckDecided) else f"行政复议 {event.document_no}"
        ctx.tx.update(item_status, {"case_id": event.case_id}, state="granted", reason=why)


def _close_when_done(ctx: Context, application_id: str) -> None:
    row = ctx.tx.first(application, application_id=application_id, state="accepted", lock=True)
    still_open = ctx.tx.count(item_status, application_id=application_id, trigger="application", closed_at=None)
    if row is None or still_open:
        return
    ctx.tx.update(application, {"application_id": application_id}, state="closed", closed_at=ctx.now)
    write_down(ctx, application_id, Entry("申请办结:全部事项已反馈窗口和申请人", clause="R001"))
    ctx.emit(
        intake.ApplicationClosed(
            application_id=application_id, receipt_no=row["receipt_no"],
            items=ctx.tx.count(item_status, application_id=application_id),
        ),
        subject=application_id, partition_key=row["household_id"],
    )


HANDLERS: dict[type[Any], Any] = {
    **dict.fromkeys(NARRATORS, narrate),
    aid.CaseClosed: on_case_closed,
    aid.ConferenceTaskDone: on_task_done,
    aid.BenefitAdjusted: on_adjusted,
    aid.ReconsiderationDecided: on_reconsidered,
    aid.RecheckDecided: on_reconsidered,
    aid.CataloguePublished: on_catalogue,
}
