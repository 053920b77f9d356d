"""One seed: a month with mishaps, the promises looked at after every step, then none, and everything must close."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from yimen.common.v1 import task_pb2
from yimen.kernel.ids import digest
from yimen.rehearsal.county import County
from yimen.rehearsal.households import Household
from yimen.rehearsal.month import FIRST_DAY, LAST_DAY, start_moment
from yimen.rehearsal.patience import PatientMonth, PatientPlayers
from yimen.rehearsal.players import Act
from yimen.rehearsal.promises import PROMISES, Evidence, Row
from yimen.rehearsal.tokens import Tokens
from yimen.simulation.mishaps import Mishap
from yimen.simulation.world import SimulatedWorld, engine_of
from yimen.store.unit import Store

# What these two promise holds when nothing is under way; all others hold after every step.
AT_REST = (1, 10)
DAYS_TO_CLOSE_MAX = 90
TOWNSHIPS = 6
OPEN_STATES = "('closed', 'intake_refused', 'withdrawn')"


T = TypeVar("T")


class Violation(Exception):
    """A promise is broken, or something has not come to its end."""


@dataclass(frozen=True)
class Story:
    """What one run came to. `violation` is empty when all promises were held."""

    seed: int
    households: int
    violation: str
    day: date
    mishaps: tuple[Mishap, ...]
    steps: int
    # Of every event that any service said, in its order: two runs of a seed are the same when this is.
    digest: str

    @property
    def names(self) -> list[str]:
        """Names of the mishaps, in their order."""
        return [mishap.name for mishap in self.mishaps]


class HastyPlayers(PatientPlayers):
    """Officers who press the button again."""

    def __init__(self, world: Any, tokens: Tokens, seed: int) -> None:
        super().__init__(world, tokens, seed)
        # Services whose work list was empty, with the state in which it was.
        self._idle: dict[str, int] = {}

    def _attempt(self, act: Act, task: task_pb2.Task, today: date) -> bool:
        done = super()._attempt(act, task, today)
        world: Any = self._world
        if world.mishaps.strikes("act_twice", task.kind):
            super()._attempt(act, task, today)
        return done

    def _tasks(self, service: str) -> Iterator[task_pb2.Task]:
        world: Any = self._world
        if self._idle.get(service) == (version := world.apps[service].store.version):
            return
        empty = True
        for task in super()._tasks(service):
            empty = False
            yield task
        if empty:
            self._idle[service] = version


@dataclass
class Simulation:
    """Runs seeds over one template of empty databases."""

    template: Path
    county: County
    households: int
    stories: list[Household] = field(default_factory=list)

    def run(self, seed: int, only: frozenset[str] | None = None, households: int | None = None) -> Story:
        """The whole month of one seed; `only` lets no other mishap happen."""
        logging.disable(logging.CRITICAL)  # mishaps are expected here; the story tells them
        world = SimulatedWorld(self.template, start_moment(), seed, only)
        try:
            return _Run(world, self, seed, self.households if households is None else households).story()
        finally:
            world.close()
            logging.disable(logging.NOTSET)


class Attentive(Evidence):
    """Evidence that looks again only where something was written since: so all of it can be looked at after each step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._stores = {name: Store(url, engine_of(url)) for name, url in self.databases.items()}
        # How often each service may have written something, as of now.
        self.versions: Callable[[], Mapping[str, int]] = dict
        self._seen: dict[Any, tuple[int, Any]] = {}

    def rows(self, service: str, query: str, **values: Any) -> list[Row]:
        return self._again(service, (query, *values.items()), lambda: super(Attentive, self).rows(service, query, **values))

    def each(self, service: str, query: str) -> Iterator[Row]:
        return iter(self.rows(service, query))

    def alone(self, check: Callable[..., list[str]], service: str, *known: Any) -> list[str]:
        return self._again(service, (check, *known), lambda: check(self, service, *known))

    def _again(self, service: str, what: Any, look: Callable[[], T]) -> T:
        self.read.add(service)
        version, seen = self._seen.get((service, what), (-1, None))
        if version != (now := self.versions()[service]):
            seen = look()
            self._seen[service, what] = now, seen
        return cast(T, seen)


