"""The ceiling: the same bytes and rows in batches through kombu and psycopg, nothing else."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import psycopg
from kombu import Connection, Consumer
from yimen.bus.envelope import from_headers
from yimen.bus.publisher import Publisher
from yimen.bus.topology import exchange_of, quorum_queue
from yimen.kernel import limits

from tests.bench.hop.statements import changed, remembered, said

database, url = sys.argv[1:3]


def copy(cursor: Any, table: str, rows: list[dict[str, Any]]) -> None:
    """COPY is the fastest way in that PostgreSQL has."""
    with cursor.copy(f"copy {table} ({', '.join(rows[0])}) from stdin") as into:
        for row in rows:
            into.write_row(tuple(row.values()))


def handle(messages: list[Any]) -> None:
    """One batch: rows in, commit, publish, confirmed, mark, acknowledge."""
    events = [from_headers(message.headers, bytes(message.body)) for message in messages]
    now = datetime.now(UTC)
    out = [said(event, now) for event in events]
    with store.transaction(), store.cursor() as cursor:
        copy(cursor, "inbox", [remembered(event, now) for event in events])
        copy(cursor, "effect", [changed(event) for event in events])
        copy(cursor, "outbox", [row for row, _ in out])
    safe = publisher.publish([envelope for _, envelope in out])
    with store.transaction():
        store.execute("update outbox set published_at = %s where event_id = any(%s)", (datetime.now(UTC), list(safe)))
    messages[-1].ack(multiple=True)


waiting: list[Any] = []
with (psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as store, Connection(url) as connection):
    publisher = Publisher(url, exchange_of("sink"))
    consumer = Consumer(connection, [quorum_queue("sink")], on_message=waiting.append, auto_declare=False)
    consumer.qos(prefetch_count=2 * limits.BATCH_EVENTS_MAX)
    with consumer:
        while True:
            try:
                while len(waiting) < limits.BATCH_EVENTS_MAX:
                    connection.drain_events(timeout=limits.BATCH_WAIT_MS_MAX / 1000)
            except TimeoutError:
                pass
            if waiting:
                batch, waiting[:] = waiting[:limits.BATCH_EVENTS_MAX], waiting[limits.BATCH_EVENTS_MAX:]
                handle(batch)
