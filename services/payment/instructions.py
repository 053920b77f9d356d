"""Instructions to the bank, committed before it is called; and the window's list of accounts that it does not pay to."""

from __future__ import annotations

from collections.abc import Sequence

from yimen.kernel.ids import derived
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import debts
from services.payment.grants import grants_of
from services.payment.tables import instalment, instruction

CORRECT_DAYS = 5


def commit_instructions(ctx: Context, due: Sequence[tuple[Row, Row]]) -> list[str]:
    """The next attempt of each (instalment, payee); an id follows from the instalment and the attempt.

    What is kept back for a debt by agreement is not paid out (requirements 2.7).
    """
    kept = debts.offsets(ctx, [row for row, _ in due])
    made = []
    for row, to in due:
        debt_id, offset = kept.get(row["instalment_id"], ("", 0))
        made.append({
            "instruction_id": derived("instruction", row["instalment_id"], row["attempt"] + 1), "state": "committed",
            "instalment_id": row["instalment_id"], "amount_fen": row["amount_fen"] - offset, "offset_fen": offset,
            "debt_id": debt_id, "account_sealed": to["account_sealed"], "reason_code": "", "message_id": "",
            "next_query_at": ctx.app.machine_now(), "queried_on": None, "reconciled_on": None})
    ctx.tx.insert_all(instruction, made)
    by_attempt: dict[int, list[str]] = {}
    for row, _ in due:
        by_attempt.setdefault(row["attempt"] + 1, []).append(row["instalment_id"])
    for attempt, ids in by_attempt.items():
        ctx.tx.update(instalment, {"instalment_id": ids}, state="released", attempt=attempt)
    return [one["instruction_id"] for one in made]


def ask_correction(ctx: Context, row: Row, reason_code: str) -> None:
    """Put the account on the window's list; the payment is issued again when it is corrected."""
    grant = grants_of(ctx, [row["grant_id"]])[row["grant_id"]]
    ctx.open_task("correct_account", row["instalment_id"], "window_clerk", grant.township_code, ctx.workdays_later(CORRECT_DAYS),
                  reason=reason_code)
