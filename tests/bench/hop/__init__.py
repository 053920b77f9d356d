"""hop: consume, dedupe, change state, write the outbox, commit, publish, confirmed, marked; per second.

Everybody gives the same guarantee for each message (nothing lost, one effect, nothing published before its commit)
on the same RabbitMQ (quorum queues) and the same PostgreSQL tables, with two processes: ours a worker and a relay,
as deployed; the peers two consumers each, one transaction per message, as their documentation shows. Each message
is a case of its own, so nobody waits for anybody's order. `raw` is what kombu and psycopg do with the same bytes
and rows in batches, without decoding, guarantee of order, or SQLAlchemy: the ceiling.
"""

from __future__ import annotations

import os
import subprocess
import sys

from kombu import Connection
from yimen.aid.v1 import events_pb2 as aid
from yimen.bus import topology
from yimen.bus.envelope import from_outbox
from yimen.bus.publisher import Publisher
from yimen.rehearsal.world import wait_until
from yimen.runtime.declaration import Channel, Service
from yimen.stack.components import Components, Tenancy, move_out, obtain, settle_in
from yimen.store.tables import inbox, outbox
from yimen.testing.host import Host, effect

from tests.bench.report import Row

NAMES = ["source", "sink"]
MESSAGES, WAIT_S, FILL_BATCH = 6_000, 180.0, 200
# name → modules that run beside each other.
PEERS = {
    "ours": ["tests.bench.hop.worker", "tests.bench.hop.relay"],
    "plain nameko": ["tests.bench.hop.plain_nameko"] * 2,
    "FastStream + aio-pika": ["tests.bench.hop.with_faststream"] * 2,
    "raw kombu and psycopg": ["tests.bench.hop.raw"],
}


def run() -> list[Row]:
    """Each in turn over the same messages, on empty tables."""
    components = obtain()
    instance = f"hop{os.getpid()}"
    try:
        rates = {name: _measure(components, instance, modules) for name, modules in PEERS.items()}
    finally:
        move_out(components, instance, NAMES)
        components.stop()
    unit = "events/s, one transaction's guarantee each"
    return [Row("hop", unit, rates["ours"], name, rate) for name, rate in rates.items() if name != "ours"]


def _measure(components: Components, instance: str, modules: list[str]) -> float:
    tenancy = _prepare(components, instance)
    sink = Host("sink", tenancy.databases["sink"])
    _fill(tenancy)
    processes = [subprocess.Popen([sys.executable, "-m", module, tenancy.databases["sink"], tenancy.brokers["sink"]])
                 for module in modules]
    try:
        wait_until(lambda: _published(sink) >= MESSAGES, WAIT_S, f"{modules}: {_published(sink)} of {MESSAGES}", pause_s=0.5)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    rate = _check(sink, tenancy)
    sink.close()
    return rate


def _prepare(components: Components, instance: str) -> Tenancy:
    move_out(components, instance, NAMES)
    declared = [Service(name, name, "", handlers={aid.OutputRecorded: None}, channel=Channel(name, name)) for name in NAMES]
    tenancy = settle_in(components, instance, declared)
    topology.declare_at(tenancy.broker_admin, declared)
    # What the sink says must not come back to it.
    with Connection(tenancy.broker_admin) as connection:
        connection.default_channel.queue_unbind(topology.queue_of("sink"), topology.EVENTS, "output.recorded.*")
        connection.default_channel.queue_bind(topology.queue_of("sink"), topology.exchange_of("source"), "#")
        connection.default_channel.queue_unbind(topology.queue_of("source"), topology.EVENTS, "output.recorded.*")
        connection.default_channel.queue_bind(topology.queue_of("source"), topology.exchange_of("sink"), "#")
    return tenancy


def _fill(tenancy: Tenancy) -> None:
    source = Host("source", tenancy.databases["source"])
    for number in range(MESSAGES):
        source.say(f"case-{number:06d}", number)
    publisher = Publisher(tenancy.brokers["source"], topology.exchange_of("source"))
    with source.store.transaction(write=False) as tx:
        said = [from_outbox("source", row) for row in tx.find(outbox, order_by=outbox.c.position)]
    for start in range(0, MESSAGES, FILL_BATCH):
        batch = said[start:start + FILL_BATCH]
        assert len(publisher.publish(batch)) == len(batch)
    publisher.close()
    source.close()


def _published(sink: Host) -> int:
    with sink.store.transaction(write=False) as tx:
        return tx.count(outbox, outbox.c.published_at.is_not(None))


def _check(sink: Host, tenancy: Tenancy) -> float:
    """Every effect once, every event confirmed and in its queue; then the rate, from the rows' own times."""
    with sink.store.transaction(write=False) as tx:
        assert sorted(row["number"] for row in tx.find(effect)) == list(range(MESSAGES))
        assert tx.count(inbox) == tx.count(outbox) == MESSAGES
        begun = tx.first(inbox, order_by=inbox.c.received_at)
        ended = tx.first(outbox, order_by=outbox.c.published_at.desc())
    with Connection(tenancy.broker_admin) as connection:
        queue = connection.default_channel.queue_declare(topology.queue_of("source"), passive=True)
    assert begun is not None and ended is not None and queue.message_count >= MESSAGES
    return MESSAGES / float((ended["published_at"] - begun["received_at"]).total_seconds())


