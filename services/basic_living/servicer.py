"""gRPC of what basic_living has beside its items: public emergencies, work that was offered, average levels."""

from __future__ import annotations

from datetime import date
from typing import Any

from yimen.basic_living.v1 import basic_living_pb2 as pb
from yimen.basic_living.v1 import basic_living_pb2_grpc
from yimen.department.cases import Desk
from yimen.department.officers import own_officer
from yimen.department.tables import aid_case
from yimen.kernel import areas
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.rpc.server import Mount
from yimen.runtime.app import App

from services.basic_living import levels, work_offers
from services.basic_living.emergency import FINDINGS, WAIVED_ITEM, draw
from services.basic_living.tables import posthoc_check, public_emergency


class BasicLivingServicer(basic_living_pb2_grpc.BasicLivingServiceServicer):
    """What this department has beside its items."""

    def __init__(self, app: App, desk: Desk) -> None:
        self._app, self._desk = app, desk

    def DeclareEmergency(self, request: Any, context: Any) -> Any:
        officer = own_officer(self._app, "county_approver")
        if not request.legal_basis:
            raise Fault("REASON_REQUIRED")
        for code in request.townships:
            areas.level(code)
        starts, ends = day_of("starts_on", request.starts_on), day_of("ends_on", request.ends_on) if request.ends_on else None
        if ends is not None and ends < starts:
            raise Fault("FIELD_WRONG", field="ends_on", expected="不早于 starts_on")
        emergency_id = derived("emergency", request.legal_basis)
        with self._app.work(officer.actor) as ctx:
            if ctx.tx.insert_new(public_emergency, emergency_id=emergency_id, townships=sorted(request.townships),
                                 legal_basis=request.legal_basis, starts_on=starts, ends_on=ends, closed=False):
                ctx.audit("public_emergency.declared", emergency_id, townships=len(request.townships))
                ctx.emit(pb.PublicEmergencyDeclared(
                    emergency_id=emergency_id, townships=sorted(request.townships), starts_on=starts.isoformat(),
                    ends_on=ends.isoformat() if ends else "", legal_basis=request.legal_basis),
                    subject=f"emergency:{emergency_id}")
        return pb.DeclareEmergencyResponse(emergency_id=emergency_id)

    def EndEmergency(self, request: Any, context: Any) -> Any:
        officer = own_officer(self._app, "county_approver")
        with self._app.work(officer.actor) as ctx:
            row = ctx.require(ctx.tx.first(public_emergency, emergency_id=request.emergency_id, lock=True),
                              "EMERGENCY_NOT_FOUND", emergency_id=request.emergency_id[:36])
            if row["closed"]:
                raise Fault("CASE_STATE", state="已结束", act="结束突发公共事件")
            ends = min(row["ends_on"] or ctx.today, ctx.today)
            ctx.tx.update(public_emergency, {"emergency_id": row["emergency_id"]}, ends_on=ends, closed=True)
            waived = [case for case in ctx.tx.find(
                aid_case, aid_case.c.decided_on >= row["starts_on"], aid_case.c.decided_on <= ends, item=WAIVED_ITEM,
                outcome="granted") if not row["townships"] or case["township_code"] in row["townships"]]
            ratio = self._desk.shelf.active(ctx, ctx.today).parameters["posthoc_ratio"]
            sample = draw(ctx, row["emergency_id"], waived, ratio)
            ctx.audit("public_emergency.ended", row["emergency_id"], waived=len(waived), sample=len(sample))
            ctx.emit(pb.PublicEmergencyEnded(emergency_id=row["emergency_id"], ended_on=ends.isoformat(),
                                             waived=len(waived), sample=len(sample)),
                     subject=f"emergency:{row['emergency_id']}")
        return pb.EndEmergencyResponse(waived=len(waived), sample=[case["case_id"] for case in sample])

    def RecordPosthocCheck(self, request: Any, context: Any) -> Any:
        officer = own_officer(self._app, "county_officer")
        if request.finding not in FINDINGS:
            raise Fault("FIELD_WRONG", field="finding", expected="/".join(FINDINGS))
        with self._app.work(officer.actor) as ctx:
            if not ctx.tx.update(posthoc_check, {"case_id": request.case_id, "finding": ""}, finding=request.finding,
                                 checked_on=ctx.today, checker=officer.actor):
                raise Fault("CHECK_NOT_DUE", case_id=request.case_id[:36], pool="posthoc")
            ctx.close_tasks(request.case_id, "posthoc_check")
            ctx.audit("posthoc_check.recorded", request.case_id, finding=request.finding)
        return pb.RecordPosthocCheckResponse()

    # ------------------------------------------------------------------------------------------ work, levels
    def RecordWorkOffer(self, request: Any, context: Any) -> Any:
        officer = own_officer(self._app, "county_officer")
        with self._app.work(officer.actor) as ctx:
            count = work_offers.record(ctx, self._desk, self._desk.case(ctx, request.case_id), request.person_id,
                                       request.offer_ref,
                                       day_of("offered_on", request.offered_on), request.outcome)
        return pb.RecordWorkOfferResponse(refusals=count)

    def PublishAverageLevel(self, request: Any, context: Any) -> Any:
        officer = own_officer(self._app, "county_officer")
        with self._app.work(officer.actor) as ctx:
            rows = levels.publish(ctx, self._desk, day_of("month", f"{request.month}-01"))
        return pb.PublishAverageLevelResponse(levels=[
            pb.AverageLevel(area_kind=row["area_kind"], households=row["households"], persons=row["persons"],
                            total_fen=row["total_fen"], per_person_fen=row["total_fen"] // row["persons"]) for row in rows])


def day_of(field: str, text: str) -> date:
    """An ISO date. Raises Fault FIELD_WRONG."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Fault("FIELD_WRONG", field=field, expected="日期,如 2026-03-01") from None


def basic_living_mount(app: App, desk: Desk) -> Mount:
    """The servicer beside the department's common one."""
    return basic_living_pb2_grpc.add_BasicLivingServiceServicer_to_server, BasicLivingServicer(app, desk)
