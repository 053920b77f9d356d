"""A stand-in bank: a server of its own that keeps its word once per instruction id and misbehaves on purpose.

What it does follows from the last two digits of the credit account:
`91` refuses (ACCOUNT_CLOSED) · `92` settles two days later · `93` takes the money but its answer is lost ·
`94` returns it a day later (NAME_MISMATCH) · anything else settles at once.
"""

from __future__ import annotations

import sqlite3
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from yimen.bank.v1 import bank_pb2 as pb
from yimen.bank.v1 import bank_pb2_grpc
from yimen.kernel.clock import Clock
from yimen.kernel.errors import Fault
from yimen.rpc.server import Guard, RpcServer, caller
from yimen.security.keys import KeyRing
from yimen.telemetry.tracing import Telemetry

NAME = "bank"
REFUSED, SLOW, SILENT, RETURNED = "91", "92", "93", "94"
SLOW_DAYS = 2
BATCH_MAX = 1000


class Bank(bank_pb2_grpc.BankServiceServicer):
    """Remembers every instruction it was ever given."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("create table if not exists paid (instruction_id text primary key, account text not null,"
                         " amount_fen integer not null, received_on text not null, times integer not null)")
        self._db.commit()

    def Submit(self, request: Any, context: Any) -> Any:
        caller().require_service("payment")
        if len(request.instructions) > BATCH_MAX:
            raise Fault("PAYLOAD_TOO_LARGE", size=len(request.instructions), limit=BATCH_MAX)
        silent = False
        with self._lock:
            for one in request.instructions:
                new = self._db.execute(
                    "insert into paid values (?, ?, ?, ?, 1) on conflict (instruction_id) do update set times = times + 1"
                    " returning times", (one.instruction_id, one.credit_account, one.amount_fen,
                                         self._clock.now().date().isoformat())).fetchone()[0] == 1
                silent = silent or (new and one.credit_account.endswith(SILENT))
            self._db.commit()
        if silent:
            raise Fault("PEER_UNAVAILABLE", peer=NAME)
        return pb.SubmitResponse(outcomes=[self._outcome(one.instruction_id) for one in request.instructions])

    def Query(self, request: Any, context: Any) -> Any:
        return pb.QueryResponse(outcomes=[self._outcome(one) for one in request.instruction_ids[:BATCH_MAX]])

    def _outcome(self, instruction_id: str) -> Any:
        with self._lock:
            row = self._db.execute("select account, received_on from paid where instruction_id = ?",
                                   (instruction_id,)).fetchone()
        if row is None:
            return pb.Outcome(instruction_id=instruction_id, state="unknown")
        state, reason = judge(row[0], date.fromisoformat(row[1]), self._clock.now().date())
        return pb.Outcome(instruction_id=instruction_id, state=state, reason_code=reason)


def judge(account: str, received_on: date, today: date) -> tuple[str, str]:
    """What has become of a payment to this account."""
    if account.endswith(REFUSED):
        return "returned", "ACCOUNT_CLOSED"
    if account.endswith(SLOW) and today < received_on + timedelta(days=SLOW_DAYS):
        return "pending", ""
    if account.endswith(RETURNED):
        return ("returned", "NAME_MISMATCH") if today > received_on else ("pending", "")
    return "settled", ""


def serve(path: Path, keys: Path, clock: Clock, address: str) -> RpcServer:
    """The bank's server, started."""
    mount = (bank_pb2_grpc.add_BankServiceServicer_to_server, Bank(path, clock))
    server = RpcServer([mount], Guard(KeyRing(keys, NAME), clock, Telemetry(NAME)), address)
    server.start()
    return server
