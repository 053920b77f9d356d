"""One injected clock. Nobody else asks for the time.

`SystemClock` serves production. `FileClock` reads its time from a file, so that the processes of a demo,
a test or a simulation share one time that somebody moves; it never runs backwards within a process.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock(Protocol):
    """What every service is given."""

    def now(self) -> datetime:
        """Aware, in China Standard Time."""
        ...


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(CHINA)

    def move_to(self, moment: datetime) -> None:
        """Raises RuntimeError: real time is not ours to move."""
        raise RuntimeError("the stack runs in real time (started with --real-time)")


class FileClock:
    """The time written in a file, shared by processes. Re-read when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = 0
        self._now = datetime.fromtimestamp(0, CHINA)

    def now(self) -> datetime:
        stamp = self._path.stat().st_mtime_ns
        if stamp != self._stamp:
            self._now = max(self._now, datetime.fromisoformat(self._path.read_text().strip()))
            self._stamp = stamp
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Replace the file in one step, so that no reader sees half a time."""
        draft = self._path.with_suffix(f".{os.getpid()}")
        draft.write_text(moment.astimezone(CHINA).isoformat())
        draft.replace(self._path)


def today(clock: Clock) -> date:
    """The calendar day in China."""
    return clock.now().date()
