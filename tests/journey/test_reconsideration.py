"""An administrative reconsideration binds (requirements 2.8): the decision is replaced and what was withheld is paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from google.protobuf.struct_pb2 import Struct
from yimen.aid.v1 import aid_pb2
from yimen.intake.v1 import intake_pb2

from tests.journey.town import Town, categories, code_of

NO = "示例县复〔2026〕12号"


def _receive(home: Town, document_no: str = NO) -> Any:
    return home.world.peers.department("basic_living").ReceiveReconsideration(
        aid_pb2.ReceiveReconsiderationRequest(case_id=home.case()["case_id"], document_no=document_no),
        token=home.month.tokens.role("county_officer", department="basic_living"))


def _record(home: Town, outcome: str, document_no: str = NO, **corrections: Any) -> Any:
    facts = Struct()
    facts.update(corrections)
    answer = home.world.peers.department("basic_living").RecordReconsideration(aid_pb2.RecordReconsiderationRequest(
        case_id=home.case()["case_id"], document_no=document_no, outcome=outcome, corrections=facts),
        token=home.month.tokens.role("county_approver", department="basic_living"))
    home.world.settle()
    return answer


def test_a_refusal_that_is_reversed_is_granted_as_of_then(town: Callable[..., Town]) -> None:
    home = town("c07_above_edge")
    assert home.case()["outcome"] == "refused" and categories(home, "2026-04-01") == set()
    assert _receive(home).due_on == "2026-06-02"
    home.until(date(2026, 5, 13))
    assert code_of(lambda: _record(home, "reversed", "没有这个文号")) == "RECONSIDERATION_NOT_FOUND"
    assert code_of(lambda: _record(home, "perhaps")) == "FIELD_WRONG"
    assert code_of(lambda: _record(home, "reversed")) == "FIELD_WRONG"  # by the same facts it is refused again
    assert code_of(lambda: _record(home, "reversed", shoe_size=43)) == "FIELD_WRONG"
    answer = _record(home, "reversed", counted_income_fen=1_600_00)
    due = home.due()
    assert list(due)[:2] == ["2026-04-01", "2026-05-01"] and len(due) == 9  # as if it had been granted in March
    assert answer.arrears_fen == 2 * due["2026-04-01"]
    assert code_of(lambda: _record(home, "reversed")) == "CASE_STATE"
    home.until(date(2026, 6, 6))
    paid = home.rows("payment", "select i.due_on from instalment i join plan p on p.grant_id = i.grant_id where i.state ="
                                " 'settled' and p.case_id = :c order by i.due_on", c=home.case()["case_id"])
    assert [row["due_on"] for row in paid] == ["2026-04-01", "2026-05-01", "2026-06-01"]
    assert categories(home, "2026-06-01") == {"dibao"}
    told = home.world.peers.stub("intake").GetApplication(intake_pb2.GetApplicationRequest(receipt_no=home.receipt))
    assert [item.state for item in told.items if item.item == "dibao"] == ["granted"]
    assert any("行政复议" in line.what for line in told.timeline)


def test_an_amount_that_was_too_low_is_raised_and_the_difference_is_paid(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up")
    _receive(home)
    home.until(date(2026, 5, 13))
    answer = _record(home, "reversed", counted_income_fen=1_500_00)
    assert answer.arrears_fen == 2 * 100_00
    due = home.due()
    assert (due["2026-04-01"], due["2026-05-12"], due["2026-06-01"]) == (740_00, 200_00, 840_00)


def test_what_is_upheld_stays(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up")
    before = home.due()
    _receive(home)
    assert _record(home, "upheld").decision_id == ""
    assert home.due() == before
    home.until(date(2026, 7, 1))
    assert code_of(lambda: _receive(home, "又一次")) == "RECONSIDERATION_LATE"
