"""What a case conference (R078) has asked of this department: a task on its list, done by its own officer, told to the window."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from yimen.aid.v1 import events_pb2 as aid
from yimen.department.tables import conference_task
from yimen.intake.v1 import conferences_pb2 as conferences
from yimen.kernel.errors import Fault

if TYPE_CHECKING:
    from yimen.bus.envelope import Envelope
    from yimen.runtime.context import Context

TASK = "conference_task"


def on_held(ctx: Context, event: conferences.ConferenceHeld, _: Envelope) -> None:
    """Take up what is ours."""
    for one in event.tasks:
        if one.service == ctx.service and ctx.tx.insert_new(
                conference_task, task_id=one.task_id, conference_id=event.conference_id, application_id=event.application_id,
                text=one.text, due_on=date.fromisoformat(one.due_on), done_on=None, result="", done_by=""):
            ctx.open_task(TASK, one.task_id, "county_officer", event.township_code, date.fromisoformat(one.due_on),
                          application_id=event.application_id)


def complete(ctx: Context, task_id: str, result: str) -> None:
    """Say what was done; the same again changes nothing.

    Raises Fault CONFERENCE_TASK_NOT_FOUND, REASON_REQUIRED or CASE_STATE.
    """
    if not result:
        raise Fault("REASON_REQUIRED")
    row = ctx.require(ctx.tx.first(conference_task, task_id=task_id, lock=True), "CONFERENCE_TASK_NOT_FOUND",
                      task_id=task_id[:36])
    if row["done_on"] is not None:
        if row["result"] != result:
            raise Fault("CASE_STATE", state="已完成", act="改写会商任务的结果")
        return
    ctx.tx.update(conference_task, {"task_id": task_id}, done_on=ctx.today, result=result, done_by=ctx.actor)
    ctx.close_tasks(task_id, TASK)
    ctx.audit("conference.task_done", task_id)
    ctx.emit(aid.ConferenceTaskDone(task_id=task_id, conference_id=row["conference_id"], application_id=row["application_id"],
                                    service=ctx.service, done_on=ctx.today.isoformat(), result=result, actor=ctx.actor),
             subject=f"conference:{row['conference_id']}")
