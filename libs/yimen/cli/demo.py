"""`yimen demo`: a county's month in one process."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from yimen.intake.v1 import intake_pb2
from yimen.rehearsal import county
from yimen.rehearsal.households import FILES, read_all
from yimen.rehearsal.month import FIRST_DAY, LAST_DAY, Month, start_moment
from yimen.rehearsal.promises import Evidence
from yimen.rehearsal.report import gather, show
from yimen.rehearsal.story import tell
from yimen.rehearsal.world import EmbeddedWorld, World
from yimen.telemetry import logs
from yimen.telemetry.tracing import FILE_VARIABLE, SPANS

FOLDER = Path("var/demo")
STORIES_SHOWN = ("c01_dibao_and_university", "objection_upheld", "urgent_fire")
PLANTED_MAX = 2000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    households: Annotated[int, typer.Option(help="抽取的家庭数", min=0)] = 300,
    seed: Annotated[int, typer.Option(help="随机种子")] = 1,
    folder: Annotated[Path, typer.Option(help="数据目录")] = FOLDER,
    trace: Annotated[bool, typer.Option("--trace", help="记录追踪,供 yimen trace 查看(慢一些)")] = False,
) -> None:
    """在一个进程里演练全县一个月的办件。"""
    console = Console()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # Logs and spans of the rehearsal are kept: promise 8 looks through them.
    sys.stderr = (folder / "services.log").open("w", buffering=1)
    logs.set_up("demo", "WARNING")
    os.environ[FILE_VARIABLE] = str(folder / SPANS) if trace else os.environ.get(FILE_VARIABLE, "")
    begun = time.monotonic()
    world = EmbeddedWorld(folder, start_moment(), seed)
    try:
        month = Month(world, county.load(county.COUNTY_FILE), households, seed, read_all(FILES))
        rehearse(month, console)
        world.seal()
        evidence = Evidence(world.services, world.databases, world.keys, world.bank_file, LAST_DAY,
                            texts=[folder / "services.log", folder / SPANS], planted=planted(month))
        report = gather(month, evidence, time.monotonic() - begun)
        evidence.close()
        show(report, world.services, console)
        tell_stories(month, world, console)
    finally:
        world.close()
        sys.stderr = sys.__stderr__
    (folder / "report.json").write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    console.print(f"完整报告:{folder / 'report.json'};任一案件:yimen case <受理号>")
    if report.broken:
        raise typer.Exit(1)


def rehearse(month: Month, console: Console) -> None:
    """The month with a progress bar."""
    days = (LAST_DAY - FIRST_DAY).days + 1
    with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} 天"),
                  TimeElapsedColumn(), console=console) as bar:
        row = bar.add_task("准备示例县", total=days)
        month.prepare()
        month.run(lambda done, what: bar.update(row, completed=done, description=what))


def planted(month: Month) -> list[str]:
    """Names and numbers of people who took part, for promise 8."""
    found: list[str] = []
    for story in month.stories:
        for member in story.application.members:
            found += [text for text in (member.name, member.resident_id) if len(text) > 1]
        found += [story.application.bank_account, story.application.phone]
    return [text for text in found if text][:PLANTED_MAX]


def tell_stories(month: Month, world: World, console: Console) -> None:
    """Three whole cases."""
    intake = world.peers.stub("intake")
    titles = {item.item: item.title for item in intake.ListItems(intake_pb2.ListItemsRequest()).items}
    for key in STORIES_SHOWN:
        if key in month.receipts:
            tell(intake.GetApplication(intake_pb2.GetApplicationRequest(receipt_no=month.receipts[key])), titles, console)
