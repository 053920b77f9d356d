"""A month of casework: households come, officers work, notices run, money is paid, samples are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from yimen.disaster.v1 import disaster_pb2
from yimen.kernel.clock import CHINA
from yimen.kernel.workdays import WorkCalendar, published_days_off
from yimen.rehearsal.county import County, found, officers, outsiders
from yimen.rehearsal.exchange import SandboxWriter
from yimen.rehearsal.households import Household
from yimen.rehearsal.players import Players
from yimen.rehearsal.population import Population
from yimen.rehearsal.tokens import Tokens
from yimen.rehearsal.world import World
from yimen.supervision.v1 import supervision_pb2

FIRST_DAY = date(2026, 3, 2)
# The first pay day (1 April) and some days for slow and returned payments lie within.
LAST_DAY = date(2026, 4, 10)
OPENING = time(9, 0, tzinfo=CHINA)
AFTERNOON = time(15, 0, tzinfo=CHINA)
ROUNDS_A_DAY = 2
# A large county draws thousands of cases at once.
SAMPLE_DEADLINE_S = 300.0
Progress = Callable[[int, str], None]


def start_moment() -> datetime:
    """When the rehearsal begins."""
    return datetime.combine(FIRST_DAY, OPENING)


@dataclass
class Month:
    """What happens in the county between two dates."""

    world: World
    county: County
    households: int
    seed: int
    stories: list[Household] = field(default_factory=list)
    # receipt numbers of the hand-written households, by key.
    receipts: dict[str, str] = field(default_factory=dict)
    applications: int = 0
    disaster_id: str = ""
    make_players: Callable[[World, Tokens, int], Players] = Players
    _workdays: int = 0
    _reported: set[str] = field(default_factory=set)
    # Called each working day while events are under way.
    before_settling: Callable[[str], None] = lambda day: None

    def prepare(self) -> None:
        """Found the county, declare the flood."""
        departments = [s.name for s in self.world.services.values() if s.is_department]
        self.tokens = Tokens(self.world.keys, self.world.clock, [*officers(self.county, departments), *outsiders(self.county)])
        self.players = self.make_players(self.world, self.tokens, self.seed)
        self._calendar = WorkCalendar(published_days_off)
        self.exchange = SandboxWriter(self.world.exchange_file)
        found(self.county, self.world.peers, self.tokens, self.world.services)
        flooded = [code for code, _, kind in self.county.townships if kind == "rural"][:5]
        self.disaster_id = self.world.peers.stub("disaster").DeclareDisaster(
            disaster_pb2.DeclareDisasterRequest(
                kind="flood", townships=flooded, response_level="III", starts_on=FIRST_DAY.isoformat(),
                legal_basis="自然灾害救助条例§13;示例县应急响应〔2026〕2号"),
            token=self.tokens.role("county_approver", department="disaster")).disaster_id
        self._arrivals = self._everybody(flooded)
        self._next = next(self._arrivals, None)
        self.world.settle()

    def _everybody(self, flooded: list[str]) -> Iterator[Household]:
        drawn = Population(self.county, self.seed, FIRST_DAY, self.disaster_id, flooded).households(self.households)
        # The hand-written ones come first: they are few and their day is written in their file.
        for story in sorted(self.stories, key=lambda one: one.day):
            yield _with_disaster(story, self.disaster_id)
        yield from drawn

    def run(self, progress: Progress = lambda done, what: None) -> None:
        """Day by day, from the first to the last."""
        day = FIRST_DAY
        while day <= LAST_DAY:
            self.play(day)
            progress((day - FIRST_DAY).days + 1, day.isoformat())
            day += timedelta(days=1)
        self.close()

    def play(self, day: date) -> None:
        """One day: what is due falls due, households come, officers work."""
        self.world.clock.move_to(datetime.combine(day, OPENING))
        self.world.settle()
        if self._is_workday(day):
            self._arrive(self._workdays)
            self._report_changes(day)
            self._officers(day)
            self._workdays += 1

    def close(self) -> None:
        """Nobody else comes."""
        self.exchange.close()

    def _is_workday(self, day: date) -> bool:
        return self._calendar.is_workday(day)

    def _arrive(self, number: int) -> None:
        before = self.applications
        while self._next is not None and self._next.day <= number:
            self.exchange.add(self._next.records)
            answer = self.players.submit(self._next)
            self.applications += 1
            if self._next.expect:
                self.receipts[self._next.key] = answer.receipt_no
            self._next = next(self._arrivals, None)
        if self.applications > before:
            self.world.settle()

    def _report_changes(self, day: date) -> None:
        """Families whose life has changed come to the window again."""
        reported = 0
        for story in self.stories:
            for number, change in enumerate(story.later):
                key = f"{story.key}:{number}"
                if change.reported_on <= day and key not in self._reported and story.key in self.receipts:
                    self.exchange.add(change.records)
                    if self.players.report_change(key, self.receipts[story.key], change):
                        self._reported.add(key)
                        reported += 1
        if reported:
            self.world.settle()

    def _officers(self, day: date) -> None:
        self.players.object_to_notices(day)
        for turn in range(ROUNDS_A_DAY):
            self.world.clock.move_to(datetime.combine(day, OPENING if turn == 0 else AFTERNOON) + timedelta(minutes=30))
            self.players.work(day)
            if turn == 0:
                self.before_settling(day.isoformat())
            self.world.settle()
        if self._first_workday(day):
            self._draw_sample(day)

    def _first_workday(self, day: date) -> bool:
        return day.day <= 7 and not any(self._is_workday(day.replace(day=earlier)) for earlier in range(1, day.day))

    def _draw_sample(self, day: date) -> None:
        last_month = (day.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
        if last_month >= f"{FIRST_DAY:%Y-%m}":
            self.world.peers.stub("supervision").DrawSample(
                supervision_pb2.DrawSampleRequest(month=last_month, seed=f"{self.seed}"),
                token=self.tokens.role("supervisor"), timeout_s=SAMPLE_DEADLINE_S)
            self.world.settle()


def _with_disaster(story: Household, disaster_id: str) -> Household:
    """A story about the flood names it as `$disaster`."""
    for item in story.application.items:
        if "disaster_id" in item.request.fields:
            item.request.update({"disaster_id": disaster_id})
    return story
