"""`yimen tip`: somebody says that something is not as it should be (requirements 2.9)."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from yimen.cli.connect import Place, place
from yimen.cli.standing import Officer, token_of
from yimen.supervision.v1 import tips_pb2 as pb

tip_app = typer.Typer(no_args_is_help=True, help="举报核查:逐件到现场核查,不交给被举报单位;实名的答复。")
Tip = Annotated[str, typer.Argument(help="举报编号")]
STATES = {"received": "待转办", "assigned": "核查中", "concluded": "已结论", "answered": "已答复"}
OUTCOMES = {"": "", "upheld": ",属实", "partly": ",部分属实", "not_upheld": ",不属实", "unclear": ",无法查清"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(tip_app, name="tip")


def _tips(here: Place) -> Any:
    return here.peers.stub("supervision", "yimen.supervision.v1.tips:Tip")


@tip_app.command("receive")
def receive(
    key: Annotated[str, typer.Option(help="幂等键;重试时沿用")],
    via: Annotated[str, typer.Option(help="phone、letter、web、petition")],
    content: Annotated[str, typer.Option(prompt="举报内容", help="不写在命令行上时会询问")],
    case_id: Annotated[str, typer.Option("--case", help="被举报的案件")] = "",
    about: Annotated[str, typer.Option(help="没有案件时:被举报的乡镇代码或部门服务名")] = "",
    name: Annotated[str, typer.Option(prompt="举报人(匿名直接回车)", help="不写在命令行上时会询问")] = "",
    contact: Annotated[str, typer.Option(prompt="联系方式(没有直接回车)", help="不写在命令行上时会询问")] = "",
    officer: Officer = "",
) -> None:
    """登记举报;举报人身份加密保存。"""
    with place(must_run=True) as here:
        answer = _tips(here).ReceiveTip(
            pb.ReceiveTipRequest(idempotency_key=key, via=via, content=content, case_id=case_id, about_unit=about,
                                 informant_name=name, informant_contact=contact), token=token_of(here, officer, "supervisor"))
    typer.echo(f"举报 {answer.tip_id},{answer.due_on} 前结论。")


@tip_app.command("list")
def listtips(everything: Annotated[bool, typer.Option("--all", help="连同已结论的")] = False, officer: Officer = "") -> None:
    """举报和办理情况;不显示举报人和内容。"""
    with place() as here:
        token, after = token_of(here, officer, "supervisor"), ""
        while True:
            page = _tips(here).ListTips(pb.ListTipsRequest(open_only=not everything, after=after), token=token)
            for one in page.tips:
                typer.echo(f"{one.tip_id}  {STATES[one.state]}{OUTCOMES[one.outcome]}  {'实名' if one.named else '匿名'}"
                           f"  被举报 {one.about_unit},{one.unit or '尚未转办'},{one.due_on} 前结论")
            after = page.next_after
            if not after:
                break


@tip_app.command("assign")
def assign(tip_id: Tip, unit: Annotated[str, typer.Option(help="乡镇代码、部门服务名或 county")], officer: Officer = "") -> None:
    """转办;不能是被举报的单位。"""
    with place(must_run=True) as here:
        _tips(here).AssignTip(pb.AssignTipRequest(tip_id=tip_id, unit=unit), token=token_of(here, officer, "supervisor"))
    typer.echo("已转办。")


@tip_app.command("conclude")
def conclude(
    tip_id: Tip, second: Annotated[str, typer.Option(help="另一名核查人")],
    outcome: Annotated[str, typer.Option(help="upheld、partly、not_upheld、unclear")],
    finding: Annotated[str, typer.Option(help="查明的情况")], officer: Officer = "",
) -> None:
    """两人到现场核查后登记结论。"""
    with place(must_run=True) as here:
        answer = _tips(here).ConcludeTip(
            pb.ConcludeTipRequest(tip_id=tip_id, second_checker=second, outcome=outcome, finding=finding),
            token=token_of(here, officer, "supervisor"))
    typer.echo("已登记。" + ("实名举报,请答复:yimen tip answer" if answer.to_be_answered else ""))


@tip_app.command("answer")
def answer_tip(tip_id: Tip, text: Annotated[str, typer.Option(help="答复内容")], officer: Officer = "") -> None:
    """登记对实名举报人的答复。"""
    with place(must_run=True) as here:
        _tips(here).AnswerTip(pb.AnswerTipRequest(tip_id=tip_id, answer=text), token=token_of(here, officer, "supervisor"))
    typer.echo("已答复。")


@tip_app.command("informant")
def informant(tip_id: Tip, reason: Annotated[str, typer.Option(help="查看的理由")], officer: Officer = "") -> None:
    """查看举报人;每次查看都记入审计。"""
    with place(must_run=True) as here:
        found = _tips(here).ReadInformant(pb.ReadInformantRequest(tip_id=tip_id, reason=reason),
                                          token=token_of(here, officer, "supervisor"))
    typer.echo(f"{found.name or '匿名'}  {found.contact}")
