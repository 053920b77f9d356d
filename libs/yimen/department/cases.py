"""What can be done with a case of any department; each function is one step of its life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.casework import authority
from yimen.casework.authority import Tiers
from yimen.casework.states import Act, State, step
from yimen.department import birthdays, visits
from yimen.department.bulk import Bulk
from yimen.department.declaration import CATEGORY, COUNTY, DELEGABLE, MONEY, TIERED, AidItem, Department
from yimen.department.facts import gather, needs_panel, standards
from yimen.department.grants import first_due, sign_grant
from yimen.department.packs import PackShelf
from yimen.department.reviews import Reviews
from yimen.department.tables import aid_case, annual_use, appraisal, decision
from yimen.directory.v1 import directory_pb2
from yimen.kernel.errors import Fault
from yimen.kernel.ids import canonical, derived
from yimen.policy.pack import Decision
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.runtime.context import Context

URGENT_DAYS = 1
SUPPLEMENT_DAYS = 10  # working days after the advance (requirements 2.3)
OUTPUT_DAYS = 20
PAYMENT_DAYS = 40
APPRAISAL_DAYS = 10  # working days [A], as for a re-investigation (requirements 2.1 step 10)
NOTICE_TASK_DAYS = 20  # ends with the notice; the task only says who waits for what
APPROVERS = {authority.TOWNSHIP: "township_head", authority.COUNTY: "county_approver",
             authority.PANEL: "coordination_panel"}


class Desk:
    """The department's casework. State is in the context's transaction; the desk itself keeps none."""

    def __init__(self, department: Department) -> None:
        self.department = department
        self.shelf = PackShelf(department)
        self.reviews = Reviews(self)
        self.bulk = Bulk(self)

    # ------------------------------------------------------------------------------------------ reading
    def case(self, ctx: Context, case_id: str, lock: bool = True) -> Row:
        """Raises Fault CASE_NOT_FOUND."""
        return ctx.require(ctx.tx.first(aid_case, case_id=case_id, lock=lock),
                           "CASE_NOT_FOUND", case_id=case_id)

    def decision(self, ctx: Context, decision_id: str) -> Row:
        """Raises Fault DECISION_NOT_FOUND."""
        return ctx.require(ctx.tx.first(decision, decision_id=decision_id),
                           "DECISION_NOT_FOUND", decision_id=decision_id)

    def decisions(self, ctx: Context, case_id: str) -> list[Row]:
        """All decisions of a case, proposals and drafts among them."""
        return ctx.tx.find(decision, case_id=case_id, order_by=(decision.c.proposed_at, decision.c.decision_id))

    def approver(self, level: str) -> str:
        """The role that decides at a level."""
        return APPROVERS[level]

    def move(self, ctx: Context, case: Row, act: Act, **changes: Any) -> Row:
        """One step of the life cycle, with other columns changed on the way. Returns the case as it is now."""
        changes["state"] = step(case["state"], act).value
        ctx.tx.update(aid_case, {"case_id": case["case_id"]}, **changes)
        ctx.audit(f"case.{act.value}", case["case_id"], state=changes["state"])
        return {**case, **changes}

    # ------------------------------------------------------------------------------------------ opening
    def open(self, ctx: Context, case: dict[str, Any], relative_declared: bool = False) -> Row | None:
        """A new case in state `accepted`; None when it exists already."""
        row = {"state": State.ACCEPTED.value, "outcome": "", "report_id": "", "waits_for": [], "duties": {}, "decide_level": "",
               "decision_id": "", "decided_on": None, "closed_on": None, "notice_until": None, "effective_on": None,
               "benefit_until": None, "changed": False, "full_visit": "relative" if relative_declared else "", **case}
        if not ctx.tx.insert_new(aid_case, **row):
            return None
        ctx.emit(
            aid.CaseOpened(case_id=row["case_id"], application_id=row["application_id"],
                           household_id=row["household_id"], person_id=row["person_id"], item=row["item"],
                           service=ctx.service, township_code=row["township_code"],
                           opened_on=ctx.today.isoformat(), trigger=row["trigger"],
                           relative_declared=relative_declared),
            subject=row["case_id"], partition_key=row["household_id"],
        )
        return row

    def is_running(self, ctx: Context, item: AidItem, household_id: str, person_id: str) -> bool:
        """Whether the same item is already granted or under way for the same person or household (5.3 rule 4)."""
        return bool(ctx.tx.count(
            aid_case, household_id=household_id, person_id=person_id, item=item.name, outcome=["", "granted"],
        ))

    # ------------------------------------------------------------------------------------------ deciding
    def evaluate(self, ctx: Context, case: Row) -> tuple[Decision, dict[str, Any]]:
        """Apply the pack in force today to the facts of the case. Also returns the facts that were used."""
        pack = self.shelf.active(ctx, ctx.today)
        needed = pack.needs(case["item"])
        found = gather(ctx, case, needed, self.department.find_own_facts(ctx, case))
        made = pack.decide(case["item"], found)
        return made, {name: found[name] for name in sorted(needed)}

    def record(self, ctx: Context, case: Row, made: Decision, facts: dict[str, Any]) -> str:
        """Keep a decision (still a proposal) so that it can be replayed; signed by the department."""
        decision_id = derived("decision", case["case_id"], ctx.tx.count(decision, case_id=case["case_id"]))
        ctx.tx.insert(
            decision, decision_id=decision_id, case_id=case["case_id"], item=made.item, outcome=made.outcome,
            rule_id=made.rule_id, clause=made.clause, reason=made.reason, amount_fen=made.amount_fen,
            category=made.category, instalments=made.instalments, every_months=made.every_months,
            pack_version=made.pack_version, pack_hash=made.pack_hash, facts=facts, facts_hash=made.facts_hash,
            inputs=dict(made.inputs), signature=ctx.app.keys.sign(canonical(made.core()).encode()),
            proposed_at=ctx.now, result="", decided_at=None, decided_by="", authority_basis="", minutes_ref="",
        )
        return decision_id

    def by_other_facts(self, ctx: Context, made: Row, corrections: Mapping[str, Any]) -> tuple[Decision, dict[str, Any]]:
        """What the pack of a decision says by other facts than it knew. Raises Fault FIELD_WRONG for a fact that it did not ask
        for."""
        unknown = set(corrections) - set(made["facts"])
        if unknown:
            raise Fault("FIELD_WRONG", field="corrections", expected="/".join(sorted(made["facts"])))
        facts = {**made["facts"], **corrections}
        again = self.shelf.by_hash(ctx, made["pack_hash"]).decide(made["item"], facts)
        return again, {name: facts[name] for name in made["facts"]}

    def assess(self, ctx: Context, case: Row, act: Act) -> None:
        """The facts are there: compute the draft and put it before the proposing officer."""
        made, facts = self.evaluate(ctx, case)
        decision_id = self.record(ctx, case, made, facts)
        # Report and surveyors came with the event and are not stored yet.
        case = self.move(ctx, case, act, decision_id=decision_id, report_id=case["report_id"], duties=case["duties"])
        self._ask_proposer(ctx, case, vars(made))

    def call_appraisal(self, ctx: Context, case: Row, reason_code: str) -> Row:
        """Put a disputed case before its neighbours (K6); the proposal waits for it."""
        case = self.move(ctx, case, Act.CALL_APPRAISAL)
        number = ctx.tx.count(appraisal, case_id=case["case_id"])
        ctx.tx.insert(appraisal, appraisal_id=derived("appraisal", case["case_id"], number), case_id=case["case_id"],
                      reason_code=reason_code, called_by=ctx.actor, held_on=None, attendees=0, agree=0, disagree=0,
                      minutes_ref="")
        ctx.close_tasks(case["case_id"])
        ctx.open_task("hold_appraisal", case["case_id"], self.department.proposer_role, case["township_code"],
                      ctx.workdays_later(APPRAISAL_DAYS), application_id=case["application_id"])
        return case

    def hold_appraisal(self, ctx: Context, case: Row, attendees: int, agree: int, disagree: int, minutes_ref: str) -> Row:
        """It was held: the record is kept, and the officer proposes."""
        case = self.move(ctx, case, Act.HOLD_APPRAISAL)
        ctx.tx.update(appraisal, {"case_id": case["case_id"], "held_on": None}, held_on=ctx.today, attendees=attendees,
                      agree=agree, disagree=disagree, minutes_ref=minutes_ref)
        ctx.emit(aid.AppraisalHeld(case_id=case["case_id"], application_id=case["application_id"], item=case["item"],
                                   service=ctx.service, attendees=attendees, agree=agree, disagree=disagree, actor=ctx.actor),
                 subject=case["case_id"], partition_key=case["household_id"])
        self._ask_proposer(ctx, case, self.decision(ctx, case["decision_id"]))
        return case

    def _ask_proposer(self, ctx: Context, case: Row, draft: Mapping[str, Any]) -> None:
        """Put the draft on the proposing officer's list."""
        item = self.department.item(case["item"])
        ctx.close_tasks(case["case_id"])
        ctx.open_task("propose", case["case_id"], self.department.proposer_role, case["township_code"],
                      ctx.workdays_later(item.propose_days), outcome=draft["outcome"], rule=draft["rule_id"],
                      amount_fen=str(draft["amount_fen"]), item=item.name, application_id=case["application_id"])

    def propose(self, ctx: Context, case: Row) -> Row:
        """The handling officer stands by the draft: to public notice, or straight to the approver."""
        made = self.decision(ctx, case["decision_id"])
        item = self.department.item(case["item"])
        notice = item.notice and made["outcome"] == "grant"
        level = self.level(ctx, item, case, made["amount_fen"] * made["instalments"])
        case = self.move(ctx, case, Act.PROPOSE_WITH_NOTICE if notice else Act.PROPOSE, decide_level=level,
                         duties={**case["duties"], ctx.actor: "提出意见"})
        ctx.emit(
            aid.AidProposed(
                case_id=case["case_id"], application_id=case["application_id"], household_id=case["household_id"],
                item=item.name, service=ctx.service, township_code=case["township_code"],
                village_code=case["village_code"], outcome=made["outcome"], category=made["category"],
                amount_fen=made["amount_fen"], notice=notice, rule_id=made["rule_id"], clause=made["clause"],
                reason=made["reason"], actor=ctx.actor, title=item.title,
            ),
            subject=case["case_id"], partition_key=case["household_id"],
        )
        ctx.close_tasks(case["case_id"])
        if notice:
            ctx.open_task("await_notice", case["case_id"], "notice_custodian", case["township_code"],
                          ctx.workdays_later(NOTICE_TASK_DAYS))
        else:
            self.ask_approver(ctx, case)
        return case

    def ask_approver(self, ctx: Context, case: Row) -> None:
        """Put the case on the list of the level that must decide; first the home is visited, where the county does."""
        item = self.department.item(case["item"])
        made = self.decision(ctx, case["decision_id"])
        ctx.close_tasks(case["case_id"])
        if visits.ask(ctx, self, case, made["outcome"]):
            return
        ctx.open_task("decide", case["case_id"], APPROVERS[case["decide_level"]], case["township_code"],
                      ctx.workdays_later(item.decide_days), outcome=made["outcome"], rule=made["rule_id"],
                      amount_fen=str(made["amount_fen"]), item=item.name, level=case["decide_level"],
                      application_id=case["application_id"])

    def level(self, ctx: Context, item: AidItem, case: Row, total_fen: int) -> str:
        """Who decides on an amount, with the report that the case names."""
        if item.means_test and needs_panel(ctx, case):
            return authority.PANEL
        if item.decided_by == TIERED:
            return self.tiers(ctx, case).level(total_fen)
        if item.decided_by == DELEGABLE and self._delegated(ctx, item, case["township_code"]):
            return authority.TOWNSHIP
        return authority.COUNTY if item.decided_by in (COUNTY, DELEGABLE) else authority.PANEL

    def _delegated(self, ctx: Context, item: AidItem, township: str) -> bool:
        answer = ctx.app.peers.stub("directory").CheckAuthority(directory_pb2.CheckAuthorityRequest(
            act="delegated", department=ctx.service, item=item.name, area=township))
        return bool(answer.allowed)

    def tiers(self, ctx: Context, case: Row) -> Tiers:
        """The limits of 临时救助 today."""
        urban = standards(ctx, case["area_kind"]).get("dibao_urban_standard_fen")
        if urban is None:
            raise Fault("STANDARD_MISSING", day=ctx.today, name="dibao_urban_standard_fen")
        return Tiers.of(12 * urban, self.shelf.active(ctx, ctx.today).parameters)

    def give(self, ctx: Context, case: dict[str, Any], basis: str) -> Row | None:
        """Decide and confirm at once what nobody had to apply for; None when the pack refuses, or it was given before."""
        made, facts = self.evaluate(ctx, case)
        if made.outcome == "refuse":
            return None  # nobody asked; there is nothing to refuse
        opened = self.open(ctx, case)
        if opened is None:
            return None
        decision_id = self.record(ctx, opened, made, facts)
        ctx.tx.update(aid_case, {"case_id": opened["case_id"]}, decision_id=decision_id)
        return self.confirm(ctx, {**opened, "decision_id": decision_id}, basis, act=Act.FOLLOW_CATEGORY)

    # ------------------------------------------------------------------------------------------ granting
    def confirm(self, ctx: Context, case: Row, basis: str, minutes_ref: str = "", act: Act = Act.CONFIRM,
                via: str = "bank") -> Row:
        """The competent authority confirms the decision: a grant, or a refusal with its reasons."""
        made = self.decision(ctx, case["decision_id"])
        self._finish_decision(ctx, case, made, "confirmed", basis, minutes_ref)
        if made["outcome"] == "refuse":
            return self.refuse(ctx, case, made["rule_id"], made["reason"], made["clause"])
        item = self.department.item(case["item"])
        if item.decided_by == TIERED:
            self.reserve_cap(ctx, case, made["amount_fen"] * made["instalments"])
        case = self.move(ctx, case, act, outcome="granted", decided_on=ctx.today)
        self.say_granted(ctx, case, made, via, first_due(ctx.today, made["instalments"]))
        ctx.close_tasks(case["case_id"])
        stands = item.grants_category or made["instalments"] > 1
        if stands:
            birthdays.schedule(ctx, self, case["case_id"], made["proposed_at"].date())
        if stands and item.means_test:
            self.reviews.schedule(ctx, case["case_id"], ctx.today)
            self.reviews.schedule_expiry(ctx, case["case_id"], made["category"], ctx.today)
            self.reviews.after_grant(ctx, case, made["facts"])
        if act is Act.ADVANCE:
            ctx.open_task("file_supplement", case["case_id"], "township_officer", case["township_code"],
                          ctx.workdays_later(SUPPLEMENT_DAYS))
        elif item.output == MONEY and made["amount_fen"]:
            ctx.open_task("await_payment", case["case_id"], "finance_officer", "",
                          ctx.workdays_later(PAYMENT_DAYS))
        elif item.output in (CATEGORY, MONEY):
            self.close(ctx, case, Act.DELIVER_ONCE, "granted", made["reason"])
        else:
            ctx.open_task("record_output", case["case_id"], self.department.proposer_role, case["township_code"],
                          ctx.workdays_later(OUTPUT_DAYS), output=item.output)
        return case

    def _finish_decision(self, ctx: Context, case: Row, made: Row, result: str, basis: str, minutes_ref: str) -> None:
        ctx.tx.update(decision, {"decision_id": made["decision_id"]}, result=result, decided_at=ctx.now,
                      decided_by=ctx.actor, authority_basis=basis, minutes_ref=minutes_ref)
        ctx.audit("decision.made", made["decision_id"], outcome=made["outcome"], rule=made["rule_id"], result=result)
        ctx.app.telemetry.meter.observe("yimen.decision.time", (ctx.today - case["accepted_on"]).days,
                                        {"yimen.item": case["item"], "yimen.outcome": made["outcome"]})

    def reserve_cap(self, ctx: Context, case: Row, total_fen: int) -> None:
        """Count it to the household's year, atomically. Raises Fault ANNUAL_CAP_EXCEEDED (R072)."""
        key = {"household_id": case["household_id"], "year": ctx.today.year}
        ctx.tx.insert_new(annual_use, **key, used_fen=0)
        used = ctx.require(ctx.tx.first(annual_use, lock=True, **key), "INTERNAL")["used_fen"]
        self.tiers(ctx, case).require_cap(used, total_fen)
        ctx.tx.update(annual_use, key, used_fen=used + total_fen)

    def say_granted(self, ctx: Context, case: Row, made: Row, via: str, due: date) -> None:
        """Tell everybody, with the signed grant; its plan begins on `due`."""
        item = self.department.item(case["item"])
        message = aid.AidGranted(
            case_id=case["case_id"], application_id=case["application_id"], household_id=case["household_id"],
            person_id=case["person_id"], item=item.name, service=ctx.service, township_code=case["township_code"],
            village_code=case["village_code"], decision_id=made["decision_id"], category=made["category"],
            output=item.output, amount_fen=made["amount_fen"], granted_on=ctx.today.isoformat(),
            standing_list=item.standing_list, rule_id=made["rule_id"], clause=made["clause"],
            reason=made["reason"], actor=ctx.actor, report_id=case["report_id"], area_kind=case["area_kind"],
            title=item.title, accepted_on=case["accepted_on"].isoformat(), urgent=item.urgent,
            trigger=case["trigger"],
        )
        if item.output == MONEY and made["amount_fen"]:
            message.signed_grant.CopyFrom(sign_grant(
                ctx, self.department, case, made["decision_id"], made["amount_fen"],
                due, made["instalments"], made["every_months"], via))
        ctx.emit(message, subject=case["case_id"], partition_key=case["household_id"])

    def overrule(self, ctx: Context, case: Row, basis: str, code: str, reason: str, minutes_ref: str) -> Row:
        """The approver does not follow the proposal: refused with his own reason."""
        made = self.decision(ctx, case["decision_id"])
        self._finish_decision(ctx, case, made, "overruled", basis, minutes_ref)
        return self.refuse(ctx, case, code, reason, made["clause"])

    def refuse(self, ctx: Context, case: Row, code: str, reason: str, clause: str) -> Row:
        """Refused: reasons in words to the applicant, and the case is closed."""
        ctx.emit(
            aid.AidRefused(case_id=case["case_id"], application_id=case["application_id"],
                           household_id=case["household_id"], item=case["item"], service=ctx.service,
                           reason_code=code, reason=reason, clause=clause, actor=ctx.actor,
                           decision_id=case["decision_id"], accepted_on=case["accepted_on"].isoformat(),
                           refused_on=ctx.today.isoformat(), township_code=case["township_code"]),
            subject=case["case_id"], partition_key=case["household_id"],
        )
        ctx.tx.update(aid_case, {"case_id": case["case_id"]}, decided_on=ctx.today)
        return self.close(ctx, {**case, "decided_on": ctx.today}, Act.REFUSE, "refused", reason)

    # ------------------------------------------------------------------------------------------ ending
    def close(self, ctx: Context, case: Row, act: Act, outcome: str, reason: str) -> Row:
        """The item is closed for the applicant; the window and the applicant are told by intake."""
        closed = step(case["state"], act) is State.CLOSED
        case = self.move(ctx, case, act, outcome=outcome, closed_on=ctx.today if closed else None)
        ctx.close_tasks(case["case_id"])
        ctx.emit(
            aid.CaseClosed(case_id=case["case_id"], application_id=case["application_id"],
                           household_id=case["household_id"], item=case["item"], service=ctx.service,
                           outcome=outcome, reason=reason, closed_on=ctx.today.isoformat(), trigger=case["trigger"]),
            subject=case["case_id"], partition_key=case["household_id"],
        )
        return case
