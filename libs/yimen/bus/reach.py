"""Whether the broker can be reached."""

from __future__ import annotations

from kombu import Connection
from yimen.kernel.errors import Fault

CONNECT_TIMEOUT_S = 5


def check_broker(url: str) -> None:
    """Raises Fault BROKER_UNAVAILABLE unless a connection with these credentials opens."""
    try:
        with Connection(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.connect()
    except Exception as error:
        raise Fault("BROKER_UNAVAILABLE", attempts=1, where=type(error).__name__) from None
