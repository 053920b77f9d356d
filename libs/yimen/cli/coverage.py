"""`yimen coverage`: how far aid reaches (R081, R082)."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from yimen.cli.connect import place
from yimen.cli.pay_desk import table_of
from yimen.cli.standing import Officer, token_of
from yimen.roster.v1 import roster_pb2 as pb

LINES = {"living": "基本生活", "medical": "基本医疗", "education": "教育", "housing": "住房", "employment": "就业创业",
         "insurance": "社会保险"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(coverage)


def coverage(township: Annotated[str, typer.Option(help="乡镇代码;默认全县")] = "", officer: Officer = "") -> None:
    """六条保障线、两个全覆盖:困难家庭中有多少得到每一条线的救助,多少什么都没有。"""
    with place() as here:
        seen = here.peers.stub("roster").GetCoverage(
            pb.GetCoverageRequest(township_code=township),
            token=token_of(here, officer, "county_officer", department="basic_living"))
    table = table_of("保障线", ">户数", ">占困难家庭")
    for line in seen.lines:
        table.add_row(LINES[line.line], str(line.households), f"{line.households / seen.in_need:.1%}" if seen.in_need else "–")
    Console().print(table)
    typer.echo(f"困难家庭 {seen.in_need} 户;得到临时救助 {seen.temporary} 户;有类别而没有任何部门救助 {seen.nothing} 户。")
