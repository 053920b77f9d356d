"""`yimen change | review | standard | bulk`: what happens to a benefit after it was granted (R052, R053, R062, R080, R166)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.struct_pb2 import Struct
from yimen.aid.v1 import aid_pb2
from yimen.casework.reviews import RESULT_TITLES, TITLES, Result, ReviewState
from yimen.cli.connect import Place, place
from yimen.cli.pay_desk import fen_of
from yimen.directory.v1 import directory_pb2
from yimen.intake.v1 import intake_pb2
from yimen.kernel.errors import Fault
from yimen.kernel.money import yuan
from yimen.rehearsal.exchange import SandboxWriter
from yimen.rehearsal.households import read

review_app = typer.Typer(no_args_is_help=True, help="复核:在享待遇的定期核查和变化处理。")
standard_app = typer.Typer(no_args_is_help=True, help="标准:测算、提出、批准;生效后批量重算差额待遇。")
bulk_app = typer.Typer(no_args_is_help=True, help="批量办理:标准调整重算、价格补贴、临时生活补贴;先列清单,再批准。")
Service = Annotated[str, typer.Argument(help="部门服务名")]
Run = Annotated[str, typer.Argument(help="批量编号")]
Officer = Annotated[str, typer.Option("--officer", help="经办人编号;默认为演练县的相应岗位")]
RUN_STATES = {"waiting": "待生效", "computing": "测算中", "previewed": "待批准", "running": "执行中", "done": "已完成",
              "cancelled": "已取消"}
ROW_STATES = {"previewed": "待执行", "done": "已执行", "skipped": "已跳过", "failed": "未能测算"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(change)
    for name, group in (("review", review_app), ("standard", standard_app), ("bulk", bulk_app)):
        app.add_typer(group, name=name)


def token_of(here: Place, officer: str, role: str, township: str = "", department: str = "") -> str:
    """Of an officer by his id, else of whoever holds the role there. Raises Fault OFFICER_UNKNOWN."""
    try:
        return here.tokens().of(officer) if officer else here.tokens().role(role, township, department)
    except KeyError:
        raise Fault("OFFICER_UNKNOWN", officer_id=officer[:80]) from None


def facts_of(pairs: list[str]) -> Struct:
    """`name=value` each: a whole number, true, false, or a word. Raises Fault FIELD_WRONG."""
    found = Struct()
    for one in pairs:
        name, equals, value = one.partition("=")
        if not name or not equals:
            raise Fault("FIELD_WRONG", field="fact", expected="名称=值")
        known: dict[str, bool | int] = {"true": True, "false": False}
        found.update({name: int(value) if value.lstrip("-").isdigit() else known.get(value, value)})
    return found


# ------------------------------------------------------------------------------------------------ change, review
def change(
    receipt_no: Annotated[str, typer.Argument(help="受理号")],
    file: Annotated[Path, typer.Argument(help="申请文件,变化写在它的 later 中")],
    number: Annotated[int, typer.Option(help="报告 later 中的第几个变化", min=1)] = 1,
) -> None:
    """家庭报告人口、收入、财产的变化;在享的待遇随后复核。"""
    household = read(file)
    if number > len(household.later):
        raise Fault("FILE_WRONG", name=file.name, problem=f"later 中没有第 {number} 个变化")
    reported = household.later[number - 1]
    with place(must_run=True) as here:
        writer = SandboxWriter(here.exchange_file)
        writer.add(reported.records)
        writer.close()
        answer = here.peers.stub("intake").ReportChange(
            intake_pb2.ReportChangeRequest(receipt_no=receipt_no, idempotency_key=f"{household.key}:{number}",
                                           occurred_on=reported.occurred_on.isoformat(), kinds=reported.kinds,
                                           application=reported.application),
            token=token_of(here, "", "window_clerk", township=reported.application.village_code))
    typer.echo(f"已登记变化 {answer.change_id}" + ("(报告逾期)" if answer.late else ""))
    typer.echo(f"跟踪:yimen case {receipt_no};让各岗位办一轮:yimen play")


@review_app.command("list")
def list_reviews(service: Service, case_id: Annotated[str, typer.Argument(help="案件编号")]) -> None:
    """一个案件的历次复核。"""
    with place() as here:
        found = here.peers.department(service).ListReviews(aid_pb2.ListReviewsRequest(case_id=case_id)).reviews
    for one in found:
        result = RESULT_TITLES[Result(one.result)] if one.result else "尚无结论"
        typer.echo(f"{one.review_id}  {one.opened_on} 开始({one.cause}),{TITLES[ReviewState(one.state)]},{result}"
                   + (f",自 {one.effective_on} 起" if one.effective_on else ""))
        typer.echo(f"  {one.reason}")


@review_app.command("open")
def open_review(
    service: Service, case_id: Annotated[str, typer.Argument(help="案件编号")],
    cause: Annotated[str, typer.Option(help="change_report、data_hit、complaint")] = "data_hit",
    ground: Annotated[str, typer.Option(help="无需核查的终止事由:deceased、moved_out、renounced、need_ended")] = "",
    reason: Annotated[str, typer.Option(help="说明")] = "", officer: Officer = "",
) -> None:
    """由经办人启动复核;有终止事由的直接拟停发。"""
    with place(must_run=True) as here:
        desk = here.peers.department(service)
        township = desk.GetCase(aid_pb2.GetCaseRequest(case_id=case_id)).township_code
        answer = desk.OpenReview(
            aid_pb2.OpenReviewRequest(case_id=case_id, cause=cause, ground=ground, reason=reason),
            token=token_of(here, officer, "township_officer", township=township, department=service))
    typer.echo(f"复核 {answer.review_id}:{TITLES[ReviewState(answer.state)]}")


# ------------------------------------------------------------------------------------------------ standards
@standard_app.command("list")
def list_standards() -> None:
    """提出过的标准调整方案。"""
    with place() as here:
        found = here.peers.stub("directory").ListStandardProposals(directory_pb2.ListStandardProposalsRequest()).proposals
    for one in found:
        state = {"proposed": "待批准", "approved": f"已由 {one.approved_by} 批准"}[one.state]
        typer.echo(f"{one.proposal_id}  {state},自 {one.effective_from} 起,依据 {one.source},{one.proposed_by} 提出")
        typer.echo("  " + ",".join(f"{s.name} {yuan(s.amount_fen)}元" for s in one.standards)
                   + (f";城乡比 {one.ratio_bp / 100:.2f}%" if one.ratio_bp else ""))


@standard_app.command("propose")
def propose_standards(
    amounts: Annotated[list[str], typer.Argument(help="名称=元,如 dibao_urban_standard_fen=820.00")],
    effective_from: Annotated[str, typer.Option(help="生效月份的第一天,可以是过去的月份")],
    source: Annotated[str, typer.Option(help="文号")],
    calculation: Annotated[str, typer.Option(help="测算表编号")],
    officer: Officer = "policy_officer-basic_living-1",
) -> None:
    """提出新标准;农村与城市低保标准之比不得低于75%。"""
    standards = [directory_pb2.Standard(name=name, amount_fen=fen_of(value))
                 for name, _, value in (one.partition("=") for one in amounts)]
    with place(must_run=True) as here:
        answer = here.peers.stub("directory").ProposeStandards(
            directory_pb2.ProposeStandardsRequest(standards=standards, effective_from=effective_from, source=source,
                                                  calculation_ref=calculation), token=token_of(here, officer, ""))
    typer.echo(f"已提出 {answer.proposal.proposal_id}(城乡比 {answer.proposal.ratio_bp / 100:.2f}%)。"
               f"由协调机构批准:yimen standard approve {answer.proposal.proposal_id} --minutes 纪要编号")


@standard_app.command("approve")
def approve_standards(proposal_id: Annotated[str, typer.Argument(help="方案编号")],
                      minutes: Annotated[str, typer.Option(help="会议纪要编号")], officer: Officer = "") -> None:
    """批准新标准;自生效月份起,按旧标准算出的待遇列入重算清单。"""
    with place(must_run=True) as here:
        here.peers.stub("directory").ApproveStandards(
            directory_pb2.ApproveStandardsRequest(proposal_id=proposal_id, minutes_ref=minutes),
            token=token_of(here, officer, "coordination_panel"))
    typer.echo("已批准并公布。重算清单:yimen bulk list basic_living")


# ------------------------------------------------------------------------------------------------ bulk
@bulk_app.command("list")
def list_runs(service: Service, officer: Officer = "") -> None:
    """各次批量办理:多少户,补发多少,每月增减多少。"""
    with place() as here:
        found = here.peers.department(service).ListBulk(
            aid_pb2.ListBulkRequest(), token=token_of(here, officer, "county_approver", department=service)).runs
    for one in found:
        typer.echo(f"{one.run_id}  {RUN_STATES[one.state]}  {one.item or '标准调整'},自 {one.effective_on} 起,"
                   f"依据 {one.reference}")
        typer.echo(f"  待执行 {one.previewed},已执行 {one.done},跳过 {one.skipped},未能测算 {one.failed};"
                   f"一次性 {yuan(one.once_fen)}元,每月 {yuan(one.month_delta_fen)}元")


@bulk_app.command("show")
def show_run(service: Service, run: Run, officer: Officer = "") -> None:
    """逐户清单:原来多少,改为多少,补发多少。"""
    with place() as here:
        token, after = token_of(here, officer, "county_approver", department=service), ""
        while True:
            page: Any = here.peers.department(service).ListBulkRows(
                aid_pb2.ListBulkRowsRequest(run_id=run, after=after), token=token)
            for one in page.rows:
                result = RESULT_TITLES[Result(one.result)] if one.result in set(Result) else one.problem or "给付"
                typer.echo(f"{one.case_id}  {ROW_STATES[one.state]}  {result}:每期 {yuan(one.before_fen)}元 → "
                           f"{yuan(one.after_fen)}元,一次性 {yuan(one.once_fen)}元")
            after = page.next_after
            if not after:
                break


@bulk_app.command("open")
def open_run(
    service: Service, item: Annotated[str, typer.Argument(help="批量给付的事项,如 price_subsidy")],
    reference: Annotated[str, typer.Option(help="依据文号")],
    fact: Annotated[list[str], typer.Option(help="事项所需的事实,名称=值;可重复")],
    township: Annotated[list[str] | None, typer.Option(help="限定的乡镇代码;可重复,默认全县")] = None, officer: Officer = "",
) -> None:
    """向在册的低保、特困家庭批量给付;先列清单,批准后执行。"""
    with place(must_run=True) as here:
        answer = here.peers.department(service).OpenBulk(
            aid_pb2.OpenBulkRequest(item=item, reference=reference, request=facts_of(fact), townships=township or []),
            token=token_of(here, officer, "county_officer", department=service))
    typer.echo(f"批量 {answer.run_id} 测算中。清单:yimen bulk show {service} {answer.run_id}")


@bulk_app.command("approve")
def approve_run(service: Service, run: Run, officer: Officer = "") -> None:
    """批准清单并执行;不能是发起的人。"""
    with place(must_run=True) as here:
        here.peers.department(service).ApproveBulk(aid_pb2.ApproveBulkRequest(run_id=run),
                                                   token=token_of(here, officer, "county_approver", department=service))
    typer.echo("已批准,逐户执行;中断后自动续办。")


@bulk_app.command("cancel")
def cancel_run(service: Service, run: Run, reason: Annotated[str, typer.Option(help="取消的理由")],
               officer: Officer = "") -> None:
    """取消尚未执行的批量。"""
    with place(must_run=True) as here:
        here.peers.department(service).CancelBulk(aid_pb2.CancelBulkRequest(run_id=run, reason=reason),
                                                  token=token_of(here, officer, "county_approver", department=service))
    typer.echo("已取消,没有执行任何一户。")
