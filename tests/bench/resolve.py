"""resolve: identity look-ups on a ledger of 1,000,000 persons over gRPC, 8 clients, 1,000 ids a call, each read logged.

OpenG2P reports about 9,700 ids/s for its mapper at 10M (another machine: a mark, not a race). The peer of the same
run asks the same server for one id a call, as a mapper without a batch call would be asked.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from yimen.kernel.clock import SystemClock
from yimen.rehearsal.world import make_keys
from yimen.roster.v1 import roster_pb2
from yimen.rpc.client import Peers, over_network
from yimen.runtime.app import App
from yimen.runtime.registry import find
from yimen.runtime.settings import Settings
from yimen.security.fields import FieldVault
from yimen.security.identity import issue_service_token
from yimen.security.keys import KeyRing
from yimen.stack.components import drop_databases, make_databases, obtain
from yimen.stack.private import free_port
from yimen.telemetry.tracing import Telemetry

from tests.bench.report import Row, temporary_folder

PERSONS, HOUSEHOLD_SIZE = 1_000_000, 3
CLIENTS, IDS_A_CALL, SECONDS = 8, 1_000, 10.0
OPENG2P_IDS_PER_S = 9_700.0
# GB 11643-1999: weights of the 17 digits and the check characters by remainder.
WEIGHTS, CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"


def number_of(place: int) -> str:
    """The ID number of the person at this place; area prefix 99, so nobody's."""
    days, order = divmod(place, 999)
    body = f"990101{date(1930, 1, 1) + timedelta(days=days):%Y%m%d}{order + 1:03d}"
    return body + CHECKS[sum(w * int(d) for w, d in zip(WEIGHTS, body, strict=True)) % 11]


def run() -> list[Row]:
    """A million persons in, then ask."""
    components = obtain()
    instance = f"bench{os.getpid()}"
    try:
        url = make_databases(components.postgres, instance, ["roster"], "bench")["roster"]
        with temporary_folder() as folder:
            make_keys(folder / "keys", ["roster", "basic_living"], seed=1)
            settings = Settings(url, "", folder / "keys", f"127.0.0.1:{free_port()}", {}, SystemClock(), "", "")
            _fill(settings)
            batch, single = _ask(settings)
    finally:
        drop_databases(components.postgres, instance, ["roster"])
        components.stop()
    what = f"ids/s, {PERSONS:,} persons, {CLIENTS} clients"
    return [Row("resolve", what, batch, "the same, one id a call", single),
            Row("resolve", what, batch, "OpenG2P mapper, as published", OPENG2P_IDS_PER_S)]


def _fill(settings: Settings) -> None:
    app = App(find("roster"), settings)
    app.migrate()
    vault = FieldVault.load(settings.keys, "roster")
    with app.store.engine.connect() as connection, connection.begin():
        cursor: Any = connection.connection.cursor()
        now = app.machine_now().isoformat()
        with cursor.copy("copy person (person_id, id_match, id_sealed, name_sealed, birth_date, sex, temporary, recorded_at)"
                         " from stdin") as copy:
            for row in _persons(vault, now):
                copy.write_row(row)
        with cursor.copy("copy membership (household_id, person_id, relation, place, valid_from) from stdin") as copy:
            for place in range(PERSONS):
                copy.write_row((f"h{place // HOUSEHOLD_SIZE}", f"p{place}", "self", 1, "2026-01-01"))
    with app.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze person")
        connection.exec_driver_sql("analyze membership")
    app.close()


def _persons(vault: FieldVault, now: str) -> Iterator[tuple[Any, ...]]:
    for place in range(PERSONS):
        number = number_of(place)
        yield (f"p{place}", vault.match(number), vault.encrypt(number), vault.encrypt("张三"), "1960-01-01", "male", False, now)


def _serve(settings: Settings, ready: Connection) -> None:
    app = App(find("roster"), settings)
    server = app.rpc_server(settings.listen)
    server.start()
    ready.send(True)
    ready.recv()
    server.stop()
    app.close()


def _ask(settings: Settings) -> tuple[float, float]:
    """Ids per second in batches and one by one; the server is another process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(replace(settings), there))
    process.start()
    here.recv()
    try:
        return _load(settings.keys, settings.listen, IDS_A_CALL), _load(settings.keys, settings.listen, 1)
    finally:
        here.send(False)
        process.join()


def _load(keys: Path, address: str, ids_a_call: int) -> float:
    ring, clock = KeyRing(keys, "basic_living"), SystemClock()
    token = issue_service_token(ring, clock.now())
    done = [0] * CLIENTS
    end = time.monotonic() + SECONDS

    def work(client: int) -> None:
        drawn = random.Random(client)
        peers = Peers(over_network(lambda _: address), lambda: token, Telemetry("bench"))
        while time.monotonic() < end:
            places = [drawn.randrange(PERSONS) for _ in range(ids_a_call)]
            answer = peers.stub("roster").ResolveIdentities(roster_pb2.ResolveIdentitiesRequest(
                resident_ids=[number_of(place) for place in places], case_id="bench", purpose="bench"), timeout_s=30)
            assert [one.person_id for one in answer.identities] == [f"p{place}" for place in places]
            done[client] += ids_a_call
        peers.close()

    begun = time.monotonic()
    threads = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - begun)
