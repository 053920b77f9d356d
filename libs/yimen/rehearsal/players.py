"""The officers played: each day they look at their lists and do what a diligent officer would do.

When somebody acts is drawn from the task's id and the day, so a rehearsal repeats itself from its seed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Protocol

from yimen.aid.v1 import aid_pb2
from yimen.common.v1 import task_pb2
from yimen.disclosure.v1 import disclosure_pb2
from yimen.intake.v1 import intake_pb2, leads_pb2
from yimen.kernel.errors import Fault
from yimen.means_test.v1 import means_test_pb2
from yimen.payment.v1 import batches_pb2, books_pb2, payment_pb2
from yimen.rehearsal.households import Change, Household
from yimen.rehearsal.tokens import Tokens
from yimen.rpc.client import Peers
from yimen.runtime.declaration import Service
from yimen.supervision.v1 import supervision_pb2

# Chance that a task is done on a given working day; what is missing here is done at once.
CHANCE = {"home_visit": 0.4, "propose": 0.6, "decide": 0.5, "file_supplement": 0.35, "record_output": 0.4,
          "resolve_objection": 0.5, "correct_account": 0.6, "resolve_doubt": 0.7, "field_check": 0.4, "supplement": 0.5,
          "post_notice": 0.9, "county_visit": 0.6}
OVERRULE_CHANCE = 0.01
OBJECTION_CHANCE = 0.02
OBJECTION_AFTER_DAYS = 2
# The only objection of the rehearsal that the re-investigation finds true.
UPHELD_REASON = "INCOME_CONCEALED"
BATCHES, BOOKS = "yimen.payment.v1.batches:Batch", "yimen.payment.v1.books:Books"
BATCH_DEADLINE_S = 120.0
PANEL_ROLES = {"township": "township_head", "county": "county_approver", "panel": "coordination_panel"}

Act = Callable[[task_pb2.Task, date], None]


def corrected_account(instalment_id: str) -> str:
    """The account that the window writes down after a return: 19 digits, and one that the bank pays to (`bank.judge`)."""
    return f"621799{int(chance(instalment_id, 'account') * 10**11):011d}10"


def chance(*parts: object) -> float:
    """A number in [0, 1) that follows from its parts."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


class Scene(Protocol):
    """What the players need of the place where they act."""

    @property
    def peers(self) -> Peers: ...

    @property
    def services(self) -> dict[str, Service]: ...


