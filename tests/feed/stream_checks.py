"""The stream on a real broker, as an integrator with a user of his own meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from amqp.exceptions import AccessRefused
from kombu import Connection, Queue
from yimen.bus import stream
from yimen.bus.topology import exchange_of, queue_of
from yimen.cli.feed import find_gaps
from yimen.kernel import resident_id
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month
from yimen.rehearsal.world import wait_until
from yimen.stack.integrators import admit
from yimen.stack.stack import Stack
from yimen.store.unit import Store

from services.feed.tables import entry

IDLE_S = 2.0
SUBSCRIBER_LINES = 5  # the catalogues of the departments alone are more
NEW_TYPE = "application.submitted.v1"


def _entries(stack: Stack) -> int:
    store = Store(stack.databases["feed"])
    with store.transaction(write=False) as tx:
        count = tx.count(entry)
        left = tx.count(entry, streamed_at=None)
    store.close()
    return count if not left else -1


def check_stream(stack: Stack, sample: County) -> None:
    """Numbers without a gap, replay by offset and time, a durable queue, and no right beyond these."""
    url = admit(stack.state.components, stack.state.tenancy, "feed", "clinic", [NEW_TYPE], durable=True)
    wait_until(lambda: _entries(stack) > 0, 60, "the feed is not on the stream")
    everything = list(stream.read(url, "feed", stream.FIRST, IDLE_S))
    wrong, count = find_gaps(event for _, event in everything)
    assert wrong == [] and count == _entries(stack)

    [offset, middle] = everything[len(everything) // 2]
    again = next(iter(stream.read(url, "feed", offset, IDLE_S)))
    assert again == (offset, middle)
    assert len(list(stream.read(url, "feed", datetime.now(UTC) - timedelta(days=1), IDLE_S))) == len(everything)
    assert list(stream.read(url, "feed", datetime.now(UTC) + timedelta(hours=1), IDLE_S)) == []

    _check_rights(url)
    _check_own_queue(url, stack, sample)
    _check_subscriber(url)


def _check_rights(url: str) -> None:
    for exchange in (stream.public_exchange_of("feed"), exchange_of("feed"), exchange_of("basic_living")):
        with Connection(url) as connection, pytest.raises(AccessRefused):
            channel = connection.channel()
            channel.confirm_select()
            producer = connection.Producer(channel)
            producer.publish(b"forged", exchange=exchange, routing_key="aid.granted.v1")
            connection.drain_events(timeout=5)
    for queue in (queue_of("feed"), queue_of("payment"), stream.queue_for("feed", "somebody_else")):
        with Connection(url) as connection, pytest.raises(AccessRefused):
            connection.channel().basic_consume(queue)
    with Connection(url) as connection, pytest.raises(AccessRefused):
        connection.channel().queue_declare("yimen.feed.for.clinic.more", durable=True)


def _check_own_queue(url: str, stack: Stack, sample: County) -> None:
    """What happens while the integrator is away waits in his queue."""
    month = Month(stack, sample, households=0, seed=1)
    month.prepare()
    story = read(FILES / "c10_private_car.yaml")
    for place, member in enumerate(story.application.members):  # other people: the month's are there already
        member.resident_id = resident_id.make("990199", date(1980, 2, 1 + place), 7)
    receipt = month.players.submit(replace(story, key="stream-check")).receipt_no
    got: list[dict[str, object]] = []

    def arrived() -> bool:
        with Connection(url) as connection:
            message = Queue(stream.queue_for("feed", "clinic"), channel=connection.channel(), no_declare=True).get()
            if message:
                got.append(json.loads(message.body))
                message.ack()
        return any(one["data"]["receipt_no"] == receipt for one in got)  # type: ignore[index]

    wait_until(arrived, 30, "nothing came into the integrator's queue")
    assert {one["type"] for one in got} == {NEW_TYPE}


def _check_subscriber(url: str) -> None:
    process = subprocess.Popen([sys.executable, "deploy/feed/subscriber.py", url, "0"], stdout=subprocess.PIPE, text=True,
                               env={"PYTHONUNBUFFERED": "1", "PATH": "/usr/bin:/bin"})
    try:
        assert process.stdout is not None
        numbers = [int(process.stdout.readline().split()[0]) for _ in range(SUBSCRIBER_LINES)]
    finally:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    assert numbers == list(range(1, SUBSCRIBER_LINES + 1))
