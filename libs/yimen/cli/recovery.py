"""`yimen recovery | credit | justice`: aid that was taken without entitlement, and what follows from fraud (requirements 2.7)."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from yimen.aid.v1 import aid_pb2
from yimen.casework.recovery import TITLES, Finding
from yimen.cli.connect import Place, place
from yimen.cli.pay_desk import fen_of
from yimen.cli.standing import Officer, Service, facts_of, token_of
from yimen.kernel.money import yuan
from yimen.supervision.v1 import credit_pb2 as pb

recovery_app = typer.Typer(no_args_is_help=True, help="追回:调查多给的救助并作结论;还款见 yimen pay debt。")
credit_app = typer.Typer(no_args_is_help=True, help="信用记录:认定骗取后记入,可修复、撤销,到期失效。")
justice_app = typer.Typer(no_args_is_help=True, help="移送司法:涉嫌犯罪的移送有关机关,并跟踪答复。")
Case = Annotated[str, typer.Argument(help="案件编号")]
Recovery = Annotated[str, typer.Argument(help="追回调查编号")]
Reason = Annotated[str, typer.Option(help="理由")]
Document = Annotated[str, typer.Option("--document", help="文书编号")]
CREDIT_STATES = {"in_force": "有效", "repaired": "已修复", "revoked": "已撤销", "expired": "已到期"}
ORGANS = {"police": "公安机关", "procuratorate": "检察机关", "supervisory_commission": "监察机关"}
ANSWERS = {"": "待答复", "accepted": "已受理", "not_accepted": "不予受理", "convicted": "有罪判决", "acquitted": "无罪判决"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, group in (("recovery", recovery_app), ("credit", credit_app), ("justice", justice_app)):
        app.add_typer(group, name=name)


def _credit(here: Place) -> Any:
    return here.peers.stub("supervision", "yimen.supervision.v1.credit:Credit")


# ------------------------------------------------------------------------------------------------ recovery
@recovery_app.command("list")
def listrecoveries(service: Service, case_id: Case, officer: Officer = "") -> None:
    """一个案件的历次追回调查。"""
    with place() as here:
        found = here.peers.department(service).ListRecoveries(
            aid_pb2.ListRecoveriesRequest(case_id=case_id),
            token=token_of(here, officer, "county_officer", department=service)).recoveries
    for one in found:
        what = TITLES[Finding(one.finding)] if one.finding else f"{one.due_on} 前结论"
        typer.echo(f"{one.recovery_id}  {one.opened_on} 启动,{what},应退 {yuan(one.amount_fen)}元,罚款 {yuan(one.fine_fen)}元")
        typer.echo(f"  {one.reason}")


@recovery_app.command("open")
def open_recovery(
    service: Service, case_id: Case, reason: Reason,
    suspicion: Annotated[str, typer.Option(help="spot_check、tip、risk_warning、data_hit、officer")] = "officer",
    officer: Officer = "",
) -> None:
    """启动调查:可能多给了救助。"""
    with place(must_run=True) as here:
        answer = here.peers.department(service).OpenRecovery(
            aid_pb2.OpenRecoveryRequest(case_id=case_id, suspicion_code=suspicion, reason=reason),
            token=token_of(here, officer, "county_officer", department=service))
    typer.echo(f"追回调查 {answer.recovery_id},{answer.due_on} 前结论。")


@recovery_app.command("conclude")
def conclude(
    service: Service, recovery_id: Recovery,
    finding: Annotated[str, typer.Option(help="unfounded、error_client、error_agency、fraud")], reason: Reason,
    since: Annotated[str, typer.Option(help="从哪一天起与申报不同")] = "",
    fact: Annotated[list[str] | None, typer.Option("--fact", help="查明的事实,名称=值;可重复")] = None,
    fine: Annotated[str, typer.Option(help="罚款(元);仅骗取,一至三倍")] = "0",
    minutes: Annotated[str, typer.Option(help="会议纪要编号")] = "", officer: Officer = "",
) -> None:
    """另一人作结论:应退多少按各月当时的政策重算,经办有误的不追回。"""
    with place(must_run=True) as here:
        answer = here.peers.department(service).ConcludeRecovery(
            aid_pb2.ConcludeRecoveryRequest(recovery_id=recovery_id, finding=finding, since=since, fine_fen=fen_of(fine),
                                            corrections=facts_of(fact or []), reason=reason, minutes_ref=minutes),
            token=token_of(here, officer, "county_approver", department=service))
    typer.echo(f"已结论:应退 {yuan(answer.amount_fen)}元,罚款 {yuan(answer.fine_fen)}元。")


# ------------------------------------------------------------------------------------------------ credit
@credit_app.command("list")
def list_credit(case_id: Case, officer: Officer = "") -> None:
    """一个案件的信用记录;查看留痕。"""
    with place(must_run=True) as here:
        found = _credit(here).ListCredit(pb.ListCreditRequest(case_id=case_id),
                                         token=token_of(here, officer, "supervisor")).records
    for one in found:
        typer.echo(f"{one.recovery_id}  {CREDIT_STATES[one.state]}  {one.recorded_on} 记入,{one.expires_on} 到期"
                   + (f",{one.ended_on} 终止:{one.reason}" if one.ended_on else ""))


@credit_app.command("repair")
def repair(recovery_id: Recovery, reason: Reason, document: Document, officer: Officer = "") -> None:
    """退清款项、满规定期限后修复。"""
    with place(must_run=True) as here:
        _credit(here).RepairCredit(pb.RepairCreditRequest(recovery_id=recovery_id, reason=reason, document_no=document),
                                   token=token_of(here, officer, "supervisor"))
    typer.echo("已修复。")


@credit_app.command("revoke")
def revoke(recovery_id: Recovery, reason: Reason, document: Document, officer: Officer = "") -> None:
    """认定被撤销的,撤销记录。"""
    with place(must_run=True) as here:
        _credit(here).RevokeCredit(pb.RevokeCreditRequest(recovery_id=recovery_id, reason=reason, document_no=document),
                                   token=token_of(here, officer, "supervisor"))
    typer.echo("已撤销。")


# ------------------------------------------------------------------------------------------------ justice
@justice_app.command("list")
def list_transfers(everything: Annotated[bool, typer.Option("--all", help="连同已有最终答复的")] = False,
                   officer: Officer = "") -> None:
    """移送的案件和答复。"""
    with place() as here:
        token, after = token_of(here, officer, "supervisor"), ""
        while True:
            page = _credit(here).ListTransfers(pb.ListTransfersRequest(open_only=not everything, after=after), token=token)
            for one in page.transfers:
                typer.echo(f"{one.recovery_id}  {one.transferred_on} 移送{ORGANS[one.organ]}({one.document_no}),"
                           f"{ANSWERS[one.answer]}" + ("" if one.answer else f",{one.answer_by} 前催办"))
            after = page.next_after
            if not after:
                break


@justice_app.command("transfer")
def transfer(
    recovery_id: Recovery, document: Document, reason: Reason,
    organ: Annotated[str, typer.Option(help="police、procuratorate、supervisory_commission")] = "police", officer: Officer = "",
) -> None:
    """移送认定骗取的案件。"""
    with place(must_run=True) as here:
        answer = _credit(here).TransferToJustice(
            pb.TransferToJusticeRequest(recovery_id=recovery_id, organ=organ, document_no=document, reason=reason),
            token=token_of(here, officer, "supervisor"))
    typer.echo(f"已移送,{answer.answer_by} 前催办答复。")


@justice_app.command("answer")
def record_answer(
    recovery_id: Recovery, document: Document,
    answer: Annotated[str, typer.Option(help="accepted、not_accepted;受理后:convicted、acquitted")], officer: Officer = "",
) -> None:
    """登记有关机关的答复。"""
    with place(must_run=True) as here:
        _credit(here).RecordJusticeAnswer(
            pb.RecordJusticeAnswerRequest(recovery_id=recovery_id, answer=answer, document_no=document),
            token=token_of(here, officer, "supervisor"))
    typer.echo("已登记。")
