"""From the table to the stream: in the order of the numbers, confirmed, and again after a crash.

A number may stand on the stream twice (killed between confirm and mark); none is ever missing.
"""

from __future__ import annotations

import json
import logging

from yimen.bus.public import MEDIA_TYPE, Entry
from yimen.bus.publisher import Outgoing, Publisher
from yimen.bus.stream import public_exchange_of
from yimen.runtime.app import App
from yimen.store.unit import Row

from services.feed.tables import entry

STREAM_BATCH_MAX = 200
_log = logging.getLogger(__name__)


def entry_of(row: Row) -> Entry:
    """The entry of a row."""
    return Entry(row["sequence"], row["case_sequence"], row["event_id"], row["type"], row["source"], row["subject"],
                 row["time"], row["traceparent"], row["data"])


def as_json(row: Row) -> str:
    """The CloudEvents event as it stands on the stream."""
    return json.dumps(entry_of(row).cloud_event(), ensure_ascii=False)


class StreamEntries:
    """A loop of the server process; holds its connection."""

    def __init__(self) -> None:
        self._publisher: Publisher | None = None

    def __call__(self, app: App) -> bool:
        """One batch; True when there may be more. Without a broker (embedded) the table is the feed."""
        if not app.settings.amqp_url:
            return False
        with app.work("", write=False) as ctx:
            rows = ctx.tx.find(entry, streamed_at=None, order_by=entry.c.sequence, limit=STREAM_BATCH_MAX)
        if not rows:
            return False
        self._publisher = self._publisher or Publisher(app.settings.amqp_url, public_exchange_of(app.name))
        try:
            safe = self._publisher.send([
                Outgoing(row["event_id"], row["type"], entry_of(row).headers(), as_json(row).encode(), MEDIA_TYPE)
                for row in rows])
        except self._publisher.errors as error:
            self._publisher.close()
            self._publisher = None
            _log.warning("stream not reached", extra={"error": type(error).__name__})
            return False
        done = []
        for row in rows:  # up to the first that is not safe: what follows it is sent again behind it
            if row["event_id"] not in safe:
                break
            done.append(row["sequence"])
        with app.work(f"service:{app.name}") as ctx:
            ctx.tx.update(entry, {"sequence": done}, streamed_at=app.machine_now())
        return len(done) == len(rows)
