"""A batch's record: its states, what it comes to, and that every change of it asks for another look."""

from __future__ import annotations

from datetime import date

from yimen.kernel.errors import Fault
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import lines, queries
from services.payment.tables import batch

PREPARING, PREPARED, REVIEWED, RELEASING, RELEASED, CLOSED = (
    "preparing", "prepared", "reviewed", "releasing", "released", "closed")
TITLES = {PREPARING: "编制中", PREPARED: "待审核", REVIEWED: "已审核", RELEASING: "发放中", RELEASED: "已发放", CLOSED: "已结清"}
RELEASE_DAYS = 5  # working days after the due date; W14 warns at ten days


def ask_release(ctx: Context, name: str, due_on: date) -> None:
    """Put what a channel owes on a day on the finance officer's list, once."""
    subject = f"{name}:{due_on.isoformat()}"
    if not queries.has_open_task(ctx.tx, "release", subject):
        ctx.open_task("release", subject, "finance_officer", "", ctx.workdays_later(RELEASE_DAYS, max(due_on, ctx.today)),
                      channel=name, due_on=due_on.isoformat())


def find(ctx: Context, batch_id: str) -> Row:
    """Raises Fault BATCH_NOT_FOUND."""
    return ctx.require(ctx.tx.first(batch, batch_id=batch_id, lock=True), "BATCH_NOT_FOUND", batch_id=batch_id[:36])


def require_state(row: Row, *wanted: str, act: str) -> None:
    """Raises Fault INSTALMENT_STATE unless the batch is in one of these states."""
    if row["state"] not in wanted:
        raise Fault("INSTALMENT_STATE", state=TITLES[row["state"]], act=act)


def prepared(ctx: Context, row: Row) -> None:
    """It is complete (again): somebody else must look at it, or there is nothing to look at."""
    instalments, total = queries.batch_sums(ctx.tx, row["batch_id"])
    state = PREPARED if instalments else CLOSED
    ctx.tx.update(batch, {"batch_id": row["batch_id"]}, state=state, revision=row["revision"] + 1, instalments=instalments,
                  total_fen=total, reviewed_by="", reviewed_at=None)
    ctx.close_tasks(row["batch_id"])
    if instalments:
        ctx.open_task("review_batch", row["batch_id"], "finance_officer", "",
                      ctx.workdays_later(int(lines.parameters()["review_days"])),
                      channel=row["channel"], revision=str(row["revision"] + 1))
        ctx.emit(events.BatchPrepared(batch_id=row["batch_id"], channel=row["channel"], due_on=row["due_on"].isoformat(),
                                      instalments=instalments, total_fen=total, revision=row["revision"] + 1),
                 subject=f"batch:{row['batch_id']}")


def changed(ctx: Context, batch_id: str) -> None:
    """Something left a batch that nobody has released yet, or is paid to another account: it must be looked at again."""
    row = ctx.tx.first(batch, batch_id=batch_id, lock=True)
    if row is not None and row["state"] in (PREPARED, REVIEWED):
        prepared(ctx, row)
        ctx.audit("batch.changed", batch_id)
