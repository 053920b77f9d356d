"""`yimen pay`: budgets, books and the fund-flow picture; batches, the bank and debts have modules beside this one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from yimen.cli.connect import Place, place
from yimen.cli.flow import LEVELS, picture
from yimen.cli.pay_bank import reconcile
from yimen.cli.pay_batches import batch_app, hold_app, release
from yimen.cli.pay_debts import debt_app
from yimen.cli.pay_desk import AUDITOR, FIRST, Channel, Officer, books, fen_of, table_of
from yimen.cli.sheets import Fen, write_sheet
from yimen.cli.standing import token_of
from yimen.directory.v1 import directory_pb2
from yimen.kernel.money import yuan
from yimen.payment.v1 import books_pb2

pay_app = typer.Typer(no_args_is_help=True, help="资金:预算、发放批次、对账、追回、流向。")
TABLE_WIDTH = 160


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, group in (("batch", batch_app), ("hold", hold_app), ("debt", debt_app)):
        pay_app.add_typer(group, name=name)
    for command in (release, reconcile):
        pay_app.command()(command)
    app.add_typer(pay_app, name="pay")


@pay_app.command()
def overview() -> None:
    """各部门渠道并列:下达、可用、预留、发放中、已付、滞留;只看不动。"""
    with place() as here:
        found = books(here).GetOverview(books_pb2.GetOverviewRequest(), token=token_of(here, AUDITOR, "")).channels
    table = table_of("渠道", "预算", ">下达", ">可用", ">预留", ">发放中", ">已付", ">待追回", ">滞留")
    for channel in found:
        for line in channel.lines:
            table.add_row(
                f"{channel.title} {channel.channel}",
                f"{line.year} {LEVELS[line.level]}",
                *(
                    yuan(fen)
                    for fen in (
                        line.budget_fen,
                        line.available_fen,
                        line.reserved_fen,
                        line.in_batch_fen,
                        line.paid_fen,
                        line.owed_back_fen,
                        line.idle_fen,
                    )
                ),
            )
    Console(width=TABLE_WIDTH).print(table)
    for channel in found:
        beside = {"乡镇备用金": channel.imprest_fen, "待下年预算": channel.unfunded_fen, "暂缓": channel.held_fen}
        if any(beside.values()):
            typer.echo(f"{channel.title}另有:" + ",".join(f"{word} {yuan(fen)}元" for word, fen in beside.items() if fen))


@pay_app.command()
def allocate(
    channel: Channel,
    amount: Annotated[str, typer.Argument(help="金额(元)")],
    year: Annotated[int, typer.Option(help="预算年度")],
    document: Annotated[str, typer.Option(help="下达资金的文号")],
    level: Annotated[str, typer.Option(help="central、province、city、county")] = "county",
    officer: Officer = FIRST,
) -> None:
    """登记一级政府下达的资金;上级资金先用。"""
    with place(must_run=True) as here:
        answer = books(here).AllocateBudget(
            books_pb2.AllocateBudgetRequest(
                channel=channel, year=year, level=level, amount_fen=fen_of(amount), document_no=document
            ),
            token=token_of(here, officer, ""),
        )
    typer.echo(f"已登记到 {answer.line};待该年预算的款项随后预留。")


@pay_app.command()
def buy(
    channel: Channel,
    amount: Annotated[str, typer.Argument(help="金额(元)")],
    year: Annotated[int, typer.Option(help="预算年度")],
    contract: Annotated[str, typer.Option(help="合同编号")],
    officer: Officer = FIRST,
) -> None:
    """登记购买服务的支出,不超过当年专项资金的2%。"""
    with place(must_run=True) as here:
        answer = books(here).RecordPurchase(
            books_pb2.RecordPurchaseRequest(channel=channel, year=year, amount_fen=fen_of(amount), contract_ref=contract),
            token=token_of(here, officer, ""),
        )
    typer.echo(f"已登记;本年还可购买 {yuan(answer.left_of_cap_fen)}元。")


@pay_app.command()
def plan(
    channel: Channel, months: Annotated[int, typer.Option(help="看几个月", min=1, max=24)] = 12, officer: Officer = AUDITOR
) -> None:
    """用款计划:已批准的待遇每月要付多少,预算够不够。"""
    with place() as here:
        answer = books(here).ForecastDemand(
            books_pb2.ForecastDemandRequest(channel=channel, months=months), token=token_of(here, officer, "")
        )
    table = table_of("月份", ">笔数", ">金额(元)", ">其中待预算")
    for one in answer.months:
        table.add_row(one.month, str(one.instalments), yuan(one.amount_fen), yuan(one.unfunded_fen))
    Console().print(table)
    typer.echo(f"尚未预留的可用资金 {yuan(answer.available_fen)}元。")


@pay_app.command()
def statement(
    account: Annotated[str, typer.Argument(help="账户,如 medical_aid:paid;只写渠道则列出各账户余额")],
    since: Annotated[str, typer.Option(help="从哪一天起")] = "",
    until: Annotated[str, typer.Option(help="到哪一天止")] = "",
    as_of: Annotated[str, typer.Option(help="看过去某一时刻的余额")] = "",
    file: Annotated[Path | None, typer.Option("--export", help="导出为 .csv 或 .xlsx")] = None,
    officer: Officer = AUDITOR,
) -> None:
    """账户明细和余额;过去任一时刻都能算回来。"""
    with place() as here:
        token = token_of(here, officer, "")
        if ":" not in account:
            for one in (
                books(here).GetBalances(books_pb2.GetBalancesRequest(channel=account, as_of=as_of), token=token).balances
            ):
                typer.echo(f"{one.account_id:<60} {yuan(one.balance_fen):>20}")
            return
        today = here.clock.now().date().isoformat()
        pages = list(_statement_pages(here, token, account, since or f"{today[:4]}-01-01", until or today))
        rows = [one for page in pages for one in page.lines]
        if file is not None:
            count = write_sheet(
                file,
                "账户明细",
                ("时间", "类别", "对方账户", "金额(元)", "依据", "账目编号"),
                ((one.at, one.kind, one.other_account, Fen(one.amount_fen), one.reference, one.transfer_id) for one in rows),
            )
            typer.echo(f"已导出 {count} 笔:{file}")
            return
    typer.echo(f"期初 {yuan(pages[0].opening_fen)}元")
    for one in rows:
        typer.echo(f"{one.at[:16]}  {one.kind:<12} {yuan(one.amount_fen):>16}  {one.other_account}  {one.reference}")
    typer.echo(f"期末 {yuan(pages[0].closing_fen)}元")


def _statement_pages(here: Place, token: str, account: str, since: str, until: str) -> Iterator[Any]:
    after = ""
    while True:
        page = books(here).GetAccountStatement(
            books_pb2.GetAccountStatementRequest(account_id=account, since=since, until=until, after=after), token=token
        )
        yield page
        after = page.next_after
        if not after:
            return


@pay_app.command("trace-yuan")
def trace_yuan(
    name: Annotated[str, typer.Argument(help="款项、指令、给付决定、批次或追回款的编号")], officer: Officer = AUDITOR
) -> None:
    """一笔钱从预算到人、再从人回来的全程。"""
    with place() as here:
        steps = books(here).TraceYuan(books_pb2.TraceYuanRequest(id=name), token=token_of(here, officer, "")).steps
    for one in steps:
        typer.echo(f"{one.at:<25} {one.what}  {yuan(one.amount_fen)}元  {one.account_id}  {one.reference}")


@pay_app.command()
def flow(
    file: Annotated[Path, typer.Argument(help="写到哪个 .html 文件")] = Path("var/flow.html"), officer: Officer = AUDITOR
) -> None:
    """资金流向图:从预算到人,一个不依赖任何外部文件的网页。"""
    with place() as here:
        token = token_of(here, officer, "")
        shown = books(here).GetOverview(books_pb2.GetOverviewRequest(), token=token).channels
        paid = books(here).ListPaidByTownship(books_pb2.ListPaidByTownshipRequest(), token=token).townships
        areas = here.peers.stub("directory").ListAreas(directory_pb2.ListAreasRequest()).areas
        names = {one.code: one.name for one in areas}
        county = next((one.name for one in areas if one.level == "county"), "")
        text = picture(shown, paid, names, county, here.clock.now().date().isoformat())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    typer.echo(f"资金流向图:{file}")
