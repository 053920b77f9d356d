"""After fraud: a credit record that is felt, repaired or expires (R142), and a case that goes to justice (R141)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from google.protobuf.struct_pb2 import Struct
from yimen.aid.v1 import aid_pb2
from yimen.intake.v1 import intake_pb2
from yimen.payment.v1 import debts_pb2
from yimen.supervision.v1 import credit_pb2 as pb

from tests.journey.town import Town, code_of

CHECKED = "select case_id from field_check where pool = 'credit'"


def _desk(home: Town) -> Any:
    return home.world.peers.stub("supervision", "yimen.supervision.v1.credit:Credit")


def _supervisor(home: Town, role: str = "supervisor") -> str:
    return str(home.month.tokens.role(role))


def _fraud(home: Town, finding: str = "fraud") -> str:
    desk, facts = home.world.peers.department("basic_living"), Struct()
    facts.update({"counted_income_fen": 3_100_00})
    opened = desk.OpenRecovery(aid_pb2.OpenRecoveryRequest(case_id=home.case()["case_id"], suspicion_code="tip", reason="举报"),
                               token=home.month.tokens.role("county_officer", department="basic_living"))
    desk.ConcludeRecovery(aid_pb2.ConcludeRecoveryRequest(
        recovery_id=opened.recovery_id, finding=finding, since="2026-04-01", corrections=facts, reason="隐瞒收入"),
        token=home.month.tokens.role("county_approver", department="basic_living"))
    home.world.settle()
    return str(opened.recovery_id)


def _states(home: Town) -> list[str]:
    found = _desk(home).ListCredit(pb.ListCreditRequest(case_id=home.case()["case_id"]), token=_supervisor(home)).records
    return [one.state for one in found]


def _apply_again(home: Town) -> None:
    form = intake_pb2.Application()
    form.CopyFrom(home.story.application)
    del form.items[:]
    form.items.add(item="urgent_aid").request.update({"need_fen": 1_000_00, "cause": "fire"})
    home.world.peers.stub("intake").Submit(
        intake_pb2.SubmitRequest(idempotency_key="again", window_id=f"W-{form.village_code[:9]}", application=form),
        token=home.month.tokens.role("window_clerk", form.village_code))
    home.world.settle()


def test_fraud_goes_on_record_the_next_case_is_checked_and_what_is_paid_back_is_repaired(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 13))
    home.month.stories.clear()
    recovery_id = _fraud(home)
    record = _desk(home).ListCredit(pb.ListCreditRequest(case_id=home.case()["case_id"]), token=_supervisor(home, "auditor")).records[0]
    assert (record.state, record.recorded_on, record.expires_on) == ("in_force", "2026-04-12", "2029-04-12")
    assert home.rows("supervision", CHECKED) == []  # what is decided is decided
    _apply_again(home)
    home.until(date(2026, 4, 20))
    urgent = home.case("urgent_aid")
    assert urgent["outcome"] == "granted"  # aid is not refused for it
    assert [row["case_id"] for row in home.rows("supervision", CHECKED)] == [urgent["case_id"]]

    def repair(reason: str = "已退清", document_no: str = "信〔2026〕1号", role: str = "supervisor") -> Any:
        _desk(home).RepairCredit(pb.RepairCreditRequest(recovery_id=recovery_id, reason=reason, document_no=document_no), token=_supervisor(home, role))
        home.world.settle()

    assert code_of(lambda: repair(role="auditor")) == "ROLE_MISSING"
    assert code_of(lambda: repair("")) == "REASON_REQUIRED" and code_of(lambda: repair(document_no="")) == "FIELD_WRONG"
    home.until(date(2026, 10, 20))
    assert code_of(repair) == "CREDIT_NOT_REPAIRABLE"  # nothing was paid back
    debts = home.world.peers.stub("payment", "yimen.payment.v1.debts:Debt")
    debt_id = home.rows("payment", "select debt_id from debt")[0]["debt_id"]
    debts.RecordRepayment(debts_pb2.RecordRepaymentRequest(debt_id=debt_id, amount_fen=740_00, receipt_ref="R1"),
                          token=home.month.tokens.role("finance_officer"))
    home.world.settle()
    repair()
    assert _states(home) == ["repaired"] and code_of(repair) == "CASE_STATE"
    said = home.rows("intake", "select what from timeline order by row_id")
    assert [row["what"] for row in said if "信用记录" in row["what"]] == ["记入信用记录,2029-04-12 到期;退清款项后可以申请修复,不影响申请救助", "信用记录已修复"]


def test_a_clients_error_is_no_fraud_and_a_record_expires_or_is_revoked(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 13))
    home.month.stories.clear()
    assert code_of(lambda: _desk(home).ListCredit(pb.ListCreditRequest(), token=_supervisor(home))) == "FIELD_WRONG"
    _fraud(home, "error_client")
    assert _states(home) == []
    recovery_id = _fraud(home)
    with home.world.apps["supervision"].work("service:supervision") as ctx:  # as if three years had passed
        ctx.schedule("credit_expires", recovery_id, ctx.now)
    home.until(date(2026, 4, 14))
    assert _states(home) == ["expired"]
    revoke = pb.RevokeCreditRequest(recovery_id=recovery_id, reason="复议撤销", document_no="复〔2026〕9号")
    assert code_of(lambda: _desk(home).RevokeCredit(revoke, token=_supervisor(home))) == "CASE_STATE"
    assert code_of(lambda: _desk(home).RevokeCredit(pb.RevokeCreditRequest(recovery_id="nobody", reason="x", document_no="x"),
                                                    token=_supervisor(home))) == "CREDIT_NOT_FOUND"


def test_a_case_goes_to_justice_once_and_its_answer_is_waited_for(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 13))
    home.month.stories.clear()
    recovery_id = _fraud(home)

    def transfer(organ: str = "police", document_no: str = "移〔2026〕1号", reason: str = "涉嫌诈骗", of: str = recovery_id) -> Any:
        return _desk(home).TransferToJustice(pb.TransferToJusticeRequest(recovery_id=of, organ=organ, document_no=document_no, reason=reason),
                                             token=_supervisor(home))

    def answer(said: str, document_no: str = "立〔2026〕7号") -> Any:
        _desk(home).RecordJusticeAnswer(pb.RecordJusticeAnswerRequest(recovery_id=recovery_id, answer=said, document_no=document_no),
                                        token=_supervisor(home))

    assert code_of(lambda: transfer("court")) == "FIELD_WRONG" == code_of(lambda: transfer(document_no=""))
    assert code_of(lambda: transfer(reason="")) == "REASON_REQUIRED" and code_of(lambda: transfer(of="nobody")) == "CREDIT_NOT_FOUND"
    assert code_of(lambda: answer("accepted")) == "JUSTICE_NOT_FOUND"
    first = transfer()
    assert transfer() == first and code_of(lambda: transfer(document_no="移〔2026〕2号")) == "CASE_STATE"
    waits = home.rows("supervision", "select owner_role, due_on from task where kind = 'justice_answer' and done_at is null")
    assert [(row["owner_role"], row["due_on"]) for row in waits] == [("supervisor", first.answer_by)]
    assert code_of(lambda: answer("convicted")) == "FIELD_WRONG"  # nobody has taken the case yet
    answer("accepted")
    assert [one.answer for one in _desk(home).ListTransfers(pb.ListTransfersRequest(open_only=True), token=_supervisor(home)).transfers] == ["accepted"]
    answer("convicted", "判〔2026〕3号")
    assert code_of(lambda: answer("acquitted")) == "CASE_STATE"
    home.world.settle()
    assert not _desk(home).ListTransfers(pb.ListTransfersRequest(open_only=True), token=_supervisor(home)).transfers
    assert home.rows("feed", "select 1 as one from entry where type like 'credit.%' or type like '%justice%'") == []
