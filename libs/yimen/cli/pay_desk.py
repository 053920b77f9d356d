"""What the `yimen pay` commands share: payment's contracts, who acts by default, and how amounts and tables are written."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from yimen.cli.connect import Place
from yimen.kernel.errors import Fault
from yimen.kernel.money import parse_yuan

Officer = Annotated[str, typer.Option("--officer", help="经办人编号;默认为演练县的相应岗位")]
Channel = Annotated[str, typer.Argument(help="资金渠道")]
AUDITOR, FIRST, SECOND = "auditor-1", "finance_officer-1", "finance_officer-2"
WAIT_S = 120.0


def books(here: Place) -> Any:
    """The books' contract."""
    return here.peers.stub("payment", "yimen.payment.v1.books:Books")


def batches(here: Place) -> Any:
    """The batches' contract."""
    return here.peers.stub("payment", "yimen.payment.v1.batches:Batch")


def debts(here: Place) -> Any:
    """The debts' contract."""
    return here.peers.stub("payment", "yimen.payment.v1.debts:Debt")


def fen_of(text: str) -> int:
    """`740.00` in fen. Raises Fault FIELD_WRONG."""
    try:
        return parse_yuan(text)
    except ValueError:
        raise Fault("FIELD_WRONG", field="amount", expected="元,最多两位小数,如 740.00") from None


def table_of(*headings: str) -> Table:
    """A plain table; a heading that begins with `>` is over numbers."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left", overflow="fold")
    return table
