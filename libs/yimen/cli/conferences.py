"""`yimen conference`: a family whose trouble is more than one department's (R078)."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from yimen.aid.v1 import aid_pb2
from yimen.cli.connect import Place, place
from yimen.cli.standing import Officer, Service, token_of
from yimen.intake.v1 import conferences_pb2 as pb
from yimen.kernel.errors import Fault

conference_app = typer.Typer(no_args_is_help=True, help="个案会商:多部门的困难,一次会商,各部门领任务。")
Receipt = Annotated[str, typer.Argument(help="受理号")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(conference_app, name="conference")


def _conferences(here: Place) -> Any:
    return here.peers.stub("intake", "yimen.intake.v1.conferences:Conference")


def _task(text: str) -> pb.ConferenceTask:
    service, _, rest = text.partition(":")
    due_on, _, what = rest.partition(":")
    if not what:
        raise Fault("FIELD_WRONG", field="task", expected="部门:期限:内容,如 housing:2026-03-20:安排临时住所")
    return pb.ConferenceTask(service=service, due_on=due_on, text=what)


@conference_app.command("hold")
def hold(
    receipt_no: Receipt, minutes: Annotated[str, typer.Option(help="会商纪要编号")],
    plan: Annotated[str, typer.Option(help="会商方案")],
    task: Annotated[list[str], typer.Option(help="部门:期限:内容;可重复")],
    participant: Annotated[list[str] | None, typer.Option(help="没有任务的参加部门;可重复")] = None, officer: Officer = "",
) -> None:
    """登记一次会商;任务进入各部门的待办,逾期报警。"""
    with place(must_run=True) as here:
        answer = _conferences(here).HoldConference(
            pb.HoldConferenceRequest(receipt_no=receipt_no, minutes_ref=minutes, plan=plan, participants=participant or [],
                                     tasks=[_task(one) for one in task]),
            token=token_of(here, officer, "county_officer", department="basic_living"))
    typer.echo(f"会商 {answer.conference_id},任务见 yimen conference list {receipt_no}")


@conference_app.command("list")
def listconferences(receipt_no: Receipt, officer: Officer = "") -> None:
    """一份申请的历次会商和任务。"""
    with place() as here:
        found = _conferences(here).ListConferences(
            pb.ListConferencesRequest(receipt_no=receipt_no),
            token=token_of(here, officer, "county_officer", department="basic_living")).conferences
    for one in found:
        typer.echo(f"{one.held_on} 会商({one.minutes_ref}),{'已完成' if one.closed_on else '进行中'}:{one.plan}")
        for task in one.tasks:
            typer.echo(f"  {task.task_id}  {task.service}  {task.text}:"
                       + (f"{task.done_on} 完成,{task.result}" if task.done_on else f"{task.due_on} 前"))


@conference_app.command("done")
def done(service: Service, task_id: Annotated[str, typer.Argument(help="任务编号")],
         result: Annotated[str, typer.Option(help="完成情况")], officer: Officer = "") -> None:
    """部门完成自己的任务。"""
    with place(must_run=True) as here:
        here.peers.department(service).CompleteConferenceTask(
            aid_pb2.CompleteConferenceTaskRequest(task_id=task_id, result=result),
            token=token_of(here, officer, "county_officer", department=service))
    typer.echo("已登记。")
