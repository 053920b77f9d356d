"""`yimen pay debt`: money that households give back."""

from __future__ import annotations

from typing import Annotated

import typer
from yimen.cli.connect import place
from yimen.cli.pay_desk import AUDITOR, FIRST, Officer, debts, fen_of
from yimen.cli.standing import token_of
from yimen.kernel.money import yuan
from yimen.payment.v1 import debts_pb2

debt_app = typer.Typer(no_args_is_help=True, help="追回款:约定、还款、核销。")
DebtId = Annotated[str, typer.Argument(help="追回款编号")]
DEBT_STATES = {"open": "待约定", "instalment": "还款中", "paid": "已还清", "written_off": "已核销", "rejected": "追回令无效"}


@debt_app.command("list")
def listdebts(case_id: Annotated[str, typer.Option(help="只看一个案件")] = "", officer: Officer = AUDITOR) -> None:
    """追回款:应退、已退、罚款。"""
    with place() as here:
        found = debts(here).ListDebts(debts_pb2.ListDebtsRequest(case_id=case_id), token=token_of(here, officer, "")).debts
    for one in found:
        typer.echo(
            f"{one.debt_id}  {DEBT_STATES[one.state]}  {one.channel}  应退 {yuan(one.amount_fen)}元,"
            + f"尚欠 {yuan(one.outstanding_fen)}元"
            + (f",罚款 {yuan(one.fine_fen)}元,未缴 {yuan(one.fine_outstanding_fen)}元" if one.fine_fen else "")
            + f"  案件 {one.case_id}"
        )


@debt_app.command("agree")
def agree(
    debt_id: DebtId,
    agreement: Annotated[str, typer.Option(help="还款协议编号")],
    monthly: Annotated[str, typer.Option(help="每月还款(元)")] = "0",
    keep: Annotated[str, typer.Option(help="每次从待遇中抵扣(元)")] = "0",
    officer: Officer = FIRST,
) -> None:
    """与家庭约定还款:按月还,或从待遇中抵扣;待遇的受保护部分不动。"""
    with place(must_run=True) as here:
        debts(here).AgreeRepayment(
            debts_pb2.AgreeRepaymentRequest(
                debt_id=debt_id, monthly_fen=fen_of(monthly), offset_fen=fen_of(keep), agreement_ref=agreement
            ),
            token=token_of(here, officer, ""),
        )
    typer.echo("已登记约定。")


@debt_app.command("repay")
def repay(
    debt_id: DebtId,
    amount: Annotated[str, typer.Argument(help="金额(元)")],
    receipt: Annotated[str, typer.Option(help="收款凭证号")],
    officer: Officer = FIRST,
) -> None:
    """登记家庭退还的款项:回到原预算,多出的归罚款。"""
    with place(must_run=True) as here:
        answer = debts(here).RecordRepayment(
            debts_pb2.RecordRepaymentRequest(debt_id=debt_id, amount_fen=fen_of(amount), receipt_ref=receipt),
            token=token_of(here, officer, ""),
        )
    typer.echo(f"已登记,尚欠 {yuan(answer.outstanding_fen)}元。")


@debt_app.command("write-off")
def write_off(
    debt_id: DebtId,
    minutes: Annotated[str, typer.Option(help="会议纪要编号")],
    reason: Annotated[str, typer.Option(help="理由")],
    officer: Officer = "coordination_panel-1",
) -> None:
    """经协调机构会议核销。"""
    with place(must_run=True) as here:
        debts(here).WriteOffDebt(
            debts_pb2.WriteOffDebtRequest(debt_id=debt_id, minutes_ref=minutes, reason=reason),
            token=token_of(here, officer, ""),
        )
    typer.echo("已核销。")
