"""money: reservations on one hot channel, instructions created and settled, and a batch of a million; on PostgreSQL.

Peers of the same run keep the same rows with the same guarantee: `SELECT … FOR UPDATE` on the balance row first (as one does), one
transaction for each instruction, and a batch read into memory as a whole.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from yimen.kernel.clock import CHINA, SystemClock
from yimen.kernel.ids import derived
from yimen.rehearsal.world import make_keys
from yimen.runtime.app import App
from yimen.runtime.registry import find
from yimen.runtime.settings import Settings
from yimen.stack.components import drop_databases, make_databases, obtain
from yimen.store import migrate
from yimen.store.unit import CONNECTIONS_VARIABLE, Store

from services.payment import batches, ledger, outcomes, revisions
from services.payment.bank import Outcome
from services.payment.tables import account, batch, instalment, instruction, transfer
from tests.bench.report import Row, temporary_folder

WRITERS, PROCESSES, SECONDS = 16, 4, 8.0
SETTLED, MILLION, PAGE = 20_000, 1_000_000, 100_000
CHANNEL, NOW = "relief", datetime(2026, 4, 1, 9, tzinfo=CHINA)
SOURCE, TARGET = ledger.account_id(CHANNEL, ledger.AVAILABLE), ledger.account_id(CHANNEL, ledger.RESERVED)


def run() -> list[Row]:
    """All three."""
    components = obtain()
    instance = f"bench{os.getpid()}"
    names = ["ours", "peer", "settle", "settle_peer", "million"]
    try:
        urls = make_databases(components.postgres, instance, names, "bench")
        with temporary_folder() as folder:
            make_keys(folder, ["payment"], 1)
            ours, peer = _reservations(urls["ours"], "ours"), _reservations(urls["peer"], "naive")
            settled, one_by_one = _settled(urls["settle"], folder, 200), _settled(urls["settle_peer"], folder, 1)
            seconds, peak_mb, whole_mb = _million(urls["million"], folder)
    finally:
        drop_databases(components.postgres, instance, names)
        components.stop()
    return [
        Row("reserve", f"reservations/s on one channel, {WRITERS} writers", ours, "SELECT … FOR UPDATE first", peer),
        Row("settle", "instructions created and settled/s", settled, "a transaction for each", one_by_one),
        Row("million", "instalments/s, prepared and released", MILLION / seconds, "the mark of 5,000/s", 5_000.0),
        Row("million", "MiB at most, a batch of 1,000,000", peak_mb, "read as a whole", whole_mb, smaller_is_better=True),
    ]


# ------------------------------------------------------------------------------------------------ reservations
def _open(store: Store) -> None:
    migrate.upgrade(store, find("payment").migrations)
    with store.transaction() as tx:
        ctx: Any = SimpleNamespace(tx=tx, now=NOW)
        for kind in ledger.LINE_KINDS:
            ledger.open_account(ctx, CHANNEL, kind)
        ledger.move(ctx, "budget", ledger.account_id(CHANNEL, ledger.TREASURY), SOURCE, 10**12, "budget", "2026")


def _reservations(url: str, how: str) -> float:
    store = Store(url)
    _open(store)
    each = WRITERS // PROCESSES
    writers = [subprocess.Popen([sys.executable, "-m", "tests.bench.money", how, url, str(number), str(each)], stdout=subprocess.PIPE, text=True)
               for number in range(PROCESSES)]
    done = sum(int(one.communicate()[0]) for one in writers)
    with store.transaction(write=False) as tx:
        held = {row["account_id"]: row["balance_fen"] for row in tx.find(account)}
        assert held[TARGET] == tx.count(transfer, kind="reserve") == done and sum(held.values()) == 0
    store.close()
    return done / SECONDS


def _write(how: str, url: str, number: int, threads: int) -> int:
    os.environ[CONNECTIONS_VARIABLE] = str(threads)
    store, acts = Store(url), {"ours": _ours, "naive": _naive}
    begin = time.monotonic() + 1.5  # all processes are up by then
    counts = [0] * threads

    def writer(place: int) -> None:
        time.sleep(max(0.0, begin - time.monotonic()))
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with store.transaction() as tx:
                acts[how](tx, derived("r", number, place, counts[place]))
            counts[place] += 1

    workers = [threading.Thread(target=writer, args=(place,)) for place in range(threads)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    store.close()
    return sum(counts)


def _ours(tx: Any, name: str) -> None:
    ctx: Any = SimpleNamespace(tx=tx, now=NOW)
    ledger.post(ctx, [ledger.Move(name, SOURCE, TARGET, 1, "reserve", "grant")])


def _naive(tx: Any, name: str) -> None:
    rows = {row["account_id"]: row for row in tx.find(account, account_id=[SOURCE, TARGET], order_by=account.c.account_id, lock=True)}
    assert rows[SOURCE]["balance_fen"] >= 1
    if tx.first(transfer, transfer_id=name) is None:
        tx.insert(transfer, transfer_id=name, from_account=SOURCE, to_account=TARGET, amount_fen=1, kind="reserve", reference="grant", at=NOW)
        tx.update(account, {"account_id": SOURCE}, balance_fen=account.c.balance_fen - 1)
        tx.update(account, {"account_id": TARGET}, balance_fen=account.c.balance_fen + 1)


# ------------------------------------------------------------------------------------------------ instructions
def _app(url: str, folder: Path, rows: int) -> App:
    """Payment with a reviewed batch of as many instalments as asked, made by the database itself."""
    app = App(find("payment"), Settings(url, "", folder, "", {}, SystemClock(), "", ""))
    app.published = SimpleNamespace(calendar=lambda: SimpleNamespace(add=lambda day, days: day))  # type: ignore[assignment]
    store = app.store
    _open(store)
    from yimen.aid.v1 import events_pb2 as aid

    grant = aid.Grant(grant_id="g", channel=CHANNEL, service="relief", case_id="c", household_id="h").SerializeToString()
    with store.transaction() as tx:
        ctx: Any = SimpleNamespace(tx=tx, now=NOW)
        ledger.move(ctx, "reserve", SOURCE, TARGET, rows, "reserve", "g")
        tx.connection.exec_driver_sql(
            "insert into plan (grant_id, channel, case_id, application_id, household_id, township_code, state, \"grant\", signature, signed_by,"
            " recorded_at) values ('g', 'relief', 'c', 'a', 'h', '990101001', 'reserved', %s, '', 'relief', now())", (grant,))
        tx.connection.exec_driver_sql("insert into channel (channel, owner, title, year) values ('relief', 'relief', 'relief', 2026)")
        tx.connection.exec_driver_sql("insert into payee (household_id, account_sealed, name_sealed) values ('h', %s, %s)",
                                      (app.vault.encrypt("6217000000000001810"), app.vault.encrypt("x")))
    for start in range(0, rows, PAGE):
        with store.transaction() as tx:
            tx.connection.exec_driver_sql(
                "insert into instalment (instalment_id, grant_id, channel, number, amount_fen, due_on, state, attempt, household_id)"
                f" select 'i' || lpad(n::text, 8, '0'), 'g', 'relief', 1, 1, '2026-04-01', 'planned', 0, 'h' from generate_series({start},"
                f" {min(rows, start + PAGE) - 1}) n")
    return app


def _pay(app: App, act: Callable[[], bool]) -> None:
    while act():
        pass


def _prepare_and_release(app: App) -> None:
    with app.work("first") as ctx:
        row = batches.prepare(ctx, CHANNEL, date(2026, 4, 1))
    _pay(app, lambda: batches.turn(app))
    with app.work("second") as ctx:
        batches.review(ctx, row["batch_id"], revisions.find(ctx, row["batch_id"])["revision"])
        batches.release(ctx, row["batch_id"])
    _pay(app, lambda: batches.turn(app))


def _settled(url: str, folder: Path, group: int) -> float:
    rows = SETTLED if group > 1 else SETTLED // 10
    app = _app(url, folder, rows)
    begun = time.monotonic()
    _prepare_and_release(app)
    with app.work("", write=False) as ctx:
        ids = [row["instruction_id"] for row in ctx.tx.find(instruction, order_by=instruction.c.instruction_id)]
    for start in range(0, len(ids), group):
        outcomes.take_in(app, [Outcome(one, "settled") for one in ids[start: start + group]])
    seconds = time.monotonic() - begun
    with app.work("", write=False) as ctx:
        assert ctx.tx.count(instalment, state="settled") == rows and ctx.tx.count(batch, state="closed") == 1
    app.close()
    return rows / seconds


# ------------------------------------------------------------------------------------------------ a million
def _million(url: str, folder: Path) -> tuple[float, float, float]:
    app = _app(url, folder, MILLION)
    app.close()
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(subprocess.run, [sys.executable, "-m", "tests.bench.money", "million", url, str(folder), "1"], stdout=subprocess.PIPE,
                           text=True, check=True).result().stdout.split()
        whole = subprocess.run([sys.executable, "-m", "tests.bench.money", "whole", url, str(folder), "1"], stdout=subprocess.PIPE, text=True,
                               check=True).stdout
    return float(told[0]), float(told[1]), float(whole)


def _peak_mb() -> float:
    """Of this process alone: `ru_maxrss` would keep the peak of the one that started it, from before the exec."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _release_million(url: str, folder: str) -> str:
    app = App(find("payment"), Settings(url, "", Path(folder), "", {}, SystemClock(), "", ""))
    app.published = SimpleNamespace(calendar=lambda: SimpleNamespace(add=lambda day, days: day))  # type: ignore[assignment]
    begun = time.monotonic()
    _prepare_and_release(app)
    with app.work("", write=False) as ctx:
        assert ctx.tx.count(instruction) == MILLION
    return f"{time.monotonic() - begun} {_peak_mb()}"


def _read_whole(url: str) -> str:
    store = Store(url)
    with store.transaction(write=False) as tx:
        assert len(tx.find(instalment, channel=CHANNEL)) == MILLION
    return str(_peak_mb())


if __name__ == "__main__":
    what, where, *rest = sys.argv[1:]
    print({"million": lambda: _release_million(where, rest[0]), "whole": lambda: _read_whole(where)}[what]() if what in ("million", "whole")
          else _write(what, where, int(rest[0]), int(rest[1])))
