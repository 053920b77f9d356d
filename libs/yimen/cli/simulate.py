"""`yimen simulate`: whole months of the county with mishaps, many seeds over all processors."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from yimen.kernel.errors import Fault
from yimen.rehearsal import county
from yimen.simulation.mishaps import MEANINGS
from yimen.simulation.run import Simulation, Story
from yimen.simulation.shrink import shortest
from yimen.simulation.world import make_template

SEEDS_MAX = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)


def simulate(
    seeds: Annotated[str, typer.Option(help="种子:7 或 1..200")] = "1..20",
    households: Annotated[int, typer.Option(help="每个种子抽取的家庭数", min=0)] = 20,
    processes: Annotated[int, typer.Option(help="并行进程数;0 为处理器数", min=0)] = 0,
    only: Annotated[str, typer.Option(help="只让这些故障发生(逗号分隔,取自一次失败的输出;none 为没有故障)")] = "",
) -> None:
    """带故障演练全县一个月:进程崩溃、事件重复迟到乱序、银行丢失应答……每一步都核对承诺。"""
    console = Console()
    first, last = _range(seeds)
    chosen = frozenset(one for one in only.split(",") if one) if only else None
    with tempfile.TemporaryDirectory(prefix="yimen-template-") as folder:
        make_template(Path(folder))
        simulation = Simulation(Path(folder), county.load(county.COUNTY_FILE), households)
        broken, happened, steps = None, Counter[str](), 0
        with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} 种子"),
                      TimeElapsedColumn(), console=console) as bar:
            row = bar.add_task("模拟", total=last - first + 1)
            for story in _run_all(simulation, range(first, last + 1), chosen, processes or os.cpu_count() or 1):
                happened.update(mishap.kind for mishap in story.mishaps)
                steps += story.steps
                bar.advance(row)
                if story.violation:
                    broken = story
                    break
        if broken is not None:
            tell(shortest(simulation, broken), broken, console)
            raise typer.Exit(1)
    counted = "、".join(f"{MEANINGS[kind]} {number}" for kind, number in sorted(happened.items()))
    console.print(f"{last - first + 1} 个种子,{steps} 步,承诺全部守住,故障停止后全部办结。"
                  f"故障 {happened.total()} 次:{counted or '无'}")


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("..")
    if not first.isdigit() or not (last or first).isdigit() or not 0 <= int(last or first) - int(first) < SEEDS_MAX:
        raise Fault("FIELD_WRONG", field="--seeds", expected="7 或 1..200")
    return int(first), int(last or first)


def _run_all(simulation: Simulation, seeds: range, only: frozenset[str] | None, processes: int) -> Iterator[Story]:
    if processes == 1 or len(seeds) == 1:
        yield from (simulation.run(seed, only) for seed in seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        try:
            yield from pool.map(simulation.run, seeds, [only] * len(seeds))
        finally:
            pool.shutdown(cancel_futures=True)


def tell(story: Story, first: Story, console: Console) -> None:
    """A broken promise, told as shortly as possible, with the command that tells it again."""
    console.print(f"[bold]种子 {story.seed}[/bold],{story.day}:{story.violation}", highlight=False)
    console.print(f"最短的故事:{story.households} 户,{len(story.mishaps)} 次故障"
                  f"(原为 {first.households} 户,{len(first.mishaps)} 次)", highlight=False)
    for mishap in story.mishaps:
        console.print(f"  {mishap}", highlight=False)
    names = ",".join(story.names) or "none"
    console.print(f"重演:yimen simulate --seeds {story.seed} --households {story.households} --only {names}",
                  highlight=False, soft_wrap=True)
