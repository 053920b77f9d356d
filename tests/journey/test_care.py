"""Care of the destitute at home, in an institution, in hospital (R064–R067), and community work (R083)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from yimen.aid.v1 import aid_pb2
from yimen.basic_living.v1 import care_pb2 as pb
from yimen.basic_living.v1 import community_work_pb2 as work

from tests.journey.town import Town, code_of


class Ward:
    """The township and the county at their desks."""

    def __init__(self, home: Town) -> None:
        self.home, self.tokens = home, home.month.tokens
        self.desk = home.world.peers.stub("basic_living", "yimen.basic_living.v1.care:Care")
        self.case_id = home.case("destitute_support")["case_id"]
        self.village = home.story.application.village_code

    def township(self, role: str = "township_officer") -> str:
        return str(self.tokens.role(role, self.village))

    def county(self) -> str:
        return str(self.tokens.role("county_officer", department="basic_living"))

    def facility(self, name: str = "示例县福利院", beds: int = 1, nursing: int = 1, token: str = "") -> str:
        return str(self.desk.RegisterFacility(pb.RegisterFacilityRequest(name=name, township_code="990101001", beds=beds, nursing_beds=nursing),
                                              token=token or self.county()).facility_id)

    def agree(self, document_no: str = "照〔2026〕1号", mode: str = "home", carer_ref: str = "C-7", **fields: Any) -> Any:
        answer = self.desk.AgreeCare(pb.AgreeCareRequest(**{
            "case_id": self.case_id, "mode": mode, "carer_ref": carer_ref, "document_no": document_no, "starts_on": "2026-04-03", **fields}),
            token=self.township())
        self.home.world.settle()
        return answer

    def visit(self, agreement_id: str, finding: str = "well", note: str = "") -> Any:
        return self.desk.RecordCareVisit(pb.RecordCareVisitRequest(agreement_id=agreement_id, finding=finding, note=note),
                                         token=self.township("surveyor"))

    def hospital(self, until: str = "2026-04-12", fee_fen: int = 150_00, carer_ref: str = "C-8", starts_on: str = "2026-04-03") -> Any:
        return self.desk.ArrangeHospitalCare(pb.ArrangeHospitalCareRequest(
            case_id=self.case_id, starts_on=starts_on, ends_on=until, carer_ref=carer_ref, fee_fen=fee_fen, document_no="托〔2026〕1号"),
            token=self.township())

    def listed(self) -> list[Any]:
        return list(self.desk.ListCare(pb.ListCareRequest(case_id=self.case_id), token=self.township()).care)


def test_who_is_cared_for_at_home_is_visited_and_a_missed_visit_is_heard(town: Callable[..., Town]) -> None:
    home = town("c11_destitute_elder")
    ward = Ward(home)
    assert code_of(lambda: ward.agree(mode="hotel")) == "FIELD_WRONG" == code_of(lambda: ward.agree(document_no=""))
    assert code_of(lambda: ward.agree(starts_on="2026-04-31")) == "FIELD_WRONG" == code_of(lambda: ward.agree(starts_on="2026-03-01"))
    assert code_of(lambda: ward.agree(case_id=home.rows("medical", "select case_id from aid_case")[0]["case_id"])) == "CASE_NOT_FOUND"
    first = ward.agree()
    assert ward.agree() == first and first.visit_by == "2026-05-03"
    assert code_of(lambda: ward.visit(first.agreement_id, "fine")) == "FIELD_WRONG" and code_of(lambda: ward.visit("none")) == "CARE_NOT_FOUND"
    assert code_of(lambda: ward.visit(first.agreement_id, "neglected")) == "REASON_REQUIRED"
    home.until(date(2026, 4, 20))
    assert ward.visit(first.agreement_id).visit_by == "2026-05-19"
    home.until(date(2026, 5, 5))
    late = "select subject from overdue where task_kind = 'care_visit'"
    assert home.rows("supervision", late) == []  # it was visited in time
    ward.visit(first.agreement_id, "neglected", "被褥潮湿,三餐不继")
    waits = home.rows("basic_living", "select owner_role from task where kind = 'care_neglected' and done_at is null")
    assert [row["owner_role"] for row in waits] == ["county_officer"]
    home.until(date(2026, 6, 9))
    assert [row["subject"] for row in home.rows("supervision", late)] == [first.agreement_id]
    # The support ends: nobody has to go there any more.
    home.world.peers.department("basic_living").OpenReview(
        aid_pb2.OpenReviewRequest(case_id=ward.case_id, cause="change_report", ground="deceased", reason="病故"), token=ward.township())
    home.until(date(2026, 6, 29))
    assert ward.listed()[0].ends_on == "2026-06-30" and code_of(lambda: ward.visit(first.agreement_id)) == "CASE_STATE"
    assert home.rows("basic_living", "select 1 as one from task where kind = 'care_visit' and done_at is null") == []
    assert code_of(lambda: ward.agree("照〔2026〕9号", starts_on="2026-07-01")) == "NOT_STANDING"


def test_an_institution_has_as_many_places_as_beds_and_the_county_sees_its_marks(town: Callable[..., Town]) -> None:
    ward = Ward(town("c11_destitute_elder"))
    assert code_of(lambda: ward.facility(beds=2, nursing=3)) == "FIELD_WRONG" == code_of(lambda: ward.facility(beds=0, nursing=0))
    assert code_of(lambda: ward.facility(token=ward.township())) == "ROLE_MISSING"
    house = ward.facility(beds=4, nursing=3)
    ward.agree(wishes_institution=True)

    def marks() -> tuple[int, int, int, int]:
        seen = ward.desk.ListFacilities(pb.ListFacilitiesRequest(), token=ward.county())
        return seen.nursing_bp, seen.willing, seen.housed, seen.nursing_facilities

    assert marks() == (7_500, 1, 0, 1)
    moved = {"mode": "institution", "carer_ref": "", "facility_id": house, "wishes_institution": True}
    assert code_of(lambda: ward.agree("照〔2026〕2号", **{**moved, "facility_id": "none"})) == "FACILITY_NOT_FOUND"
    assert code_of(lambda: ward.agree("照〔2026〕2号", **{**moved, "carer_ref": "C-7"})) == "FIELD_WRONG"
    assert ward.agree("照〔2026〕2号", **moved).visit_by == ""
    assert ward.facility(beds=1, nursing=1) == house and marks() == (10_000, 1, 1, 1)
    assert {one.mode: one.ends_on for one in ward.listed()} == {"institution": "", "home": "2026-04-03"}  # the first was ended
    with ward.home.world.apps["basic_living"].store.transaction() as tx:  # somebody else lives there
        tx.connection.exec_driver_sql("update care set case_id = 'another' where mode = 'institution'")
    assert code_of(lambda: ward.agree("照〔2026〕3号", **moved)) == "FACILITY_FULL"


def test_a_carer_in_hospital_is_for_a_time_and_within_the_limits(town: Callable[..., Town]) -> None:
    ward = Ward(town("c11_destitute_elder"))
    assert code_of(lambda: ward.hospital("2026-04-02")) == "FIELD_WRONG" == code_of(lambda: ward.hospital("2026-07-02"))
    assert code_of(lambda: ward.hospital(carer_ref="")) == "FIELD_WRONG" == code_of(lambda: ward.hospital(starts_on="2026-02-30"))
    assert {code_of(lambda fee=fee: ward.hospital(fee_fen=fee)) for fee in (0, -1, 200_01, 2**62)} == {"AMOUNT_WRONG"}
    assert ward.hospital().total_fen == 10 * 150_00 == ward.hospital().total_fen  # said twice
    assert [(one.mode, one.starts_on, one.ends_on, one.fee_fen) for one in ward.listed()] == [("hospital", "2026-04-03", "2026-04-12", 1_500_00)]


def test_who_can_work_and_has_none_is_on_the_months_roster(town: Callable[..., Town]) -> None:
    def without_work(form: Any) -> None:
        form.members[1].labour_capable, form.members[1].serious_illness = True, False

    home = town("c18_wage_goes_up", change=without_work)
    desk, township = home.world.peers.stub("basic_living", "yimen.basic_living.v1.community_work:CommunityWork"), home.story.application.village_code[:9]

    def draw(month: str, role: str = "county_officer") -> Any:
        desk.DrawUpRoster(work.DrawUpRosterRequest(month=month), token=home.month.tokens.role(role, department="basic_living"))
        home.world.settle()

    def lines(month: str) -> list[tuple[str, str]]:
        found = desk.ListRoster(work.ListRosterRequest(month=month, township_code=township),
                                token=home.month.tokens.role("township_officer", township)).lines
        return [(one.person_id, one.outcome) for one in found]

    def record(person: str, outcome: str, reason: str = "", month: str = "2026-04", where: str = "") -> Any:
        desk.RecordAttendance(work.RecordAttendanceRequest(month=month, person_id=person, outcome=outcome, reason=reason),
                              token=home.month.tokens.role("township_officer", where or township))

    assert code_of(lambda: draw("2026-13")) == "FIELD_WRONG" == code_of(lambda: draw("2026-06")) and code_of(lambda: draw("2026-04", "county_approver")) == "ROLE_MISSING"
    draw("2026-04")
    draw("2026-04")  # asked twice
    head = home.rows("roster", "select person_id from membership order by person_id")
    (person, outcome), = lines("2026-04")
    assert outcome == "" and person in {row["person_id"] for row in head}
    assert code_of(lambda: record(person, "slept")) == "FIELD_WRONG" and code_of(lambda: record(person, "absent")) == "REASON_REQUIRED"
    assert code_of(lambda: record("nobody", "attended")) == "NOT_ON_ROSTER" and code_of(lambda: record(person, "attended", where="990101005")) == "OUTSIDE_AREA"
    waiting = "select due_on from task where kind = 'record_community_work' and done_at is null"
    assert [row["due_on"] for row in home.rows("basic_living", waiting)] == ["2026-04-30"]
    record(person, "absent", "外出")
    record(person, "attended")  # corrected
    assert lines("2026-04") == [(person, "attended")] and home.rows("basic_living", waiting) == []
    home.until(date(2026, 5, 4))
    assert lines("2026-05") == [(person, "")]  # the next month came by itself
    home.until(date(2026, 6, 3))
    assert [row["task_kind"] for row in home.rows("supervision", "select task_kind from overdue")].count("record_community_work") == 1
