"""Every service in this process, and each of them can die: databases stay, memory does not."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy.engine import Engine
from yimen.bank.v1 import bank_pb2_grpc
from yimen.kernel.errors import Fault
from yimen.rehearsal import bank
from yimen.rehearsal.pace import Pace
from yimen.rehearsal.world import make_keys
from yimen.rpc.client import Channel, Peers
from yimen.rpc.local import LocalChannel, LocalServer
from yimen.rpc.server import Guard
from yimen.runtime.app import App
from yimen.runtime.declaration import Service
from yimen.runtime.registry import services
from yimen.runtime.settings import Settings
from yimen.security.identity import issue_service_token
from yimen.security.keys import KeyRing
from yimen.simulation.bus import SimulatedBus
from yimen.simulation.mishaps import Crash, Mishaps
from yimen.store.unit import Store, Tx, make_engine
from yimen.telemetry.tracing import Telemetry

STEP = timedelta(minutes=10)  # of the machine's clock, so that retries fall due
CLOCK_BACK_MAX = timedelta(hours=2)


class SimulatedClock:
    """A clock that somebody moves, also backwards."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The simulated time."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Any moment, an earlier one too."""
        self._now = moment


@cache
def engine_of(url: str) -> Engine:
    """One for all processes that die on a database and for all seeds: it keeps compiled statements and no state."""
    return make_engine(url)


@cache
def place() -> Path:
    """Where this process keeps the databases of the seed that it is at."""
    kept = tempfile.TemporaryDirectory(prefix="yimen-simulation-")
    atexit.register(kept.cleanup)
    return Path(kept.name)


class SimulatedStore(Store):
    """A database whose process may die around a commit, and which may not answer."""

    def __init__(self, url: str, service: str, mishaps: Mishaps) -> None:
        super().__init__(url, engine_of(url))
        self._service, self._mishaps = service, mishaps

    @contextmanager
    def transaction(self, write: bool = True, steady: bool = False) -> Iterator[Tx]:
        """As the real one, with mishaps around a writer's commit."""
        if not write:
            with super().transaction(write, steady) as tx:
                yield tx
            return
        self._mishaps.unavailable("database_away", self._service)
        with super().transaction(write) as tx:
            yield tx
            self._mishaps.crash("crash_before_commit", self._service)
        self._mishaps.crash("crash_after_commit", self._service)
        self._mishaps.unavailable("commit_unanswered", self._service)


def make_template(folder: Path) -> None:
    """Empty migrated databases and keys; made once and copied for every seed."""
    folder.mkdir(parents=True, exist_ok=True)
    make_keys(folder / "keys", list(services()), seed=1)
    for name, service in services().items():
        app = App(service, Settings(f"sqlite:///{folder / name}.db", "", folder / "keys", "", {},
                                    SimulatedClock(datetime.fromtimestamp(0).astimezone()), "", ""))
        app.migrate()
        app.close()


