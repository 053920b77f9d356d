"""What a rehearsal came to: tables for people, `report.json` for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from yimen.kernel.money import yuan
from yimen.payment.v1 import payment_pb2
from yimen.rehearsal.month import Month
from yimen.rehearsal.promises import PROMISES, Evidence, check_all
from yimen.runtime.declaration import Service
from yimen.supervision.v1 import supervision_pb2

HELD = "held"


@dataclass
class Report:
    """The figures of a rehearsal."""

    month: Month
    indicators: Any
    channels: Any
    promises: dict[int, list[str]]
    seconds: float

    @property
    def broken(self) -> bool:
        """Whether any promise was broken."""
        return any(self.promises.values())

    def as_json(self) -> dict[str, Any]:
        """The content of `report.json`."""
        return {
            "seed": self.month.seed, "households": self.month.households, "applications": self.month.applications,
            "cases": {one.service: {"granted": one.granted, "refused": one.refused, "open": one.open}
                      for one in self.indicators.services},
            "channels": {one.channel: {"budget_fen": one.budget_fen, "reserved_fen": one.reserved_fen,
                                       "paid_fen": one.paid_fen, "returned_fen": one.returned_fen}
                         for one in self.channels.channels},
            "mean_days_to_decision": self.indicators.mean_days_to_decision,
            "promises": {str(number): "; ".join(found) or HELD for number, found in self.promises.items()},
            "seconds": round(self.seconds, 1),
        }


def gather(month: Month, evidence: Evidence, seconds: float) -> Report:
    """Ask supervision and payment for their figures and check the promises."""
    peers = month.world.peers
    return Report(month, peers.stub("supervision").GetIndicators(supervision_pb2.GetIndicatorsRequest(), timeout_s=60.0),
                  peers.stub("payment").ListChannels(payment_pb2.ListChannelsRequest(), timeout_s=60.0),
                  check_all(evidence), seconds)


def show(report: Report, services: dict[str, Service], console: Console) -> None:
    """Tables by department, by channel, and the promises."""
    table = Table(title="按部门", title_justify="left")
    for heading in ("部门", "案件", "给予", "不予", "在办", "平均天数", "逾期任务"):
        table.add_column(heading, justify="left" if heading == "部门" else "right")
    for one in report.indicators.services:
        table.add_row(f"{services[one.service].title} {one.service}", str(one.cases), str(one.granted), str(one.refused),
                      str(one.open), f"{one.mean_days:.1f}", str(one.overdue))
    console.print(table)
    money = Table(title="按资金渠道(元)", title_justify="left")
    for heading in ("渠道", "预算", "预留", "已付", "退回"):
        money.add_column(heading, justify="left" if heading == "渠道" else "right")
    for one in report.channels.channels:
        money.add_row(f"{one.title} {one.channel}", yuan(one.budget_fen), yuan(one.reserved_fen), yuan(one.paid_fen),
                      yuan(one.returned_fen))
    console.print(money)
    promises = Table(title="十二项承诺", title_justify="left", show_header=False)
    for number, found in report.promises.items():
        promises.add_row(str(number), PROMISES[number][0], "[green]守住[/]" if not found else "[red]违反[/]",
                         ";".join(found))
    console.print(promises)
    console.print(f"申请 {report.month.applications} 件,受理到决定平均 {report.indicators.mean_days_to_decision} 天"
                  f"(基准 15 天);抽查 {report.indicators.sample_drawn} 件,已查 {report.indicators.sample_checked} 件;"
                  f"用时 {report.seconds:.1f} 秒。")
