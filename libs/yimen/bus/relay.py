"""The relay: takes events from the outbox in their order and publishes them until they are confirmed."""

from __future__ import annotations

import logging
from typing import Protocol

from yimen.bus import outbox
from yimen.bus.envelope import Envelope, from_outbox
from yimen.bus.processor import Host
from yimen.telemetry.tracing import SpanKind

_log = logging.getLogger(__name__)


class Publishes(Protocol):
    """A publisher; RabbitMQ's or a test's."""

    def publish(self, batch: list[Envelope]) -> set[str]:
        """Ids that are safe."""
        ...


def relay_once(host: Host, publisher: Publishes) -> int:
    """Publish one batch and mark what was confirmed; returns how many rows were waiting.

    Killed between confirm and mark it publishes again: consumers know the ids (inbox).
    """
    with host.store.transaction(write=False) as tx:
        rows = outbox.unpublished(tx)
    if not rows:
        return 0
    batch = [from_outbox(host.name, row) for row in rows]
    for event in batch:
        if event.traceparent:
            attributes: dict[str, str | bool | int | float] = {
                "messaging.system": "rabbitmq", "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": event.name, "messaging.message.id": event.event_id}
            with host.telemetry.span(f"send {event.name}", SpanKind.PRODUCER, attributes, event.traceparent):
                pass
    safe = publisher.publish(batch)
    with host.store.transaction() as tx:
        outbox.mark_published(tx, safe, host.machine_now())
    if len(safe) < len(batch):
        _log.warning("events not confirmed", extra={"count": len(batch) - len(safe)})
    return len(rows)