class SimulatedWorld:
    """What the players need, over services that die and come back."""

    def __init__(self, template: Path, start: datetime, seed: int, only: frozenset[str] | None) -> None:
        folder = place() / "seed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        self.keys, self.bank_file, self.exchange_file = folder / "keys", folder / "bank.db", folder / "exchange.db"
        self.clock, self.machine_clock = SimulatedClock(start), SimulatedClock(start)
        self.mishaps = Mishaps(seed, self.clock.now, only)
        self.services: dict[str, Service] = services()
        self.databases = {name: f"sqlite:///{folder / name}.db" for name in self.services}
        # Called after every step, to look at the promises.
        self.after_step: Callable[[], None] = lambda: None
        self.apps: dict[str, App] = {}
        self._servers: dict[str, LocalServer] = {}
        guard = Guard(KeyRing(self.keys, bank.NAME), self.clock, Telemetry(bank.NAME))
        mount = (bank_pb2_grpc.add_BankServiceServicer_to_server, bank.Bank(self.bank_file, self.clock))
        self._bank_calls = 0
        self._bank = LocalServer([mount], guard)
        for name in self.services:
            self._start(name)
        self.bus = SimulatedBus(self.apps, self.mishaps, self.restart)
        self._pace = Pace(self.apps, self.bus.pump, self._surviving)
        ring = KeyRing(self.keys, "intake")
        self.peers = Peers(self._connect, lambda: issue_service_token(ring, self.clock.now()), Telemetry("window"))
        for app in self.apps.values():
            app.start()
        self.settle()

    # ------------------------------------------------------------------------------------------ processes
    def _start(self, name: str) -> None:
        settings = Settings(self.databases[name], "", self.keys, "", {}, self.clock, "",
                            f"sandbox:{self.exchange_file}", machine_clock=self.machine_clock)
        store = SimulatedStore(self.databases[name], name, self.mishaps)
        # What was remembered of the process before does not hold for this one.
        store.version = self.apps[name].store.version + 1 if name in self.apps else 1
        app = self.apps[name] = App(self.services[name], settings, self._connect, store)
        self._servers[name] = LocalServer(app.mounts(), app.guard())

    def restart(self, name: str) -> None:
        """The process is gone with everything that it only remembered."""
        self._pace.forget(name)
        self.apps[name].close()
        self._start(name)

    def _connect(self, peer: str) -> Channel:
        return LocalChannel(self._call_bank if peer == bank.NAME else
                            lambda method, body, metadata: self._call(peer, method, body, metadata))

    def _call(self, peer: str, method: str, body: bytes, metadata: Sequence[tuple[str, str]]) -> bytes:
        self._lost("peer_away", peer)
        try:
            answer = self._servers[peer].call(method, body, metadata)
        except Crash as crash:
            self.restart(crash.service)
            raise Fault("PEER_UNAVAILABLE", peer=peer) from None
        self._lost("answer_lost", peer)
        return answer

    def _call_bank(self, method: str, body: bytes, metadata: Sequence[tuple[str, str]]) -> bytes:
        self._lost("bank_away", bank.NAME)
        self._bank_calls += 1
        answer = self._bank.call(method, body, metadata)
        if self.mishaps.strikes("bank_hears_twice", bank.NAME):
            answer = self._bank.call(method, body, metadata)
        self._lost("bank_answer_lost", bank.NAME)
        return answer

    def _lost(self, kind: str, peer: str) -> None:
        if self.mishaps.strikes(kind, peer):
            raise Fault("PEER_UNAVAILABLE", peer=peer)

    # ------------------------------------------------------------------------------------------ time
    def settle(self) -> None:
        """One step: late events arrive, what is due is done, until nobody has anything to do."""
        self.machine_clock.move_to(self.machine_clock.now() + STEP)
        self.bus.step()
        right = self.clock.now()
        if self.mishaps.strikes("clock_back", "county"):
            self.clock.move_to(right - CLOCK_BACK_MAX * self.mishaps.draw("clock"))
        self._pace.settle()
        self.clock.move_to(right)
        self.after_step()

    def versions(self) -> dict[str, int]:
        """Grows for a service, and for the bank, whenever it may have written something."""
        return {**{name: app.store.version for name, app in self.apps.items()}, bank.NAME: self._bank_calls}

    def _surviving(self, name: str, work: Callable[[App], bool]) -> bool:
        try:
            return work(self.apps[name])
        except Crash as crash:
            self.restart(crash.service)
        except Fault as fault:
            if fault.code not in ("DATABASE_UNAVAILABLE", "PEER_UNAVAILABLE"):
                raise
        return True

    def seal(self) -> None:
        """Close the audit chains of the day."""
        self._pace.seal()
        self.settle()

    def close(self) -> None:
        """Give everything back."""
        self.peers.close()
        for app in self.apps.values():
            app.close()
