"""The outbox: what a service has said, in order, until the relay has published it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.message import Message
from yimen.bus.events import kind_of
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.store.tables import outbox
from yimen.store.unit import Row, Tx


def say(tx: Tx, source: str, message: Message, subject: str, partition_key: str, audience: str,
        now: datetime, traceparent: str) -> str:
    """Add an event to the outbox; it commits with the state that it tells of. Returns its id.

    The id follows from source, subject and sequence, so a transaction that is repeated says the same.
    """
    body = message.SerializeToString(deterministic=True)
    if len(body) > limits.PAYLOAD_BYTES_MAX:
        raise Fault("PAYLOAD_TOO_LARGE", size=len(body), limit=limits.PAYLOAD_BYTES_MAX)
    sequence = tx.largest(outbox.c.subject_seq, subject=subject) + 1
    event_id = derived("event", source, subject, sequence)
    tx.insert(outbox, event_id=event_id, type=kind_of(type(message)).wire_type, subject=subject,
              subject_seq=sequence, partition_key=partition_key, audience=audience, body=body, traceparent=traceparent,
              created_at=now)
    return event_id


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


def publish_again(tx: Tx, event_id: str) -> None:
    """Once more; who has it already knows its id. Raises Fault EVENT_NOT_FOUND."""
    if not tx.update(outbox, {"event_id": event_id}, published_at=None):
        raise Fault("EVENT_NOT_FOUND", event_id=event_id[:64])
