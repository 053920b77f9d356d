"""What `directory` publishes and every service counts with: days off and standards, asked seldom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from yimen.directory.v1 import directory_pb2
from yimen.kernel.clock import Clock
from yimen.kernel.workdays import WorkCalendar
from yimen.rpc.client import Peers

# A standard that is published for today reaches every service within this time.
STANDARDS_KEPT = timedelta(minutes=1)


class Published:
    """The county's calendar and standards as one service sees them."""

    def __init__(self, peers: Peers, clock: Clock) -> None:
        self._peers, self._clock = peers, clock
        self._days_off: dict[int, frozenset[date]] = {}
        self._standards: tuple[date, datetime, Mapping[str, int]] | None = None

    def calendar(self) -> WorkCalendar:
        """The working days; each year is asked once, when a deadline first falls into it."""
        return WorkCalendar(self._year_off)

    def _year_off(self, year: int) -> frozenset[date]:
        if year not in self._days_off:
            answer = self._peers.stub("directory").GetCalendar(directory_pb2.GetCalendarRequest(year=year))
            self._days_off[year] = frozenset(date.fromisoformat(day) for day in answer.days_off)
        return self._days_off[year]

    def standards(self, day: date) -> Mapping[str, int]:
        """The amounts in force on `day`, in fen, by name (R166)."""
        now, kept = self._clock.now(), self._standards
        if kept and kept[0] == day and timedelta() <= now - kept[1] < STANDARDS_KEPT:
            return kept[2]
        answer = self._peers.stub("directory").GetStandards(directory_pb2.GetStandardsRequest(on=day.isoformat()))
        amounts = {standard.name: standard.amount_fen for standard in answer.standards}
        self._standards = (day, now, amounts)
        return amounts
