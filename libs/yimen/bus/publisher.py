"""Publishing with pipelined confirms: a batch is sent, then every confirm of it is awaited.

py-amqp has no `wait_for_confirms`; the acks, nacks and returns are collected from its events.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import amqp
from kombu import Connection
from yimen.bus.envelope import CONTENT_TYPE, Envelope
from yimen.kernel import limits

_log = logging.getLogger(__name__)
PERSISTENT = 2


@dataclass(frozen=True)
class Outgoing:
    """One message on its way out."""

    message_id: str
    routing_key: str
    headers: Mapping[str, str]
    body: bytes
    content_type: str = CONTENT_TYPE
    # Further routing keys: RabbitMQ delivers once to each queue that any of them reaches.
    also: Sequence[str] = ()


class Publisher:
    """One connection and channel of a service's own broker user."""

    def __init__(self, url: str, exchange: str) -> None:
        self._exchange = exchange
        self._connection = Connection(url, heartbeat=30, connect_timeout=5)
        self._channel: Any = None
        self._tags: dict[int, str] = {}
        self._confirmed: set[str] = set()
        self._returned: set[str] = set()
        self._next_tag = 1

    def connect(self) -> None:
        """Open the channel; raises the connection's error when the broker is away."""
        self._connection.connect()
        self._channel = self._connection.channel()
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)
        self._tags.clear()
        self._next_tag = 1

    def publish(self, batch: Sequence[Envelope]) -> set[str]:
        """Ids of the events that the broker has taken over and routed; see `send`."""
        return self.send([Outgoing(event.event_id, first, event.headers(), event.body, also=also)
                          for event in batch for first, *also in [event.routing_keys]])

    def send(self, batch: Sequence[Outgoing]) -> set[str]:
        """Ids that the broker has taken over and routed. Raises the connection's error when it is lost; then
        nobody knows about the rest, and they are sent again."""
        if self._channel is None:
            self.connect()
        self._confirmed, self._returned = set(), set()
        for one in batch:
            self._tags[self._next_tag] = one.message_id
            self._next_tag += 1
            headers = {**one.headers, "CC": list(one.also)} if one.also else dict(one.headers)
            message = amqp.Message(one.body, content_type=one.content_type, delivery_mode=PERSISTENT,
                                   message_id=one.message_id, application_headers=headers)
            self._channel.basic_publish(message, exchange=self._exchange, routing_key=one.routing_key, mandatory=True)
        end = time.monotonic() + limits.RELAY_CONFIRM_S_MAX
        while self._tags and time.monotonic() < end:
            self._connection.drain_events(timeout=limits.RELAY_CONFIRM_S_MAX)
        if self._returned:
            _log.error("messages nobody can receive", extra={"count": len(self._returned)})
        return self._confirmed - self._returned

    def close(self) -> None:
        """Close the connection; the next publish opens it again."""
        self._channel = None
        try:
            self._connection.release()
        except self._connection.connection_errors:
            _log.info("connection was gone already")

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """What a lost broker raises."""
        lost: tuple[type[BaseException], ...] = (*self._connection.connection_errors, *self._connection.channel_errors,
                                                 OSError)
        return lost

    def _settle(self, delivery_tag: int, multiple: bool) -> list[str]:
        tags = [t for t in self._tags if t <= delivery_tag] if multiple else [delivery_tag]
        return [self._tags.pop(tag) for tag in tags if tag in self._tags]

    def _on_ack(self, delivery_tag: int, multiple: bool) -> None:
        self._confirmed.update(self._settle(delivery_tag, multiple))

    def _on_nack(self, delivery_tag: int, multiple: bool) -> None:
        self._settle(delivery_tag, multiple)

    def _on_return(self, fault: Exception, exchange: str, routing_key: str, message: Any) -> None:
        self._returned.add(message.properties.get("message_id", ""))
