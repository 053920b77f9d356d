"""Dynamic management of what stands (R052, R053, requirements 2.6): reviews by rhythm, by report, by a change of category.

due → (verified anew, where the item is means-tested) → draft by the pack in force → the officer's opinion → the approver.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.casework import reviews as rules
from yimen.casework.reviews import Result, ReviewState, require_state
from yimen.department import birthdays
from yimen.department.facts import household_of, standards
from yimen.department.standing import Standing, adjust, again, finish, standing_cases, standing_of
from yimen.department.tables import aid_case, review
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.workdays import first_of_next_month, months_later
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.department.cases import Desk
    from yimen.runtime.context import Context

TIMER, EXPIRY_TIMER = "review_due", "category_expires"
VERIFY_DAYS, PROPOSE_DAYS, DECIDE_DAYS, NOTICE_DAYS = 10, 5, 10, 20  # working days, as for an application (2.1)
STABLE, UNSTABLE, MARGIN, TAPER = "review_months_stable", "review_months_unstable", "clear_change_fen", "taper_months"
VALID = "valid_months_"  # of a category; a pack without it lets it stand until a review
REVIEWS_SHOWN_MAX = 100
# What a draft needs of an approver; a benefit that stays needs none.
CHANGES = (Result.INCREASE, Result.DECREASE, Result.STOP, Result.CHANGE_CATEGORY)


class Reviews:
    """The reviews of one department's desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # ------------------------------------------------------------------------------------------ rhythm
    def _parameter(self, ctx: Context, name: str, otherwise: int = 0) -> int:
        return int(self._desk.shelf.active(ctx, ctx.today).parameters.get(name, otherwise))

    def schedule(self, ctx: Context, case_id: str, since: Any) -> None:
        """Wake up at the shorter of the two intervals; who is stable is seen then. A pack without intervals has none."""
        months = self._parameter(ctx, UNSTABLE)
        if months:
            due = rules.next_review(since, since, False, months, months)
            ctx.schedule(TIMER, case_id, datetime.combine(due, time(), CHINA), since=since.isoformat())

    def schedule_expiry(self, ctx: Context, case_id: str, category: str, since: Any) -> None:
        """A category that is recognised for some months only ends before they are over, unless it is recognised anew."""
        months = self._parameter(ctx, f"{VALID}{category}") if category else 0
        if months:
            ctx.schedule(EXPIRY_TIMER, case_id, datetime.combine(months_later(since, months - 1), time(), CHINA),
                         category=category)

    def on_expired(self, ctx: Context, case_id: str, payload: dict[str, Any]) -> None:
        """The timer: it ends with the month, so that it never stands longer than its months."""
        case = self._desk.case(ctx, case_id)
        before = standing_of(ctx, self._desk, case)
        if before is None or before.decision["category"] != payload["category"]:
            return
        decision_id, reason = again(ctx, self._desk, case, before.decision), rules.GROUNDS[rules.EXPIRED]
        finish(ctx, decision_id, "overruled", reason, "")
        adjust(ctx, self._desk, before, self._desk.decision(ctx, decision_id), Result.STOP, cause=rules.EXPIRED, reason=reason,
               effective_on=first_of_next_month(ctx.today))

    def on_due(self, ctx: Context, case_id: str, payload: dict[str, Any]) -> None:
        """The timer: open the review, or sleep on while the household is stable and its longer interval runs (K3)."""
        case = self._desk.case(ctx, case_id)
        if standing_of(ctx, self._desk, case) is None:
            return
        home = household_of(ctx, case["household_id"], case_id)
        stable = not any(member.labour_capable for member in home.members)
        since = datetime.fromisoformat(payload["since"]).date()
        due = rules.next_review(since, ctx.today, stable, self._parameter(ctx, STABLE), self._parameter(ctx, UNSTABLE))
        if due > ctx.today:
            ctx.schedule(TIMER, case_id, datetime.combine(due, time(), CHINA), **payload)
        else:
            self.open(ctx, case, rules.PERIODIC)

    # ------------------------------------------------------------------------------------------ opening
    def find(self, ctx: Context, review_id: str) -> Row:
        """Raises Fault REVIEW_NOT_FOUND."""
        return ctx.require(ctx.tx.first(review, review_id=review_id, lock=True), "REVIEW_NOT_FOUND",
                           review_id=review_id[:36])

    def _open_one(self, ctx: Context, case_id: str) -> Row | None:
        return ctx.tx.first(review, review.c.state != ReviewState.COMPLETED.value, case_id=case_id, lock=True)

    def open(self, ctx: Context, case: Row, cause: str, ground: str = "") -> Row:
        """Look at a standing benefit again; one that is open already begins anew with what is known now.

        Raises Fault NOT_STANDING.
        """
        before = standing_of(ctx, self._desk, case)
        if before is None:
            raise Fault("NOT_STANDING")
        row = self._begin(ctx, case, cause, ground)
        if ground:
            self._draft(ctx, row, before, case, ground)
        elif self._desk.department.item(case["item"]).means_test and cause not in rules.BY_FACTS_KNOWN:
            ctx.open_task("await_review_report", row["review_id"], "surveyor", case["township_code"],
                          ctx.workdays_later(VERIFY_DAYS), application_id=case["application_id"])
            self._say_due(ctx, row, case, means_test=True)
            return row
        else:
            self._draft(ctx, row, before, case)
        self._say_due(ctx, row, case, means_test=False)
        return row

    def _begin(self, ctx: Context, case: Row, cause: str, ground: str) -> Row:
        running = self._open_one(ctx, case["case_id"])
        fresh: dict[str, Any] = {
            "cause": cause, "state": ReviewState.VERIFYING.value, "ground": ground, "report_id": "", "decision_id": "",
            "result": "", "reason": "", "effective_on": None, "by_employment": False, "duties": {}, "decide_level": ""}
        if running is not None:
            ctx.close_tasks(running["review_id"])
            ctx.tx.update(review, {"review_id": running["review_id"]}, **fresh)
            ctx.audit("review.begun_anew", running["review_id"], cause=cause)
            return {**running, **fresh}
        row = {"review_id": derived("review", case["case_id"], ctx.tx.count(review, case_id=case["case_id"])),
               "case_id": case["case_id"], "household_id": case["household_id"], "opened_on": ctx.today,
               "completed_on": None, **fresh}
        ctx.tx.insert(review, **row)
        ctx.audit("review.opened", row["review_id"], cause=cause)
        return row

    def _say_due(self, ctx: Context, row: Row, case: Row, means_test: bool) -> None:
        ctx.emit(aid.ReviewDue(
            review_id=row["review_id"], case_id=case["case_id"], application_id=case["application_id"],
            household_id=case["household_id"], item=case["item"], service=ctx.service,
            township_code=case["township_code"], cause=row["cause"], means_test=means_test, area_kind=case["area_kind"],
            opened_on=row["opened_on"].isoformat()), subject=case["case_id"], partition_key=case["household_id"])

    # ------------------------------------------------------------------------------------------ what others say
    def on_change_reported(self, ctx: Context, household_id: str) -> None:
        """Every means-tested benefit of the household is reviewed; what is still under way, once it is granted."""
        ctx.tx.update(aid_case, {"household_id": household_id, "outcome": ""}, changed=True)
        for before in standing_cases(ctx, self._desk, household_id):
            if self._desk.department.item(before.case["item"]).means_test:
                self.open(ctx, before.case, rules.CHANGE_REPORT)

    def on_category_changed(self, ctx: Context, household_id: str, decision_id: str) -> None:
        """A category began or ended: what stands here is decided again with it; only a difference is put to an officer
        (5.3 rules 10 and 11: nothing is taken back, nothing stops silently)."""
        for before in standing_cases(ctx, self._desk, household_id):
            own = {row["decision_id"] for row in self._desk.decisions(ctx, before.case["case_id"])}
            if decision_id in own or self._open_one(ctx, before.case["case_id"]) is not None:
                continue
            made, _ = self._desk.evaluate(ctx, before.case)
            if self._compare(ctx, before, made.outcome, (made.category, made.amount_fen)) in CHANGES:
                self.open(ctx, before.case, rules.CATEGORY_CHANGE)

    def on_report(self, ctx: Context, household_id: str, report_id: str, surveyors: list[str]) -> None:
        """The household was verified anew: every review that waited for it gets its draft."""
        for row in ctx.tx.find(review, household_id=household_id, state=ReviewState.VERIFYING.value,
                               order_by=review.c.review_id, lock=True):
            case = self._desk.case(ctx, row["case_id"])
            before = standing_of(ctx, self._desk, case)
            duties = {**row["duties"], **dict.fromkeys(surveyors, "入户调查")}
            if before is not None:
                self._draft(ctx, {**row, "duties": duties}, before, {**case, "report_id": report_id})

    def on_refused(self, ctx: Context, household_id: str) -> None:
        """The household did not cooperate after a written warning: a stop is put to the approver."""
        for row in ctx.tx.find(review, household_id=household_id, state=ReviewState.VERIFYING.value, lock=True):
            case = self._desk.case(ctx, row["case_id"])
            before = standing_of(ctx, self._desk, case)
            if before is not None:
                self._draft(ctx, row, before, case, rules.UNCOOPERATIVE)

    def after_grant(self, ctx: Context, case: Row, facts: dict[str, Any]) -> None:
        """What has changed since it was proposed: the household said so, or it was proposed under one standard and confirmed
        under the next (R166)."""
        if case["changed"]:
            self.open(ctx, case, rules.CHANGE_REPORT)
        elif any(facts.get(name, fen) != fen for name, fen in standards(ctx, case["area_kind"]).items()):
            self.open(ctx, case, rules.STANDARD_CHANGE)

    # ------------------------------------------------------------------------------------------ draft
    def _compare(self, ctx: Context, before: Standing, outcome: str, after: tuple[str, int]) -> Result:
        return rules.compare(before.amount, outcome, after, self._parameter(ctx, MARGIN))

    def _draft(self, ctx: Context, row: Row, before: Standing, case: Row, ground: str = "") -> None:
        if ground:
            decision_id, result, reason = again(ctx, self._desk, case, before.decision), Result.STOP, rules.GROUNDS[ground]
        else:
            made, facts = self._desk.evaluate(ctx, case)
            decision_id, reason = self._desk.record(ctx, case, made, facts), made.reason
            result = self._compare(ctx, before, made.outcome, (made.category, made.amount_fen))
        ctx.tx.update(review, {"review_id": row["review_id"]}, state=ReviewState.VERIFIED.value, decision_id=decision_id,
                      result=result.value, reason=reason, report_id=case["report_id"], duties=row["duties"], ground=ground)
        ctx.close_tasks(row["review_id"])
        ctx.open_task("propose_review", row["review_id"], self._desk.department.proposer_role, case["township_code"],
                      ctx.workdays_later(PROPOSE_DAYS), result=result.value, item=case["item"],
                      application_id=case["application_id"])

    # ------------------------------------------------------------------------------------------ officers
    def propose(self, ctx: Context, row: Row, by_employment: bool) -> Row:
        """The officer stands by the draft: unchanged ends the review, anything else goes on to the approver."""
        require_state(row["state"], ReviewState.VERIFIED, act="提出复核意见")
        case = self._desk.case(ctx, row["case_id"])
        made = self._desk.decision(ctx, row["decision_id"])
        before = standing_of(ctx, self._desk, case)
        if before is None:  # stopped meanwhile
            return self._complete(ctx, row, case, Result.DISMISSED, "待遇已终止")
        ctx.close_tasks(row["review_id"])
        if row["result"] == Result.UNCHANGED:
            finish(ctx, made["decision_id"], "confirmed", "复核结论不变", "")
            return self._complete(ctx, row, case, Result.UNCHANGED, row["reason"])
        item = self._desk.department.item(case["item"])
        notice = item.notice and row["result"] == Result.CHANGE_CATEGORY and made["amount_fen"] > before.amount[1]
        with_report = {**case, "report_id": row["report_id"]}
        changes = {"state": (ReviewState.PRE_NOTICE if notice else ReviewState.DECIDING).value,
                   "by_employment": by_employment, "duties": {**row["duties"], ctx.actor: "提出复核意见"},
                   "decide_level": self._desk.level(ctx, item, with_report, made["amount_fen"] * made["instalments"])}
        ctx.tx.update(review, {"review_id": row["review_id"]}, **changes)
        ctx.audit("review.proposed", row["review_id"], result=row["result"])
        row = {**row, **changes}
        if notice:
            self._announce(ctx, row, case, made)
        else:
            self._ask_approver(ctx, row, case)
        return row

    def _announce(self, ctx: Context, row: Row, case: Row, made: Row) -> None:
        """The notice is the review's, not the case's: that one had its own."""
        ctx.open_task("await_notice", row["review_id"], "notice_custodian", case["township_code"],
                      ctx.workdays_later(NOTICE_DAYS))
        ctx.emit(aid.AidProposed(
            case_id=row["review_id"], application_id=case["application_id"], household_id=case["household_id"],
            item=case["item"], service=ctx.service, township_code=case["township_code"], village_code=case["village_code"],
            outcome="grant", category=made["category"], amount_fen=made["amount_fen"], notice=True, rule_id=made["rule_id"],
            clause=made["clause"], reason=made["reason"], actor=ctx.actor, title=self._desk.department.item(case["item"]).title),
            subject=row["review_id"], partition_key=case["household_id"])

    def on_notice_closed(self, ctx: Context, review_id: str, upheld: bool) -> bool:
        """The notice of a review ended; False when it is none of ours."""
        row = ctx.tx.first(review, review_id=review_id, state=ReviewState.PRE_NOTICE.value, lock=True)
        if row is None:
            return False
        case = self._desk.case(ctx, row["case_id"])
        ctx.close_tasks(review_id)
        if upheld:
            finish(ctx, row["decision_id"], "overruled", "公示期内异议经复查成立", "")
            self._complete(ctx, row, case, Result.DISMISSED, "公示期内异议经复查成立")
        else:
            ctx.tx.update(review, {"review_id": review_id}, state=ReviewState.DECIDING.value)
            self._ask_approver(ctx, row, case)
        return True

    def _ask_approver(self, ctx: Context, row: Row, case: Row) -> None:
        ctx.open_task("decide_review", row["review_id"], self._desk.approver(row["decide_level"]), case["township_code"],
                      ctx.workdays_later(DECIDE_DAYS), result=row["result"], item=case["item"], level=row["decide_level"],
                      application_id=case["application_id"])

    def decide(self, ctx: Context, row: Row, confirm: bool, basis: str, reason: str, minutes_ref: str) -> Row:
        """The competent authority confirms what the review came to, or leaves the benefit as it is."""
        require_state(row["state"], ReviewState.DECIDING, act="审批复核")
        case = self._desk.case(ctx, row["case_id"])
        before = standing_of(ctx, self._desk, case)
        if before is None or not confirm:
            finish(ctx, row["decision_id"], "overruled", basis, minutes_ref)
            return self._complete(ctx, row, case, Result.DISMISSED, reason or "待遇已终止")
        finish(ctx, row["decision_id"], "overruled" if row["ground"] else "confirmed", basis, minutes_ref)
        effective = first_of_next_month(ctx.today)
        taper = self._parameter(ctx, TAPER) if row["by_employment"] else 0
        case = adjust(ctx, self._desk, before, self._desk.decision(ctx, row["decision_id"]), Result(row["result"]),
                      cause=row["cause"], reason=row["reason"], effective_on=effective, taper_months=taper,
                      report_id=row["report_id"])
        return self._complete(ctx, row, case, Result(row["result"]), row["reason"])

    def _complete(self, ctx: Context, row: Row, case: Row, result: Result, reason: str) -> Row:
        changes = {"state": ReviewState.COMPLETED.value, "result": result.value, "reason": reason, "completed_on": ctx.today,
                   "effective_on": case["effective_on"] if result in CHANGES else None}
        ctx.tx.update(review, {"review_id": row["review_id"]}, **changes)
        ctx.close_tasks(row["review_id"])
        ctx.audit("review.completed", row["review_id"], result=result.value)
        ctx.emit(aid.ReviewCompleted(
            review_id=row["review_id"], case_id=case["case_id"], application_id=case["application_id"], item=case["item"],
            service=ctx.service, result=result.value, decision_id=row["decision_id"], reason=reason, actor=ctx.actor),
            subject=case["case_id"], partition_key=case["household_id"])
        if case["outcome"] == "granted":
            self.schedule(ctx, case["case_id"], ctx.today)
            birthdays.schedule(ctx, self._desk, case["case_id"], self._day_of_facts(ctx, row))
            self.schedule_expiry(ctx, case["case_id"], self._desk.decision(ctx, case["decision_id"])["category"], ctx.today)
        return {**row, **changes}

    def _day_of_facts(self, ctx: Context, row: Row) -> date:
        """When the review's draft was made; a review that came to none has seen today."""
        drafted = self._desk.decision(ctx, row["decision_id"])["proposed_at"] if row["decision_id"] else ctx.now
        return date(drafted.year, drafted.month, drafted.day)

    def of_case(self, ctx: Context, case_id: str) -> list[Row]:
        """Oldest first."""
        return ctx.tx.find(review, case_id=case_id, order_by=(review.c.opened_on, review.c.review_id), limit=REVIEWS_SHOWN_MAX)
