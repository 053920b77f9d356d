"""Instructions to the bank. Committed before the call; an unknown outcome is queried, never sent anew.

`committed` → (marked `sending` with its message, commit) → bank → `pending` | `settled` | `returned`. Whatever is found in
`sending` after a crash has an unknown outcome: the bank is asked, and only when it has never seen the id is
the instruction put back to `committed`, still with the same id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.runtime.app import App
from yimen.store.unit import Row

from services.payment import outcomes
from services.payment.bank import Order, bank_of
from services.payment.tables import instalment, instruction, payee

QUERY_BATCH_MAX = 200
ANSWER_S_MAX = 10.0  # after that the bank is asked what became of it


def send_instructions(app: App) -> bool:
    """One message to the bank; True when there was one."""
    with app.work("", write=False) as ctx:
        if ctx.tx.first(instruction, state="committed") is None:
            return False
    bank = bank_of(app)
    with app.work(f"service:{app.name}") as ctx:
        rows = ctx.tx.find(instruction, state="committed", order_by=instruction.c.instruction_id, limit=bank.batch_max, lock=True)
        if not rows:
            return False
        ids = [row["instruction_id"] for row in rows]
        message_id = derived("message", *ids)
        ctx.tx.update(instruction, {"instruction_id": ids}, state="sending", message_id=message_id,
                      next_query_at=app.machine_now() + timedelta(seconds=ANSWER_S_MAX), queried_on=ctx.today)
    try:
        found = bank.submit(message_id, _orders(app, rows))
    except Fault as fault:
        if fault.code != "PEER_UNAVAILABLE":
            raise
        app.telemetry.meter.add("yimen.bank.unanswered")
        # Nobody knows what the bank has done; the next round asks.
        with app.work(f"service:{app.name}") as ctx:
            ctx.tx.update(instruction, {"instruction_id": ids, "state": "sending"}, next_query_at=app.machine_now())
        return True
    outcomes.take_in(app, found)
    return True


def _orders(app: App, rows: Sequence[Row]) -> list[Order]:
    """What the bank is told; the account's holder as he is registered, for its own real-name check (R117)."""
    with app.work("", write=False) as ctx:
        homes = {row["instalment_id"]: row["household_id"] for row in ctx.tx.find(
            instalment, instalment_id=[row["instalment_id"] for row in rows])}
        names = {row["household_id"]: row["name_sealed"] for row in ctx.tx.find(payee, household_id=sorted(set(homes.values())))}
    return [Order(row["instruction_id"], app.vault.decrypt(row["account_sealed"]),
                  _name(app, names.get(homes[row["instalment_id"]])), row["amount_fen"]) for row in rows]


def _name(app: App, sealed: bytes | None) -> str:
    return app.vault.decrypt(sealed) if sealed else ""


def ask_bank(app: App) -> bool:
    """Ask what became of instructions whose outcome is open; True when one was settled or returned."""
    now = app.machine_now()
    with app.work("", write=False) as ctx:
        open_ones = ctx.tx.find(instruction, state=["sending", "pending"],
                                order_by=instruction.c.next_query_at, limit=QUERY_BATCH_MAX)
    due = {r["instruction_id"]: r["message_id"] for r in open_ones
           if r["next_query_at"] <= now or r["queried_on"] is None or r["queried_on"] < app.today()}
    if not due:
        return False
    try:
        return outcomes.take_in(app, bank_of(app).query(due))
    except Fault as fault:
        if fault.code != "PEER_UNAVAILABLE":
            raise
        app.telemetry.meter.add("yimen.bank.unanswered")
        return False
