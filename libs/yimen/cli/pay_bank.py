"""`yimen pay reconcile`: the bank's word compared with ours."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer
from yimen.cli.connect import Place, place
from yimen.cli.pay_desk import FIRST, WAIT_S, Officer, books
from yimen.cli.standing import token_of
from yimen.kernel.errors import Fault
from yimen.kernel.money import yuan
from yimen.payment.v1 import books_pb2

PART_BYTES = 128 * 1024
KINDS = {
    "unknown_instruction": "银行有、我方没有",
    "amount_differs": "金额不符",
    "settled_twice": "银行付了两次",
    "not_on_statement": "已回执、对账单上没有",
    "unanswered": "银行没有回执",
}


def reconcile(
    file: Annotated[Path | None, typer.Argument(help="银行的对账单(camt.053)或回执(pain.002);不写则列出差异")] = None,
    resolve: Annotated[str, typer.Option(help="处理一项差异:其编号")] = "",
    finding: Annotated[str, typer.Option(help="bank_error、own_error、explained")] = "explained",
    reason: Annotated[str, typer.Option(help="处理的理由")] = "",
    officer: Officer = FIRST,
) -> None:
    """与银行对账:每笔指令不是对上,就是列在有责任人和期限的差异清单里。"""
    with place(must_run=file is not None or bool(resolve)) as here:
        token = token_of(here, officer, "")
        if file is not None:
            try:
                size = file.stat().st_size
            except OSError as error:
                raise Fault("FILE_WRONG", name=file.name, problem=type(error).__name__) from None
            answer = _hand_in(here, file, size, token)
            typer.echo(
                f"{answer.kind}:{answer.entries} 笔,相符 {answer.matched} 笔" + (";以前接收过,未作改动" if answer.known else "")
            )
        if resolve:
            books(here).ResolveDiscrepancy(
                books_pb2.ResolveDiscrepancyRequest(discrepancy_id=resolve, finding_code=finding, reason=reason), token=token
            )
        found = books(here).ListDiscrepancies(books_pb2.ListDiscrepanciesRequest(open_only=True), token=token).discrepancies
    for one in found:
        typer.echo(
            f"{one.discrepancy_id}  {KINDS[one.kind]}  {yuan(one.amount_fen)}元  指令 {one.instruction_id}  {one.found_on} 发现"
        )
    typer.echo(f"未处理的差异 {len(found)} 项。")


def _hand_in(here: Place, file: Path, size: int, token: str) -> Any:
    """The file in parts, each small enough for a call."""
    last = max(0, (size - 1) // PART_BYTES)
    with file.open("rb") as source:
        upload_id = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        for part in range(last + 1):
            content = source.read(PART_BYTES)
            answer = books(here).TakeInBankFile(
                books_pb2.TakeInBankFileRequest(content=content, upload_id=upload_id, part=part, more=part < last),
                token=token, timeout_s=WAIT_S)
    return answer
