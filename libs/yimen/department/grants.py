"""What a department signs: grants on its own channel, and the end of a grant. Nothing else moves money."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from yimen.aid.v1 import events_pb2 as aid
from yimen.department.declaration import Department
from yimen.kernel.ids import derived
from yimen.kernel.workdays import first_of_next_month, months_later
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.runtime.context import Context


def grant_id(decision_id: str) -> str:
    """The grant of a decision."""
    return derived("grant", decision_id)


def first_due(decided_on: date, instalments: int) -> date:
    """One-off aid is due at once, a standing benefit from the month after (requirements 2.1, row 14)."""
    return decided_on if instalments == 1 else first_of_next_month(decided_on)


def plan_end(first: date, instalments: int, every_months: int) -> date:
    """The first day that a plan does not pay any more."""
    return months_later(first, instalments * every_months)


def sign_grant(ctx: Context, department: Department, case: Row, decision_id: str, amount_fen: int, due: date,
               instalments: int, every_months: int, via: str = "bank", extra: str = "") -> aid.SignedGrant:
    """`extra` distinguishes a second grant of the same decision, such as arrears."""
    grant = aid.Grant(
        grant_id=derived(extra, decision_id) if extra else grant_id(decision_id), channel=department.channel.name,
        service=ctx.service, case_id=case["case_id"], decision_id=decision_id, household_id=case["household_id"],
        instalment_fen=amount_fen, instalments=instalments, first_due_on=due.isoformat(), via=via,
        township_code=case["township_code"], application_id=case["application_id"],
        every_months=every_months, item=case["item"], purpose=department.item(case["item"]).purpose,
    ).SerializeToString(deterministic=True)
    return aid.SignedGrant(grant=grant, signature=ctx.app.keys.sign(grant), signed_by=ctx.service)


def sign_order(ctx: Context, department: Department, case: Row, recovery_id: str, decision_id: str, cause: str, amount_fen: int,
               fine_fen: int) -> aid.SignedRecoveryOrder:
    """The household is to give back money of the department's channel."""
    order = aid.RecoveryOrder(
        debt_id=derived("debt", recovery_id), channel=department.channel.name, service=ctx.service, case_id=case["case_id"],
        application_id=case["application_id"], household_id=case["household_id"], township_code=case["township_code"],
        decision_id=decision_id, cause=cause, amount_fen=amount_fen, fine_fen=fine_fen).SerializeToString(deterministic=True)
    return aid.SignedRecoveryOrder(order=order, signature=ctx.app.keys.sign(order), signed_by=ctx.service)


def sign_end(ctx: Context, department: Department, grant: str, from_due_on: date, decision_id: str) -> aid.SignedGrantEnd:
    """Instalments of the grant that are due on that day or later are not paid."""
    end = aid.GrantEnd(grant_id=grant, channel=department.channel.name, service=ctx.service,
                       from_due_on=from_due_on.isoformat(), decision_id=decision_id).SerializeToString(deterministic=True)
    return aid.SignedGrantEnd(grant_end=end, signature=ctx.app.keys.sign(end), signed_by=ctx.service)
