"""One case as a person reads it: who, what, when, why, which clause."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from yimen.casework.states import TITLES, State

STATE_TITLES = {"submitted": "待受理", "supplement_required": "待补正", "accepted": "办理中", "closed": "已办结",
                "intake_refused": "不予受理", "withdrawn": "已撤回"}
ITEM_TITLES = {"granted": "已给予", "refused": "不予救助", "withdrawn": "已撤回", "stopped_by_objection": "异议成立,终止",
               **{state.value: title for state, title in TITLES.items() if state is not State.CLOSED}}


def tell(answer: Any, titles: dict[str, str], console: Console) -> None:
    """Print an application as `intake.GetApplication` answers it."""
    console.print(f"[bold]受理号 {answer.receipt_no}[/]  {STATE_TITLES.get(answer.state, answer.state)}")
    items = Table(show_header=True, box=None, pad_edge=False)
    for heading in ("事项", "部门", "结果", "理由"):
        items.add_column(heading)
    for item in answer.items:
        items.add_row(titles.get(item.item, item.item), item.service, ITEM_TITLES.get(item.state, item.state), item.reason)
    console.print(items)
    for line in answer.timeline:
        console.print(f"[cyan]{line.at[5:16].replace('T', ' ')}[/]  {line.what}", highlight=False)
        rest = [line.actor, line.why, f"依据 {line.clause}" if line.clause else ""]
        console.print(f"             [dim]{' · '.join(part for part in rest if part)}[/]", highlight=False)
    for told in answer.feedback:
        if told.receiver == "applicant":
            console.print(f"  [dim]告知申请人和窗口 {told.at[5:16]}:{told.text}[/]")
    console.print()
