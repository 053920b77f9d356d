"""audit: rows written one per transaction on PostgreSQL while the chain is sealed and signed beside them.

DIGIT's published load test of its signed audit gives 29.9 rows/s at p95 1,366 ms (another machine: a mark, not a
race). The peer of the same run signs and chains each row in the writer's own transaction, as one does at first.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from statistics import quantiles

from yimen.kernel.clock import SystemClock
from yimen.kernel.ids import canonical, digest
from yimen.security.keys import KeyRing, make_pair
from yimen.stack.components import drop_databases, make_databases, obtain
from yimen.store import audit, migrate, tables
from yimen.store.unit import Store

from tests.bench.report import Row, temporary_folder

WRITERS, SECONDS = 8, 8.0
DIGIT_ROWS_PER_S, DIGIT_P95_MS = 29.9, 1366.0


def _load(write: Callable[[int], None]) -> tuple[float, float]:
    """Rows per second and p95 in milliseconds over WRITERS threads."""
    took: list[float] = []
    end = time.monotonic() + SECONDS

    def work(number: int) -> None:
        while time.monotonic() < end:
            begun = time.monotonic()
            write(number)
            took.append(time.monotonic() - begun)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(took) / SECONDS, quantiles(took, n=20)[18] * 1000


def run() -> list[Row]:
    """Ours: sealed in stretches beside the writers. Peer: every row chained and signed in its transaction."""
    components = obtain()
    instance = f"bench{os.getpid()}"
    try:
        url = make_databases(components.postgres, instance, ["ours", "peer"], "bench")
        with temporary_folder() as keys:
            make_pair(keys, "bench")
            ring, clock = KeyRing(keys, "bench"), SystemClock()
            ours, peer = Store(url["ours"]), Store(url["peer"])
            for store in (ours, peer):
                migrate.upgrade(store, [])
            rate, p95 = _ours(ours, ring, clock)
            peer_rate, peer_p95 = _each_row_signed(peer, ring, clock)
            ours.close()
            peer.close()
    finally:
        drop_databases(components.postgres, instance, ["ours", "peer"])
        components.stop()
    return [
        Row("audit", "sealed rows/s, 8 writers", rate, "signed and chained row by row", peer_rate),
        Row("audit p95", "ms", p95, "signed and chained row by row", peer_p95, smaller_is_better=True),
        Row("audit", "sealed rows/s, 8 writers", rate, "DIGIT, as published", DIGIT_ROWS_PER_S),
        Row("audit p95", "ms", p95, "DIGIT, as published", DIGIT_P95_MS, smaller_is_better=True),
    ]


def _ours(store: Store, ring: KeyRing, clock: SystemClock) -> tuple[float, float]:
    done = threading.Event()

    def seal() -> None:
        while True:
            with store.transaction() as tx:
                closed = audit.seal(tx, clock.now(), ring.sign)
            if closed is None:
                if done.is_set():
                    return
                time.sleep(0.05)

    sealer = threading.Thread(target=seal)
    begun = time.monotonic()
    sealer.start()

    def write(number: int) -> None:
        with store.transaction() as tx:
            audit.record(tx, clock.now(), f"officer-{number}", "case.read", "case", {"purpose": "bench"})

    rate, p95 = _load(write)
    done.set()
    sealer.join()
    with store.transaction(write=False) as tx:
        rows = tx.count(tables.audit)
        assert tx.count(tables.audit, seal_no=None) == 0
        assert audit.verify(tx, lambda message, signature: ring.verify("bench", message, bytes(signature))) == []
    return min(rate, rows / (time.monotonic() - begun)), p95  # until the last row is sealed


def _each_row_signed(store: Store, ring: KeyRing, clock: SystemClock) -> tuple[float, float]:
    with store.transaction() as tx:
        tx.insert(tables.audit_seal, seal_no=0, rows=0, previous="", hash="0", signature=b"", sealed_at=clock.now())

    def write(number: int) -> None:
        with store.transaction() as tx:
            last = tx.find(tables.audit_seal, order_by=tables.audit_seal.c.seal_no.desc(), limit=1, lock=True)[0]
            head = tx.find(tables.audit_seal, seal_no=0, lock=True)[0]
            last = tx.find(tables.audit_seal, order_by=tables.audit_seal.c.seal_no.desc(), limit=1)[0] or head
            hashed = digest([last["hash"], canonical({"purpose": "bench"})])
            audit.record(tx, clock.now(), f"officer-{number}", "case.read", "case", {"purpose": "bench"})
            tx.insert(tables.audit_seal, seal_no=last["seal_no"] + 1, rows=1, previous=last["hash"], hash=hashed,
                      signature=ring.sign(hashed.encode()), sealed_at=clock.now())

    return _load(write)
