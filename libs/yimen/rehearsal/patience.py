"""People who come again when a service is away: the players of a county in which things go wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from yimen.kernel.errors import Fault
from yimen.rehearsal.households import Change, Household
from yimen.rehearsal.month import Month
from yimen.rehearsal.players import Players

T = TypeVar("T")
AWAY = ("PEER_UNAVAILABLE", "DATABASE_UNAVAILABLE")
INSIST_MAX = 20


def insist(act: Callable[[], T], pause_s: float = 0.0) -> T:
    """Do it again while a service or its database is away. Raises the Fault after INSIST_MAX times."""
    for _ in range(INSIST_MAX):
        try:
            return act()
        except Fault as fault:
            if fault.code not in AWAY:
                raise
            time.sleep(pause_s)
    return act()


class PatientPlayers(Players):
    """Officers and applicants who try again."""

    pause_s = 0.0

    def work(self, today: date) -> int:
        return insist(lambda: super(PatientPlayers, self).work(today), self.pause_s)

    def submit(self, household: Household) -> Any:
        return insist(lambda: super(PatientPlayers, self).submit(household), self.pause_s)

    def report_change(self, key: str, receipt_no: str, change: Change) -> bool:
        try:
            return insist(lambda: super(PatientPlayers, self).report_change(key, receipt_no, change), self.pause_s)
        except Fault as fault:
            self.refused[fault.code] += 1  # a release that does not take reports yet: tomorrow again
            return False

    def object_to(self, notice_id: str, township: str, reason_code: str) -> str:
        try:
            return insist(lambda: super(PatientPlayers, self).object_to(notice_id, township, reason_code), self.pause_s)
        except Fault as fault:
            self.refused[fault.code] += 1  # an objection that came after the notice's end
            return ""


class PatientMonth(Month):
    """A month in which the county, too, tries again."""

    def _draw_sample(self, day: date) -> None:
        insist(lambda: super(PatientMonth, self)._draw_sample(day), PatientPlayers.pause_s)
