"""The port to the exchange platform: one question (source, ID number), one raw record or none.

The sandbox of the exchange is a SQLite file with one row per source and person; a county connects its own
platform by another `Exchange`. Whoever asks must hold an authorisation: `DataSource.ask` demands it.
"""

from __future__ import annotations

import json
import sqlite3
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

from yimen.kernel.errors import Fault

SANDBOX_SCHEME = "sandbox:"


@dataclass(frozen=True)
class Finding:
    """What a source knows, in our words. `amount_fen` is per month for wages, a sum for assets."""

    kind: str
    amount_fen: int = 0
    count: int = 0
    detail: str = ""


class Exchange(Protocol):
    """The exchange platform."""

    def fetch(self, source: str, number: str) -> dict[str, Any] | None:
        """The raw record. Raises Fault SOURCE_UNAVAILABLE."""
        ...


class SandboxExchange:
    """Reads `record(source, number, body)` from a SQLite file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def fetch(self, source: str, number: str) -> dict[str, Any] | None:
        try:
            # Opened at the first question, so that a file that appears later is found then.
            if self._connection is None:
                self._connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
            row = self._connection.execute("select body from record where source = ? and number = ?",
                                           (source, number)).fetchone()
        except sqlite3.Error:
            self._connection = None
            raise Fault("SOURCE_UNAVAILABLE", source=source) from None
        return json.loads(row[0]) if row else None


def open_exchange(url: str) -> Exchange:
    """`sandbox:/path/to/file`. Raises Fault SETTING_MISSING for anything else."""
    if not url.startswith(SANDBOX_SCHEME):
        raise Fault("SETTING_MISSING", name="YIMEN_EXCHANGE_URL")
    return SandboxExchange(url.removeprefix(SANDBOX_SCHEME))


class DataSource(ABC):
    """One supplier of data. Subclasses name it and read its records."""

    name: str
    title: str

    def ask(self, exchange: Exchange, number: str, authorised: bool) -> list[Finding]:
        """Raises Fault AUTHORISATION_MISSING before any data is touched (R016)."""
        if not authorised:
            raise Fault("AUTHORISATION_MISSING", count=1)
        record = exchange.fetch(self.name, number)
        return self.read(record) if record is not None else []

    @abstractmethod
    def read(self, record: dict[str, Any]) -> list[Finding]:
        """Our words for the source's record."""
