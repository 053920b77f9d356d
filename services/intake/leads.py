"""Proactive discovery (R054, requirements 2.5): seen, looked at, spoken with, and always an end that the informant hears of."""

from __future__ import annotations

import json
from typing import Any

from yimen.intake.v1 import leads_pb2 as pb
from yimen.intake.v1 import leads_pb2_grpc
from yimen.kernel import areas, resident_id
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.intake.tables import application, lead, lead_key

SOURCES = ("informant", "hotline", "department", "data_rule", "volunteer")
OUTCOMES = ("applied", "referred", "no_need", "unreachable")
TRIAGE_DAYS, CONTACT_DAYS, CLOSE_DAYS = 1, 3, 10  # working days [A], requirements 2.5
TEXT_MAX, PAGE = 1_000, 100
REPORTERS = ("village_assistant", "window_clerk", "county_officer", "township_officer")


class LeadServicer(leads_pb2_grpc.LeadServiceServicer):
    """Leads: whom somebody has seen in need."""

    def __init__(self, app: App) -> None:
        self._app = app

    def CreateLead(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role(*REPORTERS)
        township, match = self._check(request)
        with self._app.work(officer.actor) as ctx:
            said = ctx.tx.first(lead_key, idempotency_key=request.idempotency_key)
            if said is not None:
                return pb.CreateLeadResponse(lead_id=said["lead_id"], known=False)
            known = ctx.tx.first(lead, lead.c.state != "closed", person_match=match, lock=True)
            lead_id = known["lead_id"] if known else derived("lead", request.idempotency_key)
            ctx.tx.insert(lead_key, idempotency_key=request.idempotency_key, lead_id=lead_id)
            if known is not None:
                ctx.tx.update(lead, {"lead_id": lead_id}, sources=sorted({*known["sources"], request.source}))
                ctx.audit("lead.seen_again", lead_id, source=request.source)
            else:
                self._open(ctx, lead_id, request, township, match)
        return pb.CreateLeadResponse(lead_id=lead_id, known=known is not None)

    def _check(self, request: Any) -> tuple[str, str]:
        if not request.idempotency_key:
            raise Fault("KEY_MISSING")
        if request.source not in SOURCES:
            raise Fault("FIELD_WRONG", field="source", expected="/".join(SOURCES))
        areas.require_village(request.village_code)
        if not request.name or not 0 < len(request.description) <= TEXT_MAX:
            raise Fault("FIELD_WRONG", field="name/description", expected=f"不得为空,说明不超过 {TEXT_MAX} 字")
        number = resident_id.check(request.resident_id, 1) if request.resident_id else ""
        return areas.township_of(request.village_code), self._app.vault.match(number or f"{request.village_code}:{request.name}")

    def _open(self, ctx: Context, lead_id: str, request: Any, township: str, match: str) -> None:
        content = {name: getattr(request, name) for name in ("name", "resident_id", "description", "informant_contact")}
        ctx.tx.insert(lead, lead_id=lead_id, person_match=match, village_code=request.village_code, township_code=township,
                      content_sealed=ctx.app.vault.encrypt(json.dumps(content, ensure_ascii=False)),
                      sources=[request.source], state="created", urgent=False, consents=False, outcome="", reference="",
                      feedback="", created_at=ctx.now, closed_at=None)
        ctx.open_task("triage_lead", lead_id, "township_officer", township, ctx.workdays_later(TRIAGE_DAYS))
        ctx.audit("lead.created", lead_id, source=request.source)
        ctx.emit(pb.LeadCreated(lead_id=lead_id, township_code=township, source=request.source), subject=f"lead:{lead_id}")

    def TriageLead(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer")
        with self._app.work(officer.actor) as ctx:
            row = self._mine(ctx, request.lead_id, "created", act="分派线索")
            due = ctx.workdays_later(TRIAGE_DAYS if request.urgent else CONTACT_DAYS)
            self._move(ctx, row, "triaged", urgent=request.urgent)
            ctx.open_task("contact_lead", row["lead_id"], "surveyor", row["township_code"], due)
            ctx.emit(pb.LeadTriaged(lead_id=row["lead_id"], township_code=row["township_code"], urgent=request.urgent,
                                    contact_by=due.isoformat()), subject=f"lead:{row['lead_id']}")
        return pb.TriageLeadResponse(contact_by=due.isoformat())

    def ContactLead(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("village_assistant", "township_officer", "surveyor")
        with self._app.work(officer.actor) as ctx:
            row = self._mine(ctx, request.lead_id, "triaged", act="登记走访")
            self._move(ctx, row, "contacted", consents=request.consents)
            ctx.open_task("close_lead", row["lead_id"], "township_officer", row["township_code"],
                          ctx.workdays_later(CLOSE_DAYS))
            ctx.emit(pb.LeadContacted(lead_id=row["lead_id"], township_code=row["township_code"],
                                      consents=request.consents), subject=f"lead:{row['lead_id']}")
        return pb.ContactLeadResponse()

    def CloseLead(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer", "village_assistant")
        if request.outcome not in OUTCOMES:
            raise Fault("FIELD_WRONG", field="outcome", expected="/".join(OUTCOMES))
        if not request.feedback or (request.outcome == "referred" and not request.reference):
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            states = ("triaged",) if request.outcome == "unreachable" else ("contacted",)
            row = self._mine(ctx, request.lead_id, *states, act="了结线索")
            if request.outcome == "applied":
                theirs = ctx.tx.first(application, receipt_no=request.reference)
                if theirs is None:
                    raise Fault("APPLICATION_NOT_FOUND", receipt_no=request.reference[:40])
                require_consent(row)
            close(ctx, row, request.outcome, request.reference, request.feedback[:TEXT_MAX])
        return pb.CloseLeadResponse()

    def ListLeads(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer", "village_assistant", "county_officer", "supervisor")
        chosen = {"township_code": request.township_code} if request.township_code else {}
        if request.township_code or officer.area:
            officer.require_area(request.township_code or officer.area)
            chosen = chosen or {"township_code": officer.area[:9]}
        where = [lead.c.state != "closed"] if request.open_only else []
        with self._app.work(officer.actor, write=False) as ctx:
            rows = ctx.tx.find(lead, lead.c.lead_id > request.after, *where, order_by=lead.c.lead_id, limit=PAGE, **chosen)
        return pb.ListLeadsResponse(leads=[pb.Lead(
            created_on=row["created_at"].date().isoformat(),
            **{name: row[name] for name in ("lead_id", "village_code", "sources", "state", "urgent", "consents", "outcome",
                                            "reference", "feedback")}) for row in rows],
            next_after=rows[-1]["lead_id"] if len(rows) == PAGE else "")

    # ------------------------------------------------------------------------------------------ helpers
    def _mine(self, ctx: Context, lead_id: str, *states: str, act: str) -> Row:
        row = find(ctx, lead_id)
        caller().require_area(row["township_code"])
        if row["state"] not in states:
            raise Fault("CASE_STATE", state=row["state"], act=act)
        return row

    def _move(self, ctx: Context, row: Row, state: str, **changes: Any) -> None:
        ctx.tx.update(lead, {"lead_id": row["lead_id"]}, state=state, **changes)
        ctx.close_tasks(row["lead_id"])
        ctx.audit(f"lead.{state}", row["lead_id"])


def find(ctx: Context, lead_id: str) -> Row:
    """Raises Fault LEAD_NOT_FOUND."""
    return ctx.require(ctx.tx.first(lead, lead_id=lead_id, lock=True), "LEAD_NOT_FOUND", lead_id=lead_id[:36])


def require_consent(row: Row) -> None:
    """Raises Fault CONSENT_MISSING: a lead becomes an application only when the family agrees (2.5)."""
    if not row["consents"]:
        raise Fault("CONSENT_MISSING")


def close(ctx: Context, row: Row, outcome: str, reference: str, feedback: str) -> None:
    """It has come to its end."""
    ctx.tx.update(lead, {"lead_id": row["lead_id"]}, state="closed", outcome=outcome, reference=reference,
                  feedback=feedback, closed_at=ctx.now)
    ctx.close_tasks(row["lead_id"])
    ctx.audit("lead.closed", row["lead_id"], outcome=outcome)
    ctx.emit(pb.LeadClosed(lead_id=row["lead_id"], township_code=row["township_code"], outcome=outcome),
             subject=f"lead:{row['lead_id']}")


def leads_mount(app: App) -> Mount:
    """The servicer for the server."""
    return leads_pb2_grpc.add_LeadServiceServicer_to_server, LeadServicer(app)
