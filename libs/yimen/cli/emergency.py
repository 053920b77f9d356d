"""`yimen emergency`: the county's switch for a public emergency (R079, requirements 2.4)."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from yimen.basic_living.v1 import basic_living_pb2 as pb
from yimen.cli.connect import Place, place
from yimen.cli.standing import Officer, token_of

emergency_app = typer.Typer(no_args_is_help=True, help="突发公共事件:期间免核对、简化审批,结束后抽查。")
DEPARTMENT = "basic_living"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(emergency_app, name="emergency")


def _own(here: Place) -> Any:
    return here.peers.stub(DEPARTMENT)


@emergency_app.command("declare")
def declare(
    legal_basis: Annotated[str, typer.Option(help="宣布文号")],
    starts_on: Annotated[str, typer.Option(help="开始日期")],
    ends_on: Annotated[str, typer.Option(help="最后一天;可以不定")] = "",
    township: Annotated[list[str] | None, typer.Option(help="限定的乡镇代码;可重复,默认全县")] = None, officer: Officer = "",
) -> None:
    """启动:在这些乡镇免核对、先行救助。"""
    with place(must_run=True) as here:
        answer = _own(here).DeclareEmergency(
            pb.DeclareEmergencyRequest(legal_basis=legal_basis, starts_on=starts_on, ends_on=ends_on, townships=township or []),
            token=token_of(here, officer, "county_approver", department=DEPARTMENT))
    typer.echo(f"已启动 {answer.emergency_id}。临时生活补贴:yimen bulk open {DEPARTMENT} living_allowance")


@emergency_app.command("end")
def end(emergency_id: Annotated[str, typer.Argument(help="事件编号")], officer: Officer = "") -> None:
    """结束:从免核对的案件中抽取不少于三成事后核查。"""
    with place(must_run=True) as here:
        answer = _own(here).EndEmergency(pb.EndEmergencyRequest(emergency_id=emergency_id),
                                         token=token_of(here, officer, "county_approver", department=DEPARTMENT))
    typer.echo(f"已结束。免核对 {answer.waived} 件,抽查 {len(answer.sample)} 件:")
    for case_id in answer.sample:
        typer.echo(f"  {case_id}")


@emergency_app.command("check")
def check(case_id: Annotated[str, typer.Argument(help="抽中的案件编号")],
          finding: Annotated[str, typer.Option(help="ok、amount_wrong、not_in_need")], officer: Officer = "") -> None:
    """登记事后核查的结论。"""
    with place(must_run=True) as here:
        _own(here).RecordPosthocCheck(pb.RecordPosthocCheckRequest(case_id=case_id, finding=finding),
                                      token=token_of(here, officer, "county_officer", department=DEPARTMENT))
    typer.echo("已登记。")
