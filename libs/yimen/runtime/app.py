"""One service, wired: its store, keys, peers, calendar and clock, from a declaration and settings."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, datetime, timedelta

from yimen.bus.events import kind_of
from yimen.bus.processor import Processor
from yimen.kernel.clock import Clock
from yimen.rpc.client import Connect, Peers, over_network
from yimen.rpc.server import Guard, Mount, RpcServer
from yimen.runtime.context import Context
from yimen.runtime.declaration import Service
from yimen.runtime.published import Published
from yimen.runtime.settings import Settings
from yimen.runtime.tasks import task_mount
from yimen.security.fields import FieldVault
from yimen.security.identity import issue_service_token
from yimen.security.keys import KeyRing
from yimen.store import migrate
from yimen.store.tracing import trace_statements
from yimen.store.unit import Store, Tx
from yimen.telemetry.tracing import SpanKind, Telemetry, current_traceparent

TOKEN_RENEWED_AFTER = timedelta(minutes=10)
_log = logging.getLogger(__name__)


class App:
    """What the worker, the server and the embedded bus hold of a service."""

    def __init__(self, service: Service, settings: Settings, connect: Connect | None = None,
                 store: Store | None = None) -> None:
        """`connect` gives the channel to a peer by name, by default over the network to where settings say;
        `store` is the database, by default the one that settings name."""
        self.service, self.settings = service, settings
        self.name = service.name
        self.clock: Clock = settings.clock
        self.store = store or Store(settings.database_url)
        self.telemetry = Telemetry(service.name)
        trace_statements(self.store.engine, self.telemetry)
        self.keys = KeyRing(settings.keys, service.name)
        self.vault = FieldVault.load(settings.keys, service.name)
        self.peers = Peers(connect or over_network(settings.peer), self._own_token, self.telemetry)
        self.published = Published(self.peers, self.clock)
        self.processor = Processor(self, {kind_of(m).wire_type: h for m, h in service.handlers.items()},
                                   frozenset(kind_of(m).wire_type for m in service.addressed))
        self.may_have_spoken = True
        self._token: tuple[datetime, str] | None = None

    # ---------------------------------------------------------------------------------------------- time
    def machine_now(self) -> datetime:
        """For retries of the machinery; never for anything that the county counts."""
        return self.settings.machine_clock.now()

    def county_now(self) -> datetime:
        """The county's time."""
        return self.clock.now()

    def today(self) -> date:
        """The county's day."""
        return self.clock.now().date()

    def _own_token(self) -> str:
        now = self.clock.now()
        if self._token is None or not timedelta() <= now - self._token[0] < TOKEN_RENEWED_AFTER:
            self._token = (now, issue_service_token(self.keys, now))
        return self._token[1]

    # ---------------------------------------------------------------------------------------------- work
    def context(self, tx: Tx, actor: str) -> Context:
        """What a handler, a timer or a servicer works with inside `tx`."""
        return Context(self, tx, actor)

    @contextmanager
    def work(self, actor: str, write: bool = True) -> Iterator[Context]:
        """One unit of work in the name of `actor`. What a service does by itself begins a trace of its own."""
        by_itself = write and self.telemetry.recording and not current_traceparent()
        span = self.telemetry.span("housekeeping", SpanKind.INTERNAL) if by_itself else nullcontext()
        with span, self.store.transaction(write) as tx:
            yield self.context(tx, actor)

    def migrate(self) -> None:
        """Bring the database to the newest version."""
        migrate.upgrade(self.store, self.service.migrations)

    def start(self) -> None:
        """The service's own first steps."""
        with self.work(f"service:{self.name}") as ctx:
            self.service.on_start(ctx)
        self.processor.resume()

    def mounts(self) -> list[Mount]:
        """Everything that the server offers."""
        return [*self.service.servicers(self), task_mount(self)]

    def guard(self) -> Guard:
        """What stands before every servicer."""
        return Guard(self.keys, self.clock, self.telemetry)

    def rpc_server(self, address: str) -> RpcServer:
        """A gRPC server for this service, not yet started."""
        return RpcServer(self.mounts(), self.guard(), address)

    def close(self) -> None:
        """Give everything back."""
        self.peers.close()
        self.store.close()
        self.telemetry.close()
