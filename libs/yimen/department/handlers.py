"""What a department does when something happens elsewhere; each within one unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from google.protobuf.json_format import MessageToDict
from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.casework.states import Act, State
from yimen.department import conferences
from yimen.department.cases import APPROVERS, URGENT_DAYS, Desk
from yimen.department.declaration import AidItem
from yimen.department.facts import household_of
from yimen.department.tables import aid_case
from yimen.directory.v1 import events_pb2 as directory
from yimen.disclosure.v1 import events_pb2 as disclosure
from yimen.intake.v1 import conferences_pb2 as conference
from yimen.intake.v1 import events_pb2 as intake
from yimen.kernel.errors import NotYet
from yimen.kernel.ids import derived
from yimen.means_test.v1 import events_pb2 as means_test
from yimen.payment.v1 import events_pb2 as payment
from yimen.policy.pack import Fact
from yimen.roster.v1 import events_pb2 as roster
from yimen.runtime.context import Context
from yimen.store.unit import Row
from yimen.supervision.v1 import supervision_pb2 as supervision

VERIFICATION_DAYS = 10  # working days from acceptance (S2 四)
REJECTED_PAYMENT_DAYS = 3
SIBLING_DAYS = 30  # the whole chain of the other item (requirements 2.1)


# What another service says of one case concerns its department alone.
ADDRESSED = frozenset({intake.ApplicationAccepted, intake.ChangeReported,
                       disclosure.ObjectionFiled, disclosure.ObjectionResolved, disclosure.NoticeClosed,
                       supervision.RelativeMatched, payment.PaymentSettled, payment.PaymentRejected,
                       payment.PaymentVoided, conference.ConferenceHeld})


class Reactions:
    """The handlers of one department."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> dict[Any, Any]:
        """Event → handler."""
        return {
            intake.ApplicationAccepted: self.on_accepted,
            intake.ApplicationWithdrawn: self.on_withdrawn,
            intake.ChangeReported: self.on_change_reported,
            intake.ItemWithoutCategory: self.on_item_without_category,
            means_test.VerificationCompleted: self.on_verified,
            means_test.VerificationRefused: self.on_verification_refused,
            disclosure.ObjectionFiled: self.on_objection,
            disclosure.ObjectionResolved: self.on_objection_resolved,
            disclosure.NoticeClosed: self.on_notice_closed,
            roster.CategoryChanged: self.on_category_changed,
            directory.StandardsPublished: self.on_standards,
            supervision.RelativeMatched: self.on_relative,
            payment.PaymentSettled: self.on_settled,
            payment.PaymentRejected: self.on_rejected,
            payment.PaymentVoided: self.on_rejected,
            conference.ConferenceHeld: conferences.on_held,
        }

    # ------------------------------------------------------------------------------------------ intake
    def on_accepted(self, ctx: Context, event: intake.ApplicationAccepted, _: Envelope) -> None:
        """Take up the items that are ours."""
        for assigned in event.items:
            if assigned.service != ctx.service:
                continue
            case = self._desk.open(ctx, {
                "case_id": assigned.case_id, "application_id": event.application_id,
                "household_id": event.household_id, "person_id": assigned.person_id, "item": assigned.item,
                "trigger": "application", "township_code": event.township_code,
                "village_code": event.village_code, "area_kind": event.area_kind,
                "request": MessageToDict(assigned.request), "accepted_on": date.fromisoformat(event.accepted_on),
            }, event.relative_declared)
            if case is not None:
                siblings = [one.case_id for one in event.items if one.grants_category and one.case_id != assigned.case_id]
                self._begin(ctx, self._desk.department.item(assigned.item), case, siblings)

    def _begin(self, ctx: Context, item: AidItem, case: Row, siblings: list[str]) -> None:
        if item.urgent:
            need = int(case["request"]["need_fen"])
            level = self._desk.tiers(ctx, case).level(need)
            case = self._desk.move(ctx, case, Act.OPEN_URGENT, decide_level=level)
            ctx.open_task("grant_advance", case["case_id"], APPROVERS[level], case["township_code"],
                          ctx.workdays_later(URGENT_DAYS), need_fen=str(need))
        elif item.uses_category and siblings:
            ctx.tx.update(aid_case, {"case_id": case["case_id"]}, waits_for=siblings)
            ctx.open_task("await_category", case["case_id"], self._desk.department.proposer_role,
                          case["township_code"], ctx.workdays_later(SIBLING_DAYS))
        elif item.means_test:
            self._desk.move(ctx, case, Act.OPEN_VERIFICATION)
            ctx.open_task("await_report", case["case_id"], "surveyor", case["township_code"],
                          ctx.workdays_later(VERIFICATION_DAYS))
        else:
            self._desk.assess(ctx, case, Act.ASSESS)

    def on_withdrawn(self, ctx: Context, event: intake.ApplicationWithdrawn, _: Envelope) -> None:
        """Cases that are not decided yet stop."""
        for case in ctx.tx.find(aid_case, application_id=event.application_id, outcome="", trigger="application", lock=True):
            if case["state"] != State.DECIDING:
                self._desk.close(ctx, case, Act.WITHDRAW, "withdrawn", "申请人撤回")

    def on_change_reported(self, ctx: Context, event: intake.ChangeReported, _: Envelope) -> None:
        """What stands is looked at again (R053)."""
        self._desk.reviews.on_change_reported(ctx, event.household_id)

    # ------------------------------------------------------------------------------------------ means test
    def on_verified(self, ctx: Context, event: means_test.VerificationCompleted, _: Envelope) -> None:
        """The one report is there: every case that waited for it gets its draft."""
        if event.review:
            self._desk.reviews.on_report(ctx, event.household_id, event.report_id, list(event.surveyors))
            return
        for case in ctx.tx.find(aid_case, application_id=event.application_id, state=State.VERIFYING.value, lock=True):
            duties = {**case["duties"], **dict.fromkeys(event.surveyors, "入户调查")}
            self._desk.assess(ctx, {**case, "report_id": event.report_id, "duties": duties}, Act.REPORT_ISSUED)

    def on_verification_refused(self, ctx: Context, event: means_test.VerificationRefused, _: Envelope) -> None:
        """The household did not cooperate: what waited for the report ends (requirements 2.1)."""
        if event.review:
            self._desk.reviews.on_refused(ctx, event.household_id)
            return
        for case in ctx.tx.find(aid_case, application_id=event.application_id, state=State.VERIFYING.value, lock=True):
            self._desk.close(ctx, case, Act.TERMINATE, "terminated_uncooperative", "经书面告知,期满仍不配合核查")

    def on_item_without_category(self, ctx: Context, event: intake.ItemWithoutCategory, _: Envelope) -> None:
        """Another item of the application ended without a category: a case that waited for it goes on."""
        for case in self._waiting(ctx, event.application_id):
            left = [one for one in case["waits_for"] if one != event.case_id]
            if left == case["waits_for"]:
                continue
            ctx.tx.update(aid_case, {"case_id": case["case_id"]}, waits_for=left)
            if not left:
                self._desk.assess(ctx, case, Act.ASSESS)

    def _waiting(self, ctx: Context, application_id: str) -> list[Row]:
        if not application_id:
            return []
        found = ctx.tx.find(aid_case, application_id=application_id, state=State.ACCEPTED.value, lock=True)
        return [case for case in found if case["waits_for"]]

    # ------------------------------------------------------------------------------------------ disclosure
    def _mine(self, ctx: Context, case_id: str) -> Row | None:
        return ctx.tx.first(aid_case, case_id=case_id, lock=True)

    def _open_one(self, ctx: Context, case_id: str) -> Row | None:
        """The case, unless it has ended meanwhile: withdrawn, or stopped by another objection."""
        return ctx.tx.first(aid_case, aid_case.c.state != State.CLOSED.value, case_id=case_id, lock=True)

    def on_objection(self, ctx: Context, event: disclosure.ObjectionFiled, _: Envelope) -> None:
        """Somebody objects: the case waits for the re-investigation."""
        if case := self._open_one(ctx, event.case_id):
            if case["state"] == State.DECIDING:
                raise NotYet("公示结束后才收到异议")
            self._desk.move(ctx, case, Act.OBJECT, full_visit=case["full_visit"] or "complained")
            ctx.close_tasks(case["case_id"])
            ctx.open_task("await_objection", case["case_id"], "township_officer", case["township_code"],
                          date.fromisoformat(event.due_on))

    def on_objection_resolved(self, ctx: Context, event: disclosure.ObjectionResolved, _: Envelope) -> None:
        """Dismissed: the notice runs on. Upheld: the notice is closed at once and says so itself."""
        case = self._open_one(ctx, event.case_id)
        # Of several objections each has its answer; the first that is dismissed brings the case back to its notice.
        if case and not event.upheld and case["state"] == State.OBJECTION_REVIEW:
            self._desk.move(ctx, case, Act.DISMISS_OBJECTION)
            ctx.close_tasks(case["case_id"])
            ctx.open_task("await_notice", case["case_id"], "notice_custodian", case["township_code"],
                          ctx.workdays_later(VERIFICATION_DAYS))

    def on_notice_closed(self, ctx: Context, event: disclosure.NoticeClosed, _: Envelope) -> None:
        """The legal period is over: to the approver; or an objection was upheld: the case stops."""
        case = self._open_one(ctx, event.case_id)
        if case is None:
            self._desk.reviews.on_notice_closed(ctx, event.case_id, event.objection_upheld)
            return
        if event.objection_upheld:
            self._desk.close(ctx, case, Act.UPHOLD_OBJECTION, "stopped_by_objection", "公示期内异议经复查成立")
            return
        case = self._desk.move(ctx, case, Act.END_NOTICE, notice_until=date.fromisoformat(event.until))
        self._desk.ask_approver(ctx, case)

    # ------------------------------------------------------------------------------------------ roster
    def on_category_changed(self, ctx: Context, event: roster.CategoryChanged, _: Envelope) -> None:
        """A category follows from another decision: items that follow it are given without an application, items of the
        same application that waited for it go on, and what stands is decided again (5.3 rule 10)."""
        for case in self._waiting(ctx, event.application_id):
            ctx.tx.update(aid_case, {"case_id": case["case_id"]}, waits_for=[])
            self._desk.assess(ctx, case, Act.ASSESS)
        self._desk.reviews.on_category_changed(ctx, event.household_id, event.decision_id)
        following = [item for item in self._desk.department.items if event.category in item.follows]
        if not following or event.change != "added":
            return
        persons = self._persons(ctx, event) if any(i.subject == "person" for i in following) else []
        for item in following:
            for person_id in [""] if item.subject == "household" else persons:
                self._follow(ctx, item, person_id, event)

    def on_standards(self, ctx: Context, event: directory.StandardsPublished, _: Envelope) -> None:
        """What stands and was reckoned from the old ones is reckoned anew (R166)."""
        self._desk.bulk.on_standards(ctx, event.proposal_id, {one.name for one in event.standards},
                                     date.fromisoformat(event.effective_from), event.source)

    def _persons(self, ctx: Context, event: roster.CategoryChanged) -> list[str]:
        if event.person_id:
            return [event.person_id]
        return [member.person_id for member in household_of(ctx, event.household_id, event.decision_id).members]

    def _follow(self, ctx: Context, item: AidItem, person_id: str, event: roster.CategoryChanged) -> None:
        if item.exclusive and self._desk.is_running(ctx, item, event.household_id, person_id):
            return
        case = {
            "case_id": derived("case", event.decision_id, item.name, person_id),
            "application_id": event.application_id, "household_id": event.household_id, "person_id": person_id,
            "item": item.name, "trigger": "category", "township_code": event.village_code[:9],
            "village_code": event.village_code, "area_kind": event.area_kind, "request": {},
            "report_id": event.report_id, "accepted_on": ctx.today,
        }
        self._desk.give(ctx, case, "免申即享:台账类别与本部门现行政策")

    # ------------------------------------------------------------------------------------------ supervision
    def on_relative(self, ctx: Context, event: supervision.RelativeMatched, _: Envelope) -> None:
        """A relative of the household works here: he may not act on the case, and the county visits the home whatever is
        drawn."""
        case = self._mine(ctx, event.case_id)
        if case is not None:
            ctx.tx.update(aid_case, {"case_id": case["case_id"]}, duties={**case["duties"], event.officer_id: "近亲属回避"},
                          full_visit=case["full_visit"] or "relative")
            ctx.audit("case.relative", case["case_id"])

    # ------------------------------------------------------------------------------------------ payment
    def on_settled(self, ctx: Context, event: payment.PaymentSettled, _: Envelope) -> None:
        """The first money has arrived: the item is closed for the applicant."""
        case = self._mine(ctx, event.case_id)
        if case is None or case["state"] != State.CONFIRMED:
            return  # not ours, a later instalment, or an urgent advance whose papers are still due
        made = self._desk.decision(ctx, case["decision_id"])
        act = Act.DELIVER if made["instalments"] > 1 else Act.DELIVER_ONCE
        self._desk.close(ctx, case, act, "granted", made["reason"])

    def on_rejected(self, ctx: Context, event: payment.PaymentRejected | payment.PaymentVoided, _: Envelope) -> None:
        """No money moved; the department's approver must see to it."""
        case = self._mine(ctx, event.case_id)
        if case and case["state"] == State.CONFIRMED:
            ctx.close_tasks(case["case_id"], "await_payment")
            ctx.open_task("resolve_payment", case["case_id"], "county_approver", "",
                          ctx.workdays_later(REJECTED_PAYMENT_DAYS), reason=event.reason_code)


def catalogue_entry(item: AidItem) -> aid.CatalogueEntry:
    """An item as the window knows it."""
    return aid.CatalogueEntry(item=item.name, title=item.title, subject=item.subject, means_test=item.means_test,
                              urgent=item.urgent, by_application=item.by_application,
                              request_facts=_told(item.request_facts),
                              optional_facts=_told(item.optional_facts),
                              temporary_identity=item.temporary_identity, grants_category=item.grants_category)


def _told(facts: Mapping[str, Fact]) -> list[str]:
    return [f"{name}:{fact.type}" for name, fact in facts.items()]


def publish_catalogue(ctx: Context, desk: Desk) -> None:
    """Tell the window which items there are and what it must ask for; said again when the pack changes."""
    department = desk.department
    message = aid.CataloguePublished(
        service=department.name, title=department.title, channel=department.channel.name,
        pack_version=desk.shelf.active(ctx, ctx.today).file.version,
        items=[catalogue_entry(item) for item in department.items],
    )
    ctx.emit(message, subject=f"catalogue:{department.name}")
