"""What the stand-in bank was told and what it makes of it.

What it does follows from the last two digits of the credit account:
`91` refuses (ACCOUNT_CLOSED) · `92` settles two days later · `93` takes the money but its answer is lost ·
`94` returns it a day later (NAME_MISMATCH) · `95` settles, and three days later it comes back · `96` is booked twice by the
bank's own
error · anything else settles at once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from yimen.iso20022 import Entry, Statement, write_statement
from yimen.kernel.clock import CHINA, Clock
from yimen.kernel.errors import Fault

NAME = "bank"
REFUSED, SLOW, SILENT, RETURNED, BACK, TWICE = "91", "92", "93", "94", "95", "96"
SLOW_DAYS, BACK_DAYS = 2, 3
BATCH_MAX = 1000
DEBIT_ACCOUNT = "treasury"


@dataclass(frozen=True)
class Order:
    """As an adapter has read it."""

    instruction_id: str
    account: str
    amount_fen: int


class Book:
    """Remembers every instruction it was ever given, in a file of its own."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("create table if not exists paid (instruction_id text primary key, account text not null,"
                         " amount_fen integer not null, received_on text not null, times integer not null)")
        self._db.execute("create index if not exists paid_received_on on paid (received_on)")
        self._db.commit()

    def now(self) -> datetime:
        """The bank's time."""
        return self._clock.now()

    def submit(self, orders: Sequence[Order]) -> bool:
        """Take them, each once; False when the answer will be lost. Raises Fault PAYLOAD_TOO_LARGE."""
        if len(orders) > BATCH_MAX * 10:
            raise Fault("PAYLOAD_TOO_LARGE", size=len(orders), limit=BATCH_MAX * 10)
        heard, today = True, self.now().date().isoformat()
        with self._lock:
            for one in orders:
                new = self._db.execute(
                    "insert into paid values (?, ?, ?, ?, 1) on conflict (instruction_id) do update set times = times + 1"
                    " returning times", (one.instruction_id, one.account, one.amount_fen, today)).fetchone()[0] == 1
                heard = heard and not (new and one.account.endswith(SILENT))
            self._db.commit()
        return heard

    def outcomes(self, instruction_ids: Iterable[str]) -> list[tuple[str, str, str]]:
        """(instruction, state, reason); `unknown` for what it has never seen."""
        today, found = self.now().date(), []
        with self._lock:
            for one in instruction_ids:
                row = self._db.execute("select account, received_on from paid where instruction_id = ?", (one,)).fetchone()
                found.append((one, *(judge(row[0], date.fromisoformat(row[1]), today) if row else ("unknown", ""))))
        return found

    def statement(self, day: date, path: Path) -> bool:
        """Write the day's camt.053; False while the day is not over."""
        if day >= self.now().date():
            return False
        with self._lock:
            before = list(self._db.execute("select instruction_id, account, amount_fen, received_on from paid"
                                           " where received_on <= ? order by instruction_id", (day.isoformat(),)))
        opening, mine = 0, []
        for instruction_id, account, fen, received_on in before:
            for booked_on, entry in bookings(instruction_id, account, fen, date.fromisoformat(received_on)):
                if booked_on == day:
                    mine.append(entry)
                elif booked_on < day:
                    opening += entry.amount_fen if entry.direction == "credit" else -entry.amount_fen
        moved = sum(one.amount_fen if one.direction == "credit" else -one.amount_fen for one in mine)
        head = Statement(f"{DEBIT_ACCOUNT}-{day.isoformat()}", DEBIT_ACCOUNT, day, opening, opening + moved, len(mine))
        write_statement(path, head, datetime.combine(day, time(23, 59), CHINA), mine)
        return True


def judge(account: str, received_on: date, today: date) -> tuple[str, str]:
    """What has become of a payment to this account: (state, reason)."""
    if account.endswith(REFUSED):
        return "returned", "ACCOUNT_CLOSED"
    if account.endswith(SLOW) and today < received_on + timedelta(days=SLOW_DAYS):
        return "pending", ""
    if account.endswith(RETURNED):
        return ("returned", "NAME_MISMATCH") if today > received_on else ("pending", "")
    if account.endswith(BACK) and today >= received_on + timedelta(days=BACK_DAYS):
        return "returned", "NAME_MISMATCH"
    return "settled", ""


def bookings(instruction_id: str, account: str, fen: int, received_on: date) -> list[tuple[date, Entry]]:
    """What a payment leaves on the statements of which days."""
    debit = Entry(instruction_id, "debit", fen)
    if account.endswith((REFUSED, RETURNED)):
        return []  # it never left
    if account.endswith(SLOW):
        return [(received_on + timedelta(days=SLOW_DAYS), debit)]
    if account.endswith(BACK):
        came_back = Entry(instruction_id, "credit", fen, "NAME_MISMATCH")
        return [(received_on, debit), (received_on + timedelta(days=BACK_DAYS), came_back)]
    return [(received_on, debit)] * (2 if account.endswith(TWICE) else 1)
