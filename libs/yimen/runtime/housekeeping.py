"""What a server process repeats beside answering calls: due timers, parked events, audit seals, own loops."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, time, timedelta
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from yimen.bus.processor import is_database_away
from yimen.common.v1 import audit_pb2
from yimen.kernel import limits
from yimen.kernel.clock import CHINA
from yimen.runtime.tasks import say_overdue
from yimen.store import audit
from yimen.store.tables import task, timer
from yimen.store.unit import Row
from yimen.telemetry.logs import describe_error
from yimen.telemetry.tracing import SpanKind

if TYPE_CHECKING:
    from yimen.runtime.app import App

_log = logging.getLogger(__name__)
LOOK_S = 1.0  # retries of parked events and questions to the bank fall due without a ring


def fire_timers(app: App) -> int:
    """Handle what is due, each timer in its own transaction; returns how many were looked at. One that fails is put back and
    tried again later: the others go on."""
    with app.store.transaction(write=False) as tx:
        due = tx.find(timer, timer.c.due_at <= app.clock.now(),
                      sa.or_(timer.c.next_attempt_at.is_(None), timer.c.next_attempt_at <= app.machine_now()), fired_at=None,
                      order_by=(timer.c.attempts, timer.c.due_at), limit=limits.TIMER_BATCH_MAX)
    for row in due:
        try:
            _fire(app, row)
        except Exception as error:
            if is_database_away(error):
                raise
            _put_back(app, row, describe_error(error))
    return len(due)


def _fire(app: App, row: Row) -> None:
    span = app.telemetry.span(f"timer {row['kind']}", SpanKind.INTERNAL, {"yimen.subject": row["subject"]},
                              link=row["traceparent"])
    with span, app.work(f"service:{app.name}") as ctx:
        # Somebody else may have fired or moved it since; only the one who marks it may handle it.
        if ctx.tx.update(timer, {"timer_id": row["timer_id"], "fired_at": None, "due_at": row["due_at"]}, fired_at=ctx.now):
            payload: dict[str, Any] = row["payload"]
            app.service.timers[row["kind"]](ctx, row["subject"], payload)


def _put_back(app: App, row: Row, reason: str) -> None:
    attempts = row["attempts"] + 1
    pause = timedelta(seconds=limits.retry_pause_s(attempts))
    _log.warning("timer put back", extra={"timer": row["kind"], "subject": row["subject"], "reason": reason,
                                          "attempts": attempts})
    with app.store.transaction() as tx:
        tx.update(timer, {"timer_id": row["timer_id"], "fired_at": None, "due_at": row["due_at"]}, attempts=attempts,
                  next_attempt_at=app.machine_now() + pause)


def seal_audit(app: App) -> bool:
    """Close one seal of the audit chain and anchor it at supervision; False when nothing was open."""
    with app.work(f"service:{app.name}") as ctx:
        closed = audit.seal(ctx.tx, ctx.now, app.keys.sign)
        if closed is not None:
            ctx.emit(audit_pb2.AuditSealed(service=app.name, seal_no=closed.seal_no, hash=closed.hash,
                                           rows=closed.rows), subject=f"audit:{app.name}")
    return closed is not None


class Rounds:
    """The turns of everything but the seal: a look at the database only when something was said, when the clock
    has made something due, or when the last look is long ago."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.rung = threading.Event()
        self._due: datetime | None = None
        self._quiet_since = -inf  # on the machine's monotonic clock; -inf: the last look found something

    def take(self) -> bool:
        """True when something was done."""
        app = self._app
        fell_due = self._due is not None and app.clock.now() >= self._due
        if not self.rung.is_set() and not fell_due and monotonic() - self._quiet_since < LOOK_S:
            return False
        self.rung.clear()
        self._quiet_since = -inf
        # Each has its turn every time: a heap of one kind does not keep the others waiting.
        if any([on_time(app), own_loops(app), app.processor.retry_parked() > 0]):
            return True
        self._due, self._quiet_since = next_due(app), monotonic()
        return False


def on_time(app: App) -> bool:
    """What the clock has made due."""
    return bool(fire_timers(app) + say_overdue(app))


def next_due(app: App) -> datetime | None:
    """When the clock will make something due, as far as is known now; None: nothing is open."""
    with app.store.transaction(write=False) as tx:
        timers = tx.find(timer, fired_at=None, order_by=timer.c.due_at, limit=1)
        tasks = tx.find(task, done_at=None, overdue_said=False, order_by=task.c.due_on, limit=1)
    moments = [row["due_at"] for row in timers]
    moments += [datetime.combine(row["due_on"] + timedelta(days=1), time(), CHINA) for row in tasks]
    return min(moments, default=None)


def own_loops(app: App) -> bool:
    """One turn of the service's own loops."""
    done = False
    for loop in app.service.loops:
        done = loop(app) or done
    return done
