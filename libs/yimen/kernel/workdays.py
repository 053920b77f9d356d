"""Working days are counted on a published calendar, never by weekday arithmetic (requirements section 10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

from yimen.kernel.errors import Fault

DEADLINE_DAYS_MAX = 400  # no deadline of the field is longer; a larger count is an error of the caller


class WorkCalendar:
    """`days_off` gives the days off of a year. A year that has not been published is an error, not a guess."""

    def __init__(self, days_off: Callable[[int], frozenset[date]]) -> None:
        self._days_off = days_off

    def is_workday(self, day: date) -> bool:
        """Raises Fault CALENDAR_MISSING for a year without a calendar."""
        return day not in self._days_off(day.year)

    def add(self, start: date, days: int) -> date:
        """The last day of a limit of `days` working days that begins after `start`; 0 gives `start`."""
        if not 0 <= days <= DEADLINE_DAYS_MAX:
            raise ValueError("a limit has 0 to 400 working days")
        day = start
        while days:
            day += timedelta(days=1)
            days -= self.is_workday(day)
        return day

    def between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` is earlier."""
        if end < start:
            return -self.between(end, start)
        day, count = start, 0
        while day < end:
            day += timedelta(days=1)
            count += self.is_workday(day)
        return count


@cache
def published_days_off(year: int) -> frozenset[date]:
    """The state calendar as the package `chinesecalendar` publishes it.

    Raises Fault CALENDAR_MISSING for a year that has not been announced.
    """
    import chinese_calendar

    day, found = date(year, 1, 1), []
    try:
        while day.year == year:
            if not chinese_calendar.is_workday(day):
                found.append(day)
            day += timedelta(days=1)
    except NotImplementedError:
        raise Fault("CALENDAR_MISSING", year=year) from None
    return frozenset(found)


def day_text(day: date | None) -> str:
    """ISO, or empty while there is none: as contracts write it."""
    return day.isoformat() if day else ""


def months_later(start: date, months: int) -> date:
    """Same day of a later month, or its last day when it has none."""
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    for day in range(start.day, start.day - 4, -1):
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")


def first_of_next_month(day: date) -> date:
    """Benefits are paid from the month after confirmation (requirements 2.1, row 14)."""
    return months_later(day.replace(day=1), 1)
