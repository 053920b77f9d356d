"""Peer: FastStream on aio-pika with SQLAlchemy on asyncpg, and the guarantee added by hand."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from faststream import FastStream
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitMessage, RabbitQueue
from sqlalchemy.ext.asyncio import create_async_engine
from yimen.bus.envelope import CONTENT_TYPE, from_headers
from yimen.bus.topology import exchange_of, queue_of

from tests.bench.hop.statements import CHANGE, MARK, REMEMBER, SAY, changed, remembered, said

database, url = sys.argv[1:3]
WORKERS = 10
engine = create_async_engine(database.replace("+psycopg", "+asyncpg"), pool_size=WORKERS)
broker = RabbitBroker(url, default_channel=Channel(prefetch_count=WORKERS, publisher_confirms=True), logger=None)
QUEUE = RabbitQueue(queue_of("sink"), queue_type=QueueType.QUORUM, durable=True, declare=False)
OUT = RabbitExchange(exchange_of("sink"), type=ExchangeType.TOPIC, durable=True, declare=False)


@broker.subscriber(QUEUE)
async def on_output(message: RabbitMessage) -> None:
    """One transaction, publish with a confirm, a second transaction for the mark."""
    event = from_headers(message.headers, message.body)
    now = datetime.now(UTC)
    row, out = said(event, now)
    async with engine.begin() as connection:
        if (await connection.execute(REMEMBER, remembered(event, now))).first() is None:
            return
        await connection.execute(CHANGE, changed(event))
        await connection.execute(SAY, row)
    await broker.publish(out.body, exchange=OUT, routing_key=out.routing_key, headers=out.headers(),
                         content_type=CONTENT_TYPE, mandatory=True, persist=True, message_id=out.event_id)
    async with engine.begin() as connection:
        await connection.execute(MARK, {"of": out.event_id, "at": datetime.now(UTC)})


asyncio.run(FastStream(broker).run())