class Players:
    """Everybody who acts in the county."""

    def __init__(self, world: Scene, tokens: Tokens, seed: int, diligent: bool = False) -> None:
        self._world, self._tokens, self._seed = world, tokens, seed
        # A diligent player leaves nothing for tomorrow.
        self.diligent = diligent
        # Applications of hand-written households: what they have in store; no approver's whim decides them.
        self.scripts: dict[str, dict[str, Any]] = {}
        # Applications whose case is to be put before its neighbours once.
        self._disputed: dict[str, str] = {}
        self._objections: list[tuple[date, str, str, str]] = []
        self.refused: Counter[str] = Counter()  # codes of refused acts; an act can be overtaken by an event
        self._acts: dict[str, Act] = {
            name.removeprefix("_do_"): getattr(self, name) for name in dir(self) if name.startswith("_do_")
        }

    # ------------------------------------------------------------------------------------------ applying
    def submit(self, household: Household) -> Any:
        """The household comes to the window of its township."""
        form = household.application
        place = form.happened_in or form.village_code
        self._declare_relative(household)
        answer = self._world.peers.stub("intake").Submit(
            intake_pb2.SubmitRequest(idempotency_key=household.key, window_id=f"W-{place[:9]}", application=form),
            token=self._tokens.role("window_clerk", place))
        if household.expect:
            self.scripts[answer.application_id] = household.script
            if household.script.get("disputed"):
                self._disputed[answer.application_id] = household.key
        return answer

    def _declare_relative(self, household: Household) -> None:
        """An officer of the township whose relative is about to apply has said so in time."""
        role = household.script.get("relative_of")
        if not role:
            return
        try:
            self._world.peers.stub("supervision").DeclareRelative(
                supervision_pb2.DeclareRelativeRequest(relation="sibling",
                                                       resident_id=household.application.members[0].resident_id),
                token=self._tokens.role(role, household.application.village_code))
        except Fault as fault:
            self.refused[fault.code] += 1  # a release that keeps no register yet

    def report_change(self, key: str, receipt_no: str, change: Change) -> bool:
        """The household says what has changed; False when it has to come again."""
        self._world.peers.stub("intake").ReportChange(
            intake_pb2.ReportChangeRequest(receipt_no=receipt_no, idempotency_key=key, kinds=change.kinds,
                                           occurred_on=change.occurred_on.isoformat(), application=change.application),
            token=self._tokens.role("window_clerk", change.application.village_code))
        return True

    # ------------------------------------------------------------------------------------------ a day
    def work(self, today: date) -> int:
        """Everybody works through his list once; returns how many tasks were done."""
        done = 0
        for name in self._world.services:
            for task in list(self._tasks(name)):
                act = self._acts.get(task.kind)
                if act is None or not self._acts_today(task, today):
                    continue
                done += self._attempt(act, task, today)
        return done

    def _attempt(self, act: Act, task: task_pb2.Task, today: date) -> bool:
        try:
            act(task, today)
        except Fault as fault:
            self.refused[fault.code] += 1
            return False
        return True

    def _acts_today(self, task: task_pb2.Task, today: date) -> bool:
        return self.diligent or chance(self._seed, task.task_id, today) < CHANCE.get(task.kind, 1.0)

    def _tasks(self, service: str) -> Iterator[task_pb2.Task]:
        after = ""
        while True:
            page = self._world.peers.tasks(service).ListTasks(
                task_pb2.ListTasksRequest(after=after, kinds=sorted(self._acts)))
            yield from page.tasks
            after = page.next_after
            if not after:
                return

    # ------------------------------------------------------------------------------------------ intake
    def _do_accept(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.stub("intake").Accept(intake_pb2.AcceptRequest(receipt_no=task.detail["receipt_no"]),
                                                token=self._tokens.role("window_clerk", task.owner_area))

    def _do_supplement(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.stub("intake").Supplement(
            intake_pb2.SupplementRequest(receipt_no=task.detail["receipt_no"], signed_members=self._unsigned(task)),
            token=self._tokens.role("window_clerk", task.owner_area))

    def _unsigned(self, task: task_pb2.Task) -> list[int]:
        answer = self._world.peers.stub("intake").GetApplication(
            intake_pb2.GetApplicationRequest(receipt_no=task.detail["receipt_no"]))
        told = next(line.why for line in reversed(answer.timeline) if line.what == "一次性告知补正")
        return sorted({int(part.split("位")[0].removeprefix("第")) - 1 for part in told.split("、")})

    def _do_triage_lead(self, task: task_pb2.Task, today: date) -> None:
        self._leads.TriageLead(leads_pb2.TriageLeadRequest(lead_id=task.subject),
                               token=self._tokens.role("township_officer", task.owner_area))

    def _do_contact_lead(self, task: task_pb2.Task, today: date) -> None:
        self._leads.ContactLead(leads_pb2.ContactLeadRequest(lead_id=task.subject),
                                token=self._tokens.role(task.owner_role, task.owner_area))

    def _do_close_lead(self, task: task_pb2.Task, today: date) -> None:
        self._leads.CloseLead(leads_pb2.CloseLeadRequest(lead_id=task.subject, outcome="no_need", feedback="该户表示暂无困难。"),
                              token=self._tokens.role("township_officer", task.owner_area))

    @property
    def _leads(self) -> Any:
        return self._world.peers.stub("intake", "yimen.intake.v1.leads:Lead")

    # ------------------------------------------------------------------------------------------ means test
    def _do_home_visit(self, task: task_pb2.Task, today: date) -> None:
        if self.scripts.get(task.detail["application_id"], {}).get("refuses_visit"):
            self._insist_on_visit(task, today)
            return
        self._world.peers.stub("means_test").RecordHomeVisit(
            means_test_pb2.RecordHomeVisitRequest(
                verification_id=task.subject, second_surveyor=self._tokens.officer("surveyor", task.owner_area, number=2),
                finding="consistent"),
            token=self._tokens.role("surveyor", task.owner_area))

    def _insist_on_visit(self, task: task_pb2.Task, today: date) -> None:
        """Nobody opens: a letter, and when its period is over the end of the verification."""
        desk, token = self._world.peers.stub("means_test"), self._tokens.role("surveyor", task.owner_area)
        warned = desk.WarnHousehold(means_test_pb2.WarnHouseholdRequest(
            verification_id=task.subject, letter_ref=f"告〔2026〕{task.subject[:8]}"), token=token)
        if today > date.fromisoformat(warned.until):
            desk.StopVerification(means_test_pb2.StopVerificationRequest(
                verification_id=task.subject, finding_code="refuses_visit"), token=token)

    def _do_resolve_doubt(self, task: task_pb2.Task, today: date) -> None:
        drawn = "explained" if chance(self._seed, task.subject, "doubt") < 0.3 else "confirmed"
        outcome = self.scripts.get(task.detail["application_id"], {}).get("doubt", drawn)
        self._world.peers.stub("means_test").ResolveDoubt(
            means_test_pb2.ResolveDoubtRequest(doubt_id=task.subject, outcome=outcome),
            token=self._tokens.role("surveyor", task.owner_area))

    # ------------------------------------------------------------------------------------------ departments
    def _do_propose(self, task: task_pb2.Task, today: date) -> None:
        if self._disputed.pop(task.detail["application_id"], ""):
            self._world.peers.department(task.service).CallAppraisal(
                aid_pb2.CallAppraisalRequest(case_id=task.subject, reason_code="disputed"),
                token=self._tokens.role(task.owner_role, task.owner_area, task.service))
            return
        self._world.peers.department(task.service).Propose(
            aid_pb2.ProposeRequest(case_id=task.subject, opinion="agree"),
            token=self._tokens.role(task.owner_role, task.owner_area, task.service))

    def _do_hold_appraisal(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.department(task.service).RecordAppraisal(
            aid_pb2.RecordAppraisalRequest(case_id=task.subject, attendees=11, agree=8, disagree=2,
                                           minutes_ref=f"评议〔2026〕{task.subject[:8]}"),
            token=self._tokens.role(task.owner_role, task.owner_area, task.service))

    def _do_decide(self, task: task_pb2.Task, today: date) -> None:
        overrule = chance(self._seed, task.subject, "overrule") < OVERRULE_CHANCE
        confirm = not overrule or task.detail["application_id"] in self.scripts or task.detail["outcome"] == "refuse"
        self._world.peers.department(task.service).Decide(
            aid_pb2.DecideRequest(case_id=task.subject, confirm=confirm, minutes_ref=f"MIN-{today:%Y%m%d}",
                                  reason_code="FILE_INCOMPLETE", reason="经集体研究,材料不足以证明困难情形,不予确认。"),
            token=self._tokens.role(PANEL_ROLES[task.detail["level"]], task.owner_area, task.service))

    def _do_county_visit(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.department(task.service).RecordCountyVisit(
            aid_pb2.RecordCountyVisitRequest(case_id=task.subject, finding="consistent",
                                             second_visitor=self._tokens.officer("supervisor")),
            token=self._tokens.role("county_officer", department=task.service))

    def _do_propose_review(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.department(task.service).ProposeReview(
            aid_pb2.ProposeReviewRequest(review_id=task.subject, by_employment=self.scripts.get(
                task.detail["application_id"], {}).get("took_up_work", False)),
            token=self._tokens.role(task.owner_role, task.owner_area, task.service))

    def _do_decide_review(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.department(task.service).DecideReview(
            aid_pb2.DecideReviewRequest(review_id=task.subject, confirm=True, minutes_ref=f"MIN-{today:%Y%m%d}"),
            token=self._tokens.role(PANEL_ROLES[task.detail["level"]], task.owner_area, task.service))

    def _do_approve_bulk(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.department(task.service).ApproveBulk(
            aid_pb2.ApproveBulkRequest(run_id=task.subject), token=self._tokens.role("county_approver", department=task.service))

    def _do_grant_advance(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.department(task.service).GrantAdvance(
            aid_pb2.GrantAdvanceRequest(case_id=task.subject, amount_fen=int(task.detail["need_fen"]),
                                        verified_by="phone", minutes_ref=f"MIN-{today:%Y%m%d}"),
            token=self._tokens.role(task.owner_role, task.owner_area, task.service))

    def _do_file_supplement(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.department(task.service).FileSupplement(
            aid_pb2.FileSupplementRequest(case_id=task.subject, statement_ref=f"SUP-{task.task_id[:8]}"),
            token=self._tokens.role("township_officer", task.owner_area))

    def _do_record_output(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.department(task.service).RecordOutput(
            aid_pb2.RecordOutputRequest(case_id=task.subject, kind=task.detail["output"], detail_code="DELIVERED"),
            token=self._tokens.role(task.owner_role, task.owner_area, task.service))

    # ------------------------------------------------------------------------------------------ disclosure
    def _do_post_notice(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.stub("disclosure").ConfirmPosting(
            disclosure_pb2.ConfirmPostingRequest(notice_id=task.subject, photo_ref=f"IMG-{task.task_id[:8]}"),
            token=self._tokens.role("notice_custodian", task.owner_area))
        reason = self.scripts.get(task.detail["application_id"], {}).get("objection", "")
        if not reason and chance(self._seed, task.subject, "objection") < OBJECTION_CHANCE:
            reason = "FAMILY_HAS_CAR" if chance(self._seed, task.subject, "reason") < 0.7 else UPHELD_REASON
        if reason:
            self._objections.append((today + timedelta(days=OBJECTION_AFTER_DAYS), task.subject, task.owner_area, reason))

    def object_to_notices(self, today: date) -> None:
        """Neighbours who have read a notice come to the window."""
        due = [one for one in self._objections if one[0] <= today]
        self._objections = [one for one in self._objections if one[0] > today]
        for _, notice_id, township, reason in due:
            self.object_to(notice_id, township, reason)

    def object_to(self, notice_id: str, township: str, reason_code: str) -> str:
        """A neighbour objects to a notice at the window."""
        answer = self._world.peers.stub("disclosure").FileObjection(
            disclosure_pb2.FileObjectionRequest(notice_id=notice_id, reason_code=reason_code, anonymous=True),
            token=self._tokens.role("window_clerk", township))
        return str(answer.objection_id)

    def _do_resolve_objection(self, task: task_pb2.Task, today: date) -> None:
        upheld = task.detail["reason_code"] == UPHELD_REASON
        self._world.peers.stub("disclosure").ResolveObjection(
            disclosure_pb2.ResolveObjectionRequest(objection_id=task.subject, upheld=upheld,
                                                   finding_code="CONFIRMED" if upheld else "UNFOUNDED"),
            token=self._tokens.role("township_officer", task.owner_area))

    # ------------------------------------------------------------------------------------------ payment
    def _do_release(self, task: task_pb2.Task, today: date) -> None:
        if date.fromisoformat(task.detail["due_on"]) <= today:
            self._batches.PrepareBatch(
                batches_pb2.PrepareBatchRequest(channel=task.detail["channel"], due_on=task.detail["due_on"]),
                token=self._tokens.role("finance_officer"), timeout_s=BATCH_DEADLINE_S)

    def _do_review_batch(self, task: task_pb2.Task, today: date) -> None:
        self._batches.ReviewBatch(
            batches_pb2.ReviewBatchRequest(batch_id=task.subject, revision=int(task.detail["revision"])),
            token=self._tokens.role("finance_officer", number=2), timeout_s=BATCH_DEADLINE_S)

    def _do_release_batch(self, task: task_pb2.Task, today: date) -> None:
        self._batches.ReleaseReviewedBatch(batches_pb2.ReleaseReviewedBatchRequest(batch_id=task.subject),
                                           token=self._tokens.role("finance_officer", number=2), timeout_s=BATCH_DEADLINE_S)

    def _do_decide_hold(self, task: task_pb2.Task, today: date) -> None:
        self._batches.DecideHold(
            batches_pb2.DecideHoldRequest(hold_id=task.subject, pay=True, reason="经核实,两项救助依据不同,可以叠加。"),
            token=self._tokens.role("finance_officer"))

    def _do_resolve_discrepancy(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.stub("payment", BOOKS).ResolveDiscrepancy(
            books_pb2.ResolveDiscrepancyRequest(discrepancy_id=task.subject, finding_code="bank_error",
                                                reason="银行已确认差错并冲正。"),
            token=self._tokens.role("finance_officer"))

    @property
    def _batches(self) -> Any:
        return self._world.peers.stub("payment", BATCHES)

    def _do_correct_account(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.stub("payment").CorrectAccount(
            payment_pb2.CorrectAccountRequest(instalment_id=task.subject, bank_account=corrected_account(task.subject)),
            token=self._tokens.role("window_clerk", task.owner_area))

    # ------------------------------------------------------------------------------------------ supervision
    def _do_field_check(self, task: task_pb2.Task, today: date) -> None:
        self._world.peers.stub("supervision").RecordFieldCheck(
            supervision_pb2.RecordFieldCheckRequest(case_id=task.detail["case_id"], pool=task.detail["pool"],
                                                    second_checker=self._tokens.officer("supervisor", number=2),
                                                    finding="ok"),
            token=self._tokens.role("supervisor"))
