"""What a server process reads off its database and its queue for the metrics, at each export."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from yimen.bus.reach import backlog_of
from yimen.bus.topology import dead_queue_of
from yimen.store.tables import outbox, parked, timer
from yimen.telemetry.metrics import Reading

if TYPE_CHECKING:
    from yimen.runtime.app import App

PARKED_STATES = ("waiting", "failed", "behind")


def watch(app: App) -> None:
    """Register every gauge that each service has, and the service's own."""
    meter = app.telemetry.meter
    meter.watch("yimen.outbox.rows", lambda: _unpublished(app))
    meter.watch("yimen.outbox.age", lambda: _age(app))
    meter.watch("yimen.parked.events", lambda: _parked(app))
    meter.watch("yimen.timers.late", lambda: _late(app))
    if app.settings.amqp_url:
        meter.watch("yimen.dead.letters", lambda: [(backlog_of(app.settings.amqp_url, dead_queue_of(app.name))[0], {})])
    for name, read in app.service.gauges.items():
        meter.watch(name, lambda read=read: read(app))  # type: ignore[misc]  # bound now, not at the call


def _unpublished(app: App) -> Iterable[Reading]:
    with app.work("", write=False) as ctx:
        return [(ctx.tx.count(outbox, published_at=None), {})]


def _age(app: App) -> Iterable[Reading]:
    with app.work("", write=False) as ctx:
        oldest = ctx.tx.first(outbox, published_at=None, order_by=outbox.c.position)
        return [(max(0.0, (ctx.now - oldest["created_at"]).total_seconds()) if oldest else 0.0, {})]


def _parked(app: App) -> Iterable[Reading]:
    with app.work("", write=False) as ctx:
        tally = ctx.tx.tally(parked.c.state)
    return [(tally.get(state, 0), {"yimen.state": state}) for state in PARKED_STATES]


def _late(app: App) -> Iterable[Reading]:
    with app.work("", write=False) as ctx:
        return [(ctx.tx.count(timer, timer.c.due_at <= ctx.now, fired_at=None), {})]
