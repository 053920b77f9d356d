"""The public stream: what a service publishes for integrators, kept on the broker and read from any place.

    yimen.<service>.public ──▶ yimen.<service>.stream          (RabbitMQ stream; replay by offset or time)
                           └─▶ yimen.<service>.for.<name>      (a queue of one integrator's own, where he wants one)
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from kombu import Connection, Consumer, Exchange, Queue

PREFIX = "yimen"
# How long, and how much, the broker keeps; older entries are read from the service's database.
STREAM_AGE_MAX = "400D"
STREAM_BYTES_MAX = 20_000_000_000
STREAM_SEGMENT_BYTES = 50_000_000
PREFETCH = 500
FIRST = "first"


def public_exchange_of(service: str) -> str:
    """Where the service publishes for everybody."""
    return f"{PREFIX}.{service}.public"


def stream_of(service: str) -> str:
    """The stream's queue."""
    return f"{PREFIX}.{service}.stream"


def queue_for(service: str, integrator: str) -> str:
    """An integrator's own queue."""
    return f"{PREFIX}.{service}.for.{integrator}"


def declare_stream(channel: Any, service: str) -> None:
    """Exchange and stream; safe to repeat."""
    public = Exchange(public_exchange_of(service), "topic", durable=True, channel=channel)
    public.declare()
    stream = Queue(stream_of(service), durable=True, queue_arguments={
        "x-queue-type": "stream", "x-max-age": STREAM_AGE_MAX, "x-max-length-bytes": STREAM_BYTES_MAX,
        "x-stream-max-segment-size-bytes": STREAM_SEGMENT_BYTES})(channel)
    stream.declare()
    stream.bind_to(public, routing_key="#")


def declare_subscription(url: str, service: str, integrator: str, types: Sequence[str]) -> None:
    """A durable queue of the integrator's own, bound to these types (all when none is named)."""
    with Connection(url) as connection:
        channel = connection.default_channel
        queue = Queue(queue_for(service, integrator), durable=True, queue_arguments={"x-queue-type": "quorum"})(channel)
        queue.declare()
        for key in types or ["#"]:
            queue.bind_to(Exchange(public_exchange_of(service), "topic", channel=channel), routing_key=key)


def integrator_permissions(service: str, integrator: str) -> tuple[str, str, str]:
    """configure, write, read: the stream and the own queue, nothing else."""
    return "^$", "^$", rf"^{PREFIX}\.{service}\.(stream|for\.{integrator})$"


def read(url: str, service: str, offset: int | str | datetime, idle_s: float) -> Iterator[tuple[int, dict[str, Any]]]:
    """Offsets and events of the stream from `offset` on: a number, "first", "last", "next" or a moment.

    Ends when nothing has come for `idle_s` seconds.
    """
    arrived: list[tuple[int, dict[str, Any]]] = []

    def on_message(message: Any) -> None:
        arrived.append((int(message.headers["x-stream-offset"]), json.loads(message.body)))
        message.ack()

    with Connection(url) as connection:
        queue = Queue(stream_of(service), durable=True, consumer_arguments={"x-stream-offset": offset}, no_declare=True)
        consumer = Consumer(connection.channel(), [queue], on_message=on_message, prefetch_count=PREFETCH,
                            auto_declare=False, no_ack=False)
        with consumer:
            while True:
                with suppress(socket.timeout):
                    connection.drain_events(timeout=idle_s)
                if not arrived:
                    return
                yield from arrived
                arrived.clear()
