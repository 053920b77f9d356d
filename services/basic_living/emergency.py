"""Public emergencies (S1(19), R079, requirements 2.4): declared for townships, ended, and what was given is checked after."""

from __future__ import annotations

import hashlib
import math
from datetime import date
from fractions import Fraction
from typing import Any

from yimen.basic_living.v1 import basic_living_pb2 as pb
from yimen.basic_living.v1 import basic_living_pb2_grpc
from yimen.department.cases import Desk
from yimen.department.tables import aid_case
from yimen.kernel import areas
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.policy.expression import BOOL
from yimen.policy.pack import Fact
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.basic_living.tables import posthoc_check, public_emergency

FINDINGS = ("ok", "amount_wrong", "not_in_need")
WAIVED_ITEM = "urgent_aid"
CHECK_DAYS = 15  # working days [A], as for a warning (requirements 7.2)
OWN_FACTS = {"in_public_emergency": Fact(BOOL, "own", None, "所在乡镇处于已宣布的突发公共事件中")}


def find_emergency(ctx: Context, case: Row) -> dict[str, Any]:
    """Whether an emergency is on in the township of the case today."""
    return {"in_public_emergency": any(_covers(row, case["township_code"], ctx.today)
                                       for row in ctx.tx.find(public_emergency, closed=False))}


def _covers(row: Row, township: str, day: date) -> bool:
    return (row["starts_on"] <= day and (row["ends_on"] is None or day <= row["ends_on"])
            and (not row["townships"] or township in row["townships"]))


class EmergencyServicer(basic_living_pb2_grpc.BasicLivingServiceServicer):
    """The county's switch."""

    def __init__(self, app: App, ratio: Any) -> None:
        self._app, self._ratio = app, ratio

    def DeclareEmergency(self, request: Any, context: Any) -> Any:
        officer = self._head()
        if not request.legal_basis:
            raise Fault("REASON_REQUIRED")
        for code in request.townships:
            areas.level(code)
        starts, ends = _day("starts_on", request.starts_on), _day("ends_on", request.ends_on) if request.ends_on else None
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
        officer = self._head()
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
            sample = self._draw(ctx, row["emergency_id"], waived)
            ctx.audit("public_emergency.ended", row["emergency_id"], waived=len(waived), sample=len(sample))
            ctx.emit(pb.PublicEmergencyEnded(emergency_id=row["emergency_id"], ended_on=ends.isoformat(),
                                             waived=len(waived), sample=len(sample)),
                     subject=f"emergency:{row['emergency_id']}")
        return pb.EndEmergencyResponse(waived=len(waived), sample=[case["case_id"] for case in sample])

    def _draw(self, ctx: Context, emergency_id: str, waived: list[Row]) -> list[Row]:
        """At least 30 %, by a hash that anybody can repeat."""
        count = math.ceil(Fraction(str(self._ratio(ctx))) * len(waived))
        order = sorted(waived, key=lambda case: hashlib.sha256(f"{emergency_id}:{case['case_id']}".encode()).hexdigest())
        for case in order[:count]:
            if ctx.tx.insert_new(posthoc_check, case_id=case["case_id"], emergency_id=emergency_id, finding="",
                                 checked_on=None, checker=""):
                ctx.open_task("posthoc_check", case["case_id"], "county_officer", case["township_code"],
                              ctx.workdays_later(CHECK_DAYS), application_id=case["application_id"])
        return order[:count]

    def RecordPosthocCheck(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("county_officer")
        if officer.department != self._app.name:
            raise Fault("WRONG_DEPARTMENT", department=self._app.service.title)
        if request.finding not in FINDINGS:
            raise Fault("FIELD_WRONG", field="finding", expected="/".join(FINDINGS))
        with self._app.work(officer.actor) as ctx:
            if not ctx.tx.update(posthoc_check, {"case_id": request.case_id, "finding": ""}, finding=request.finding,
                                 checked_on=ctx.today, checker=officer.actor):
                raise Fault("CHECK_NOT_DUE", case_id=request.case_id[:36], pool="posthoc")
            ctx.close_tasks(request.case_id, "posthoc_check")
            ctx.audit("posthoc_check.recorded", request.case_id, finding=request.finding)
        return pb.RecordPosthocCheckResponse()

    def _head(self) -> Any:
        officer = caller()
        officer.require_role("county_approver")
        if officer.department != self._app.name:
            raise Fault("WRONG_DEPARTMENT", department=self._app.service.title)
        return officer


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Fault("FIELD_WRONG", field=field, expected="日期,如 2026-03-01") from None


def emergency_mount(app: App, desk: Desk) -> Mount:
    """The servicer beside the department's common one."""
    def ratio(ctx: Context) -> Any:
        return desk.shelf.active(ctx, ctx.today).parameters["posthoc_ratio"]

    return basic_living_pb2_grpc.add_BasicLivingServiceServicer_to_server, EmergencyServicer(app, ratio)
