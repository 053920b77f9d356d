"""A bell between the processes of one service: who has said something rings it when it commits.

PostgreSQL's LISTEN/NOTIFY, within the service's own database. It only saves polling: a ring that is lost, or a
database that has none (SQLite), costs a delay of the fallback pause and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import psycopg
from sqlalchemy.engine import Connection, Engine

CHANNEL = "yimen"
LISTEN_S_MAX = 1.0
RECONNECT_S = 2.0
_log = logging.getLogger(__name__)


def ring(connection: Connection) -> None:
    """Tell the listeners when this transaction commits."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"notify {CHANNEL}")


class Bell:
    """Sets each event of `wakes` at every ring, until it is closed."""

    def __init__(self, engine: Engine, wakes: Sequence[threading.Event]) -> None:
        self._engine, self._wakes = engine, wakes
        self._stop = threading.Event()
        # Whether rings are heard at present; polling must be brisk while they are not.
        self.is_heard = False
        self._thread = threading.Thread(target=self._listen, name="bell", daemon=True)

    def start(self) -> None:
        """Listen in a thread of its own; nothing to hear on SQLite."""
        if self._engine.dialect.name == "postgresql":
            self._thread.start()

    def close(self) -> None:
        """No more rings."""
        self._stop.set()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                self._hear()
            except psycopg.Error as error:
                _log.info("bell not heard", extra={"error": type(error).__name__})
            self.is_heard = False
            self._stop.wait(RECONNECT_S)

    def _hear(self) -> None:
        url = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"listen {CHANNEL}")
            self.is_heard = True
            self._ring_all()  # what was said before we listened
            while not self._stop.is_set():
                for _ in connection.notifies(timeout=LISTEN_S_MAX, stop_after=1):
                    self._ring_all()

    def _ring_all(self) -> None:
        for wake in self._wakes:
            wake.set()
