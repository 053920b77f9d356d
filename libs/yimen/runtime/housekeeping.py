"""What a server process repeats beside answering calls: due timers, parked events, audit seals, own loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from yimen.common.v1 import audit_pb2
from yimen.kernel import limits
from yimen.runtime.context import OVERDUE_TIMER
from yimen.runtime.tasks import on_task_overdue
from yimen.store import audit
from yimen.store.tables import timer

if TYPE_CHECKING:
    from yimen.runtime.app import App


def fire_timers(app: App) -> int:
    """Handle what is due, each timer in its own transaction; returns how many."""
    handlers: dict[str, Callable[..., None]] = {OVERDUE_TIMER: on_task_overdue, **app.service.timers}
    with app.store.transaction(write=False) as tx:
        due = tx.find(timer, timer.c.fired_at.is_(None), timer.c.due_at <= app.clock.now(),
                      order_by=timer.c.due_at, limit=limits.TIMER_BATCH_MAX)
    for row in due:
        with app.work(f"service:{app.name}") as ctx:
            # Somebody else may have fired or moved it since; only the one who marks it may handle it.
            if ctx.tx.update(timer, timer.c.timer_id == row["timer_id"], timer.c.fired_at.is_(None),
                             timer.c.due_at == row["due_at"], fired_at=ctx.now):
                payload: dict[str, Any] = row["payload"]
                handlers[row["kind"]](ctx, row["subject"], payload)
    return len(due)


def seal_audit(app: App) -> bool:
    """Close one seal of the audit chain and anchor it at supervision; False when nothing was open."""
    with app.work(f"service:{app.name}") as ctx:
        closed = audit.seal(ctx.tx, ctx.now, app.keys.sign)
        if closed is not None:
            ctx.emit(audit_pb2.AuditSealed(service=app.name, seal_no=closed.seal_no, hash=closed.hash,
                                           rows=closed.rows), subject=f"audit:{app.name}")
    return closed is not None


def round_of_work(app: App) -> bool:
    """One turn of everything but the seal; True when something was done."""
    done = bool(fire_timers(app))
    for loop in app.service.loops:
        done = loop(app) or done
    return done
