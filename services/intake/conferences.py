"""Case conferences (个案会商, R078, S1(17)): held about one application, a task with a day for each department, closed with the
last one."""

from __future__ import annotations

from datetime import date
from typing import Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.intake.v1 import conferences_pb2 as pb
from yimen.intake.v1 import conferences_pb2_grpc
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.workdays import day_text
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.intake.narrate import Entry
from services.intake.tables import aid_item, application, conference, conference_task
from services.intake.timeline import write_down

TASKS_MAX, TEXT_MAX, LISTED_MAX = 20, 1_000, 50
HOLDERS = ("county_officer", "township_officer")


class ConferenceServicer(conferences_pb2_grpc.ConferenceServiceServicer):
    """Conferences."""

    def __init__(self, app: App) -> None:
        self._app = app

    def HoldConference(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role(*HOLDERS)
        if not request.minutes_ref:
            raise Fault("MINUTES_REQUIRED")
        if not 0 < len(request.plan) <= TEXT_MAX:
            raise Fault("FIELD_WRONG", field="plan", expected=f"会商方案,不超过 {TEXT_MAX} 字")
        if not 0 < len(request.tasks) <= TASKS_MAX:
            raise Fault("FIELD_WRONG", field="tasks", expected=f"1–{TASKS_MAX} 项任务")
        with self._app.work(officer.actor) as ctx:
            found = _application(ctx, request.receipt_no)
            officer.require_area(found["village_code"][:9])
            conference_id = hold(ctx, found, request)
        return pb.HoldConferenceResponse(conference_id=conference_id)

    def ListConferences(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role(*HOLDERS, "window_clerk", "county_approver", "auditor")
        with self._app.work("", write=False) as ctx:
            found = _application(ctx, request.receipt_no)
            officer.require_area(found["village_code"][:9])
            rows = ctx.tx.find(conference, application_id=found["application_id"],
                               order_by=(conference.c.held_on.desc(), conference.c.conference_id), limit=LISTED_MAX)
            tasks = ctx.tx.find(conference_task, conference_id=[row["conference_id"] for row in rows],
                                order_by=(conference_task.c.due_on, conference_task.c.task_id))
        return pb.ListConferencesResponse(conferences=[pb.Conference(
            conference_id=row["conference_id"], minutes_ref=row["minutes_ref"], plan=row["plan"],
            participants=row["participants"], held_on=row["held_on"].isoformat(), closed_on=day_text(row["closed_on"]),
            tasks=[_told(one) for one in tasks if one["conference_id"] == row["conference_id"]]) for row in rows])


def hold(ctx: Context, found: Row, request: Any) -> str:
    """Write it down and tell the departments; the same minutes again are the same conference.

    Raises Fault FIELD_WRONG for a task that nobody can do: an unknown department, no text, a day that is past.
    """
    known = {row["service"] for row in ctx.tx.find(aid_item)}
    conference_id = derived("conference", found["application_id"], request.minutes_ref)
    tasks = [_checked(ctx, conference_id, number, one, known) for number, one in enumerate(request.tasks)]
    participants = sorted({*request.participants, *(one["service"] for one in tasks)})
    if set(participants) - known:
        raise Fault("FIELD_WRONG", field="participants", expected="/".join(sorted(known)))
    if not ctx.tx.insert_new(conference, conference_id=conference_id, application_id=found["application_id"],
                             minutes_ref=request.minutes_ref, plan=request.plan, participants=participants, held_on=ctx.today,
                             closed_on=None):
        return conference_id
    ctx.tx.insert_all(conference_task, tasks)
    ctx.audit("conference.held", conference_id, tasks=len(tasks))
    write_down(ctx, found["application_id"],
               Entry(f"召开个案会商,{len(tasks)} 项任务分给各部门", request.minutes_ref, "R078", ctx.actor))
    ctx.emit(pb.ConferenceHeld(conference_id=conference_id, application_id=found["application_id"],
                               township_code=found["village_code"][:9], tasks=[_told(one) for one in tasks], actor=ctx.actor),
             subject=f"conference:{conference_id}", partition_key=found["household_id"] or conference_id,
             audience=",".join(sorted({one["service"] for one in tasks})))
    return conference_id


def _checked(ctx: Context, conference_id: str, number: int, one: Any, known: set[str]) -> dict[str, Any]:
    if one.service not in known:
        raise Fault("FIELD_WRONG", field="tasks.service", expected="/".join(sorted(known)))
    if not 0 < len(one.text) <= TEXT_MAX:
        raise Fault("FIELD_WRONG", field="tasks.text", expected=f"任务内容,不超过 {TEXT_MAX} 字")
    try:
        due_on = date.fromisoformat(one.due_on)
    except ValueError:
        due_on = date.min
    if due_on < ctx.today:
        raise Fault("FIELD_WRONG", field="tasks.due_on", expected="不早于今天的日期,如 2026-03-20")
    return {"task_id": derived("conference_task", conference_id, number), "conference_id": conference_id, "service": one.service,
            "text": one.text, "due_on": due_on, "done_on": None, "result": ""}


def on_task_done(ctx: Context, event: aid.ConferenceTaskDone, envelope: Envelope) -> None:
    """A department has done its own; the last one closes the conference."""
    if not ctx.tx.update(conference_task, {"task_id": event.task_id, "service": envelope.source, "done_on": None},
                         done_on=date.fromisoformat(event.done_on), result=event.result):
        return
    write_down(ctx, event.application_id, Entry("会商任务完成", "", "R078", event.actor), envelope.source)
    if not ctx.tx.count(conference_task, conference_id=event.conference_id, done_on=None):
        ctx.tx.update(conference, {"conference_id": event.conference_id, "closed_on": None}, closed_on=ctx.today)
        ctx.audit("conference.closed", event.conference_id)
        ctx.emit(pb.ConferenceClosed(conference_id=event.conference_id, application_id=event.application_id),
                 subject=f"conference:{event.conference_id}")


def _application(ctx: Context, receipt_no: str) -> Row:
    return ctx.require(ctx.tx.first(application, receipt_no=receipt_no), "APPLICATION_NOT_FOUND", receipt_no=receipt_no[:40])


def _told(row: Row) -> Any:
    return pb.ConferenceTask(task_id=row["task_id"], service=row["service"], text=row["text"], due_on=row["due_on"].isoformat(),
                             done_on=day_text(row["done_on"]), result=row["result"])


def conferences_mount(app: App) -> Mount:
    """The servicer for the server."""
    return conferences_pb2_grpc.add_ConferenceServiceServicer_to_server, ConferenceServicer(app)
