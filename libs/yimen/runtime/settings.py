"""What a process must be told from outside: environment variables, nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yimen.kernel.clock import Clock, FileClock, SystemClock
from yimen.kernel.errors import Fault

# A service's server listens here unless YIMEN_LISTEN says otherwise; peers are found at <name>:50051.
DEFAULT_PORT = 50051


@dataclass(frozen=True)
class Settings:
    """Settings of one service."""

    # SQLAlchemy URL of the service's own database.
    database_url: str
    # AMQP URL of the service's own broker user; empty in embedded mode.
    amqp_url: str
    keys: Path
    listen: str
    # Addresses of peers, by name.
    peers: Mapping[str, str]
    clock: Clock
    # Address of the bank's adapter; payment alone needs it.
    bank: str
    # Where the information exchange platform's sandbox keeps its records; means_test alone needs it.
    exchange_url: str
    # Where the service answers HTTP, for those that do (`host:port`); empty: not at all.
    web_listen: str = ""
    # For retries of the machinery; never for anything that the county counts.
    machine_clock: Clock = field(default_factory=SystemClock)

    def peer(self, name: str) -> str:
        """The address of a peer's gRPC server."""
        return self.bank if name == "bank" else self.peers.get(name, f"{name.replace('_', '-')}:{DEFAULT_PORT}")


def from_environment(service: str) -> Settings:
    """The settings of a service in this process's environment."""
    return read_settings(os.environ, service)


def read_settings(environment: Mapping[str, str], service: str) -> Settings:
    """Read the settings of a service. Raises Fault SETTING_MISSING.

    `YIMEN_DATABASE_URL`, `YIMEN_AMQP_URL`, `YIMEN_LISTEN` and `YIMEN_WEB_LISTEN` may carry the service's name as a suffix
    (`YIMEN_DATABASE_URL_ROSTER`), so that one process can host several services. `YIMEN_PEERS` is a list
    `name=host:port,...`. `YIMEN_CLOCK_FILE` replaces the machine's time and is meant for rehearsals only.
    """

    def need(name: str) -> str:
        value = environment.get(name, "")
        if not value:
            raise Fault("SETTING_MISSING", name=name)
        return value

    def own(name: str, default: str | None = None) -> str:
        value = environment.get(f"{name}_{service.upper()}") or environment.get(name) or default
        return value if value is not None else need(name)

    clock_file = environment.get("YIMEN_CLOCK_FILE", "")
    peers = dict(pair.split("=", 1) for pair in environment.get("YIMEN_PEERS", "").split(",") if "=" in pair)
    return Settings(
        database_url=own("YIMEN_DATABASE_URL"),
        amqp_url=own("YIMEN_AMQP_URL", ""),
        keys=Path(need("YIMEN_KEYS")),
        listen=own("YIMEN_LISTEN", f"0.0.0.0:{DEFAULT_PORT}"),
        peers=peers,
        clock=FileClock(Path(clock_file)) if clock_file else SystemClock(),
        bank=environment.get("YIMEN_BANK", "bank:50051"),
        exchange_url=environment.get("YIMEN_EXCHANGE_URL", ""),
        web_listen=own("YIMEN_WEB_LISTEN", ""),
    )
