"""gRPC of batches and holds (`payment.v1.BatchService`)."""

from __future__ import annotations

from datetime import date
from typing import Any

from yimen.kernel.errors import Fault
from yimen.payment.v1 import batches_pb2 as pb
from yimen.payment.v1 import batches_pb2_grpc
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import batches, holds, lines, revisions
from services.payment.grants import grants_of
from services.payment.tables import batch, hold, instalment, payee

LINES_PAGE_MAX = 500
LISTED_MAX = 1_000
READERS = ("finance_officer", "supervisor", "auditor")


class BatchServicer(batches_pb2_grpc.BatchServiceServicer):
    """What is due, in batches; what waits."""

    def __init__(self, app: App) -> None:
        self._app = app

    def PrepareBatch(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        due_on = _day(request.due_on)
        with self._app.work(officer.actor) as ctx:
            row = batches.prepare(ctx, request.channel, due_on)
        return pb.PrepareBatchResponse(batch=_batch(row))

    def ListBatches(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS)
        chosen: dict[str, Any] = {"channel": request.channel} if request.channel else {}
        if request.open_only:
            chosen["state"] = [one for one in revisions.TITLES if one != revisions.CLOSED]
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(batch, order_by=(batch.c.due_on, batch.c.batch_id), limit=LISTED_MAX, **chosen)
        return pb.ListBatchesResponse(batches=[_batch(row) for row in rows])

    def ListBatchLines(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role(*(READERS[:1] if request.for_bank else READERS))
        with self._app.work(officer.actor) as ctx:
            revisions.find(ctx, request.batch_id)
            rows = ctx.tx.find(instalment, instalment.c.instalment_id > request.after, batch_id=request.batch_id,
                               order_by=instalment.c.instalment_id, limit=LINES_PAGE_MAX)
            grants = grants_of(ctx, [row["grant_id"] for row in rows])
            secret = self._accounts(ctx, rows) if request.for_bank else {}
            if request.for_bank:
                ctx.audit("batch.exported", request.batch_id, lines=len(rows), after=request.after)
        return pb.ListBatchLinesResponse(
            lines=[pb.BatchLine(instalment_id=row["instalment_id"], case_id=grants[row["grant_id"]].case_id,
                                item=grants[row["grant_id"]].item, township_code=grants[row["grant_id"]].township_code,
                                number=row["number"], due_on=row["due_on"].isoformat(), amount_fen=row["amount_fen"],
                                state=row["state"], budget_line=lines.line_of(row), **secret.get(row["household_id"], {}))
                   for row in rows],
            next_after=rows[-1]["instalment_id"] if len(rows) == LINES_PAGE_MAX else "")

    def _accounts(self, ctx: Context, rows: list[Row]) -> dict[str, dict[str, str]]:
        decrypt = self._app.vault.decrypt
        return {one["household_id"]: {"account_name": decrypt(one["name_sealed"]), "bank_account": decrypt(one["account_sealed"])}
                for one in ctx.tx.find(payee, household_id=sorted({row["household_id"] for row in rows}))}

    def ReviewBatch(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        with self._app.work(officer.actor) as ctx:
            batches.review(ctx, request.batch_id, request.revision)
            row = revisions.find(ctx, request.batch_id)
        return pb.ReviewBatchResponse(batch=_batch(row))

    def ReleaseReviewedBatch(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        with self._app.work(officer.actor) as ctx:
            batches.release(ctx, request.batch_id)
            row = revisions.find(ctx, request.batch_id)
        return pb.ReleaseReviewedBatchResponse(batch=_batch(row))

    # ------------------------------------------------------------------------------------------ holds
    def PlaceHold(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer", "supervisor")
        if request.reason_code not in holds.ENTERED:
            raise Fault("FIELD_WRONG", field="reason_code", expected="/".join(holds.ENTERED))
        if not request.household_id:
            raise Fault("FIELD_WRONG", field="household_id", expected="台账户号")
        with self._app.work(officer.actor) as ctx:
            if request.instalment_id:
                ctx.require(ctx.tx.first(instalment, instalment_id=request.instalment_id, household_id=request.household_id),
                            "INSTALMENT_NOT_FOUND", instalment_id=request.instalment_id[:36])
            hold_id = holds.place(ctx, request.household_id, request.reason_code, request.instalment_id)
        return pb.PlaceHoldResponse(hold_id=hold_id)

    def DecideHold(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        with self._app.work(officer.actor) as ctx:
            holds.decide(ctx, request.hold_id, request.pay, request.reason)
        return pb.DecideHoldResponse()

    def ListHolds(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS)
        chosen: dict[str, Any] = {"state": holds.OPEN} if request.open_only else {}
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(hold, order_by=(hold.c.placed_on, hold.c.hold_id), limit=LISTED_MAX, **chosen)
        return pb.ListHoldsResponse(holds=[
            pb.Hold(hold_id=row["hold_id"], household_id=row["household_id"], instalment_id=row["instalment_id"],
                    reason_code=row["reason_code"], other_id=row["other_id"], state=row["state"],
                    placed_on=row["placed_on"].isoformat()) for row in rows])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Fault("FIELD_WRONG", field="due_on", expected="YYYY-MM-DD,存在的日期") from None


def _batch(row: Row) -> pb.Batch:
    return pb.Batch(batch_id=row["batch_id"], channel=row["channel"], due_on=row["due_on"].isoformat(), state=row["state"],
                    revision=row["revision"], instalments=row["instalments"], total_fen=row["total_fen"],
                    prepared_by=row["prepared_by"], reviewed_by=row["reviewed_by"], released_by=row["released_by"])


def batch_mount(app: App) -> Mount:
    """The servicer for the server."""
    return batches_pb2_grpc.add_BatchServiceServicer_to_server, BatchServicer(app)
