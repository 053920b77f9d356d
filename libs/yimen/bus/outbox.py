"""The outbox: what a service has said, in order, until the relay has published it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from yimen.bus.events import kind_of
from yimen.common.v1.operations_pb2 import EventDiscarded
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.store import audit
from yimen.store.tables import outbox
from yimen.store.unit import Row, Tx


def say(tx: Tx, source: str, message: Message, subject: str, partition_key: str, audience: str,
        now: datetime, traceparent: str) -> None:
    """Add an event to the outbox; it commits with the state that it tells of."""
    body = message.SerializeToString(deterministic=True)
    if len(body) > limits.PAYLOAD_BYTES_MAX:
        raise Fault("PAYLOAD_TOO_LARGE", size=len(body), limit=limits.PAYLOAD_BYTES_MAX)
    tx.gather(_write, (source, {
        "type": kind_of(type(message)).wire_type, "subject": subject, "partition_key": partition_key,
        "audience": audience, "body": body, "traceparent": traceparent, "created_at": now}))


def _write(tx: Tx, said: list[tuple[str, dict[str, Any]]]) -> None:
    """Number each within its subject. The id follows from source, subject and number, so a transaction that is
    repeated says the same."""
    last = tx.largest_by(outbox.c.subject, outbox.c.subject_seq, subject={row["subject"] for _, row in said})
    for source, row in said:
        number = last[row["subject"]] = last.get(row["subject"], 0) + 1
        row |= {"subject_seq": number, "event_id": derived("event", source, row["subject"], number)}
    tx.insert_all(outbox, [row for _, row in said])


def unpublished(tx: Tx, limit: int = limits.RELAY_BATCH_MAX) -> list[Row]:
    """The oldest events that nobody has confirmed yet."""
    return tx.find(outbox, published_at=None, order_by=outbox.c.position, limit=limit)


def mark_published(tx: Tx, event_ids: Iterable[str], now: datetime) -> None:
    """The broker has confirmed these."""
    ids = list(event_ids)
    if ids:
        tx.update(outbox, {"event_id": ids}, published_at=now)


def one(tx: Tx, event_id: str) -> Row:
    """One event, published or not. Raises Fault EVENT_NOT_FOUND."""
    row = tx.first(outbox, event_id=event_id)
    if row is None:
        raise Fault("EVENT_NOT_FOUND", event_id=event_id[:64])
    return row


def discard(tx: Tx, event_id: str, reason: str, now: datetime) -> None:
    """Withdraw an event that cannot be published. `event.discarded` takes its place, id and number: who counts
    finds no gap. Audited. Raises Fault REASON_REQUIRED, EVENT_NOT_FOUND or EVENT_ALREADY_PUBLISHED.
    """
    if not reason.strip():
        raise Fault("REASON_REQUIRED")
    row = one(tx, event_id)
    told = EventDiscarded(type=row["type"], discarded_on=now.date().isoformat(), reason=reason)
    if not tx.update(outbox, {"event_id": event_id, "published_at": None}, type=kind_of(EventDiscarded).wire_type,
                     audience="", body=told.SerializeToString(deterministic=True)):
        raise Fault("EVENT_ALREADY_PUBLISHED", event_id=event_id)
    audit.record(tx, now, audit.OPERATOR, "outbox.discarded", event_id, {"type": row["type"], "reason": reason})


def publish_again(tx: Tx, event_id: str) -> None:
    """Once more; who has it already knows its id. Raises Fault EVENT_NOT_FOUND."""
    if not tx.update(outbox, {"event_id": event_id}, published_at=None):
        raise Fault("EVENT_NOT_FOUND", event_id=event_id[:64])
