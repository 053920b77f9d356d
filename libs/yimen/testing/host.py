"""A small service for tests of the bus: it counts what it handles, and fails when it is told to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from yimen.aid.v1 import events_pb2 as aid
from yimen.bus import outbox
from yimen.bus.envelope import Envelope
from yimen.bus.events import kind_of
from yimen.bus.processor import Handler, Processor
from yimen.kernel.clock import SystemClock
from yimen.kernel.errors import NotYet
from yimen.store import migrate
from yimen.store.types import RowId
from yimen.store.unit import Store, Tx
from yimen.telemetry.tracing import Telemetry

METADATA = sa.MetaData()
# Every effect of the handler, in the order in which it was committed.
effect = sa.Table(
    "effect", METADATA,
    sa.Column("position", RowId, primary_key=True, autoincrement=True),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
)


class Host:
    """Says `output.recorded` events and counts those that it receives."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self.store, self.telemetry = name, Store(url), Telemetry(name)
        self.may_have_spoken = True
        # Subjects whose events raise, and subjects whose events wait for a cause.
        self.poison: set[str] = set()
        self.early: set[str] = set()
        handlers: dict[str, Handler] = {kind_of(aid.OutputRecorded).wire_type: self._on_output}
        self.processor = Processor(self, handlers)
        migrate.upgrade(self.store, [])
        METADATA.create_all(self.store.engine)

    def machine_now(self) -> datetime:
        return SystemClock().now()

    def county_now(self) -> datetime:
        return SystemClock().now()

    def context(self, tx: Tx, actor: str) -> Any:
        return tx

    def _on_output(self, tx: Tx, event: aid.OutputRecorded, envelope: Envelope) -> None:
        tx.insert(effect, subject=event.case_id, number=int(event.detail_code))
        if event.case_id in self.poison:
            raise ValueError("poison")
        if event.case_id in self.early:
            raise NotYet("its cause has not arrived")

    def say(self, subject: str, *numbers: int) -> None:
        """Events about a subject, in one transaction."""
        with self.store.transaction() as tx:
            for number in numbers:
                outbox.say(tx, self.name, aid.OutputRecorded(case_id=subject, detail_code=str(number)), subject, subject,
                           "", self.machine_now(), "")
        self.may_have_spoken = True

    def effects(self, subject: str = "") -> list[int]:
        """Numbers handled (of one subject), in order."""
        with self.store.transaction(write=False) as tx:
            chosen: dict[str, Any] = {"subject": subject} if subject else {}
            return [row["number"] for row in tx.find(effect, order_by=effect.c.position, **chosen)]

    def retry_all(self) -> None:
        """Try everything parked again."""
        self.processor.retry_parked(everything=True)

    def close(self) -> None:
        """Give the connections back."""
        self.store.close()
