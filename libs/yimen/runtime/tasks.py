"""The work list over gRPC, and the deadline of each task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yimen.common.v1 import task_events_pb2, task_pb2, task_pb2_grpc
from yimen.kernel import limits
from yimen.rpc.server import Mount
from yimen.store.tables import task

if TYPE_CHECKING:
    from yimen.runtime.app import App


class TaskServicer(task_pb2_grpc.TaskServiceServicer):
    """Open tasks by owner. Any officer or service may look; acting is checked where the act is done."""

    def __init__(self, app: App) -> None:
        self._app = app

    def ListTasks(self, request: Any, context: Any) -> Any:
        where: list[Any] = []
        chosen: dict[str, Any] = {"done_at": None}
        if request.owner_role:
            chosen["owner_role"] = request.owner_role
        if request.kinds:
            chosen["kind"] = request.kinds
        if request.owner_area:
            where.append(task.c.owner_area.startswith(request.owner_area))
        if request.after:
            where.append(task.c.task_id > request.after)
        limit = min(request.limit or limits.TASKS_PAGE_MAX, limits.TASKS_PAGE_MAX)
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(task, *where, order_by=task.c.task_id, limit=limit, **chosen)
        tasks = [
            task_pb2.Task(task_id=row["task_id"], service=self._app.name, kind=row["kind"], subject=row["subject"],
                          owner_role=row["owner_role"], owner_area=row["owner_area"],
                          due_on=row["due_on"].isoformat(), detail=row["detail"])
            for row in rows
        ]
        return task_pb2.ListTasksResponse(tasks=tasks, next_after=rows[-1]["task_id"] if len(rows) == limit else "")


def task_mount(app: App) -> Mount:
    """The servicer for every server."""
    return task_pb2_grpc.add_TaskServiceServicer_to_server, TaskServicer(app)


def say_overdue(app: App) -> int:
    """Tasks whose day has passed: tell window and county, once; the task stays open. Returns how many."""
    unsaid: dict[str, Any] = {"done_at": None, "overdue_said": False}
    late = task.c.due_on < app.today()
    with app.store.transaction(write=False) as tx:
        rows = tx.find(task, late, order_by=task.c.due_on, limit=limits.TIMER_BATCH_MAX, **unsaid)
    for row in rows:
        with app.work(f"service:{app.name}") as ctx:
            if ctx.tx.update(task, {"task_id": row["task_id"], **unsaid}, late, overdue_said=True):
                ctx.emit(
                    task_events_pb2.ItemOverdue(service=app.name, task_kind=row["kind"], subject=row["subject"],
                                                due_on=row["due_on"].isoformat(), owner_role=row["owner_role"],
                                                owner_area=row["owner_area"]),
                    subject=row["subject"],
                )
                app.telemetry.meter.add("yimen.deadlines.missed", attributes={"yimen.task": row["kind"]})
    return len(rows)
