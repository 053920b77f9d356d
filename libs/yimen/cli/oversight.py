"""`yimen objection | relative | visit | level`: what the public says, whom officers are related to, what the county goes to
see and publishes."""

from __future__ import annotations

from typing import Annotated

import typer
from yimen.aid.v1 import aid_pb2
from yimen.basic_living.v1 import basic_living_pb2
from yimen.cli.connect import place
from yimen.cli.standing import Officer, Service, token_of
from yimen.disclosure.v1 import disclosure_pb2
from yimen.kernel.money import yuan
from yimen.supervision.v1 import supervision_pb2

objection_app = typer.Typer(no_args_is_help=True, help="公示期内的异议:任何人可以提出,复查后答复。")
relative_app = typer.Typer(no_args_is_help=True, help="近亲属备案:经办人员和村(居)干部申报,每夜比对。")
visit_app = typer.Typer(no_args_is_help=True, help="县级审批前入户抽查。")
level_app = typer.Typer(no_args_is_help=True, help="平均补助水平:按月计算并公布。")
Township = Annotated[str, typer.Option("--township", help="乡镇代码")]
KINDS = {"urban": "城市", "rural": "农村"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, group in (("objection", objection_app), ("relative", relative_app), ("visit", visit_app), ("level", level_app)):
        app.add_typer(group, name=name)


# ------------------------------------------------------------------------------------------------ objections
@objection_app.command("notices")
def notices(area: Annotated[str, typer.Argument(help="县、乡镇或村(居)代码")]) -> None:
    """正在公示的,如公示栏上所见(姓名已遮蔽)。"""
    with place() as here:
        found = here.peers.stub("disclosure").ListPublished(disclosure_pb2.ListPublishedRequest(area=area, list="notice")).lines
    for one in found:
        typer.echo(f"{one.notice_id}  {one.name} {one.member_count} 人  {one.title}  {yuan(one.amount_fen)}元  {one.until} 期满")


@objection_app.command("file")
def file_objection(
    notice_id: Annotated[str, typer.Argument(help="公示编号")],
    reason: Annotated[str, typer.Option(help="理由代码,如 INCOME_HIDDEN")], township: Township,
    contact: Annotated[str, typer.Option(prompt="答复地址(匿名直接回车)", help="不写在命令行上时会询问")] = "",
    officer: Officer = "",
) -> None:
    """由窗口代为提出;案件随即复查。"""
    with place(must_run=True) as here:
        answer = here.peers.stub("disclosure").FileObjection(
            disclosure_pb2.FileObjectionRequest(notice_id=notice_id, reason_code=reason, anonymous=not contact, contact=contact),
            token=token_of(here, officer, "window_clerk", township=township))
    typer.echo(f"异议 {answer.objection_id}")


@objection_app.command("resolve")
def resolve_objection(
    objection_id: Annotated[str, typer.Argument(help="异议编号")], township: Township,
    finding: Annotated[str, typer.Option(help="复查结论代码")],
    upheld: Annotated[bool, typer.Option("--upheld/--dismissed", help="成立或不成立")] = False, officer: Officer = "",
) -> None:
    """复查结论:成立的撤下公示、终止案件,不成立的继续公示。"""
    with place(must_run=True) as here:
        here.peers.stub("disclosure").ResolveObjection(
            disclosure_pb2.ResolveObjectionRequest(objection_id=objection_id, upheld=upheld, finding_code=finding),
            token=token_of(here, officer, "township_officer", township=township))
    typer.echo("已登记:" + ("异议成立。" if upheld else "异议不成立。"))


# ------------------------------------------------------------------------------------------------ relatives
@relative_app.command("declare")
def declare_relative(
    relation: Annotated[str, typer.Option(help="spouse、parent、child、sibling、grandparent、grandchild")],
    officer: Annotated[str, typer.Option("--officer", help="申报人编号")],
    resident_id: Annotated[str, typer.Option(prompt="近亲属身份证号", help="不写在命令行上时会询问")],
    cadre: Annotated[str, typer.Option(help="代没有账号的干部申报:其编号,由监管人员登记")] = "",
) -> None:
    """申报近亲属,一年有效;其申请全部核查,本人回避。"""
    with place(must_run=True) as here:
        answer = here.peers.stub("supervision").DeclareRelative(
            supervision_pb2.DeclareRelativeRequest(officer_id=cadre, relation=relation, resident_id=resident_id),
            token=token_of(here, officer, ""))
    typer.echo(f"已申报 {answer.relative_id},今夜起比对。")


# ------------------------------------------------------------------------------------------------ visits, levels
@visit_app.command("record")
def record_visit(
    service: Service, case_id: Annotated[str, typer.Argument(help="案件编号")],
    second: Annotated[str, typer.Option(help="另一名入户人员")],
    finding: Annotated[str, typer.Option(help="consistent、differs、not_eligible")], officer: Officer = "",
) -> None:
    """县级两人入户后登记;之后才能审批。"""
    with place(must_run=True) as here:
        here.peers.department(service).RecordCountyVisit(
            aid_pb2.RecordCountyVisitRequest(case_id=case_id, second_visitor=second, finding=finding),
            token=token_of(here, officer, "county_officer", department=service))
    typer.echo("已登记。")


@level_app.command("publish")
def publish_level(month: Annotated[str, typer.Argument(help="已过去的月份,如 2026-04")], officer: Officer = "") -> None:
    """计算并公布低保平均补助水平;再次执行结果不变。"""
    with place(must_run=True) as here:
        found = here.peers.stub("basic_living").PublishAverageLevel(
            basic_living_pb2.PublishAverageLevelRequest(month=month),
            token=token_of(here, officer, "county_officer", department="basic_living")).levels
    for one in found:
        typer.echo(f"{month} {KINDS[one.area_kind]}:{one.households} 户 {one.persons} 人,人均 {yuan(one.per_person_fen)}元/月")
    if not found:
        typer.echo(f"{month} 没有发放低保。")
