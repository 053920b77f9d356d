"""Ours: a host whose handler changes state and says an event, as a department's does."""

from __future__ import annotations

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus import outbox
from yimen.bus.envelope import Envelope
from yimen.store.unit import Tx
from yimen.testing.host import Host


class HopHost(Host):
    """Counts, and answers every event with one."""

    def _on_output(self, tx: Tx, event: aid.OutputRecorded, envelope: Envelope) -> None:
        super()._on_output(tx, event, envelope)
        outbox.say(tx, self.name, aid.OutputRecorded(case_id=event.case_id, detail_code=event.detail_code),
                   event.case_id, event.case_id, "", self.machine_now(), "")
