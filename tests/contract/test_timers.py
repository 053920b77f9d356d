"""A timer whose handler fails does not hold up the others, and is tried again later each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from yimen.kernel import limits
from yimen.kernel.clock import CHINA, FileClock
from yimen.kernel.errors import Fault
from yimen.rehearsal.world import make_keys
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.runtime.housekeeping import Rounds, fire_timers
from yimen.runtime.registry import find
from yimen.runtime.settings import Settings
from yimen.store.tables import timer

DUE = datetime(2026, 3, 2, 8, tzinfo=CHINA)


class Bench:
    """A service whose timers do what the test says."""

    def __init__(self, folder: Path) -> None:
        make_keys(folder, ["directory"], 1)
        self.clock, self.machine = FileClock(folder / "clock"), FileClock(folder / "machine")
        for clock in (self.clock, self.machine):
            clock.move_to(DUE + timedelta(hours=1))
        self.fired: list[str] = []
        self.problem: Exception | None = Fault("PEER_UNAVAILABLE", peer="roster", waited_s=1)
        service = replace(find("directory"), timers={"ill": self._ill, "well": self._well})
        self.app = App(service, Settings(f"sqlite:///{folder / 'one.db'}", "", folder, "", {}, self.clock, "", "", machine_clock=self.machine))
        self.app.migrate()

    def _ill(self, ctx: Context, subject: str, payload: dict[str, Any]) -> None:
        ctx.audit("half.done", subject)
        if self.problem is not None:
            raise self.problem
        self.fired.append(subject)

    def _well(self, ctx: Context, subject: str, payload: dict[str, Any]) -> None:
        self.fired.append(subject)

    def attempts(self, subject: str) -> int:
        with self.app.work("", write=False) as ctx:
            return int(ctx.require(ctx.tx.first(timer, subject=subject), "INTERNAL")["attempts"])

    def wait(self, seconds: int) -> None:
        self.machine.move_to(self.machine.now() + timedelta(seconds=seconds))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.app.close()


def test_what_fails_is_put_back_and_the_rest_goes_on(bench: Bench) -> None:
    with bench.app.work("test") as ctx:
        for number in range(limits.TIMER_BATCH_MAX + 5):  # more than one look takes, and all before the one that is well
            ctx.schedule("ill", f"ill{number}", DUE)
        ctx.schedule("well", "later", DUE + timedelta(minutes=1))
    assert fire_timers(bench.app) == limits.TIMER_BATCH_MAX and bench.fired == []
    assert fire_timers(bench.app) == 6 and bench.fired == ["later"]
    assert fire_timers(bench.app) == 0  # all the others wait
    bench.wait(limits.RETRY_S_FIRST)
    assert fire_timers(bench.app) == limits.TIMER_BATCH_MAX and bench.attempts("ill0") == 2
    bench.problem = None
    bench.wait(limits.RETRY_S_MAX)
    while fire_timers(bench.app):
        pass
    assert len(bench.fired) == limits.TIMER_BATCH_MAX + 6 and len(set(bench.fired)) == len(bench.fired)
    with bench.app.work("", write=False) as ctx:
        assert ctx.tx.count(timer, fired_at=None) == 0


def test_an_error_of_ours_is_put_back_too_and_an_absent_database_is_not(bench: Bench) -> None:
    with bench.app.work("test") as ctx:
        ctx.schedule("ill", "one", DUE)
    bench.problem = ZeroDivisionError()
    assert fire_timers(bench.app) == 1 and bench.attempts("one") == 1
    bench.wait(limits.RETRY_S_FIRST)
    bench.problem = Fault("DATABASE_UNAVAILABLE", where="127.0.0.1", attempts=3)
    with pytest.raises(Fault, match="数据库"):
        fire_timers(bench.app)
    assert bench.attempts("one") == 1
    with bench.app.work("test") as ctx:
        ctx.schedule("ill", "one", DUE)  # set anew: the count begins anew
    assert bench.attempts("one") == 0


def test_a_heap_of_timers_does_not_keep_the_services_own_work_waiting(bench: Bench) -> None:
    turns: list[int] = []
    bench.app.service = replace(bench.app.service, loops=(lambda app: bool(turns.append(1)),))
    with bench.app.work("test") as ctx:
        for number in range(3 * limits.TIMER_BATCH_MAX):
            ctx.schedule("ill", f"ill{number}", DUE)
    rounds = Rounds(bench.app)
    assert [rounds.take() for _ in range(3)] == [True, True, True] and len(turns) == 3


def test_the_pause_doubles_up_to_its_limit() -> None:
    assert [limits.retry_pause_s(n) for n in (1, 2, 3)] == [5, 10, 20]
    assert limits.retry_pause_s(11) == limits.retry_pause_s(10_000) == limits.RETRY_S_MAX
