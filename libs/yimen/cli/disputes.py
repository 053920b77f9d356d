"""`yimen recheck | reconsider`: an applicant does not agree with a decision (requirements 2.8)."""

from __future__ import annotations

from typing import Annotated

import typer
from yimen.aid.v1 import aid_pb2 as pb
from yimen.cli.connect import Place, place
from yimen.cli.standing import Officer, Service, facts_of, token_of
from yimen.kernel.money import yuan

recheck_app = typer.Typer(no_args_is_help=True, help="复核申请:先乡镇,后县级。")
reconsider_app = typer.Typer(no_args_is_help=True, help="行政复议:登记受理,执行决定。")
Case = Annotated[str, typer.Argument(help="案件编号")]
Document = Annotated[str, typer.Option("--document", help="复议机关的文号")]
Outcome = Annotated[str, typer.Option(help="upheld(维持)、reversed(改变)")]
Correction = Annotated[list[str] | None, typer.Option("--fact", help="查明的事实,名称=值;可重复")]
LEVELS = {"township": "乡镇", "county": "县级"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(recheck_app, name="recheck")
    app.add_typer(reconsider_app, name="reconsider")


def _township(here: Place, service: str, case_id: str) -> str:
    return str(here.peers.department(service).GetCase(pb.GetCaseRequest(case_id=case_id)).township_code)


@recheck_app.command("request")
def request(service: Service, case_id: Case, reason: Annotated[str, typer.Option(help="申请人的理由")],
            officer: Officer = "") -> None:
    """申请人不服决定;乡镇复核后仍不服的,到县级。"""
    with place(must_run=True) as here:
        answer = here.peers.department(service).RequestRecheck(
            pb.RequestRecheckRequest(case_id=case_id, reason=reason),
            token=token_of(here, officer, "window_clerk", township=_township(here, service, case_id)))
    typer.echo(f"已登记,由{LEVELS[answer.level]}在 {answer.due_on} 前决定。")


@recheck_app.command("decide")
def decide(
    service: Service, case_id: Case, outcome: Outcome, reason: Annotated[str, typer.Option(help="决定的理由")],
    level: Annotated[str, typer.Option(help="township、county")] = "township", fact: Correction = None, officer: Officer = "",
) -> None:
    """复核决定:改变的,按查明的事实和当时的政策重新决定,少给的补发。"""
    with place(must_run=True) as here:
        role = "county_approver" if level == "county" else "township_head"
        where = {"department": service} if level == "county" else {"township": _township(here, service, case_id)}
        answer = here.peers.department(service).DecideRecheck(
            pb.DecideRecheckRequest(case_id=case_id, outcome=outcome, corrections=facts_of(fact or []), reason=reason),
            token=token_of(here, officer, role, **where))
    typer.echo(_told(answer.decision_id, answer.arrears_fen))


@reconsider_app.command("receive")
def receive(service: Service, case_id: Case, document: Document, officer: Officer = "") -> None:
    """登记复议机关受理。"""
    with place(must_run=True) as here:
        answer = here.peers.department(service).ReceiveReconsideration(
            pb.ReceiveReconsiderationRequest(case_id=case_id, document_no=document),
            token=token_of(here, officer, "county_officer", department=service))
    typer.echo(f"已登记,复议决定的期限为 {answer.due_on}。")


@reconsider_app.command("record")
def record(service: Service, case_id: Case, document: Document, outcome: Outcome, fact: Correction = None,
           officer: Officer = "") -> None:
    """登记并执行复议决定:撤销的,按查明的事实重新决定,少给的补发。"""
    with place(must_run=True) as here:
        answer = here.peers.department(service).RecordReconsideration(
            pb.RecordReconsiderationRequest(case_id=case_id, document_no=document, outcome=outcome,
                                            corrections=facts_of(fact or [])),
            token=token_of(here, officer, "county_approver", department=service))
    typer.echo(_told(answer.decision_id, answer.arrears_fen))


def _told(decision_id: str, arrears_fen: int) -> str:
    if not decision_id:
        return "已登记,维持原决定。"
    return f"已登记,新决定 {decision_id}" + (f",补发 {yuan(arrears_fen)}元。" if arrears_fen else "。")
