"""One writer numbers what has happened: without a gap in the feed, without a gap in each case, in order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from yimen.bus.envelope import Envelope
from yimen.bus.events import event_kinds
from yimen.bus.processor import Handler
from yimen.bus.public import public_data, public_kinds
from yimen.kernel.errors import NotYet
from yimen.runtime.context import Context
from yimen.store.unit import Tx

from services.feed.tables import counter, entry, heard

COUNTER = "feed"


def record(ctx: Context, message: Message, envelope: Envelope) -> None:
    """Take in one event. It waits while what its source said before about the same subject has not come."""
    if _hear(ctx, envelope) and envelope.type in public_kinds():
        ctx.tx.gather(_number, {
            "event_id": envelope.event_id, "type": envelope.type, "source": envelope.source,
            "source_seq": envelope.subject_seq, "subject": envelope.subject, "time": _rfc3339(envelope.time),
            "traceparent": envelope.traceparent, "data": public_data(message), "streamed_at": None})


def _hear(ctx: Context, envelope: Envelope) -> bool:
    """Whether the event is the next of its source about its subject; False for one that has been taken in."""
    key = {"source": envelope.source, "subject": envelope.subject}
    number = envelope.subject_seq
    if number == 1:
        return bool(ctx.tx.insert_new(heard, **key, subject_seq=1))
    if ctx.tx.update(heard, {**key, "subject_seq": number - 1}, subject_seq=number):
        return True
    before = ctx.tx.first(heard, **key)
    if before is None or before["subject_seq"] < number:
        raise NotYet("同一来源关于本案的前一事件未到")
    return False


def _number(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Give the entries of a batch their numbers, in the order in which they were taken in."""
    # The counter's row is ours until the commit: nobody else numbers meanwhile.
    number = tx.advance(counter.c.last, len(rows), name=COUNTER) - len(rows)
    of_case = tx.largest_by(entry.c.subject, entry.c.case_sequence, subject={row["subject"] for row in rows})
    for row in rows:
        number += 1
        of_case[row["subject"]] = of_case.get(row["subject"], 0) + 1
        row |= {"sequence": number, "case_sequence": of_case[row["subject"]]}
    tx.insert_all(entry, rows)


def _rfc3339(time: str) -> str:
    return datetime.fromisoformat(time).isoformat(timespec="milliseconds") if time else ""


HANDLERS: dict[type[Message], Handler] = {kind.message: record for kind in event_kinds().values()}
