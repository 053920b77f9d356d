"""The stand-in bank over ISO 20022 files (what `services.payment.bank.files` speaks): takes pain.001 from `out/`, brings
pain.002 and camt.053 to `in/`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from yimen.iso20022 import Payment, StatusLine, read_initiation, write_status
from yimen.kernel.limits import groups
from yimen.rehearsal.bank.book import BATCH_MAX, Book, Order


class FolderBank:
    """One look at the folder at a time."""

    def __init__(self, folder: Path, book: Book) -> None:
        self._folder, self._book = folder, book

    def collect(self) -> int:
        """Take away what was handed over and report on it; returns how many files."""
        found = sorted((self._folder / "out").glob("*.xml"))
        for path in found:
            original, payments = read_initiation(path)
            for group in groups(payments, BATCH_MAX):
                self._book.submit([_order(one) for one in group])
            self.report(path, original)
            path.rename(self._folder / "sent" / path.name)
        return len(found)

    def report(self, path: Path, original: str, number: int = 1) -> None:
        """What has become of a message, as of now."""
        _, payments = read_initiation(path)
        write_status(self._folder / "in" / f"{path.stem}-{number}.pain002.xml", f"S{number}{original}"[:35], self._book.now(),
                     original,
                     self._lines(payments))

    def _lines(self, payments: Iterator[Payment]) -> Iterator[StatusLine]:
        for group in groups(payments, BATCH_MAX):
            for one, state, reason in self._book.outcomes(_order(each).instruction_id for each in group):
                yield StatusLine(one, state, reason)

    def close_day(self, day: date) -> bool:
        """Bring the day's statement."""
        return self._book.statement(day, self._folder / "in" / f"{day.isoformat()}.camt053.xml")


def _order(one: Payment) -> Order:
    return Order(str(uuid.UUID(hex=one.end_to_end_id)), one.account, one.amount_fen)
