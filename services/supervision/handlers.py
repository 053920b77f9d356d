"""Supervision hears every event of the platform and keeps its own record of the cases."""

from __future__ import annotations

from datetime import date
from typing import Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.bus.events import event_kinds
from yimen.common.v1 import audit_pb2, task_events_pb2
from yimen.disclosure.v1 import events_pb2 as disclosure
from yimen.kernel.errors import NotYet
from yimen.means_test.v1 import events_pb2 as means_test
from yimen.payment.v1 import events_pb2 as payment
from yimen.runtime.context import Context

from services.supervision import credit
from services.supervision.checks import add_check
from services.supervision.tables import anchor, case_record, overdue, surveyed


def on_opened(ctx: Context, event: aid.CaseOpened, envelope: Envelope) -> None:
    """Start the record of a case; a declared relative puts it in a full-check pool (R134)."""
    ctx.tx.insert_new(case_record, case_id=event.case_id, application_id=event.application_id,
                      service=envelope.source, item=event.item, trigger=event.trigger,
                      township_code=event.township_code, opened_on=date.fromisoformat(event.opened_on), category="",
                      outcome="", decided_on=None, household_id=event.household_id, relative_declared=event.relative_declared)
    if event.relative_declared:
        add_check(ctx, event.case_id, "relative_registered", event.township_code)
    credit.check_new_case(ctx, event.case_id, event.household_id, event.township_code)


def _decided(ctx: Context, case_id: str, decided_on: str, **values: Any) -> None:
    if not ctx.tx.update(case_record, {"case_id": case_id}, decided_on=date.fromisoformat(decided_on),
                         **values):
        raise NotYet("案件登记在后")


def on_granted(ctx: Context, event: aid.AidGranted, _: Envelope) -> None:
    """The day of the decision counts for the handling days."""
    _decided(ctx, event.case_id, event.granted_on, category=event.category, outcome="granted")


def on_refused(ctx: Context, event: aid.AidRefused, _: Envelope) -> None:
    """A refusal is a decision too."""
    _decided(ctx, event.case_id, event.refused_on, outcome="refused")


def on_closed(ctx: Context, event: aid.CaseClosed, _: Envelope) -> None:
    """Withdrawn and stopped cases end without a decision."""
    ctx.tx.update(case_record, {"case_id": event.case_id}, outcome=event.outcome)


def on_verified(ctx: Context, event: means_test.VerificationCompleted, _: Envelope) -> None:
    """Remember who surveyed: they do not check themselves. A major doubt means a full check."""
    ctx.tx.insert_new(surveyed, application_id=event.application_id, surveyors=list(event.surveyors))
    if event.major_doubt:
        for row in ctx.tx.find(case_record, application_id=event.application_id, trigger="application"):
            add_check(ctx, row["case_id"], "major_doubt", row["township_code"])


def on_objection(ctx: Context, event: disclosure.ObjectionFiled, _: Envelope) -> None:
    """A complaint puts the case in its pool (R131)."""
    add_check(ctx, event.case_id, "complained", event.township_code)


def on_overdue(ctx: Context, event: task_events_pb2.ItemOverdue, envelope: Envelope) -> None:
    """The overdue list."""
    ctx.tx.insert(overdue, service=envelope.source, subject=event.subject, task_kind=event.task_kind,
                  due_on=date.fromisoformat(event.due_on), area=event.owner_area)


def on_sealed(ctx: Context, event: audit_pb2.AuditSealed, envelope: Envelope) -> None:
    """Keep the head of another service's audit chain, so that its tail cannot vanish (promise 11)."""
    ctx.tx.insert_new(anchor, service=envelope.source, seal_no=event.seal_no, hash=event.hash, rows=event.rows)


HANDLERS: dict[type[Any], Any] = {
    **{kind.message: None for kind in event_kinds().values()},
    aid.CaseOpened: on_opened,
    aid.AidGranted: on_granted,
    aid.AidRefused: on_refused,
    aid.CaseClosed: on_closed,
    means_test.VerificationCompleted: on_verified,
    disclosure.ObjectionFiled: on_objection,
    task_events_pb2.ItemOverdue: on_overdue,
    audit_pb2.AuditSealed: on_sealed,
    aid.RecoveryDecided: credit.on_recovery,
    payment.DebtClosed: credit.on_debt_closed,
}
