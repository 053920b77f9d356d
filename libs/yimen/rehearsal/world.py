"""Where a rehearsal takes place: all services in one process (`EmbeddedWorld`) or a running stack."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from yimen.bus.embedded import EmbeddedBus
from yimen.kernel.clock import FileClock
from yimen.rehearsal import bank
from yimen.rehearsal.pace import Pace
from yimen.rpc.client import Channel, Peers, over_network
from yimen.rpc.local import LocalChannel, LocalServer
from yimen.runtime.app import App
from yimen.runtime.declaration import Service
from yimen.runtime.registry import services
from yimen.runtime.settings import Settings
from yimen.security.fields import make_field_key
from yimen.security.identity import issue_service_token
from yimen.security.keys import ISSUER, KeyRing, make_pair
from yimen.telemetry.tracing import Telemetry

BANK_STOP_S_MAX = 20.0


class World(Protocol):
    """What the players need."""

    clock: FileClock
    peers: Peers
    keys: Path
    services: dict[str, Service]
    # SQLAlchemy URL by service, for the check of the promises.
    databases: dict[str, str]
    bank_file: Path
    exchange_file: Path

    def settle(self) -> None:
        """Wait until nobody has anything to do before the clock moves."""
        ...


def make_keys(folder: Path, names: list[str], seed: int) -> None:
    """Keys and seeded field secrets for these services, the bank and the development issuer."""
    for name in [*names, ISSUER, bank.NAME]:
        make_pair(folder, name)
        make_field_key(folder, name, seed)


class EmbeddedWorld:
    """Every service in this process: SQLite files, gRPC without sockets, the embedded bus; the bank apart."""

    def __init__(self, folder: Path, start: datetime | None, seed: int = 1) -> None:
        """`start` begins a rehearsal; None opens a finished one to read it."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.keys = folder, folder / "keys"
        self.bank_file, self.exchange_file = folder / "bank.db", folder / "exchange.db"
        self.clock = FileClock(folder / "clock")
        if start is not None:
            self.clock.move_to(start)
        self.services = services()
        make_keys(self.keys, list(self.services), seed)
        self.databases = {name: f"sqlite:///{folder / name}.db" for name in self.services}
        self._bank: subprocess.Popen[str] | None = None
        self._bank_address = ""
        if start is not None:
            self._start_bank()
        self.apps = {name: App(service, self._settings(name), self._connect) for name, service in self.services.items()}
        self._servers: dict[str, LocalServer] = {}
        for name, app in self.apps.items():
            if start is not None:
                app.migrate()
            self._servers[name] = LocalServer(app.mounts(), app.guard())
        self._pace = Pace(self.apps, EmbeddedBus(list(self.apps.values())).pump)
        ring = KeyRing(self.keys, "intake")
        self.peers = Peers(self._connect, lambda: issue_service_token(ring, self.clock.now()),
                           Telemetry("window"))
        if start is not None:
            for app in self.apps.values():
                app.start()
            self.settle()

    def _settings(self, name: str) -> Settings:
        return Settings(self.databases[name], "", self.keys, "", {}, self.clock, "", f"sandbox:{self.exchange_file}")

    def _connect(self, peer: str) -> Channel:
        if peer == bank.NAME:
            return over_network(lambda _: self._bank_address)(peer)
        return LocalChannel(self._servers[peer].call)

    def _start_bank(self) -> None:
        process = self._bank = subprocess.Popen(
            [sys.executable, "-m", "yimen.cli.main", "bank", "--file", str(self.bank_file), "--keys", str(self.keys),
             "--clock", str(self.folder / "clock"), "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("listening "):
            raise RuntimeError("the stand-in bank did not start")
        self._bank_address = line.split()[1]

    def settle(self) -> None:
        self._pace.settle()

    def seal(self) -> None:
        """Close the audit chains of the day."""
        self._pace.seal()
        self.settle()

    def close(self) -> None:
        """Stop everything that was started."""
        self.peers.close()
        self.peers.telemetry.close()
        for app in self.apps.values():
            app.close()
        if self._bank is not None:
            self._bank.terminate()
            self._bank.wait(BANK_STOP_S_MAX)


def wait_until(condition: Callable[[], bool], limit_s: float, what: str, pause_s: float = 0.1) -> None:
    """Raises TimeoutError with `what` when the condition does not come true in time."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(pause_s)
