"""journey: from the window to the settled payment through every service, on the real stack, all on this machine.

*urgent*: relief paid the same day from the township's imprest fund: submitted, accepted, granted, paid, told back.
*whole*: drawn households of every kind through verification, visits, notices and decisions to the pay day; the clock
jumps, so only work takes time. Players and servers share the cores with everything else. Cost is processor time of
all processes per application, read from /proc; the marks (20 a second, 1.2 times the cost on ten times the roster)
are what a large county asks for.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from yimen.aid.v1 import aid_pb2
from yimen.common.v1 import task_pb2
from yimen.intake.v1 import intake_pb2
from yimen.kernel import resident_id
from yimen.kernel.clock import FileClock
from yimen.rehearsal import county
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import FIRST_DAY, OPENING, Month, start_moment
from yimen.rehearsal.players import Players
from yimen.rehearsal.population import Population
from yimen.rehearsal.world import wait_until
from yimen.stack.components import obtain
from yimen.stack.stack import Stack
from yimen.store.unit import Store
from yimen.telemetry.tracing import FILE_VARIABLE

from services.payment.tables import instalment
from tests.bench.report import Row, temporary_folder

URGENT, WHOLE, CLIENTS = 300, 120, 4
ROSTER, ROSTER_LARGE = 20_000, 200_000
NEED_FEN = 30_000
DAYS_JUMPED, JUMP, ROUNDS_A_JUMP = 36, timedelta(days=4), 2
TICKS = os.sysconf("SC_CLK_TCK")
MARK_PER_S, MARK_COST = 20.0, 1.2
WAIT_S = 240.0


def run() -> list[Row]:
    """One stack for the rates, the same stack with spans for the latencies."""
    components = obtain()
    try:
        with temporary_folder() as folder:
            FileClock(folder / "clock").move_to(start_moment())
            stack = Stack.start(folder, f"bench{os.getpid()}", folder / "clock", components=components)
            try:
                return _measure(stack, folder)
            finally:
                stack.down()
    finally:
        components.stop()


def _measure(stack: Stack, folder: Path) -> list[Row]:
    month = Month(stack, county.load(county.COUNTY_FILE), 0, seed=1)
    month.prepare()
    crowd = Crowd(stack, month)
    _fill(stack, 0, ROSTER)
    crowd.urgent(50)  # warm
    rate, cost, shares = crowd.urgent(URGENT)
    _fill(stack, ROSTER, ROSTER_LARGE)
    _, cost_large, _ = crowd.urgent(URGENT)
    whole, whole_cost, whole_shares = crowd.whole(WHOLE)
    stages = _latencies(stack, crowd, folder / "spans.jsonl", rate / 2)
    print("where the time goes, urgent:", _told(shares), " whole:", _told(whole_shares))
    return [
        Row("journey", "urgent applications/s, submitted to settled", rate, "mark", MARK_PER_S),
        Row("journey", "whole applications/s, submitted to settled", whole, "mark", MARK_PER_S),
        Row("journey", f"ms of processor per urgent application, {ROSTER:,} persons", cost, "of a whole one", whole_cost,
            smaller_is_better=True),
        Row("journey", f"cost per application on a roster of {ROSTER_LARGE:,} to {ROSTER:,}", cost_large / cost, "mark",
            MARK_COST, smaller_is_better=True),
        *(Row("journey", f"ms p50 at half load: {stage}", p50, "p99", p99, smaller_is_better=True)
          for stage, (p50, p99) in sorted(stages.items())),
    ]


def _told(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda one: -one[1]))


class Crowd:
    """Clients at windows and officers at work, several at a time."""

    def __init__(self, stack: Stack, month: Month) -> None:
        self._stack, self._month, self._payments = stack, month, Store(stack.databases["payment"])
        self._place = 0
        self._form = read(FILES / "urgent_fire.yaml").application

    # ------------------------------------------------------------------------------------------ urgent
    def urgent(self, number: int, pace_per_s: float = 0.0) -> tuple[float, float, dict[str, float]]:
        """Applications per second, milliseconds of processor each, and who used them. `pace_per_s`: not faster."""
        paid_before, done = self._settled(), threading.Event()
        forms = [self._next_form() for _ in range(number)]
        officer = threading.Thread(target=self._grant_until, args=(done,))
        with _processor(self._stack) as used:
            begun = time.monotonic()
            officer.start()
            with ThreadPoolExecutor(CLIENTS) as pool:
                for place, _ in enumerate(pool.map(self._apply, _paced(forms, pace_per_s))):
                    assert place < number
            wait_until(lambda: self._settled() >= paid_before + number, WAIT_S, "payments stay open", pause_s=0.05)
            took = time.monotonic() - begun
        done.set()
        officer.join()
        total = sum(used.values())
        return number / took, total / number * 1000, {name: share / total for name, share in used.items()}

    def _next_form(self) -> Any:
        self._place += 1
        form = intake_pb2.Application()
        form.CopyFrom(self._form)
        villages = self._month.county.villages(self._month.county.townships[self._place % 46][0])
        form.village_code = villages[self._place % len(villages)]
        born = date(1960, 1, 1) + timedelta(days=self._place // 400)
        for order, member in enumerate(form.members):
            member.resident_id = resident_id.make("990102", born, (self._place % 400) * 2 + order)
        form.items[0].request.update({"need_fen": NEED_FEN})
        return form

    def _apply(self, form: Any) -> None:
        clerk = self._month.tokens.role("window_clerk", form.village_code)
        intake = self._stack.peers.stub("intake")
        answer = intake.Submit(intake_pb2.SubmitRequest(
            idempotency_key=form.members[0].resident_id, window_id=f"W-{form.village_code[:9]}", application=form),
            token=clerk, timeout_s=WAIT_S)
        intake.Accept(intake_pb2.AcceptRequest(receipt_no=answer.receipt_no), token=clerk, timeout_s=WAIT_S)

    def _grant_until(self, done: threading.Event) -> None:
        department = self._stack.peers.department("basic_living")
        while not done.is_set():
            tasks = self._stack.peers.tasks("basic_living").ListTasks(
                task_pb2.ListTasksRequest(kinds=["grant_advance"]), timeout_s=WAIT_S).tasks
            for task in tasks:
                department.GrantAdvance(aid_pb2.GrantAdvanceRequest(
                    case_id=task.subject, amount_fen=NEED_FEN, verified_by="phone", minutes_ref="MIN-1"),
                    token=self._month.tokens.role(task.owner_role, task.owner_area, "basic_living"), timeout_s=WAIT_S)
            if not tasks:
                time.sleep(0.05)

    def _settled(self) -> int:
        with self._payments.transaction(write=False) as tx:
            return tx.count(instalment, state="settled")

    # ------------------------------------------------------------------------------------------ whole
    def whole(self, number: int) -> tuple[float, float, dict[str, float]]:
        """The same for drawn households of every kind, through all their days."""
        month, stack = self._month, self._stack
        players = Players(stack, month.tokens, seed=1, diligent=True)
        townships = [code for code, _, kind in month.county.townships if kind == "rural"][:5]
        drawn = list(Population(month.county, 1, FIRST_DAY, month.disaster_id, townships).households(number))
        with _processor(stack) as used:
            begun = time.monotonic()
            with ThreadPoolExecutor(CLIENTS) as pool:
                for one in drawn:
                    month.exchange.add(one.records)
                list(pool.map(players.submit, drawn))
                stack.settle()
                day = FIRST_DAY
                while day <= FIRST_DAY + timedelta(days=DAYS_JUMPED):
                    stack.clock.move_to(datetime.combine(day, OPENING))
                    stack.settle()
                    for _ in range(ROUNDS_A_JUMP):
                        if _work(players, pool, list(stack.services), day):
                            stack.settle()
                    day += JUMP
            took = time.monotonic() - begun
        total = sum(used.values())
        return number / took, total / number * 1000, {name: share / total for name, share in used.items()}


def _work(players: Players, pool: ThreadPoolExecutor, services: list[str], day: date) -> int:
    """Everybody's list, several officers at a time; how many tasks were done."""
    tasks = [task for name in services for task in players._tasks(name)]
    return sum(pool.map(lambda task: players._attempt(players._acts[task.kind], task, day), tasks))


