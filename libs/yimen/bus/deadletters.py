"""What an operator can do with messages that nobody could read: see, send again, discard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import amqp
from kombu import Connection
from yimen.bus.envelope import from_headers
from yimen.bus.events import decode
from yimen.bus.publisher import PERSISTENT
from yimen.bus.topology import dead_queue_of, exchange_of
from yimen.kernel import limits
from yimen.kernel.errors import Fault

UNKNOWN = "?"


@dataclass(frozen=True)
class DeadLetter:
    """A message in a service's dead-letter queue. `problem` says why nobody can read it, as far as we see now."""

    event_id: str
    type: str
    source: str
    subject: str
    # Where it entered the broker: proof of who said it.
    exchange: str
    # rejected, delivery_limit, expired, maxlen.
    reason: str
    died_at: str
    size: int
    problem: str

    @property
    def may_be_sent_again(self) -> bool:
        """Only what entered on the exchange of the service that it names, and can be read by now."""
        return not self.problem


def _describe(message: Any) -> DeadLetter:
    headers = dict(message.headers or {})
    death = (headers.get("x-death") or [{}])[0]
    exchange = str(death.get("exchange", UNKNOWN))
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body or b"")
    try:
        event = from_headers(headers, body)
        if exchange != exchange_of(event.source):
            raise Fault("EVENT_SOURCE_FORGED", type=event.type[:64], claimed=event.source[:40], exchange=exchange[:64])
        decode(event.type, event.body)
        problem = ""
    except Fault as fault:
        problem = fault.code
    return DeadLetter(
        str(headers.get("ce-id", UNKNOWN))[:64], str(headers.get("ce-type", UNKNOWN))[:64],
        str(headers.get("ce-source", UNKNOWN))[:40], str(headers.get("ce-subject", UNKNOWN))[:80], exchange[:64],
        str(death.get("reason", UNKNOWN)), str(death.get("time", "")), len(body), problem)


@contextmanager
def _opened(url: str, service: str) -> Iterator[tuple[Any, list[tuple[DeadLetter, Any]]]]:
    """The oldest messages, held until the end; what was not settled by then goes back to its place."""
    with Connection(url) as connection:
        channel = connection.channel()
        channel.confirm_select()
        held: list[tuple[DeadLetter, Any]] = []
        while len(held) < limits.PARK_BATCH_MAX and (message := channel.basic_get(dead_queue_of(service))) is not None:
            held.append((_describe(message), message))
        yield channel, held


def dead_letters(url: str, service: str) -> list[DeadLetter]:
    """The oldest dead letters of a service."""
    with _opened(url, service) as (_, held):
        return [letter for letter, _ in held]


def discard(url: str, service: str, event_id: str) -> DeadLetter:
    """Remove one. Raises Fault DEAD_LETTER_NOT_FOUND."""
    with _opened(url, service) as (channel, held):
        letter, message = _find(held, event_id)
        channel.basic_ack(message.delivery_tag)
        return letter


def send_again(url: str, service: str, event_id: str) -> DeadLetter:
    """Publish it where it came from; who has it already knows its id. Removed when the broker has confirmed.

    Raises Fault DEAD_LETTER_NOT_FOUND, or DEAD_LETTER_UNREADABLE for what would come back at once.
    """
    with _opened(url, service) as (channel, held):
        letter, message = _find(held, event_id)
        if not letter.may_be_sent_again:
            raise Fault("DEAD_LETTER_UNREADABLE", event_id=event_id[:64], problem=letter.problem)
        death = message.headers["x-death"][0]
        headers = {name: value for name, value in message.headers.items() if name.startswith("ce-") or name == "traceparent"}
        first, *also = map(str, death["routing-keys"])
        if also:
            headers["CC"] = also
        channel.basic_publish_confirm(
            amqp.Message(message.body, content_type=message.properties.get("content_type", ""), delivery_mode=PERSISTENT,
                         message_id=event_id, application_headers=headers),
            exchange=letter.exchange, routing_key=first)
        channel.basic_ack(message.delivery_tag)
        return letter


def _find(held: list[tuple[DeadLetter, Any]], event_id: str) -> tuple[DeadLetter, Any]:
    for letter, message in held:
        if letter.event_id == event_id:
            return letter, message
    raise Fault("DEAD_LETTER_NOT_FOUND", event_id=event_id[:64])
