"""What falls due together is prepared by one officer, seen by another, and only then paid (R167).

`preparing` → `prepared` → `reviewed` → `releasing` → `released` → `closed`. Preparing and releasing go a page at a time, each
in its
own transaction: however large a batch is, it is never held in memory, and whoever is killed goes on where he was.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import holds, ledger, lines, queries, revisions
from services.payment.instructions import ask_correction, commit_instructions
from services.payment.revisions import (
    CLOSED,
    PREPARED,
    PREPARING,
    RELEASE_DAYS,
    RELEASED,
    RELEASING,
    REVIEWED,
    find,
    require_state,
)
from services.payment.tables import batch, instalment, payee

PREPARE_PAGE_MAX = 5_000
RELEASE_PAGE_MAX = 1_000
ACCOUNT_PAGE_MAX = 200


# ------------------------------------------------------------------------------------------------ preparing
def prepare(ctx: Context, name: str, due_on: date) -> Row:
    """Begin a batch of everything that the channel owes up to a day and that is not in another one.

    From the cut-off on it can be prepared and reviewed; what is granted after that goes into the next one. Raises Fault
    CHANNEL_NOT_FOUND, or INSTALMENT_STATE before the cut-off.
    """
    lines.require_channel(ctx, name)
    if due_on > ctx.today + timedelta(days=int(lines.parameters()["cut_off_days"])):
        raise Fault("INSTALMENT_STATE", state="未到截止日", act="编制批次")
    running = ctx.tx.first(batch, channel=name, due_on=due_on, state=[PREPARING, PREPARED, REVIEWED, RELEASING], lock=True)
    if running is not None:
        return running
    queries.name_households(ctx.tx)
    number = ctx.tx.count(batch, channel=name, due_on=due_on)
    row: Row = {"batch_id": derived("batch", name, due_on, number), "channel": name, "due_on": due_on, "state": PREPARING,
           "revision": 0, "done_to": "",
           "instalments": 0, "total_fen": 0, "prepared_by": ctx.actor, "prepared_at": ctx.now, "reviewed_by": "",
           "reviewed_at": None, "released_by": "", "released_at": None}
    ctx.tx.insert(batch, **row)
    ctx.open_task("prepare_batch", row["batch_id"], "finance_officer", "", ctx.workdays_later(1), channel=name)
    ctx.audit("batch.opened", row["batch_id"], channel=name)
    return row


def turn(app: App) -> bool:
    """One page of a batch that is being prepared or released; True when there was one."""
    with app.work("", write=False) as ctx:
        waiting = ctx.tx.first(batch, state=[PREPARING, RELEASING], order_by=batch.c.batch_id)
    if waiting is None:
        return False
    with app.work(f"service:{app.name}") as ctx:
        row = find(ctx, waiting["batch_id"])
        if row["state"] == PREPARING:
            _prepare_page(ctx, row)
        elif row["state"] == RELEASING:
            _release_page(ctx, row)
    return True


def _prepare_page(ctx: Context, row: Row) -> None:
    """Take in what is due, page after page; then take out again what must wait."""
    name, due_on = row["channel"], row["due_on"]
    if last := queries.put_in_batch(ctx.tx, row["batch_id"], name, due_on, row["done_to"], PREPARE_PAGE_MAX):
        ctx.tx.update(batch, {"batch_id": row["batch_id"]}, done_to=last)
        return
    if holds.hold_duplicates(ctx, row["batch_id"], due_on) or _ask_accounts(ctx, row["batch_id"]):
        return
    ctx.tx.update(batch, {"batch_id": row["batch_id"]}, done_to="")
    revisions.prepared(ctx, row)
    ctx.close_tasks(f"{name}:{due_on.isoformat()}", "release")
    following = ctx.tx.first(instalment, channel=name, state=lines.PLANNED, batch_id="", held=False, order_by=instalment.c.due_on)
    if following is not None:
        revisions.ask_release(ctx, name, following["due_on"])


def _ask_accounts(ctx: Context, batch_id: str) -> int:
    """Whoever has given no account is asked for one; what he is owed waits for it."""
    rows = queries.without_account(ctx.tx, batch_id, ACCOUNT_PAGE_MAX)
    for row in rows:
        ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, state="returned", batch_id="")
        ask_correction(ctx, row, "ACCOUNT_MISSING")
    return len(rows)


# ------------------------------------------------------------------------------------------------ reviewing, releasing
def review(ctx: Context, batch_id: str, revision: int) -> Row:
    """A second officer has looked at this revision of it. Raises Fault SEPARATION_OF_DUTIES, BATCH_CHANGED or
    INSTALMENT_STATE."""
    row = find(ctx, batch_id)
    require_state(row, PREPARED, act="审核批次")
    _require_second(ctx, row)
    _require_unchanged(ctx, row)
    if row["revision"] != revision:
        raise Fault("BATCH_CHANGED", revision=row["revision"])
    ctx.tx.update(batch, {"batch_id": batch_id}, state=REVIEWED, reviewed_by=ctx.actor, reviewed_at=ctx.now)
    ctx.close_tasks(batch_id)
    ctx.open_task("release_batch", batch_id, "finance_officer", "", ctx.workdays_later(int(lines.parameters()["review_days"])),
                  channel=row["channel"])
    ctx.audit("batch.reviewed", batch_id, revision=revision, total_fen=row["total_fen"])
    return row


def release(ctx: Context, batch_id: str) -> Row:
    """Let it be paid; never by who prepared it. Raises Fault SEPARATION_OF_DUTIES, BATCH_CHANGED or INSTALMENT_STATE."""
    row = find(ctx, batch_id)
    require_state(row, REVIEWED, act="发放批次")
    if row["due_on"] > ctx.today:
        raise Fault("INSTALMENT_STATE", state="未到发放日", act="发放批次")
    _require_second(ctx, row)
    _require_unchanged(ctx, row)
    by_line = Counter[str]()
    for line, fen in queries.batch_by_line(ctx.tx, batch_id).items():
        by_line[line or row["channel"]] += fen
    ledger.post(ctx, [ledger.Move(derived("release", batch_id, line), ledger.account_id(line, ledger.RESERVED),
                                  ledger.open_account(ctx, line, ledger.BATCH, batch_id), fen, "release", batch_id)
                      for line, fen in by_line.items()])
    ctx.tx.update(batch, {"batch_id": batch_id}, state=RELEASING, released_by=ctx.actor, released_at=ctx.now)
    ctx.close_tasks(batch_id)
    ctx.open_task("pay_batch", batch_id, "finance_officer", "", ctx.workdays_later(RELEASE_DAYS), channel=row["channel"])
    ctx.audit("batch.released", batch_id, instructions=row["instalments"], total_fen=row["total_fen"])
    ctx.emit(events.BatchReleased(batch_id=batch_id, channel=row["channel"], due_on=row["due_on"].isoformat(),
                                  instalments=row["instalments"], total_fen=row["total_fen"]), subject=f"batch:{batch_id}")
    return row


def _require_second(ctx: Context, row: Row) -> None:
    if ctx.actor == row["prepared_by"]:
        raise Fault("SEPARATION_OF_DUTIES", earlier="编制批次")


def _require_unchanged(ctx: Context, row: Row) -> None:
    """What would be paid now is what was counted when it was prepared; whoever changed it since."""
    if queries.batch_sums(ctx.tx, row["batch_id"]) != (row["instalments"], row["total_fen"]):
        raise Fault("BATCH_CHANGED", revision=row["revision"])


def _release_page(ctx: Context, row: Row) -> None:
    rows = ctx.tx.find(instalment, instalment.c.instalment_id > row["done_to"], batch_id=row["batch_id"], state=lines.PLANNED,
                       order_by=instalment.c.instalment_id, limit=RELEASE_PAGE_MAX, lock=True)
    if not rows:
        ctx.tx.update(batch, {"batch_id": row["batch_id"]}, state=RELEASED)
        close_paid_out(ctx, {row["batch_id"]})
        return
    ctx.tx.update(batch, {"batch_id": row["batch_id"]}, done_to=rows[-1]["instalment_id"])
    to = {one["household_id"]: one for one in ctx.tx.find(payee, household_id=sorted({r["household_id"] for r in rows}))}
    commit_instructions(ctx, [(one, to[one["household_id"]]) for one in rows])


def close_paid_out(ctx: Context, batch_ids: set[str]) -> None:
    """End the batches of which nothing is under way any more."""
    for batch_id in sorted(batch_ids - {""}):
        row = ctx.tx.first(batch, batch_id=batch_id, lock=True)
        if row is not None and row["state"] == RELEASED and queries.is_paid_out(ctx.tx, batch_id):
            ctx.tx.update(batch, {"batch_id": batch_id}, state=CLOSED)
            ctx.close_tasks(batch_id)
            ctx.audit("batch.closed", batch_id)
            ctx.emit(events.BatchClosed(batch_id=batch_id, channel=row["channel"]), subject=f"batch:{batch_id}")
