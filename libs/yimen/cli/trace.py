"""`yimen trace`: everything that happened for one application, as waterfalls, from the window to the bank."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from yimen.cli.connect import Place, place
from yimen.feed.v1 import feed_pb2
from yimen.intake.v1 import intake_pb2
from yimen.telemetry.store import StoredSpan, configured
from yimen.telemetry.tracing import SPANS

BAR_WIDTH = 24
SUBJECTS_MAX = 50
SQL = "db.system.name"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(trace)


def trace(receipt_no: Annotated[str, typer.Argument(help="受理号")],
          sql: Annotated[bool, typer.Option(help="逐条显示 SQL;默认合并计数")] = False) -> None:
    """一份申请从窗口到银行的全部追踪,按天先后,每次操作一幅瀑布图。"""
    console = Console()
    with place() as here:
        when = trace_ids(here, receipt_no)
        folder = Path("var") / here.name
    spans = list(configured(folder / SPANS).spans(set(when)))
    if not spans:
        typer.echo("没有追踪。演练时用 yimen demo --trace 或 make up 记录;连接追踪库设 YIMEN_TRACES_URL。")
        raise typer.Exit(1)
    for number, (trace_id, moment) in enumerate(when.items(), 1):
        mine = [span for span in spans if span.trace_id == trace_id]
        if mine:
            console.print(f"[bold]{number}/{len(when)}[/bold] {moment[:16]} 追踪 {trace_id}", highlight=False)
            console.print(waterfall(mine, sql))


def trace_ids(here: Place, receipt_no: str) -> dict[str, str]:
    """Trace id → when it began, in the order of time: each act of an officer or of the clock is a trace of its own,
    and the feed links them by the case."""
    status = here.peers.stub("intake").GetApplication(intake_pb2.GetApplicationRequest(receipt_no=receipt_no))
    events = []
    for subject in [status.application_id, *(item.case_id for item in status.items)][:SUBJECTS_MAX]:
        page = here.peers.stub("feed").ReadFeed(feed_pb2.ReadFeedRequest(subject=subject))
        events += [json.loads(one.event_json) for one in page.entries]
    found: dict[str, str] = {}
    for event in sorted(events, key=lambda one: int(one["sequence"])):
        if event.get("traceparent"):
            found.setdefault(event["traceparent"].split("-")[1], event["time"])
    return found


def waterfall(spans: list[StoredSpan], sql: bool) -> Table:
    """One line a span, indented under its parent, with a bar where its time lies in the trace."""
    known = {span.span_id for span in spans}
    children: dict[str, list[StoredSpan]] = {}
    for span in sorted(spans, key=lambda one: (one.start, one.span_id)):
        children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
    begin, end = min(span.start for span in spans), max(span.end for span in spans)
    table = Table(box=None, pad_edge=False, show_header=False)
    for width in (16, None, BAR_WIDTH, 10):
        table.add_column(width=width, no_wrap=width is not None, justify="right" if width == 10 else "left")

    def add(span: StoredSpan, depth: int) -> None:
        under = children.get(span.span_id, [])
        statements = [one for one in under if SQL in one.attributes]
        note = f"  SQL ×{len(statements)} {_ms(sum(one.end - one.start for one in statements))}" if statements and not sql else ""
        name = span.name.rsplit(".", 1)[-1] if "/" in span.name else span.name
        label = Text("  " * depth + name, style="red" if span.failed else "")
        label.append(note, style="dim")
        if span.failed:
            label.append(f"  {span.attributes.get('error.type', '')}", style="red")
        table.add_row(span.service.removeprefix("yimen-"), label, _bar(span, begin, end), _ms(span.end - span.start))
        for child in under:
            if sql or SQL not in child.attributes:
                add(child, depth + 1)

    for root in children.get("", []):
        if sql or SQL not in root.attributes:
            add(root, 0)
    return table


def _bar(span: StoredSpan, begin: int, end: int) -> str:
    scale = BAR_WIDTH / max(end - begin, 1)
    left = min(int((span.start - begin) * scale), BAR_WIDTH - 1)
    return " " * left + "━" * max(1, min(BAR_WIDTH - left, round((span.end - span.start) * scale)))


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f} ms"
