"""The stand-in bank over gRPC."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from yimen.bank.v1 import bank_pb2 as pb
from yimen.bank.v1 import bank_pb2_grpc
from yimen.kernel.clock import Clock
from yimen.kernel.errors import Fault
from yimen.rehearsal.bank.book import BATCH_MAX, NAME, Book, Order
from yimen.rpc.server import Guard, RpcServer, caller
from yimen.security.keys import KeyRing
from yimen.telemetry.tracing import Telemetry

PART_BYTES = 1024 * 1024


class Bank(bank_pb2_grpc.BankServiceServicer):
    """The book's gRPC."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.book = Book(path, clock)
        self._written = tempfile.TemporaryDirectory(prefix="yimen-bank-")

    def Submit(self, request: Any, context: Any) -> Any:
        caller().require_service("payment")
        if len(request.instructions) > BATCH_MAX:
            raise Fault("PAYLOAD_TOO_LARGE", size=len(request.instructions), limit=BATCH_MAX)
        if not self.book.submit([Order(one.instruction_id, one.credit_account, one.amount_fen) for one in request.instructions]):
            raise Fault("PEER_UNAVAILABLE", peer=NAME)
        return pb.SubmitResponse(outcomes=self._outcomes([one.instruction_id for one in request.instructions]))

    def Query(self, request: Any, context: Any) -> Any:
        return pb.QueryResponse(outcomes=self._outcomes(request.instruction_ids[:BATCH_MAX]))

    def _outcomes(self, ids: Any) -> list[Any]:
        return [pb.Outcome(instruction_id=one, state=state, reason_code=reason) for one, state, reason in self.book.outcomes(ids)]

    def GetStatement(self, request: Any, context: Any) -> Any:
        caller().require_service("payment")
        # A day that is over does not change any more: its file is written once and read part after part.
        path = Path(self._written.name) / f"{date.fromisoformat(request.booked_on)}.xml"
        if not path.exists() and not self.book.statement(date.fromisoformat(request.booked_on), path):
            return pb.GetStatementResponse()
        with path.open("rb") as file:
            file.seek(request.offset)
            part = file.read(PART_BYTES)
        following = request.offset + len(part)
        return pb.GetStatementResponse(camt053=part, next_offset=following if following < path.stat().st_size else 0)


def serve(path: Path, keys: Path, clock: Clock, address: str) -> RpcServer:
    """The bank's server, started."""
    mount = (bank_pb2_grpc.add_BankServiceServicer_to_server, Bank(path, clock))
    server = RpcServer([mount], Guard(KeyRing(keys, NAME), clock, Telemetry(NAME)), address)
    server.start()
    return server
