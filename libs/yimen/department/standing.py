"""What stands after a grant, and how a later decision changes it: the plan is cut, another is signed, all are told.

Whoever asks for it (a review, a new standard, a reconsideration) comes through `adjust`; the money, the roster, the lists
and the applicant follow from its one event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.casework.reviews import Result, periods
from yimen.casework.states import Act, State
from yimen.department.declaration import MONEY
from yimen.department.grants import first_due, grant_id, plan_end, sign_end, sign_grant
from yimen.department.tables import aid_case, benefit_period, decision
from yimen.kernel.workdays import first_of_next_month, months_later
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.department.cases import Desk
    from yimen.runtime.context import Context


@dataclass(frozen=True)
class Standing:
    """A benefit as it stands: the decision that holds, since when, and until when its plan pays."""

    case: Row
    decision: Row
    effective_on: date
    # The first day that the plan does not pay any more; `effective_on` when it pays nothing.
    until: date

    @property
    def amount(self) -> tuple[str, int]:
        """Category and amount in fen."""
        return self.decision["category"], self.decision["amount_fen"]


def standing_of(ctx: Context, desk: Desk, case: Row) -> Standing | None:
    """The benefit of a case; None where nothing stands: undecided, refused, stopped, or given once."""
    if case["outcome"] != "granted" or case["decided_on"] is None:
        return None
    made = desk.decision(ctx, case["decision_id"])
    item = desk.department.item(case["item"])
    if not item.grants_category and made["instalments"] == 1 and case["effective_on"] is None:
        return None
    first = case["effective_on"] or first_due(case["decided_on"], made["instalments"])
    if case["benefit_until"] is not None:
        return Standing(case, made, first, case["benefit_until"])
    pays = item.output == MONEY and made["amount_fen"]
    return Standing(case, made, first, plan_end(first, made["instalments"], made["every_months"]) if pays else first)


def standing_cases(ctx: Context, desk: Desk, household_id: str) -> list[Standing]:
    """Everything that stands for a household at this department."""
    found = [standing_of(ctx, desk, case) for case in ctx.tx.find(
        aid_case, household_id=household_id, outcome="granted", order_by=aid_case.c.case_id, lock=True)]
    return [one for one in found if one is not None]


@dataclass(frozen=True)
class Period:
    """Months that were paid, or will be, by one decision: from the first of `starts_on` to before `ends_on`."""

    starts_on: date
    ends_on: date
    decision: Row

    def months(self) -> int:
        """How many payments fall into it."""
        return periods(self.starts_on, self.ends_on, self.decision["every_months"])


def paid_periods(ctx: Context, desk: Desk, case: Row, since: date, until: date) -> list[Period]:
    """By which decisions a case was paid from `since` to before `until`, oldest first; also one that has ended, or was paid
    once."""
    rows = ctx.tx.find(benefit_period, case_id=case["case_id"], order_by=benefit_period.c.starts_on)
    starts = [(row["starts_on"], desk.decision(ctx, row["decision_id"])) for row in rows]
    if not starts:
        made = desk.decision(ctx, case["decision_id"])
        starts = [(first_due(case["decided_on"], made["instalments"]), made)]
    last_start, last = starts[-1]
    end = case["benefit_until"] or plan_end(last_start, last["instalments"], last["every_months"])
    ends = [start for start, _ in starts[1:]] + [max(end, last_start)]
    # A payment is due on the first of its month: one that fell due before `since` is not looked at.
    found = [Period(_next_due(start, since, made["every_months"]), min(stop, until), made)
             for (start, made), stop in zip(starts, ends, strict=True)]
    return [one for one in found if one.starts_on < one.ends_on]


def _next_due(start: date, since: date, every_months: int) -> date:
    day, count = start, 0
    while day < since:
        count += 1
        day = months_later(start, count * every_months)
    return day


def history(ctx: Context, desk: Desk, before: Standing, since: date, until: date) -> list[Period]:
    """By which decisions the months from `since` to before `until` were paid, oldest first."""
    rows = ctx.tx.find(benefit_period, case_id=before.case["case_id"], order_by=benefit_period.c.starts_on)
    starts = [(row["starts_on"], row["decision_id"]) for row in rows] or [
        (before.effective_on, before.decision["decision_id"])]
    ends = [start for start, _ in starts[1:]] + [max(until, before.until)]
    found = [Period(max(start, since), min(end, until), desk.decision(ctx, decision_id))
             for (start, decision_id), end in zip(starts, ends, strict=True)]
    return [one for one in found if one.starts_on < one.ends_on]


def paid_by(ctx: Context, case_id: str, starts_on: date, decision_id: str) -> None:
    """From this month on by this decision, whatever was written for it before."""
    ctx.tx.delete(benefit_period, case_id=case_id, starts_on=starts_on)
    ctx.tx.insert(benefit_period, case_id=case_id, starts_on=starts_on, decision_id=decision_id)


def adjust(ctx: Context, desk: Desk, before: Standing, made: Mapping[str, Any], result: Result, *, cause: str,
           reason: str, effective_on: date, taper_months: int = 0, report_id: str = "", arrears_fen: int = 0) -> Row:
    """Put the decision `made` in the place of the one that stands, from the first of a month on; returns the case.

    Months that have begun are left as they are; what is owed for them is `arrears_fen`, paid at once. Nothing is taken back.
    With `taper_months`, a stop comes that much later and the old amount goes on until then.
    """
    case, item = before.case, desk.department.item(before.case["item"])
    stops = result is Result.STOP
    holds_from = months_later(effective_on, taper_months) if stops else effective_on
    turn = max(holds_from, first_of_next_month(ctx.today))  # months that have begun are left as they are
    grants: list[aid.SignedGrant] = []
    until, pays_now = turn, before.until > before.effective_on
    amount_fen = 0 if stops else made["amount_fen"]
    every = made["every_months"]

    def sign(fen: int, due: date, count: int, extra: str = "") -> None:
        if fen > 0 and count > 0 and item.output == MONEY:
            grants.append(sign_grant(ctx, desk.department, case, made["decision_id"], fen, due, count, every, extra=extra))

    if stops:
        # What the old plan does not reach of the taper is signed anew.
        sign(before.decision["amount_fen"], max(before.until, first_of_next_month(ctx.today)),
             periods(before.until, turn, every) if pays_now else 0, "taper")
    else:
        until = before.until if before.until > turn else plan_end(turn, made["instalments"], every)
        sign(amount_fen, turn, periods(turn, until, every))
        sign(arrears_fen, ctx.today, 1, "arrears")
    if pays_now and not ctx.tx.count(benefit_period, case_id=case["case_id"]):
        paid_by(ctx, case["case_id"], before.effective_on, before.decision["decision_id"])
    paid_by(ctx, case["case_id"], turn, made["decision_id"])
    changes = {"decision_id": made["decision_id"], "effective_on": turn, "benefit_until": until if amount_fen else turn}
    if report_id:
        changes["report_id"] = report_id
    case = _stop(ctx, desk, case, reason, changes) if stops else _go_on(ctx, desk, before, made, changes)
    ctx.audit("benefit.adjusted", case["case_id"], kind=result.value, cause=cause, decision_id=made["decision_id"])
    ctx.emit(
        aid.BenefitAdjusted(
            case_id=case["case_id"], application_id=case["application_id"], household_id=case["household_id"],
            person_id=case["person_id"], item=item.name, service=ctx.service, township_code=case["township_code"],
            village_code=case["village_code"], area_kind=case["area_kind"], kind=result.value, cause=cause,
            decision_id=made["decision_id"], previous_decision_id=before.decision["decision_id"],
            effective_on=turn.isoformat(), adjusted_on=ctx.today.isoformat(), amount_fen=amount_fen,
            previous_amount_fen=before.decision["amount_fen"], category="" if stops else made["category"],
            previous_category=before.decision["category"], output=item.output, standing_list=item.standing_list,
            taper_until=(turn - timedelta(days=1)).isoformat() if stops and taper_months else "",
            signed_end=sign_end(ctx, desk.department, grant_id(before.decision["decision_id"]), turn, made["decision_id"])
            if pays_now else None,
            signed_grants=grants, rule_id=made["rule_id"], clause=made["clause"], reason=reason, actor=ctx.actor,
            report_id=case["report_id"], title=item.title),
        subject=case["case_id"], partition_key=case["household_id"])
    return case


def _go_on(ctx: Context, desk: Desk, before: Standing, made: Mapping[str, Any], changes: dict[str, Any]) -> Row:
    case = before.case
    ctx.tx.update(aid_case, {"case_id": case["case_id"]}, **changes)
    case = {**case, **changes}
    pays = changes["benefit_until"] > changes["effective_on"]
    if pays and case["state"] == State.CLOSED:
        return desk.move(ctx, case, Act.RESUME, closed_on=None)
    if not pays and case["state"] == State.IN_BENEFIT:
        return desk.move(ctx, case, Act.KEEP_CATEGORY)
    if not pays and case["state"] == State.CONFIRMED and before.effective_on >= changes["effective_on"]:
        return desk.close(ctx, case, Act.DELIVER_ONCE, "granted", made["reason"])  # nothing is left to be paid
    return case


def _stop(ctx: Context, desk: Desk, case: Row, reason: str, changes: dict[str, Any]) -> Row:
    ctx.tx.update(aid_case, {"case_id": case["case_id"]}, **changes)
    case = {**case, **changes}
    if case["state"] == State.CLOSED:  # a category alone: closed for the applicant long ago
        ctx.tx.update(aid_case, {"case_id": case["case_id"]}, outcome="stopped")
        return {**case, "outcome": "stopped"}
    return desk.close(ctx, case, Act.STOP, "stopped", reason)


def again(ctx: Context, desk: Desk, case: Row, made: Row) -> str:
    """A new decision row over the facts of an earlier one: what an officer's ground overrules is kept with it."""
    stored = desk.shelf.by_hash(ctx, made["pack_hash"]).decide(made["item"], made["facts"])
    return desk.record(ctx, case, stored, made["facts"])


def finish(ctx: Context, decision_id: str, result: str, basis: str, minutes_ref: str) -> None:
    """The competent authority has decided."""
    ctx.tx.update(decision, {"decision_id": decision_id}, result=result, decided_at=ctx.now, decided_by=ctx.actor,
                  authority_basis=basis, minutes_ref=minutes_ref)
    ctx.audit("decision.made", decision_id, result=result)