class _Run:
    def __init__(self, world: SimulatedWorld, simulation: Simulation, seed: int, households: int) -> None:
        self._world, self._seed, self._households = world, seed, households
        self._steps = 0
        self._day = FIRST_DAY
        self._evidence = Attentive(world.services, world.databases, world.keys, world.bank_file, FIRST_DAY)
        self._evidence.versions = world.versions
        # promise → what it looked at when it was last held, as it was then.
        self._held: dict[int, dict[str, int]] = {}
        self._month = PatientMonth(world, small(simulation.county), households, seed, list(simulation.stories),  # type: ignore[arg-type]
                             make_players=HastyPlayers)

    def story(self) -> Story:
        """Safety, then liveness."""
        violation, said = "", ""
        try:
            self._month.prepare()
            self._world.after_step = self._after_step
            self._world.mishaps.on = True
            self._safety()
            self._world.mishaps.on = False
            self._liveness()
        except Violation as found:
            violation = str(found)
        except Exception as error:
            violation = f"未预料的错误 {type(error).__name__}:{error}"
        finally:
            said = digest([row for name in self._world.services for row in self._evidence.rows(
                name, "select position, event_id, type from outbox order by position")])
            self._evidence.close()
            self._month.close()
        return Story(self._seed, self._households, violation, self._day, tuple(self._world.mishaps.happened), self._steps,
                     said)

    def _safety(self) -> None:
        while self._day <= LAST_DAY:
            if not self._world.mishaps.strikes("day_lost", "county"):
                self._month.play(self._day)
            self._day += timedelta(days=1)

    def _liveness(self) -> None:
        self._month.players.diligent = True
        for _ in range(DAYS_TO_CLOSE_MAX):
            self._month.play(self._day)
            if not (left := self._left()):
                self._world.seal()
                self._check(PROMISES)
                return
            self._day += timedelta(days=1)
        raise Violation(f"{DAYS_TO_CLOSE_MAX} 天后仍未办完:{left}")

    def _after_step(self) -> None:
        self._steps += 1
        self._check([number for number in PROMISES if number not in AT_REST or self._at_rest()])

    def _at_rest(self) -> bool:
        return not self._world.bus.waiting() and not any(app.may_have_spoken or app.processor.may_hold_parked
                                                         for app in self._world.apps.values())

    def _check(self, numbers: Iterable[int]) -> None:
        """Each promise, unless all that it looked at when it was last held is as it was then."""
        evidence, now = self._evidence, self._world.clock.now().date()
        evidence.today = now
        versions = {**self._world.versions(), "today": now.toordinal()}
        for number in numbers:
            if (held := self._held.get(number)) and all(versions[name] == version for name, version in held.items()):
                continue
            title, check = PROMISES[number]
            evidence.read = {"bank", "today"}
            if found := check(evidence):
                raise Violation(f"承诺 {number}({title}):{found[0]}")
            self._held[number] = {name: versions[name] for name in evidence.read}
        if self._month.players.refused["INTERNAL"]:
            raise Violation("服务出现内部错误")

    def _left(self) -> str:
        """What has not come to its end, in words; empty when all has."""
        left = []
        open_ = self._evidence.rows("intake", f"select count(*) as n from application where state not in {OPEN_STATES}")
        due = self._evidence.rows("payment", "select count(*) as n from instruction where state in"
                                             " ('committed', 'sending', 'pending')")
        counts = {"申请": open_[0]["n"], "付款指令": due[0]["n"], "途中事件": self._world.bus.waiting()}
        for name in self._world.services:
            counts[f"{name} 搁置事件"] = self._evidence.rows(name, "select count(*) as n from parked")[0]["n"]
            counts[f"{name} 未发布事件"] = self._evidence.rows(
                name, "select count(*) as n from outbox where published_at is null")[0]["n"]
        left = [f"{what} {number}" for what, number in counts.items() if number]
        return ",".join(left)


def small(county: County) -> County:
    """A county with a few townships of each kind: a simulation founds it hundreds of times."""
    urban = [one for one in county.townships if one[2] == "urban"][:TOWNSHIPS // 2]
    rural = [one for one in county.townships if one[2] == "rural"][:TOWNSHIPS - len(urban)]
    return replace(county, townships=(*urban, *rural))
