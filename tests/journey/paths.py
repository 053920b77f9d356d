"""The paths of requirements section 2 that a month of applications does not walk, on whatever platform it was played on: leads, a
public emergency, price linkage, a new standard, refused work, recheck, reconsideration, recovery, fraud and justice, a
tip, a conference, the township's fund."""

from __future__ import annotations

from datetime import date, timedelta

from google.protobuf.struct_pb2 import Struct
from yimen.aid.v1 import aid_pb2
from yimen.basic_living.v1 import basic_living_pb2
from yimen.directory.v1 import directory_pb2
from yimen.employment.v1 import employment_pb2
from yimen.intake.v1 import conferences_pb2, intake_pb2, leads_pb2
from yimen.payment.v1 import debts_pb2, payment_pb2
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import LAST_DAY, Month
from yimen.rehearsal.promises import Evidence
from yimen.supervision.v1 import credit_pb2, tips_pb2

WALK_DAYS = 14
DEPARTMENT, CHANNEL = "basic_living", "basic_living_relief"


class Walk:
    """Everything is begun on the day after the month, then days pass, then each path is looked at."""

    def __init__(self, month: Month, evidence: Evidence) -> None:
        self.month, self.evidence, self.peers, self.tokens = month, evidence, month.world.peers, month.tokens
        self.desk = self.peers.department(DEPARTMENT)
        month.players.diligent = True
        month.world.clock.move_to(month.world.clock.now() + timedelta(days=3))  # Monday

    def case(self, story: str, item: str = "dibao") -> str:
        found = self.evidence.rows("intake", "select s.case_id from item_status s join application a on a.application_id = s.application_id"
                                             " where a.receipt_no = :r and s.item = :i", r=self.month.receipts[story], i=item)
        return str(found[0]["case_id"])

    def of(self, role: str, township: str = "", department: str = DEPARTMENT) -> str:
        return self.tokens.role(role, township, "" if township else department)

    def village(self, story: str) -> str:
        return str(read(FILES / f"{story}.yaml").application.village_code)

    def begin(self) -> None:
        self._lead()
        self._emergency()
        self._many_at_once()
        self._work_is_refused()
        self._disagreement()
        self._recovery()
        self._fraud()
        self._tip()
        self._conference()

    def _lead(self) -> None:
        stranger = read(FILES / "urgent_fire.yaml").application
        leads = self.peers.stub("intake", "yimen.intake.v1.leads:Lead")
        self.lead = leads.CreateLead(leads_pb2.CreateLeadRequest(
            idempotency_key="walk", source="hotline", village_code=stranger.village_code, name=stranger.members[1].name,
            resident_id=stranger.members[1].resident_id, description="火灾后仍住在亲戚家"), token=self.of("window_clerk", stranger.village_code)).lead_id

    def _emergency(self) -> None:
        official = self.peers.stub(DEPARTMENT)
        self.emergency = official.DeclareEmergency(basic_living_pb2.DeclareEmergencyRequest(
            legal_basis="示例县政发〔2026〕12号", starts_on="2026-04-13"), token=self.of("county_approver")).emergency_id
        form = intake_pb2.Application()
        form.CopyFrom(read(FILES / "urgent_fire.yaml").application)
        form.items[0].request.update({"cause": "public_emergency", "need_fen": 2000_00})
        self.urgent = self.peers.stub("intake").Submit(
            intake_pb2.SubmitRequest(idempotency_key="walk", window_id=f"W-{form.village_code[:9]}", application=form),
            token=self.of("window_clerk", form.village_code)).application_id

    def _many_at_once(self) -> None:
        facts = Struct()
        facts.update({"cpi_bp": 360, "food_bp": 100, "low_income_index_bp": 420})
        self.subsidy = self.desk.OpenBulk(aid_pb2.OpenBulkRequest(item="price_subsidy", reference="2026年3月指数", request=facts),
                                          token=self.of("county_officer")).run_id
        directory = self.peers.stub("directory")
        proposal = directory.ProposeStandards(directory_pb2.ProposeStandardsRequest(
            standards=[directory_pb2.Standard(name="dibao_urban_standard_fen", amount_fen=800_00),
                       directory_pb2.Standard(name="dibao_rural_standard_fen", amount_fen=600_00)],
            effective_from="2026-04-01", source="示例县政发〔2026〕13号", calculation_ref="测算表"),
            token=self.tokens.role("policy_officer", department=DEPARTMENT)).proposal
        directory.ApproveStandards(directory_pb2.ApproveStandardsRequest(proposal_id=proposal.proposal_id, minutes_ref="纪要"),
                                   token=self.tokens.role("coordination_panel"))

    def _work_is_refused(self) -> None:
        self.worker = self.case("c01_dibao_and_university")
        applicant = read(FILES / "c01_dibao_and_university.yaml").application.members[0].resident_id
        desk, token = self.peers.stub("employment", "yimen.employment.v1.employment:Employment"), self.of("county_officer", department="employment")
        for number in (1, 2, 3):
            offer = desk.MakeOffer(employment_pb2.MakeOfferRequest(resident_id=applicant, kind="job", offer_ref=f"推荐{number}"), token=token)
            answer = desk.ConcludeOffer(employment_pb2.ConcludeOfferRequest(offer_id=offer.offer_id, outcome="refused", reason="嫌远"), token=token)
        assert answer.refusals == 3

    def _disagreement(self) -> None:
        self.refused, self.reconsidered = self.case("c07_above_edge"), self.case("c10_private_car")
        village = self.village("c07_above_edge")
        asked = self.desk.RequestRecheck(aid_pb2.RequestRecheckRequest(case_id=self.refused, reason="工资已停发"),
                                         token=self.of("window_clerk", village))
        assert asked.level == "township"
        self.desk.ReceiveReconsideration(aid_pb2.ReceiveReconsiderationRequest(case_id=self.reconsidered, document_no="复〔2026〕1号"),
                                         token=self.of("county_officer"))
        self.desk.RecordReconsideration(aid_pb2.RecordReconsiderationRequest(case_id=self.reconsidered, document_no="复〔2026〕1号",
                                                                             outcome="upheld"), token=self.of("county_approver"))

    def _recovery(self) -> None:
        self.overpaid = self.case("c04_rural_family")
        opened = self.desk.OpenRecovery(aid_pb2.OpenRecoveryRequest(case_id=self.overpaid, suspicion_code="tip", reason="举报"),
                                        token=self.of("county_officer"))
        facts = Struct()
        facts.update({"counted_income_fen": 1_400_00})
        concluded = self.desk.ConcludeRecovery(aid_pb2.ConcludeRecoveryRequest(
            recovery_id=opened.recovery_id, finding="error_client", since="2026-04-01", corrections=facts, reason="漏报劳务收入"),
            token=self.of("county_approver"))
        assert concluded.amount_fen == 200_00

    def _fraud(self) -> None:
        self.credit = self.peers.stub("supervision", "yimen.supervision.v1.credit:Credit")
        opened = self.desk.OpenRecovery(aid_pb2.OpenRecoveryRequest(case_id=self.case("objection_dismissed"), suspicion_code="data_hit", reason="比对"),
                                        token=self.of("county_officer"))
        facts = Struct()
        facts.update({"counted_income_fen": 9_000_00})
        self.desk.ConcludeRecovery(aid_pb2.ConcludeRecoveryRequest(
            recovery_id=opened.recovery_id, finding="fraud", since="2026-04-01", corrections=facts, reason="隐瞒收入"),
            token=self.of("county_approver"))
        self.fraud = opened.recovery_id

    def _tip(self) -> None:
        self.tips, supervisor = self.peers.stub("supervision", "yimen.supervision.v1.tips:Tip"), self.tokens.role("supervisor")
        self.tip = self.tips.ReceiveTip(tips_pb2.ReceiveTipRequest(idempotency_key="walk", via="phone", content="人户分离", about_unit="990101001",
                                                                   informant_name="某某"), token=supervisor).tip_id
        self.tips.AssignTip(tips_pb2.AssignTipRequest(tip_id=self.tip, unit="county"), token=supervisor)

    def _conference(self) -> None:
        desk = self.peers.stub("intake", "yimen.intake.v1.conferences:Conference")
        self.conference = desk.HoldConference(conferences_pb2.HoldConferenceRequest(
            receipt_no=self.month.receipts["c07_above_edge"], minutes_ref="会〔2026〕1号", plan="先住所,后岗位",
            tasks=[conferences_pb2.ConferenceTask(service="housing", text="安排住所", due_on="2026-05-20")]),
            token=self.of("county_officer")).conference_id

    # ------------------------------------------------------------------------------------------ days pass
    def pass_days(self) -> date:
        day = self.month.world.clock.now().date()
        for _ in range(WALK_DAYS):
            self.month.play(day)
            day += timedelta(days=1)
        return day

    # ------------------------------------------------------------------------------------------ what came of it
    def look(self) -> None:
        rows = self.evidence.rows
        assert rows("intake", "select state from lead where lead_id = :l", l=self.lead)[0]["state"] == "closed"
        given = rows(DEPARTMENT, "select outcome from aid_case where application_id = :a", a=self.urgent)
        assert [row["outcome"] for row in given] == ["granted"]
        ended = self.peers.stub(DEPARTMENT).EndEmergency(basic_living_pb2.EndEmergencyRequest(emergency_id=self.emergency),
                                                         token=self.of("county_approver"))
        assert ended.waived >= 1 and ended.sample
        runs = {row["kind"]: row["state"] for row in rows(DEPARTMENT, "select kind, state from bulk_run")}
        assert runs == {"grant": "done", "standard_change": "done"}
        assert rows(DEPARTMENT, "select 1 as one from aid_case where item = 'price_subsidy' and outcome = 'granted'")
        causes = {row["cause"] for row in rows(DEPARTMENT, "select cause from review where case_id = :c", c=self.worker)}
        assert "refused_work" in causes
        self._recheck_goes_on()
        self._around()
        debt = self.peers.stub("payment", "yimen.payment.v1.debts:Debt")
        finance = self.tokens.role("finance_officer")
        owed = debt.ListDebts(debts_pb2.ListDebtsRequest(case_id=self.overpaid), token=finance).debts[0]
        assert (owed.state, owed.outstanding_fen) == ("open", 200_00)
        assert debt.RecordRepayment(debts_pb2.RecordRepaymentRequest(debt_id=owed.debt_id, amount_fen=200_00, receipt_ref="收1"),
                                    token=finance).outstanding_fen == 0
        self._township_fund(finance)
        self.month.world.settle()

    def _recheck_goes_on(self) -> None:
        """Another head of the township than who decided upholds it; the county takes it up."""
        self.desk.DecideRecheck(aid_pb2.DecideRecheckRequest(case_id=self.refused, outcome="upheld", reason="维持"),
                                token=self.tokens.role("township_head", self.village("c07_above_edge"), number=2))
        asked = self.desk.RequestRecheck(aid_pb2.RequestRecheckRequest(case_id=self.refused, reason="仍不服"),
                                         token=self.of("window_clerk", self.village("c07_above_edge")))
        assert asked.level == "county"

    def _around(self) -> None:
        """After fraud a record and the way to justice; the tip is concluded and answered; the conference's task is done."""
        supervisor = self.tokens.role("supervisor")
        record = self.credit.ListCredit(credit_pb2.ListCreditRequest(case_id=self.case("objection_dismissed")), token=supervisor).records[0]
        assert (record.recovery_id, record.state) == (self.fraud, "in_force")
        self.credit.TransferToJustice(credit_pb2.TransferToJusticeRequest(recovery_id=self.fraud, organ="police", document_no="移1", reason="涉嫌诈骗"),
                                      token=supervisor)
        assert self.tips.ConcludeTip(tips_pb2.ConcludeTipRequest(tip_id=self.tip, second_checker="supervisor-2", outcome="not_upheld", finding="居住属实"),
                                     token=supervisor).to_be_answered
        self.tips.AnswerTip(tips_pb2.AnswerTipRequest(tip_id=self.tip, answer="居住属实"), token=supervisor)
        task = self.evidence.rows("housing", "select task_id from conference_task")[0]["task_id"]
        self.peers.department("housing").CompleteConferenceTask(
            aid_pb2.CompleteConferenceTaskRequest(task_id=task, result="已入住"), token=self.of("county_officer", department="housing"))
        self.month.world.settle()
        closed = self.evidence.rows("intake", "select closed_on from conference where conference_id = :c", c=self.conference)
        assert closed[0]["closed_on"] is not None

    def _township_fund(self, finance: str) -> None:
        township = self.village("urgent_fire")[:9]
        funds = self.peers.stub("payment").ListImprest(payment_pb2.ListImprestRequest(channel=CHANNEL), token=finance).funds
        spent = next(one.limit_fen - one.balance_fen for one in funds if one.township_code == township)
        assert spent > 0
        self.peers.stub("payment").FundImprest(payment_pb2.FundImprestRequest(
            channel=CHANNEL, township_code=township, amount_fen=spent, reference="april"), token=finance)


def walk(month: Month, evidence: Evidence) -> date:
    """Walk them all; returns the day after. `LAST_DAY` of the month is a Friday."""
    assert month.world.clock.now().date() == LAST_DAY
    steps = Walk(month, evidence)
    steps.begin()
    month.world.settle()
    day = steps.pass_days()
    steps.look()
    return day
