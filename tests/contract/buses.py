"""The two buses under test behind one face: a source that says, a sink that counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from kombu import Connection
from yimen.aid.v1 import events_pb2 as aid
from yimen.bus import topology
from yimen.bus.embedded import EmbeddedBus
from yimen.bus.envelope import Envelope, from_outbox
from yimen.bus.events import kind_of
from yimen.bus.publisher import Publisher
from yimen.bus.relay import relay_once
from yimen.rehearsal.world import wait_until
from yimen.runtime.declaration import Channel, Service
from yimen.stack.components import Components, Tenancy, move_out, settle_in
from yimen.store.tables import COMMON
from yimen.store.tables import outbox as outbox_table
from yimen.testing.host import METADATA, Host

NAMES = ["source", "sink"]
WAIT_S = 90.0


class Bus(Protocol):
    source: Host
    sink: Host

    def deliver(self, expected: int) -> None:
        """Until the sink has had `expected` effects."""
        ...

    def deliver_again(self, event: Envelope) -> None:
        """The same event a second time."""
        ...

    def restart_sink(self) -> None:
        """Kill the consumer and start another."""
        ...

    def stop_poison(self) -> None:
        """Whatever made the handler fail is mended."""
        ...


class Embedded:
    def __init__(self, folder: Path) -> None:
        self.source = Host("source", f"sqlite:///{folder}/source.db")
        self.sink = Host("sink", f"sqlite:///{folder}/sink.db")
        self._bus = EmbeddedBus([self.source, self.sink])

    def deliver(self, expected: int) -> None:
        self._bus.pump()
        assert len(self.sink.effects()) == expected

    def deliver_again(self, event: Envelope) -> None:
        self.sink.processor.handle_batch([event])

    def restart_sink(self) -> None:
        self.sink.close()

    def start_poison(self, *subjects: str) -> None:
        self.sink.poison = set(subjects)

    def stop_poison(self) -> None:
        self.sink.poison = set()

    def close(self) -> None:
        self.source.close()
        self.sink.close()


@contextmanager
def tenancy(components: Components) -> Iterator[Tenancy]:
    """Databases, users, exchanges and queues for two services, once for all tests."""
    instance = f"bus{os.getpid()}"
    move_out(components, instance, NAMES)
    declared = [Service(name, name, "", handlers={aid.OutputRecorded: None}, channel=Channel(name, name)) for name in NAMES]
    made = settle_in(components, instance, declared)
    topology.declare_at(made.broker_admin, declared)
    yield made
    move_out(components, instance, NAMES)


class RabbitMQ:
    def __init__(self, tenancy: Tenancy) -> None:
        self.tenancy = tenancy
        self.source = Host("source", self.tenancy.databases["source"])
        self.sink = Host("sink", self.tenancy.databases["sink"])
        self._empty()
        self._publisher = Publisher(self.tenancy.brokers["source"], topology.exchange_of("source"))
        self._poison = ""
        self._worker: subprocess.Popen[str] | None = None
        self._start()

    def _empty(self) -> None:
        for host in (self.source, self.sink):
            with host.store.transaction() as tx:
                for table in (*COMMON.sorted_tables, *METADATA.sorted_tables):
                    tx.delete(table)
        with Connection(self.tenancy.broker_admin) as connection:
            for name in NAMES:
                for queue in (topology.queue_of(name), topology.dead_queue_of(name)):
                    connection.default_channel.queue_purge(queue)

    def _start(self, unknown: str = "") -> None:
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.worker_process", "sink", self.tenancy.databases["sink"],
             self.tenancy.brokers["sink"], self._poison, unknown], stdout=subprocess.PIPE, text=True)
        assert self._worker.stdout is not None and self._worker.stdout.readline().strip() == "ready"

    def start_release_before(self) -> None:
        """A consumer that does not know yet what the source says."""
        assert self._worker is not None
        self._worker.kill()
        self._worker.wait()
        self._start(unknown=WIRE_TYPE)

    def relay(self) -> None:
        """Publish everything that was said."""
        while relay_once(self.source, self._publisher):
            pass

    def deliver(self, expected: int) -> None:
        self.relay()
        wait_until(lambda: len(self.sink.effects()) >= expected, WAIT_S,
                   f"only {len(self.sink.effects())} of {expected} arrived")

    def deliver_again(self, event: Envelope) -> None:
        assert self.deliver_one(event)

    def deliver_one(self, event: Envelope) -> bool:
        """This event alone; whether the broker has taken it."""
        return self._publisher.publish([event]) == {event.event_id}

    def restart_sink(self) -> None:
        assert self._worker is not None
        self._worker.send_signal(signal.SIGKILL)
        self._worker.wait()
        self._start()

    def start_poison(self, *subjects: str) -> None:
        self._poison = ",".join(subjects)
        self.restart_sink()

    def stop_poison(self) -> None:
        self._poison = ""
        self.restart_sink()

    def dead_letters(self) -> int:
        with Connection(self.tenancy.broker_admin) as connection:
            name = topology.dead_queue_of("sink")
            return int(connection.default_channel.queue_declare(name, passive=True).message_count)

    def publish_raw(self, exchange: str, user: str, headers: dict[str, str], body: bytes,
                    routing_key: str = "output.recorded.all") -> None:
        """Anything at all, as any user."""
        url = self.tenancy.broker_admin if user == "admin" else self.tenancy.brokers[user]
        with Connection(url) as connection:
            producer = connection.Producer()
            producer.publish(body, exchange=exchange, routing_key=routing_key, headers=headers,
                             content_type="application/protobuf", content_encoding="binary")
            # A forbidden publish is answered by closing the channel; ask for something to hear of it.
            connection.default_channel.exchange_declare(topology.EVENTS, "topic", passive=True)
            producer.channel.queue_declare(topology.dead_queue_of("sink"), passive=True)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()
        self._publisher.close()
        self.source.close()
        self.sink.close()


@contextmanager
def embedded(folder: Path) -> Iterator[Embedded]:
    bus = Embedded(folder)
    yield bus
    bus.close()


@contextmanager
def rabbitmq(tenancy: Tenancy) -> Iterator[RabbitMQ]:
    bus = RabbitMQ(tenancy)
    yield bus
    bus.close()


def said(host: Host) -> list[Envelope]:
    """Everything that a host has said."""
    with host.store.transaction(write=False) as tx:
        return [from_outbox(host.name, row) for row in tx.find(outbox_table, order_by=outbox_table.c.position)]


WIRE_TYPE = kind_of(aid.OutputRecorded).wire_type
