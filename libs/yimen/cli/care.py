"""`yimen care | community`: care of the destitute (R064–R067) and community work (R083)."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from yimen.aid.v1 import aid_pb2
from yimen.basic_living.v1 import care_pb2 as pb
from yimen.basic_living.v1 import community_work_pb2 as work
from yimen.cli.connect import Place, place
from yimen.cli.pay_desk import fen_of
from yimen.cli.standing import Officer, token_of
from yimen.kernel.money import yuan

care_app = typer.Typer(no_args_is_help=True, help="特困照料:机构、照料协议、访视、住院照料。")
community_app = typer.Typer(no_args_is_help=True, help="公益性劳动:每月名册和出勤。")
DEPARTMENT = "basic_living"
Case = Annotated[str, typer.Argument(help="特困供养案件编号")]
Month = Annotated[str, typer.Argument(help="月份,如 2026-05")]
Township = Annotated[str, typer.Option("--township", help="乡镇代码")]
Document = Annotated[str, typer.Option("--document", help="协议或委托书编号")]
MODES = {"home": "居家照料", "institution": "集中供养", "hospital": "住院照料"}
OUTCOMES = {"attended": "已参加", "excused": "请假", "absent": "未参加", "": "待登记"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(care_app, name="care")
    app.add_typer(community_app, name="community")


def _care(here: Place) -> Any:
    return here.peers.stub(DEPARTMENT, "yimen.basic_living.v1.care:Care")


def _work(here: Place) -> Any:
    return here.peers.stub(DEPARTMENT, "yimen.basic_living.v1.community_work:CommunityWork")


def _township(here: Place, case_id: str) -> str:
    return str(here.peers.department(DEPARTMENT).GetCase(aid_pb2.GetCaseRequest(case_id=case_id)).township_code)


# ------------------------------------------------------------------------------------------------ care
@care_app.command("facility")
def facility(
    name: Annotated[str, typer.Argument(help="机构名称;再次登记即更正")], township: Township,
    beds: Annotated[int, typer.Option(help="床位数")], nursing: Annotated[int, typer.Option(help="其中护理型床位数")] = 0,
    officer: Officer = "",
) -> None:
    """登记供养机构。"""
    with place(must_run=True) as here:
        answer = _care(here).RegisterFacility(
            pb.RegisterFacilityRequest(name=name, township_code=township, beds=beds, nursing_beds=nursing),
            token=token_of(here, officer, "county_officer", department=DEPARTMENT))
    typer.echo(f"机构 {answer.facility_id}")


@care_app.command("facilities")
def facilities(officer: Officer = "") -> None:
    """全县供养机构,和对照 2025 年目标的情况。"""
    with place() as here:
        seen = _care(here).ListFacilities(pb.ListFacilitiesRequest(),
                                          token=token_of(here, officer, "county_officer", department=DEPARTMENT))
    for one in seen.facilities:
        typer.echo(f"{one.facility_id}  {one.name}  床位 {one.beds}(护理型 {one.nursing_beds}),在住 {one.occupied}")
    typer.echo(f"护理型床位 {seen.nursing_bp / 100:.2f}%(目标 80%);愿意集中供养 {seen.willing} 人,已集中 {seen.housed} 人"
               f"(目标 100%);失能照护机构 {seen.nursing_facilities} 所(目标 1 所)")


@care_app.command("agree")
def agree(
    case_id: Case, document: Document, starts_on: Annotated[str, typer.Option(help="开始日期")],
    carer: Annotated[str, typer.Option(help="居家:照料人登记号")] = "",
    facility_id: Annotated[str, typer.Option("--facility", help="集中:机构编号")] = "",
    wishes: Annotated[bool, typer.Option("--wishes-institution", help="本人愿意集中供养")] = False, officer: Officer = "",
) -> None:
    """签订照料协议,代替原来的;居家的按期访视,逾期报警。"""
    with place(must_run=True) as here:
        answer = _care(here).AgreeCare(
            pb.AgreeCareRequest(case_id=case_id, mode="institution" if facility_id else "home", carer_ref=carer,
                                facility_id=facility_id, starts_on=starts_on, wishes_institution=wishes, document_no=document),
            token=token_of(here, officer, "township_officer", township=_township(here, case_id)))
    typer.echo(f"协议 {answer.agreement_id}" + (f",{answer.visit_by} 前访视" if answer.visit_by else ""))


@care_app.command("visit")
def visit(
    agreement_id: Annotated[str, typer.Argument(help="协议编号")], township: Township,
    finding: Annotated[str, typer.Option(help="well、neglected、not_met")] = "well",
    note: Annotated[str, typer.Option(help="情况;不是 well 时必填")] = "", officer: Officer = "",
) -> None:
    """登记访视。"""
    with place(must_run=True) as here:
        answer = _care(here).RecordCareVisit(
            pb.RecordCareVisitRequest(agreement_id=agreement_id, finding=finding, note=note),
            token=token_of(here, officer, "surveyor", township=township))
    typer.echo(f"已登记,下次访视在 {answer.visit_by} 前。")


@care_app.command("hospital")
def hospital(
    case_id: Case, document: Document, starts_on: Annotated[str, typer.Option(help="开始日期")],
    ends_on: Annotated[str, typer.Option(help="最后一天")], carer: Annotated[str, typer.Option(help="照料人登记号")],
    fee: Annotated[str, typer.Option(help="每日费用(元)")], officer: Officer = "",
) -> None:
    """住院期间视为暂时不能自理,安排照料人。"""
    with place(must_run=True) as here:
        answer = _care(here).ArrangeHospitalCare(
            pb.ArrangeHospitalCareRequest(case_id=case_id, starts_on=starts_on, ends_on=ends_on, carer_ref=carer,
                                          fee_fen=fen_of(fee), document_no=document),
            token=token_of(here, officer, "township_officer", township=_township(here, case_id)))
    typer.echo(f"照料 {answer.care_id},费用共 {yuan(answer.total_fen)}元。")


@care_app.command("list")
def listcare(case_id: Case, officer: Officer = "") -> None:
    """一个特困对象的照料情况。"""
    with place() as here:
        found = _care(here).ListCare(
            pb.ListCareRequest(case_id=case_id),
            token=token_of(here, officer, "township_officer", township=_township(here, case_id))).care
    for one in found:
        typer.echo(f"{one.agreement_id}  {MODES[one.mode]}  {one.starts_on} 至 {one.ends_on or '今'}"
                   + (f",{one.visit_by} 前访视" if one.visit_by else "")
                   + (f",费用 {yuan(one.fee_fen)}元" if one.fee_fen else ""))


# ------------------------------------------------------------------------------------------------ community work
@community_app.command("draw")
def draw(month: Month, officer: Officer = "") -> None:
    """编制名册:低保家庭中有劳动能力而未就业的成员;以后每月自动编制。"""
    with place(must_run=True) as here:
        _work(here).DrawUpRoster(work.DrawUpRosterRequest(month=month),
                                 token=token_of(here, officer, "county_officer", department=DEPARTMENT))
    typer.echo(f"编制中。名册:yimen community list {month} --township 乡镇代码")


@community_app.command("list")
def list_roster(month: Month, township: Township, officer: Officer = "") -> None:
    """一个乡镇的名册和出勤。"""
    with place() as here:
        token, after = token_of(here, officer, "township_officer", township=township), ""
        while True:
            page = _work(here).ListRoster(work.ListRosterRequest(month=month, township_code=township, after=after), token=token)
            for one in page.lines:
                typer.echo(f"{one.person_id}  村(居){one.village_code}  {OUTCOMES[one.outcome]}")
            after = page.next_after
            if not after:
                break


@community_app.command("record")
def record(
    month: Month, person_id: Annotated[str, typer.Argument(help="成员编号")], township: Township,
    outcome: Annotated[str, typer.Option(help="attended、excused、absent")] = "attended",
    reason: Annotated[str, typer.Option(help="未参加的原因")] = "", officer: Officer = "",
) -> None:
    """登记出勤。"""
    with place(must_run=True) as here:
        _work(here).RecordAttendance(
            work.RecordAttendanceRequest(month=month, person_id=person_id, outcome=outcome, reason=reason),
            token=token_of(here, officer, "township_officer", township=township))
    typer.echo("已登记。")
