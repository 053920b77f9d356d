"""`yimen lead`: who was seen in need and did not come (R054, requirements 2.5)."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from yimen.cli.connect import Place, place
from yimen.cli.standing import Officer, token_of
from yimen.intake.v1 import leads_pb2 as pb

lead_app = typer.Typer(no_args_is_help=True, help="线索:发现困难家庭,征得同意后才成为申请。")
Lead = Annotated[str, typer.Argument(help="线索编号")]
Township = Annotated[str, typer.Option("--township", help="乡镇代码")]
STATES = {"created": "待研判", "triaged": "待入户", "contacted": "已入户", "closed": "已办结"}
OUTCOMES = {"applied": "已申请", "referred": "已转介", "no_need": "无需救助", "unreachable": "无法联系", "": ""}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(lead_app, name="lead")


def _leads(here: Place) -> Any:
    return here.peers.stub("intake", "yimen.intake.v1.leads:Lead")


@lead_app.command("create")
def create(
    key: Annotated[str, typer.Option(help="幂等键;重试时沿用")],
    village: Annotated[str, typer.Option(help="村(居)代码")],
    source: Annotated[str, typer.Option(help="informant、hotline、department、data_rule、volunteer")],
    description: Annotated[str, typer.Option(help="看到的情况")],
    name: Annotated[str, typer.Option(prompt="姓名", help="姓名;不写在命令行上时会询问")],
    resident_id: Annotated[str, typer.Option(prompt="身份证号(不详直接回车)", help="身份证号;不写在命令行上时会询问")] = "",
    contact: Annotated[str, typer.Option(help="向何处答复报告人")] = "", officer: Officer = "",
) -> None:
    """登记一条线索;同一人的未结线索合并。"""
    with place(must_run=True) as here:
        answer = _leads(here).CreateLead(
            pb.CreateLeadRequest(idempotency_key=key, village_code=village, source=source, name=name, resident_id=resident_id,
                                 description=description, informant_contact=contact),
            token=token_of(here, officer, "window_clerk", township=village))
    typer.echo(f"线索 {answer.lead_id}" + ("(此人已有未结线索,已合并)" if answer.known else ""))


@lead_app.command("list")
def listleads(township: Township, everything: Annotated[bool, typer.Option("--all", help="连同已办结的")] = False,
              officer: Officer = "") -> None:
    """一个乡镇的线索。"""
    with place() as here:
        token, after = token_of(here, officer, "township_officer", township=township), ""
        while True:
            page = _leads(here).ListLeads(
                pb.ListLeadsRequest(township_code=township, open_only=not everything, after=after), token=token)
            for one in page.leads:
                typer.echo(f"{one.lead_id}  {STATES[one.state]}{OUTCOMES[one.outcome]}  {one.created_on} "
                           f"来源 {'、'.join(one.sources)}" + ("  急" if one.urgent else "")
                           + ("  同意申请" if one.consents else ""))
            after = page.next_after
            if not after:
                break


@lead_app.command("triage")
def triage(lead_id: Lead, township: Township, urgent: Annotated[bool, typer.Option(help="急难")] = False,
           officer: Officer = "") -> None:
    """乡镇研判,派人入户。"""
    with place(must_run=True) as here:
        answer = _leads(here).TriageLead(pb.TriageLeadRequest(lead_id=lead_id, urgent=urgent),
                                         token=token_of(here, officer, "township_officer", township=township))
    typer.echo(f"已研判,{answer.contact_by} 前入户。")


@lead_app.command("contact")
def contacted(lead_id: Lead, township: Township, consents: Annotated[bool, typer.Option(help="家庭同意提出申请")] = False,
              officer: Officer = "") -> None:
    """登记入户:家庭同意申请与否。"""
    with place(must_run=True) as here:
        _leads(here).ContactLead(pb.ContactLeadRequest(lead_id=lead_id, consents=consents),
                                 token=token_of(here, officer, "surveyor", township=township))
    typer.echo("已登记。" + ("可以受理申请。" if consents else "未经同意不得作为申请。"))


@lead_app.command("close")
def close(
    lead_id: Lead, township: Township,
    outcome: Annotated[str, typer.Option(help="applied、referred、no_need、unreachable")],
    feedback: Annotated[str, typer.Option(help="答复报告人的话")],
    reference: Annotated[str, typer.Option(help="申请编号,或转介的部门")] = "", officer: Officer = "",
) -> None:
    """办结线索并答复报告人。"""
    with place(must_run=True) as here:
        _leads(here).CloseLead(pb.CloseLeadRequest(lead_id=lead_id, outcome=outcome, reference=reference, feedback=feedback),
                               token=token_of(here, officer, "township_officer", township=township))
    typer.echo("已办结。")
