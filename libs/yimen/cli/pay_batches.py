"""`yimen pay batch | release | hold`: two people see a batch before it is paid; what waits is decided by a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from yimen.cli.connect import Place, place
from yimen.cli.pay_desk import AUDITOR, FIRST, SECOND, WAIT_S, Channel, Officer, batches
from yimen.cli.sheets import Fen, write_sheet
from yimen.cli.standing import token_of
from yimen.kernel.errors import Fault
from yimen.kernel.money import yuan
from yimen.payment.v1 import batches_pb2

batch_app = typer.Typer(no_args_is_help=True, help="发放批次:一人编制,另一人审核,然后发放。")
hold_app = typer.Typer(no_args_is_help=True, help="暂缓的款项:由人决定支付还是撤销。")
BatchId = Annotated[str, typer.Argument(help="批次编号")]
STATES = {
    "preparing": "编制中",
    "prepared": "待审核",
    "reviewed": "已审核",
    "releasing": "发放中",
    "released": "已发放",
    "closed": "已结清",
}
LINE_STATES = {
    "planned": "待发放",
    "released": "已发送银行",
    "settled": "已到账",
    "returned": "退回",
    "void": "撤销",
    "unfunded": "待预算",
}
REASONS = {
    "deceased": "受助人死亡",
    "suspicion": "涉嫌骗取",
    "duplicate": "其他渠道同期同用途",
    "returned_twice": "银行两次退回",
}


@batch_app.command("list")
def listbatches(
    channel: Annotated[str, typer.Option(help="只看一个渠道")] = "",
    everything: Annotated[bool, typer.Option("--all", help="连同已结清的")] = False,
    officer: Officer = AUDITOR,
) -> None:
    """各批次到了哪一步,谁编制、谁审核、谁发放。"""
    with place() as here:
        found = (
            batches(here)
            .ListBatches(
                batches_pb2.ListBatchesRequest(channel=channel, open_only=not everything), token=token_of(here, officer, "")
            )
            .batches
        )
    for one in found:
        by = "、".join(
            f"{word} {who}"
            for word, who in (("编制", one.prepared_by), ("审核", one.reviewed_by), ("发放", one.released_by))
            if who
        )
        typer.echo(
            f"{one.batch_id}  {one.channel} {one.due_on}  {STATES[one.state]}  {one.instalments} 笔 {yuan(one.total_fen)}元  {by}"
        )


@batch_app.command("prepare")
def prepare(
    channel: Channel, due_on: Annotated[str, typer.Option(help="发放日,收入当天及以前到期的款项")], officer: Officer = FIRST
) -> None:
    """编制批次:同一家庭同期同用途在别的渠道已有支付的先暂缓,没有账户的退回窗口。"""
    with place(must_run=True) as here:
        batch = (
            batches(here)
            .PrepareBatch(batches_pb2.PrepareBatchRequest(channel=channel, due_on=due_on), token=token_of(here, officer, ""))
            .batch
        )
        here.settle()
        batch = next(
            one
            for one in batches(here)
            .ListBatches(batches_pb2.ListBatchesRequest(channel=channel), token=token_of(here, officer, ""))
            .batches
            if one.batch_id == batch.batch_id
        )
    typer.echo(f"批次 {batch.batch_id}:{STATES[batch.state]},{batch.instalments} 笔 {yuan(batch.total_fen)}元。")
    if batch.state == "prepared":
        typer.echo(f"由另一人审核:yimen pay batch show {batch.batch_id};yimen pay batch review {batch.batch_id}")


@batch_app.command("show")
def show_batch(batch_id: BatchId, officer: Officer = AUDITOR) -> None:
    """批次的逐笔清单,不含姓名和账号。"""
    with place() as here:
        for one in _lines(here, batch_id, officer, for_bank=False):
            typer.echo(
                f"{one.instalment_id}  {one.item} 第{one.number}期  {one.township_code}  {yuan(one.amount_fen)}元  "
                f"{LINE_STATES[one.state]}  {one.budget_line}  案件 {one.case_id}"
            )


def _lines(here: Place, batch_id: str, officer: str, for_bank: bool) -> Iterator[Any]:
    after = ""
    while True:
        page = batches(here).ListBatchLines(
            batches_pb2.ListBatchLinesRequest(batch_id=batch_id, after=after, for_bank=for_bank),
            token=token_of(here, officer, ""),
        )
        yield from page.lines
        after = page.next_after
        if not after:
            return


@batch_app.command("review")
def review(batch_id: BatchId, officer: Officer = SECOND) -> None:
    """审核批次;不能是编制的人,审核后有变动须重新审核。"""
    with place(must_run=True) as here:
        token = token_of(here, officer, "")
        found = [
            one
            for one in batches(here).ListBatches(batches_pb2.ListBatchesRequest(), token=token).batches
            if one.batch_id == batch_id
        ]
        if not found:
            raise Fault("BATCH_NOT_FOUND", batch_id=batch_id[:36])
        batches(here).ReviewBatch(batches_pb2.ReviewBatchRequest(batch_id=batch_id, revision=found[0].revision), token=token)
    typer.echo(f"已审核第 {found[0].revision} 版:{found[0].instalments} 笔 {yuan(found[0].total_fen)}元。")
    typer.echo(f"发放:yimen pay release {batch_id}")


@batch_app.command("export")
def export(
    batch_id: BatchId,
    file: Annotated[Path, typer.Argument(help="导出为 .csv 或 .xlsx")],
    card: Annotated[bool, typer.Option("--card", help="一卡通文件:含姓名和账号,交银行用,每次导出留痕")] = False,
    officer: Officer = FIRST,
) -> None:
    """导出批次清单;表格软件打开不会执行公式。"""
    with place() as here:
        lines = _lines(here, batch_id, officer, for_bank=card)
        headings = (
            ("序号", "户名", "账号", "金额(元)", "事项", "期数", "款项编号")
            if card
            else ("序号", "乡镇", "金额(元)", "事项", "期数", "到期日", "状态", "预算", "款项编号", "案件编号")
        )
        rows = (
            (number, one.account_name, one.bank_account, Fen(one.amount_fen), one.item, one.number, one.instalment_id)
            if card
            else (
                number,
                one.township_code,
                Fen(one.amount_fen),
                one.item,
                one.number,
                one.due_on,
                LINE_STATES[one.state],
                one.budget_line,
                one.instalment_id,
                one.case_id,
            )
            for number, one in enumerate(lines, start=1)
        )
        count = write_sheet(file, "发放清单", headings, rows)
    typer.echo(f"已导出 {count} 笔:{file}")


def release(batch_id: BatchId, officer: Officer = SECOND) -> None:
    """发放已审核的批次;不能是编制的人。"""
    with place(must_run=True) as here:
        batch = (
            batches(here)
            .ReleaseReviewedBatch(
                batches_pb2.ReleaseReviewedBatchRequest(batch_id=batch_id), token=token_of(here, officer, ""), timeout_s=WAIT_S
            )
            .batch
        )
    typer.echo(f"已发放 {batch.instalments} 笔 {yuan(batch.total_fen)}元,指令陆续送银行。进度:yimen pay batch list --all")


@hold_app.command("list")
def list_holds(
    everything: Annotated[bool, typer.Option("--all", help="连同已决定的")] = False, officer: Officer = AUDITOR
) -> None:
    """暂缓的款项和原因。"""
    with place() as here:
        found = (
            batches(here)
            .ListHolds(batches_pb2.ListHoldsRequest(open_only=not everything), token=token_of(here, officer, ""))
            .holds
        )
    for one in found:
        what = f"款项 {one.instalment_id}" if one.instalment_id else "该户全部款项"
        typer.echo(
            f"{one.hold_id}  {REASONS.get(one.reason_code, one.reason_code)}  户 {one.household_id}  {what}"
            + (f",另一笔 {one.other_id}" if one.other_id else "")
            + f"  {one.placed_on} 起"
        )


@hold_app.command("place")
def place_hold(
    household_id: Annotated[str, typer.Argument(help="台账户号")],
    reason: Annotated[str, typer.Option(help="deceased 或 suspicion")],
    instalment: Annotated[str, typer.Option(help="只暂缓一笔;默认该户全部")] = "",
    officer: Officer = FIRST,
) -> None:
    """暂缓一户的款项;已编入批次的从批次中取出,批次重新审核。"""
    with place(must_run=True) as here:
        answer = batches(here).PlaceHold(
            batches_pb2.PlaceHoldRequest(household_id=household_id, reason_code=reason, instalment_id=instalment),
            token=token_of(here, officer, ""),
        )
    typer.echo(f"已暂缓:{answer.hold_id}")


@hold_app.command("decide")
def decide_hold(
    hold_id: Annotated[str, typer.Argument(help="暂缓编号")],
    reason: Annotated[str, typer.Option(help="理由")],
    pay: Annotated[bool, typer.Option("--pay/--void", help="支付,或撤销并退回渠道")],
    officer: Officer = FIRST,
) -> None:
    """决定支付还是撤销。"""
    with place(must_run=True) as here:
        batches(here).DecideHold(
            batches_pb2.DecideHoldRequest(hold_id=hold_id, pay=pay, reason=reason), token=token_of(here, officer, "")
        )
    typer.echo("恢复支付,编入下一批次。" if pay else "已撤销,资金退回原预算。")
