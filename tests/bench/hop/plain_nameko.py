"""Peer: nameko as its documentation shows it, with SQLAlchemy, and the guarantee added by hand."""

# ruff: noqa: E402, I001
import eventlet

eventlet.monkey_patch()

import sys
from datetime import UTC, datetime
from typing import Any

import nameko
import sqlalchemy as sa
from kombu import Exchange, Queue
from kombu.serialization import register
from nameko.messaging import Consumer, Publisher
from nameko.runners import ServiceRunner

from yimen.bus.envelope import CONTENT_TYPE, from_headers
from yimen.bus.topology import exchange_of, quorum_queue

from tests.bench.hop.statements import CHANGE, MARK, REMEMBER, SAY, changed, remembered, said

database, broker = sys.argv[1:3]
register("protobuf", bytes, bytes, CONTENT_TYPE, "binary")
nameko.config.setup({"AMQP_URI": broker, "max_workers": 10, "ACCEPT": ["protobuf", "json"]})
engine = sa.create_engine(database, pool_size=10)
QUEUE: Queue = quorum_queue("sink")
QUEUE.no_declare = True
OUT = Exchange(exchange_of("sink"), "topic", durable=True, no_declare=True)


class Consumed(Consumer):  # type: ignore[misc]
    """With the headers, which nameko hands to the context only."""

    def handle_message(self, body: Any, message: Any) -> None:
        super().handle_message((body, message.headers), message)


take = Consumed.decorator


class Sink:
    """One service, ten workers."""

    name = "sink"
    publish = Publisher(OUT, use_confirms=True, mandatory=True, declare=[])

    @take(QUEUE, prefetch_count=10)
    def on_output(self, received: Any) -> None:
        """One transaction, publish with a confirm, a second transaction for the mark."""
        body, headers = received
        event = from_headers(headers, bytes(body))
        now = datetime.now(UTC)
        row, out = said(event, now)
        with engine.begin() as connection:
            if connection.execute(REMEMBER, remembered(event, now)).first() is None:
                return
            connection.execute(CHANGE, changed(event))
            connection.execute(SAY, row)
        self.publish(out.body, routing_key=out.routing_key, headers=out.headers(), content_type=CONTENT_TYPE,
                     content_encoding="binary", serializer=None, delivery_mode=2, message_id=out.event_id)
        with engine.begin() as connection:
            connection.execute(MARK, {"of": out.event_id, "at": datetime.now(UTC)})


runner = ServiceRunner()
runner.add_service(Sink)
runner.start()
runner.wait()