def _paced(forms: list[Any], pace_per_s: float) -> Iterator[Any]:
    begun = time.monotonic()
    for place, form in enumerate(forms):
        if pace_per_s:
            time.sleep(max(0.0, begun + place / pace_per_s - time.monotonic()))
        yield form


# ------------------------------------------------------------------------------------------------ roster
def _fill(stack: Stack, start: int, end: int) -> None:
    """Other households of the county, so that indexes have their size."""
    store = Store(stack.databases["roster"])
    now = stack.clock.now().isoformat()
    with store.engine.connect() as connection, connection.begin():
        cursor: Any = connection.connection.cursor()
        for table, columns, row in (
            ("person", "person_id, id_match, id_sealed, name_sealed, birth_date, sex, temporary, recorded_at",
             lambda n: (f"p{n}", f"m{n}", b"x" * 46, b"x" * 37, "1960-01-01", "male", False, now)),
            ("household", "household_id, village_code, area_kind, version, recorded_at",
             lambda n: (f"h{n}", "990101015002", "rural", 1, now)),
            ("membership", "household_id, person_id, relation, place, valid_from",
             lambda n: (f"h{n}", f"p{n}", "applicant", 1, "2026-01-01")),
        ):
            with cursor.copy(f"copy {table} ({columns}) from stdin") as copy:
                for number in range(start, end):
                    copy.write_row(row(number))
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze")
    store.close()


