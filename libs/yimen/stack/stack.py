"""The running stack: every worker and server as its own process, with its settings in its environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from yimen.bus.topology import consumers_of, declare_at
from yimen.kernel.clock import FileClock, SystemClock
from yimen.rehearsal import bank
from yimen.rehearsal.world import make_keys, wait_until
from yimen.rpc.client import Peers, over_network
from yimen.rpc.health import is_serving
from yimen.runtime.registry import services
from yimen.security.identity import issue_service_token
from yimen.security.keys import KeyRing
from yimen.stack.calm import restless
from yimen.stack.components import Components, Tenancy, move_out, obtain, settle_in
from yimen.stack.private import free_port
from yimen.store import migrate
from yimen.store.unit import CONNECTIONS_VARIABLE, Store
from yimen.telemetry.tracing import Telemetry

FOLDER = Path("var/stack")
READY_S_MAX = 180.0
STOP_S_MAX = 30.0


@dataclass
class State:
    """What `down` and the other commands must know; kept in `state.json`."""

    instance: str
    folder: str
    components: Components
    tenancy: Tenancy
    addresses: dict[str, str]
    # process name ("roster server") → pid
    pids: dict[str, int] = field(default_factory=dict)
    clock_file: str = ""
    # Where services that offer HTTP listen, by name.
    web: dict[str, str] = field(default_factory=dict)
    # The components belong to somebody else, who will stop them.
    lent: bool = False

    def save(self) -> None:
        """Write it beside the logs."""
        path = Path(self.folder) / "state.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1))

    @classmethod
    def load(cls, folder: Path) -> State | None:
        """The state of a stack that was started here, or None."""
        path = folder / "state.json"
        if not path.exists():
            return None
        raw = json.loads(path.read_text())
        return cls(**{**raw, "components": Components.from_state(raw["components"]), "tenancy": Tenancy(**raw["tenancy"])})


class Stack:
    """Starts and stops the processes of a state; the same interface for `make up` and for the tests."""

    def __init__(self, state: State) -> None:
        self.state, self.services = state, services()
        self.folder = Path(state.folder)
        self.keys = self.folder / "keys"
        self.bank_file, self.exchange_file = self.folder / "bank.db", self.folder / "exchange.db"
        self.databases = state.tenancy.databases
        # process name → the Python of the release that it runs, where it is not this one.
        self.releases: dict[str, Path] = {}
        self.clock: Any = FileClock(Path(state.clock_file)) if state.clock_file else SystemClock()
        ring, clock = KeyRing(self.keys, "intake"), self.clock
        self.peers = Peers(over_network(state.addresses.__getitem__), lambda: issue_service_token(ring, clock.now()),
                           Telemetry("window"))

    # ------------------------------------------------------------------------------------------ starting
    @classmethod
    def start(cls, folder: Path, instance: str, clock_file: Path | None = None, seed: int = 1,
              components: Components | None = None, releases: Mapping[str, Path] | None = None) -> Stack:
        """Components, databases, topology, keys, then all processes; returns when all are ready.

        `releases` says which processes ("roster server") run another release, for an upgrade in steps.
        """
        names = list(services())
        folder.mkdir(parents=True, exist_ok=True)
        lent = components is not None
        components = components or obtain()
        state: State | None = None
        try:
            move_out(components, instance, names)
            tenancy = settle_in(components, instance, list(services().values()))
            addresses = {name: f"127.0.0.1:{free_port()}" for name in [*names, bank.NAME]}
            web = {name: f"127.0.0.1:{free_port()}" for name, service in services().items() if service.web}
            state = State(instance, str(folder.resolve()), components, tenancy, addresses, web=web,
                          clock_file=str(clock_file.resolve()) if clock_file else "", lent=lent)
            state.save()
            make_keys(folder / "keys", names, seed)
            stack = cls(state)
            stack.releases.update(releases or {})
            stack._prepare()
            stack.start_all()
            stack.wait_ready()
            return stack
        except BaseException:
            if state is None and not lent:
                components.stop()
            elif state is None:
                raise
            else:
                cls(state).down()
            raise

    def _prepare(self) -> None:
        for name, service in self.services.items():
            store = Store(self.databases[name])
            migrate.upgrade(store, service.migrations)
            store.close()
        declare_at(self.state.tenancy.broker_admin, list(self.services.values()))

    def environment(self, name: str) -> dict[str, str]:
        """What a process of this service is told."""
        peers = ",".join(f"{peer}={address}" for peer, address in self.state.addresses.items())
        told = {
            "YIMEN_DATABASE_URL": self.databases[name], "YIMEN_AMQP_URL": self.state.tenancy.brokers[name],
            "YIMEN_LISTEN": self.state.addresses[name], "YIMEN_KEYS": str(self.keys), "YIMEN_PEERS": peers,
            "YIMEN_BANK": self.state.addresses[bank.NAME], "YIMEN_EXCHANGE_URL": f"sandbox:{self.exchange_file}",
        }
        # Fifteen services on one PostgreSQL must stay well below its usual 100 connections.
        told[CONNECTIONS_VARIABLE] = "3"
        if name in self.state.web:
            told["YIMEN_WEB_LISTEN"] = self.state.web[name]
        if self.state.clock_file:
            told["YIMEN_CLOCK_FILE"] = self.state.clock_file
        return {**os.environ, **told}

    def start_process(self, kind: str, name: str) -> None:
        """One worker or server (or the bank), its log beside the state."""
        commands = {
            "worker": ["-m", "yimen.bus.worker", name],
            "server": ["-m", "yimen.runtime.server", name],
            "bank": ["-m", "yimen.cli.main", "bank", "--file", str(self.bank_file), "--keys", str(self.keys), "--listen",
                     self.state.addresses[bank.NAME],
                     *(["--clock", self.state.clock_file] if self.state.clock_file else [])],
        }
        log = self.folder / f"{name}-{kind}.log"
        environment = self.environment(name) if kind != "bank" else dict(os.environ)
        release = self.releases.get(f"{name} {kind}")
        if release is not None:
            commands[kind] = ["-m", "yimen.cli.main", kind, name]  # as a deployment starts them, whatever is inside
            environment["PYTHONSAFEPATH"] = "1"  # the working directory may hold another release's code
        with log.open("a") as output:
            process = subprocess.Popen([str(release or sys.executable), *commands[kind]], env=environment, stdout=output,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        self.state.pids[f"{name} {kind}"] = process.pid
        self.state.save()

    def start_all(self) -> None:
        """Everything, all at once."""
        self.start_process("bank", bank.NAME)
        for name in self.services:
            self.start_process("server", name)
            self.start_process("worker", name)

    def wait_ready(self) -> None:
        """Every server answers its health check and every queue has its consumer."""
        wait_until(lambda: all(is_serving(address) for address in self.state.addresses.values()), READY_S_MAX,
                   f"servers did not become ready; see {self.folder}/*-server.log", pause_s=0.5)
        wait_until(lambda: all(consumers_of(self.state.tenancy.broker_admin, list(self.services)).values()), READY_S_MAX,
                   f"workers did not become ready; see {self.folder}/*-worker.log", pause_s=0.5)

    # ------------------------------------------------------------------------------------------ stopping
    def kill(self, kind: str, name: str) -> None:
        """kill -9 of one process."""
        pid = self.state.pids.pop(f"{name} {kind}")
        os.kill(pid, signal.SIGKILL)
        _reap(pid, STOP_S_MAX)

    def stop_process(self, kind: str, name: str) -> None:
        """SIGTERM to one process, SIGKILL when it does not listen."""
        pid = self.state.pids.pop(f"{name} {kind}")
        _signal(pid, signal.SIGTERM)
        if not _reap(pid, STOP_S_MAX):
            _signal(pid, signal.SIGKILL)
            _reap(pid, STOP_S_MAX)

    def stop_processes(self) -> None:
        """SIGTERM to all, SIGKILL to those who do not listen."""
        for pid in self.state.pids.values():
            _signal(pid, signal.SIGTERM)
        for pid in self.state.pids.values():
            if not _reap(pid, STOP_S_MAX):
                _signal(pid, signal.SIGKILL)
                _reap(pid, STOP_S_MAX)
        self.state.pids.clear()

    def down(self) -> None:
        """Stop all processes, take our things off the servers, stop servers that we started."""
        self.stop_processes()
        self.peers.close()
        self.peers.telemetry.close()
        try:
            move_out(self.state.components, self.state.instance, list(self.services))
        finally:
            if not self.state.lent:
                self.state.components.stop()
            (self.folder / "state.json").unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------ settling
    def settle(self, limit_s: float = 120.0) -> None:
        """Wait until every event has been handled (or parked) by everybody whom it concerns, twice in a row."""
        end, calm = time.monotonic() + limit_s, 0
        while calm < 2:
            calm = calm + 1 if self._is_calm() else 0
            if time.monotonic() > end:
                raise TimeoutError(f"not calm: {self._restless()}")
            time.sleep(0.15)

    def _is_calm(self) -> bool:
        return not self._restless()

    def _restless(self) -> str:
        return restless(self)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _reap(pid: int, limit_s: float) -> bool:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return True
        except ChildProcessError:
            # Not our child: started by another process, as `make down` sees it.
            if not Path(f"/proc/{pid}").exists():
                return True
        time.sleep(0.05)
    return False


