"""What goes wrong, and when: drawn from the seed, never from the machine.

Every mishap has a name of its own, `kind@place#n`: the n-th time that it could have happened there. So one can
be left out without moving the others much, which is how a long story becomes a short one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from yimen.kernel.errors import Fault
from yimen.rehearsal.players import chance

# Chance per opportunity. An opportunity is a transaction, a call, a batch, an event, an act or a step.
RATES = {
    "crash_before_commit": 0.002,
    "crash_after_commit": 0.002,
    "database_away": 0.001,
    "commit_unanswered": 0.001,
    "crash_before_mark": 0.02,
    "duplicate": 0.02,
    "delay": 0.03,
    "reorder": 0.05,
    "reorder_in_case": 0.01,
    "peer_away": 0.003,
    "answer_lost": 0.003,
    "bank_away": 0.05,
    "bank_answer_lost": 0.1,
    "bank_hears_twice": 0.1,
    "act_twice": 0.05,
    "clock_back": 0.04,
    "day_lost": 0.03,
}
# What each kind means, in a story for people.
MEANINGS = {
    "crash_before_commit": "进程在提交前崩溃", "crash_after_commit": "进程在提交后崩溃",
    "database_away": "数据库不可达", "commit_unanswered": "提交成功而应答丢失",
    "crash_before_mark": "已发布未标记时崩溃", "duplicate": "事件重复送达", "delay": "事件迟到",
    "reorder": "事件乱序", "reorder_in_case": "同案事件乱序", "peer_away": "对方服务不可达", "answer_lost": "对方已办而应答丢失",
    "bank_away": "银行不可达", "bank_answer_lost": "银行已办而应答丢失", "bank_hears_twice": "银行收到两次",
    "act_twice": "同一操作重复提交", "clock_back": "时钟回拨", "day_lost": "系统停机一天",
}


class Crash(BaseException):
    """A process has died here. No `except Exception` sees it, as none would see `kill -9`."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


@dataclass(frozen=True)
class Mishap:
    """One that happened."""

    name: str
    at: datetime

    @property
    def kind(self) -> str:
        """The kind without the place."""
        return self.name.split("@", 1)[0]

    def __str__(self) -> str:
        place, number = self.name.split("@", 1)[1].rsplit("#", 1)
        return f"{self.at:%m-%d %H:%M} {MEANINGS[self.kind]}:{place}(第 {number} 次机会)"


class Mishaps:
    """The seed's mishaps. `only` leaves out all others; nothing happens while `on` is False."""

    def __init__(self, seed: int, now: Callable[[], datetime], only: frozenset[str] | None = None) -> None:
        self._seed, self._now, self._only = seed, now, only
        self._opportunities: Counter[tuple[str, str]] = Counter()
        self.on = False
        self.happened: list[Mishap] = []

    def strikes(self, kind: str, place: str) -> bool:
        """Whether it happens this time."""
        if not self.on:
            return False
        self._opportunities[kind, place] += 1
        name = f"{kind}@{place}#{self._opportunities[kind, place]}"
        if chance(self._seed, name) >= RATES[kind] or (self._only is not None and name not in self._only):
            return False
        self.happened.append(Mishap(name, self._now()))
        return True

    def draw(self, *what: object) -> float:
        """A number in [0, 1) for the details of a mishap."""
        return chance(self._seed, "detail", len(self.happened), *what)

    def crash(self, kind: str, service: str) -> None:
        """Raises Crash when it strikes."""
        if self.strikes(kind, service):
            raise Crash(service)

    def unavailable(self, kind: str, service: str) -> None:
        """Raises Fault DATABASE_UNAVAILABLE when it strikes."""
        if self.strikes(kind, service):
            raise Fault("DATABASE_UNAVAILABLE", attempts=1, where=service)
