"""gRPC of money to be given back (`payment.v1.DebtService`)."""

from __future__ import annotations

from typing import Any

from yimen.payment.v1 import debts_pb2 as pb
from yimen.payment.v1 import debts_pb2_grpc
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App

from services.payment import debts
from services.payment.tables import debt

LISTED_MAX = 1_000


class DebtServicer(debts_pb2_grpc.DebtServiceServicer):
    """Debts: how they are paid, and how they end."""

    def __init__(self, app: App) -> None:
        self._app = app

    def ListDebts(self, request: Any, context: Any) -> Any:
        caller().require_role("finance_officer", "supervisor", "auditor", "county_approver", "coordination_panel")
        chosen: dict[str, Any] = {"case_id": request.case_id} if request.case_id else {}
        if request.open_only:
            chosen["state"] = list(debts.OWED)
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(debt, order_by=(debt.c.opened_on, debt.c.debt_id), limit=LISTED_MAX, **chosen)
            owed = {row["debt_id"]: (debts.outstanding(ctx, row), debts.fine_outstanding(ctx, row)) for row in rows}
        return pb.ListDebtsResponse(debts=[
            pb.Debt(debt_id=row["debt_id"], channel=row["channel"], case_id=row["case_id"], cause=row["cause"],
                    state=row["state"],
                    amount_fen=row["amount_fen"], fine_fen=row["fine_fen"], outstanding_fen=owed[row["debt_id"]][0],
                    fine_outstanding_fen=owed[row["debt_id"]][1], monthly_fen=row["monthly_fen"], offset_fen=row["offset_fen"])
            for row in rows])

    def AgreeRepayment(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        with self._app.work(officer.actor) as ctx:
            debts.agree(ctx, request.debt_id, request.monthly_fen, request.offset_fen, request.agreement_ref)
        return pb.AgreeRepaymentResponse()

    def RecordRepayment(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        with self._app.work(officer.actor) as ctx:
            left = debts.repay(ctx, request.debt_id, request.amount_fen, request.receipt_ref)
        return pb.RecordRepaymentResponse(outstanding_fen=left)

    def WriteOffDebt(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("coordination_panel")
        with self._app.work(officer.actor) as ctx:
            debts.write_off(ctx, request.debt_id, request.minutes_ref, request.reason)
        return pb.WriteOffDebtResponse()


def debt_mount(app: App) -> Mount:
    """The servicer for the server."""
    return debts_pb2_grpc.add_DebtServiceServicer_to_server, DebtServicer(app)
