"""Writes the sandbox of the information exchange platform: what the sources know about the sample people."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# (source, ID number, record)
Record = tuple[str, str, dict[str, Any]]


class SandboxWriter:
    """Appends records to the SQLite file that `means_test` reads."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("create table if not exists record (source text, number text, body text,"
                         " primary key (source, number))")
        self._db.commit()

    def add(self, records: Iterable[Record]) -> None:
        """A later record of the same source and person replaces the earlier one."""
        self._db.executemany("insert or replace into record values (?, ?, ?)",
                             [(source, number, json.dumps(body)) for source, number, body in records])
        self._db.commit()

    def close(self) -> None:
        """Close the file."""
        self._db.close()
