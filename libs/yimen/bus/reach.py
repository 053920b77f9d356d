"""Whether the broker can be reached, and what a user may do there."""

from __future__ import annotations

import amqp
from amqp.exceptions import AccessRefused, NotFound
from kombu import Connection
from yimen.kernel.errors import Fault

# Nobody binds it and everybody may use it on his own exchange.
PROBE_KEY = "doctor.probe.none"
CONNECT_TIMEOUT_S = 5


def check_broker(url: str) -> None:
    """Raises Fault BROKER_UNAVAILABLE unless a connection with these credentials opens."""
    try:
        with Connection(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.connect()
    except Exception as error:
        raise Fault("BROKER_UNAVAILABLE", attempts=1, where=type(error).__name__) from None


def may_publish(url: str, exchange: str) -> bool:
    """Whether the user may publish there. Nothing arrives anywhere: the message has no key that is bound."""
    with Connection(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        channel = connection.channel()
        channel.confirm_select()
        try:
            channel.basic_publish_confirm(amqp.Message(b""), exchange=exchange, routing_key=PROBE_KEY)
        except (AccessRefused, NotFound):
            return False
    return True


def backlog_of(url: str, queue: str) -> tuple[int, int]:
    """Messages that wait, and consumers. Raises Fault BROKER_UNAVAILABLE when there is no such queue."""
    with Connection(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        try:
            told = connection.channel().queue_declare(queue, passive=True)
        except (AccessRefused, NotFound) as error:
            raise Fault("BROKER_UNAVAILABLE", attempts=1, where=f"{queue}: {type(error).__name__}") from None
        return int(told.message_count), int(told.consumer_count)