# ------------------------------------------------------------------------------------------------ cost
@contextmanager
def _processor(stack: Stack) -> Iterator[dict[str, float]]:
    """Seconds of processor that each kind of process used inside the block; filled when it ends."""
    used: dict[str, float] = {}
    before = _ticks(stack)
    yield used
    after = _ticks(stack)
    for kind in after:
        used[kind] = (after[kind] - before.get(kind, 0)) / TICKS


def _ticks(stack: Stack) -> dict[str, int]:
    ours = {pid: name.split()[1] for name, pid in stack.state.pids.items()}
    ours[os.getpid()] = "clients"
    found: dict[str, int] = defaultdict(int)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text()
        except OSError:
            continue
        command, rest = fields[fields.index("(") + 1:fields.rindex(")")], fields[fields.rindex(")") + 2:].split()
        kind = ours.get(int(entry.name)) or {"postgres": "PostgreSQL", "beam.smp": "RabbitMQ"}.get(command)
        if kind:
            # Own time and that of children which have ended: a database connection is a process of its own.
            found[kind] += sum(map(int, rest[11:13])) + (sum(map(int, rest[13:15])) if kind == "PostgreSQL" else 0)
    return dict(found)


# ------------------------------------------------------------------------------------------------ latency
def _latencies(stack: Stack, crowd: Crowd, file: Path, pace_per_s: float) -> dict[str, tuple[float, float]]:
    """p50 and p99 in milliseconds of every call and of every event's way from its handler to its consumer's end."""
    stack.stop_processes()
    os.environ[FILE_VARIABLE] = str(file)
    try:
        stack.start_all()
        stack.wait_ready()
        crowd.urgent(20)
        file.write_text("")
        crowd.urgent(URGENT // 2, pace_per_s)
        stack.settle()
    finally:
        del os.environ[FILE_VARIABLE]
    return {stage: (cuts[49], cuts[98]) for stage, times in _stages(file).items() if len(times) >= URGENT // 4
            for cuts in [quantiles(times, n=100)]}


def _stages(file: Path) -> dict[str, list[float]]:
    spans = [json.loads(line) for line in file.read_text().splitlines()]
    known = {span["span_id"]: span for span in spans}
    found: dict[str, list[float]] = defaultdict(list)
    for span in spans:
        service = span["service"].removeprefix("yimen-")
        if span["kind"] == "SERVER":
            found[f"{service} answers {span['name'].rsplit('/', 1)[-1]}"].append((span["end"] - span["start"]) / 1e6)
        elif span["kind"] == "CONSUMER" and (cause := known.get(span["parent_id"])) is not None:
            found[f"{service} has {span['name'].removeprefix('process ')}"].append((span["end"] - cause["end"]) / 1e6)
    return _of_interest(found)


def _of_interest(found: dict[str, list[float]]) -> dict[str, list[float]]:
    wanted: Iterable[str] = ("intake answers Submit", "intake answers Accept", "basic_living has application.accepted",
                             "basic_living answers GrantAdvance", "payment has aid.granted", "basic_living has payment.settled",
                             "intake has payment.settled", "feed has payment.settled")
    return {stage: found[stage] for stage in wanted if stage in found}
