"""The declaration of a service: read a service's `service.py` first, it is one of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from google.protobuf.message import Message
from yimen.bus.processor import Handler
from yimen.rpc.server import Mount
from yimen.telemetry.metrics import Reading

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from yimen.runtime.app import App
    from yimen.runtime.context import Context

TimerHandler = Callable[["Context", str, dict[str, Any]], None]
# A piece of work that the server process repeats; True means: there is more, come back at once.
Loop = Callable[["App"], bool]
Gauge = Callable[["App"], Iterable[Reading]]


@dataclass(frozen=True)
class Channel:
    """A department's fund channel: nobody else's grant moves its money (R118)."""

    name: str
    title: str


@dataclass(frozen=True)
class Occasion:
    """Under what a form is looked at that nobody has handed in: who asks, on which day, with which standards in fen."""

    reader: str
    on: date
    standards: Mapping[str, int]
    # Categories that the household is held to have already.
    categories: Sequence[str] = ()
    # Every item of every department, as the window knows it.
    catalogue: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    """One deployable service with its own database, broker user and contracts."""

    name: str
    title: str
    # What it takes care of, for README and `yimen services`.
    purpose: str
    # The tables of its own and the folders with their migrations.
    tables: sa.MetaData = field(default_factory=sa.MetaData)
    migrations: Sequence[Path] = ()
    handlers: dict[type[Message], Handler] = field(default_factory=dict)
    # Of these events it receives only what concerns itself (`audience`).
    addressed: frozenset[type[Message]] = frozenset()
    timers: dict[str, TimerHandler] = field(default_factory=dict)
    servicers: Callable[[App], Sequence[Mount]] = lambda app: ()
    # Done once when the server process starts; must be safe to repeat.
    on_start: Callable[[Context], None] = lambda ctx: None
    loops: Sequence[Loop] = ()
    # HTTP beside gRPC, for those outside who speak nothing else.
    web: Callable[[App], WSGIApplication] | None = None
    # The department's own, where it is one.
    channel: Channel | None = None
    # Other services that it asks by gRPC; the deployment opens exactly these paths.
    peers: Sequence[str] = ()
    # Metrics of its own (`yimen.telemetry.metrics`) with what reads them.
    gauges: dict[str, Gauge] = field(default_factory=dict)

    # What it would answer about a form that nobody handed in, by its rules alone (`yimen decide`). Raises its Faults.
    preview: Callable[[Any, Occasion], Message] | None = None

    # Whether it writes a public stream for integrators.
    has_public_stream: bool = False

    @property
    def is_department(self) -> bool:
        """Whether it decides aid and owns a fund channel."""
        return self.channel is not None
