"""What an operator can do with parked events: see, release, discard with a reason that is audited."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.store import audit
from yimen.store.tables import parked
from yimen.store.unit import Row, Tx

TYPE_UNKNOWN = "EVENT_TYPE_UNKNOWN"


def held(tx: Tx) -> list[Row]:
    """The oldest parked events."""
    return tx.find(parked, order_by=parked.c.position, limit=limits.PARK_BATCH_MAX)


def one(tx: Tx, event_id: str) -> Row:
    """One parked event. Raises Fault PARKED_NOT_FOUND."""
    row = tx.first(parked, event_id=event_id)
    if row is None:
        raise Fault("PARKED_NOT_FOUND", event_id=event_id)
    return row


def release(tx: Tx, event_id: str, now: datetime) -> None:
    """Due at once. Raises Fault PARKED_NOT_FOUND."""
    if not tx.update(parked, {"event_id": event_id}, next_attempt_at=now):
        raise Fault("PARKED_NOT_FOUND", event_id=event_id)


def release_known(tx: Tx, known: Collection[str], now: datetime) -> None:
    """Due at once: what a release before parked because it did not know the type, of the types that are known now."""
    for row in tx.find(parked, parked.c.reason.startswith(TYPE_UNKNOWN), parked.c.type.in_(known),
                       order_by=parked.c.position, limit=limits.PARK_BATCH_MAX):
        release(tx, row["event_id"], now)


def discard(tx: Tx, event_id: str, reason: str, now: datetime) -> None:
    """Give it up; what waited behind it goes on. Raises Fault PARKED_NOT_FOUND or REASON_REQUIRED."""
    if not reason.strip():
        raise Fault("REASON_REQUIRED")
    row = tx.first(parked, event_id=event_id, lock=True)
    if row is None:
        raise Fault("PARKED_NOT_FOUND", event_id=event_id)
    tx.delete(parked, event_id=event_id)
    following = tx.first(parked, subject=row["subject"], order_by=parked.c.position)
    if following is not None:
        tx.update(parked, {"event_id": following["event_id"]}, state="failed", next_attempt_at=row["parked_at"])
    audit.record(tx, now, audit.OPERATOR, "parked.discarded", event_id, {"type": row["type"], "reason": reason})
