"""gRPC of care and of community work."""

from __future__ import annotations

from typing import Any

from yimen.basic_living.v1 import care_pb2, care_pb2_grpc, community_work_pb2, community_work_pb2_grpc
from yimen.department.cases import Desk
from yimen.department.officers import own_officer
from yimen.kernel import areas
from yimen.kernel.workdays import day_text
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App

from services.basic_living import care, community_work
from services.basic_living.servicer import day_of

NOTE_MAX, REFERENCE_MAX, NAME_MAX = 200, 80, 80


class CareServicer(care_pb2_grpc.CareServiceServicer):
    """The township agrees and visits; the county keeps the register of facilities."""

    def __init__(self, app: App, desk: Desk) -> None:
        self._app, self._desk = app, desk

    def RegisterFacility(self, request: Any, context: Any) -> Any:
        officer = own_officer(self._app, "county_officer")
        areas.level(request.township_code)
        with self._app.work(officer.actor) as ctx:
            facility_id = care.register(ctx, request.name[:NAME_MAX], request.township_code, request.beds, request.nursing_beds)
        return care_pb2.RegisterFacilityResponse(facility_id=facility_id)

    def ListFacilities(self, request: Any, context: Any) -> Any:
        caller().require_role("county_officer", "township_officer", "supervisor", "auditor")
        with self._app.work("", write=False) as ctx:
            rows, (willing, housed) = care.facilities(ctx), care.willing(ctx)
        beds, nursing = sum(row["beds"] for row in rows), sum(row["nursing_beds"] for row in rows)
        return care_pb2.ListFacilitiesResponse(
            facilities=[care_pb2.Facility(**{name: row[name] for name in (
                "facility_id", "name", "township_code", "beds", "nursing_beds", "occupied")}) for row in rows],
            nursing_bp=nursing * 10_000 // beds if beds else 0, willing=willing, housed=housed,
            nursing_facilities=sum(1 for row in rows if row["nursing_beds"]))

    def AgreeCare(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer")
        starts_on = day_of("starts_on", request.starts_on)
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            row = care.agree(ctx, self._desk, case, request.mode, request.carer_ref[:REFERENCE_MAX], request.facility_id,
                             starts_on, request.wishes_institution, request.document_no[:REFERENCE_MAX])
        return care_pb2.AgreeCareResponse(agreement_id=row["agreement_id"], visit_by=day_text(row["visit_by"]))

    def RecordCareVisit(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer", "surveyor")
        with self._app.work(officer.actor) as ctx:
            row = care.find(ctx, request.agreement_id)
            township = self._desk.case(ctx, row["case_id"], lock=False)["township_code"]
            officer.require_area(township)
            due = care.visit(ctx, self._desk, row, township, request.finding, request.note[:NOTE_MAX])
        return care_pb2.RecordCareVisitResponse(visit_by=due.isoformat())

    def ArrangeHospitalCare(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer")
        starts_on, ends_on = day_of("starts_on", request.starts_on), day_of("ends_on", request.ends_on)
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            row = care.in_hospital(ctx, self._desk, case, starts_on, ends_on, request.carer_ref[:REFERENCE_MAX], request.fee_fen,
                                   request.document_no[:REFERENCE_MAX])
        return care_pb2.ArrangeHospitalCareResponse(care_id=row["agreement_id"], total_fen=row["fee_fen"])

    def ListCare(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer", "surveyor", "county_officer", "auditor")
        with self._app.work("", write=False) as ctx:
            officer.require_area(self._desk.case(ctx, request.case_id, lock=False)["township_code"])
            rows = care.of_case(ctx, request.case_id)
        return care_pb2.ListCareResponse(care=[care_pb2.Care(
            agreement_id=row["agreement_id"], mode=row["mode"], carer_ref=row["carer_ref"], facility_id=row["facility_id"],
            starts_on=day_text(row["starts_on"]), ends_on=day_text(row["ends_on"]), visited_on=day_text(row["visited_on"]),
            visit_by=day_text(row["visit_by"]), fee_fen=row["fee_fen"]) for row in rows])


class CommunityWorkServicer(community_work_pb2_grpc.CommunityWorkServiceServicer):
    """The county draws the roster up, the township writes down who came."""

    def __init__(self, app: App) -> None:
        self._app = app

    def DrawUpRoster(self, request: Any, context: Any) -> Any:
        officer = own_officer(self._app, "county_officer")
        month = day_of("month", f"{request.month}-01")
        with self._app.work(officer.actor) as ctx:
            community_work.draw_up(ctx, month)
        return community_work_pb2.DrawUpRosterResponse()

    def ListRoster(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer", "county_officer", "auditor")
        areas.level(request.township_code)
        officer.require_area(request.township_code)
        with self._app.work("", write=False) as ctx:
            rows = community_work.listed(ctx, request.month, request.township_code, request.after)
        return community_work_pb2.ListRosterResponse(
            lines=[community_work_pb2.RosterLine(
                person_id=row["person_id"], case_id=row["case_id"], village_code=row["village_code"], outcome=row["outcome"],
                recorded_on=day_text(row["recorded_on"])) for row in rows],
            next_after=rows[-1]["person_id"] if len(rows) == community_work.LISTED_MAX else "")

    def RecordAttendance(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer")
        day_of("month", f"{request.month}-01")
        with self._app.work(officer.actor) as ctx:
            community_work.record(ctx, request.month, request.person_id, request.outcome, request.reason[:NOTE_MAX],
                                  officer.require_area)
        return community_work_pb2.RecordAttendanceResponse()


def care_mounts(app: App, desk: Desk) -> list[Mount]:
    """Both, beside the department's common one."""
    return [(care_pb2_grpc.add_CareServiceServicer_to_server, CareServicer(app, desk)),
            (community_work_pb2_grpc.add_CommunityWorkServiceServicer_to_server, CommunityWorkServicer(app))]
