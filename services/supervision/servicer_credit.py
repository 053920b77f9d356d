"""gRPC of credit records and of what goes to justice: the supervisor's, and the auditor's to read."""

from __future__ import annotations

from typing import Any

from yimen.kernel.workdays import day_text
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.supervision.v1 import credit_pb2 as pb
from yimen.supervision.v1 import credit_pb2_grpc

from services.supervision import credit

REASON_MAX = 200


class CreditServicer(credit_pb2_grpc.CreditServiceServicer):
    """After fraud."""

    def __init__(self, app: App) -> None:
        self._app = app

    def ListCredit(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("supervisor", "auditor")
        with self._app.work(officer.actor) as ctx:
            rows = credit.of_household(ctx, request.household_id, request.case_id)
            # Who looked is part of the record: it is personal.
            ctx.audit("credit.read", request.household_id or request.case_id, found=len(rows))
        return pb.ListCreditResponse(records=[pb.CreditRecord(
            recovery_id=row["recovery_id"], case_id=row["case_id"], service=row["service"], state=row["state"],
            recorded_on=row["recorded_on"].isoformat(), expires_on=row["expires_on"].isoformat(), reason=row["reason"],
            ended_on=day_text(row["ended_on"])) for row in rows])

    def RepairCredit(self, request: Any, context: Any) -> Any:
        with self._app.work(_supervisor()) as ctx:
            credit.repair(ctx, request.recovery_id, request.reason[:REASON_MAX], request.document_no[:REASON_MAX])
        return pb.RepairCreditResponse()

    def RevokeCredit(self, request: Any, context: Any) -> Any:
        with self._app.work(_supervisor()) as ctx:
            credit.revoke(ctx, request.recovery_id, request.reason[:REASON_MAX], request.document_no[:REASON_MAX])
        return pb.RevokeCreditResponse()

    def TransferToJustice(self, request: Any, context: Any) -> Any:
        with self._app.work(_supervisor()) as ctx:
            row = credit.transfer(ctx, request.recovery_id, request.organ, request.document_no[:REASON_MAX],
                                  request.reason[:REASON_MAX])
        return pb.TransferToJusticeResponse(answer_by=row["answer_by"].isoformat())

    def RecordJusticeAnswer(self, request: Any, context: Any) -> Any:
        with self._app.work(_supervisor()) as ctx:
            credit.record_answer(ctx, request.recovery_id, request.answer, request.document_no[:REASON_MAX])
        return pb.RecordJusticeAnswerResponse()

    def ListTransfers(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("supervisor", "auditor")
        with self._app.work(officer.actor, write=False) as ctx:
            rows = credit.transfers(ctx, request.open_only, request.after)
        return pb.ListTransfersResponse(
            transfers=[pb.Transfer(
                recovery_id=row["recovery_id"], case_id=row["case_id"], service=row["service"], organ=row["organ"],
                document_no=row["document_no"], transferred_on=row["transferred_on"].isoformat(), answer=row["answer"],
                answer_by=row["answer_by"].isoformat(), answered_on=day_text(row["answered_on"])) for row in rows],
            next_after=rows[-1]["recovery_id"] if len(rows) == credit.LISTED_MAX else "")


def _supervisor() -> str:
    officer = caller()
    officer.require_role("supervisor")
    return str(officer.actor)


def credit_mount(app: App) -> Mount:
    """The servicer for the server."""
    return credit_pb2_grpc.add_CreditServiceServicer_to_server, CreditServicer(app)
