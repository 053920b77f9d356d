"""What happens to a batch of events in a service: dedupe, keep order, handle, park, commit once.

The order never varies: decode → dedupe (inbox) → hold back behind a failed event of the same subject →
handle in a savepoint → park what cannot be handled → commit. The caller acknowledges only after the commit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from google.protobuf.message import Message
from yimen.bus import parking
from yimen.bus.envelope import Envelope, from_parked
from yimen.bus.events import decode
from yimen.kernel import limits
from yimen.kernel.errors import Fault, NotYet
from yimen.store.tables import inbox, parked
from yimen.store.unit import Row, Store, Tx
from yimen.telemetry.logs import describe_error
from yimen.telemetry.tracing import SpanKind, Telemetry

_log = logging.getLogger(__name__)
WAITING, FAILED, BEHIND = "waiting", "failed", "behind"

# None: the service only bears witness that the event arrived, in its order.
Handler = Callable[[Any, Any, Envelope], None] | None


class Host(Protocol):
    """What the processor needs of the service that it works for."""

    name: str
    store: Store
    telemetry: Telemetry

    def context(self, tx: Tx, actor: str) -> Any:
        """What a handler is given."""
        ...

    def machine_now(self) -> datetime:
        """For retry times: the machine's time, not the county's."""
        ...

    def county_now(self) -> datetime:
        """The time that events carry."""
        ...


class Processor:
    """Handles batches for one service. `handlers` maps a wire type to its handler; of the types in
    `addressed` it takes only what concerns itself."""

    def __init__(self, host: Host, handlers: Mapping[str, Handler], addressed: frozenset[str] = frozenset()) -> None:
        self._host, self._handlers, self._addressed = host, handlers, addressed
        # Whether this process may have parked something; saves the embedded bus a look at the table.
        self.may_hold_parked = True

    def subscribes(self, event: Envelope) -> bool:
        """Whether the service has a handler for this type and the event concerns it."""
        if event.type not in self._handlers:
            return False
        return event.concerns(self._host.name) or event.type not in self._addressed

    def handle_batch(self, batch: Sequence[Envelope]) -> None:
        """All effects of the batch in one transaction. Raises Fault DATABASE_UNAVAILABLE with nothing done.

        First all together, without savepoints; when one event makes trouble the batch is undone and done
        again with each event in a savepoint of its own, so that only the troublesome one is parked.
        """
        meter = self._host.telemetry.meter
        try:
            self._all_together(batch)
        except Exception as error:
            if is_database_away(error):
                raise
            meter.add("yimen.batch.redone")
            self._one_by_one(batch)
        meter.observe("yimen.batch.size", len(batch))
        if meter.recording:
            self._measure(batch)

    def _measure(self, batch: Sequence[Envelope]) -> None:
        now = self._host.county_now()
        for event in batch:
            if event.time:
                waited = (now - datetime.fromisoformat(event.time)).total_seconds()
                with self._host.telemetry.within(event.traceparent):  # the exemplar leads to the event's trace
                    self._host.telemetry.meter.observe("yimen.hop.latency", max(0.0, waited),
                                                       {"messaging.destination.name": event.name})

    def _all_together(self, batch: Sequence[Envelope]) -> None:
        with self._host.store.transaction() as tx:
            if self._held(tx, {event.subject for event in batch}):
                raise NotYet("搁置事件须逐个处理")
            for event in self._new_ones(tx, batch):
                self._handle(tx, event)

    def _one_by_one(self, batch: Sequence[Envelope]) -> None:
        with self._host.store.transaction() as tx:
            # subject → the gravest state among its parked events
            held = self._held(tx, {event.subject for event in batch})
            for event in self._new_ones(tx, batch):
                state = held.get(event.subject)
                if state == FAILED:
                    self._park(tx, event, BEHIND, "前一事件尚未处理")
                    continue
                trouble = self._attempt(tx, event)
                if trouble:
                    held[event.subject] = max(trouble, state or trouble, key=(WAITING, FAILED).index)
                elif state == WAITING:
                    self._retry_waiting(tx, event.subject)

    def resume(self) -> None:
        """After an upgrade: what was parked because the release before did not know its type is due at once."""
        with self._host.store.transaction() as tx:
            parking.release_known(tx, self._handlers, self._host.machine_now())

    def retry_parked(self, everything: bool = False) -> int:
        """Try again what is due (or all); returns how many were handled. Each subject in its own transaction."""
        with self._host.store.transaction(write=False) as tx:
            due = () if everything else (parked.c.next_attempt_at <= self._host.machine_now(),)
            # `behind` rows too: one that was parked while its head was just being handled has no head any more.
            rows = tx.find(parked, *due, order_by=parked.c.position, limit=limits.PARK_BATCH_MAX)
        self.may_hold_parked = bool(rows)
        return sum(self._retry_subject(subject, everything) for subject in dict.fromkeys(row["subject"] for row in rows))

    # ----------------------------------------------------------------------------------------------
    def _new_ones(self, tx: Tx, batch: Sequence[Envelope]) -> list[Envelope]:
        first: dict[str, Envelope] = {}
        for event in batch:
            first.setdefault(event.event_id, event)
        now = self._host.machine_now()
        new = tx.insert_unseen(inbox.c.event_id, [
            {"event_id": event.event_id, "source": event.source, "type": event.type, "subject": event.subject,
             "subject_seq": event.subject_seq, "received_at": now}
            for event in first.values()
        ])
        return [event for event in first.values() if event.event_id in new]

    def _held(self, tx: Tx, subjects: set[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in tx.find(parked, subject=subjects):
            failed = row["state"] != WAITING or found.get(row["subject"]) == FAILED
            found[row["subject"]] = FAILED if failed else WAITING
        return found

    def _attempt(self, tx: Tx, event: Envelope) -> str:
        """Handle one event; on trouble undo its part, park it and say in which state."""
        try:
            with tx.savepoint():
                self._handle(tx, event)
        except NotYet as reason:
            self._park(tx, event, WAITING, str(reason))
            return WAITING
        except Exception as error:
            if is_database_away(error):
                raise


            _log.warning("event parked", extra={"event_type": event.type, "subject": event.subject,
                                                "reason": describe_error(error)})
            self._park(tx, event, FAILED, describe_error(error))
            return FAILED
        return ""

    def _handle(self, tx: Tx, event: Envelope) -> None:
        if event.type not in self._handlers:
            raise Fault("EVENT_TYPE_UNKNOWN", type=event.type[:64])
        handler = self._handlers[event.type]
        if handler is None:
            return
        attributes: dict[str, str | bool | int | float] = {
            "messaging.system": "rabbitmq", "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": event.name, "messaging.message.id": event.event_id,
            "yimen.subject": event.subject,
        }
        with self._host.telemetry.span(f"process {event.name}", SpanKind.CONSUMER, attributes, event.traceparent):
            message: Message = decode(event.type, event.body)
            handler(self._host.context(tx, f"service:{self._host.name}"), message, event)

    def _park(self, tx: Tx, event: Envelope, state: str, reason: str) -> None:
        self.may_hold_parked = True
        now = self._host.machine_now()
        tx.insert(parked, event_id=event.event_id, source=event.source, type=event.type, subject=event.subject,
                  subject_seq=event.subject_seq, partition_key=event.partition_key, body=event.body,
                  traceparent=event.traceparent, time=event.time, state=state, reason=reason, attempts=1,
                  next_attempt_at=now + timedelta(seconds=limits.RETRY_S_FIRST), parked_at=now)

    def _retry_waiting(self, tx: Tx, subject: str) -> None:
        """A cause may just have arrived for those that wait on this subject."""
        for row in tx.find(parked, subject=subject, state=WAITING, order_by=parked.c.position):
            self._retry_row(tx, row)

    def _retry_subject(self, subject: str, everything: bool) -> int:
        """In order; the first that fails again holds the rest back, and while it is not due they wait."""
        handled = 0
        with self._host.store.transaction() as tx:
            rows = tx.find(parked, subject=subject, order_by=parked.c.position,
                           limit=limits.PARK_BATCH_MAX, lock=True)
            head = next((row for row in rows if row["state"] != WAITING), rows[0] if rows else None)
            if head is None or (not everything and head["next_attempt_at"] > self._host.machine_now()):
                return 0
            for row in rows:
                if self._retry_row(tx, row):
                    handled += 1
                elif row["state"] != WAITING:
                    break
        return handled

    def _retry_row(self, tx: Tx, row: Row) -> bool:
        try:
            with tx.savepoint():
                self._handle(tx, from_parked(row))
        except Exception as error:
            if is_database_away(error):
                raise
            waits = isinstance(error, NotYet)
            attempts = row["attempts"] + 1
            pause = limits.retry_pause_s(attempts)
            tx.update(parked, {"event_id": row["event_id"]}, attempts=attempts,
                      state=WAITING if waits else FAILED, reason=str(error) if waits else describe_error(error),
                      next_attempt_at=self._host.machine_now() + timedelta(seconds=pause))
            return False
        tx.delete(parked, event_id=row["event_id"])
        return True


def is_database_away(error: Exception) -> bool:
    return isinstance(error, Fault) and error.code == "DATABASE_UNAVAILABLE"
