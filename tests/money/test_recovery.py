"""Money that was taken without entitlement comes back to the fund that it came from (requirements 2.7, R141)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from google.protobuf.struct_pb2 import Struct
from yimen.aid.v1 import aid_pb2
from yimen.payment.v1 import books_pb2 as books
from yimen.payment.v1 import debts_pb2 as pb

from tests.journey.town import Town, categories
from tests.money.desk import Finance, code_of

PAID_MONTHS = 8  # April to November


def _open(home: Town, reason: str = "数据比对发现未申报的收入", code: str = "data_hit") -> Any:
    return home.world.peers.department("basic_living").OpenRecovery(
        aid_pb2.OpenRecoveryRequest(case_id=home.case()["case_id"], suspicion_code=code, reason=reason),
        token=home.month.tokens.role("county_officer", department="basic_living"))


def _conclude(home: Town, recovery_id: str, finding: str, since: str = "2026-04-01", fine_fen: int = 0, token: str = "", **facts: Any) -> Any:
    corrections = Struct()
    corrections.update(facts)
    answer = home.world.peers.department("basic_living").ConcludeRecovery(
        aid_pb2.ConcludeRecoveryRequest(recovery_id=recovery_id, finding=finding, since=since, corrections=corrections, fine_fen=fine_fen,
                                        reason="经核实,另有每月1500元的收入", minutes_ref="追〔2026〕1号"),
        token=token or home.month.tokens.role("county_approver", department="basic_living"))
    home.world.settle()
    return answer


def _home(town: Callable[..., Town]) -> tuple[Town, Finance]:
    home = town("c18_wage_goes_up", date(2026, 3, 31))
    home.month.stories.clear()
    home.until(date(2026, 11, 10))
    return home, Finance(home.month)


def test_c19_eight_months_are_owed_and_the_fine_is_one_to_three_times(town: Callable[..., Town]) -> None:
    home, desk = _home(town)
    assert code_of(lambda: _open(home, "")) == "REASON_REQUIRED" and code_of(lambda: _open(home, code="dream")) == "FIELD_WRONG"
    opened = _open(home)
    assert opened.due_on == "2026-12-09" and _open(home).recovery_id == opened.recovery_id
    true = {"counted_income_fen": 3_100_00}
    assert code_of(lambda: _conclude(home, opened.recovery_id, "fraud", since="2026-02-30", **true)) == "FIELD_WRONG"
    assert code_of(lambda: _conclude(home, opened.recovery_id, "fraud", since="2027-01-01", **true)) == "FIELD_WRONG"
    assert code_of(lambda: _conclude(home, opened.recovery_id, "fraud")) == "FIELD_WRONG"  # what was different?
    assert code_of(lambda: _conclude(home, opened.recovery_id, "fraud", shoe_size=43)) == "FIELD_WRONG"
    for fine in (5_919_99, 17_760_01):
        assert code_of(lambda fine=fine: _conclude(home, opened.recovery_id, "fraud", fine_fen=fine, **true)) == "FINE_OUT_OF_RANGE"
    assert code_of(lambda: _conclude(home, opened.recovery_id, "error_client", fine_fen=5_920_00, **true)) == "FINE_OUT_OF_RANGE"
    assert code_of(lambda: _conclude(home, "nothing", "fraud", **true)) == "RECOVERY_NOT_FOUND"
    paid = sum(one.paid_fen for one in desk.overview().lines)
    answer = _conclude(home, opened.recovery_id, "fraud", fine_fen=17_760_00, **true)
    assert (answer.amount_fen, answer.fine_fen) == (740_00 * PAID_MONTHS, 17_760_00)
    owed = desk.owed(home.case()["case_id"])[0]
    assert (owed.state, owed.outstanding_fen, owed.fine_outstanding_fen) == ("open", 5_920_00, 17_760_00)
    view = desk.overview()
    assert sum(one.owed_back_fen for one in view.lines) == 5_920_00 and sum(one.paid_fen for one in view.lines) == paid - 5_920_00
    # Fraud ends the benefit with the month, on the roster too.
    assert "2026-12-01" not in home.due() and categories(home, "2026-12-01") == set() and categories(home, "2026-11-30") == {"dibao"}
    assert code_of(lambda: _conclude(home, opened.recovery_id, "fraud", **true)) == "CASE_STATE"


def test_what_is_repaid_goes_where_it_came_from_and_the_fine_stays_apart(town: Callable[..., Town]) -> None:
    home, desk = _home(town)
    _conclude(home, _open(home).recovery_id, "fraud", fine_fen=5_920_00, counted_income_fen=3_100_00)
    owed = desk.owed()[0]
    line = home.rows("payment", "select line from debt")[0]["line"]
    before = desk.line(line)

    def repay(fen: int, receipt: str = "R1") -> int:
        return int(desk.debts.RecordRepayment(pb.RecordRepaymentRequest(debt_id=owed.debt_id, amount_fen=fen, receipt_ref=receipt),
                                              token=desk.first()).outstanding_fen)

    assert code_of(lambda: repay(0)) == "AMOUNT_WRONG" and code_of(lambda: repay(-1)) == "AMOUNT_WRONG"
    assert code_of(lambda: repay(11_840_01)) == "AMOUNT_WRONG" and code_of(lambda: repay(2**62)) == "AMOUNT_WRONG"
    assert code_of(lambda: repay(1, "")) == "FIELD_WRONG"
    assert code_of(lambda: desk.debts.RecordRepayment(pb.RecordRepaymentRequest(debt_id="x", amount_fen=1, receipt_ref="r"),
                                                      token=desk.first())) == "DEBT_NOT_FOUND"
    assert code_of(lambda: desk.debts.RecordRepayment(pb.RecordRepaymentRequest(debt_id=owed.debt_id, amount_fen=1, receipt_ref="r"),
                                                      token=desk.auditor())) == "ROLE_MISSING"
    assert repay(5_000_00) == 6_840_00 and repay(5_000_00) == 6_840_00  # said twice
    assert desk.line(line).available_fen == before.available_fen + 5_000_00
    assert repay(6_840_00, "R2") == 0
    after = desk.line(line)
    assert after.available_fen == before.available_fen + 5_920_00 and after.owed_back_fen == 0  # the fine is not the fund's
    assert desk.owed()[0].state == "paid"
    assert code_of(lambda: repay(1, "R3")) == "INSTALMENT_STATE"
    steps = desk.books.TraceYuan(books.TraceYuanRequest(id=owed.debt_id), token=desk.auditor()).steps
    assert [one.what for one in steps] == ["列入追回", "家庭退还", "家庭退还", "罚款入账"]


def test_a_clients_error_is_kept_back_by_agreement_and_never_the_protected_part(town: Callable[..., Town]) -> None:
    home, desk = _home(town)
    # The wage was 2,200 all the time: 80 × 0.8 too much a month; the benefit goes on, lower.
    _conclude(home, _open(home).recovery_id, "error_client", counted_income_fen=1_760_00)
    assert home.due()["2026-12-01"] == 580_00
    owed = desk.owed()[0]
    assert owed.outstanding_fen == 160_00 * PAID_MONTHS

    def agree(monthly: int, kept: int, ref: str = "协〔2026〕3号") -> Any:
        return desk.debts.AgreeRepayment(pb.AgreeRepaymentRequest(debt_id=owed.debt_id, monthly_fen=monthly, offset_fen=kept,
                                                                  agreement_ref=ref), token=desk.first())

    assert code_of(lambda: agree(0, 0)) == "AMOUNT_WRONG" and code_of(lambda: agree(-1, 5)) == "AMOUNT_WRONG"
    assert code_of(lambda: agree(0, 200_00, "")) == "FIELD_WRONG"
    agree(0, 200_00)
    home.until(date(2026, 12, 8))
    sent = home.rows("payment", "select amount_fen, offset_fen from instruction where debt_id <> ''")
    # 580.00: four fifths are protected, so 116.00 is kept back and not 200.00.
    assert [(row["amount_fen"], row["offset_fen"]) for row in sent] == [(464_00, 116_00)]
    assert desk.owed()[0].outstanding_fen == 160_00 * PAID_MONTHS - 116_00 and desk.owed()[0].state == "instalment"


def test_the_agencys_error_is_corrected_and_nothing_is_asked_back(town: Callable[..., Town]) -> None:
    home, desk = _home(town)
    answer = _conclude(home, _open(home).recovery_id, "error_agency", counted_income_fen=1_760_00)
    assert answer.amount_fen == 0 and desk.owed() == [] and home.due()["2026-12-01"] == 580_00


def test_an_unfounded_suspicion_changes_nothing_and_another_officer_concludes(town: Callable[..., Town]) -> None:
    home, desk = _home(town)
    before, opened = home.due(), _open(home)
    assert code_of(lambda: _conclude(home, opened.recovery_id, "perhaps")) == "FIELD_WRONG"
    assert code_of(lambda: _conclude(home, opened.recovery_id, "unfounded",
                                     token=home.month.tokens.role("county_officer", department="basic_living"))) == "ROLE_MISSING"
    assert code_of(lambda: _conclude(home, opened.recovery_id, "unfounded", fine_fen=1)) == "FINE_OUT_OF_RANGE"
    _conclude(home, opened.recovery_id, "unfounded")
    assert home.due() == before and desk.owed() == []


def test_the_panel_writes_off_what_cannot_be_had(town: Callable[..., Town]) -> None:
    home, desk = _home(town)
    _conclude(home, _open(home).recovery_id, "fraud", counted_income_fen=3_100_00)
    owed = desk.owed()[0]

    def write_off(token: str, minutes: str = "会纪〔2026〕9号", reason: str = "家庭已无偿还能力") -> Any:
        return desk.debts.WriteOffDebt(pb.WriteOffDebtRequest(debt_id=owed.debt_id, minutes_ref=minutes, reason=reason), token=token)

    assert code_of(lambda: write_off(desk.first())) == "ROLE_MISSING"
    assert code_of(lambda: write_off(desk.panel(), minutes="")) == "MINUTES_REQUIRED"
    assert code_of(lambda: write_off(desk.panel(), reason="")) == "REASON_REQUIRED"
    write_off(desk.panel())
    assert desk.owed()[0].state == "written_off" and sum(one.owed_back_fen for one in desk.overview().lines) == 0


def test_an_order_that_is_not_the_owners_moves_nothing(town: Callable[..., Town]) -> None:
    from yimen.aid.v1 import events_pb2 as aid
    from yimen.bus.envelope import Envelope
    from yimen.security.keys import KeyRing

    home, desk = _home(town)
    case = home.case()
    order = aid.RecoveryOrder(debt_id="d", channel="basic_living_relief", service="basic_living", case_id=case["case_id"],
                              household_id=case["household_id"], cause="fraud", amount_fen=100).SerializeToString(deterministic=True)
    app = home.world.apps["payment"]  # type: ignore[attr-defined]
    from services.payment.debts import on_ordered

    for number, (signer, source) in enumerate((("education", "basic_living"), ("basic_living", "education"))):
        changed = aid.RecoveryOrder.FromString(order)
        changed.debt_id = f"d{number}"
        text = changed.SerializeToString(deterministic=True)
        signed = aid.SignedRecoveryOrder(order=text, signature=KeyRing(home.world.keys, signer).sign(text), signed_by=signer)
        with app.work("service:payment") as ctx:
            on_ordered(ctx, aid.RecoveryDecided(case_id=case["case_id"], signed_order=signed),
                       Envelope("e", "recovery.decided.v1", source, case["case_id"], 1, "", b"", "", home.world.clock.now()))
    assert {one.state for one in desk.owed()} == {"rejected"} and sum(one.owed_back_fen for one in desk.overview().lines) == 0
