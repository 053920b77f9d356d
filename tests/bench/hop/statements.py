"""What the peers do in one transaction: the same rows as ours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.bus.events import kind_of
from yimen.kernel.ids import derived
from yimen.store.tables import inbox, outbox
from yimen.testing.host import effect

REMEMBER = postgresql.insert(inbox).on_conflict_do_nothing().returning(inbox.c.event_id)
CHANGE = sa.insert(effect)
SAY = sa.insert(outbox)
MARK = sa.update(outbox).where(outbox.c.event_id == sa.bindparam("of")).values(published_at=sa.bindparam("at"))
WIRE_TYPE = kind_of(aid.OutputRecorded).wire_type


def remembered(event: Envelope, now: datetime) -> dict[str, Any]:
    """The inbox row."""
    return {"event_id": event.event_id, "source": event.source, "type": event.type, "subject": event.subject,
            "subject_seq": event.subject_seq, "received_at": now}


def changed(event: Envelope) -> dict[str, Any]:
    """The state: the handler decodes the message."""
    message = aid.OutputRecorded.FromString(event.body)
    return {"subject": message.case_id, "number": int(message.detail_code)}


def said(event: Envelope, now: datetime) -> tuple[dict[str, Any], Envelope]:
    """The outbox row and the event on the wire. Every case is new, so the number within it is 1."""
    message = aid.OutputRecorded.FromString(event.body)
    body = aid.OutputRecorded(case_id=message.case_id, detail_code=message.detail_code).SerializeToString()
    event_id = derived("event", "sink", event.subject, 1)
    row = {"event_id": event_id, "type": WIRE_TYPE, "subject": event.subject, "subject_seq": 1,
           "partition_key": event.subject, "audience": "", "body": body, "traceparent": "", "created_at": now}
    return row, Envelope(event_id, WIRE_TYPE, "sink", event.subject, 1, event.subject, "", now.isoformat(), body)
