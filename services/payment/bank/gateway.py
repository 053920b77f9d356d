"""The bank behind a gRPC gateway (`yimen.bank.v1`); the rehearsal's stand-in speaks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from yimen.bank.v1 import bank_pb2
from yimen.kernel.errors import Fault
from yimen.runtime.app import App

from services.payment.bank import Order, Outcome

DEADLINE_S = 10.0
STATEMENT_S = 120.0  # the bank writes it when it is first asked for
PARTS_MAX = 4_000


class GatewayBank:
    """One call a message."""

    batch_max = 100

    def __init__(self, app: App) -> None:
        self._stub = app.peers.stub("bank")

    def submit(self, message_id: str, orders: Sequence[Order]) -> list[Outcome]:
        answer = self._stub.Submit(bank_pb2.SubmitRequest(message_id=message_id, instructions=[
            bank_pb2.Instruction(instruction_id=one.instruction_id, debit_account="treasury", credit_account=one.account,
                                 amount_fen=one.amount_fen, credit_name=one.name) for one in orders]), timeout_s=DEADLINE_S)
        return _outcomes(answer)

    def query(self, asked: Mapping[str, str]) -> list[Outcome]:
        return _outcomes(self._stub.Query(bank_pb2.QueryRequest(instruction_ids=list(asked)), timeout_s=DEADLINE_S))

    def statement(self, day: date, path: Path) -> bool:
        offset, written = 0, 0
        with path.open("wb") as out:
            for _ in range(PARTS_MAX):
                answer = self._stub.GetStatement(bank_pb2.GetStatementRequest(booked_on=day.isoformat(), offset=offset),
                                                 timeout_s=STATEMENT_S)
                written += out.write(answer.camt053)
                offset = answer.next_offset
                if not offset:
                    return written > 0
        raise Fault("PEER_UNAVAILABLE", peer="bank")  # it goes on without an end


def _outcomes(answer: bank_pb2.SubmitResponse | bank_pb2.QueryResponse) -> list[Outcome]:
    return [Outcome(one.instruction_id, one.state, one.reason_code) for one in answer.outcomes]
