"""An applicant who does not agree is heard at the township and then at the county, each within fifteen working days (requirements 2.8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from google.protobuf.struct_pb2 import Struct
from yimen.aid.v1 import aid_pb2
from yimen.intake.v1 import intake_pb2

from tests.journey.town import Town, categories, code_of


def _ask(home: Town, reason: str = "工资已经停发", case_id: str = "") -> Any:
    return home.world.peers.department("basic_living").RequestRecheck(
        aid_pb2.RequestRecheckRequest(case_id=case_id or home.case()["case_id"], reason=reason),
        token=home.month.tokens.role("window_clerk", home.story.application.village_code))


def _decide(home: Town, role: str, outcome: str, reason: str = "经复核", number: int = 1, **corrections: Any) -> Any:
    facts = Struct()
    facts.update(corrections)
    tokens = home.month.tokens
    token = (tokens.role(role, home.story.application.village_code, number=number) if role == "township_head" else tokens.role(role, department="basic_living"))
    answer = home.world.peers.department("basic_living").DecideRecheck(aid_pb2.DecideRecheckRequest(
        case_id=home.case()["case_id"], outcome=outcome, corrections=facts, reason=reason), token=token)
    home.world.settle()
    return answer


def test_the_county_hears_whom_the_township_has_not_helped(town: Callable[..., Town]) -> None:
    home = town("c07_above_edge")
    assert home.case()["outcome"] == "refused"
    assert code_of(lambda: _ask(home, "")) == "REASON_REQUIRED" and code_of(lambda: _ask(home, case_id="x")) == "CASE_NOT_FOUND"
    assert code_of(lambda: _decide(home, "township_head", "upheld")) == "RECHECK_NOT_FOUND"
    asked = _ask(home)
    assert (asked.level, asked.due_on) == ("township", "2026-04-24") and _ask(home).level == "township"
    assert code_of(lambda: _decide(home, "county_approver", "upheld")) == "RECHECK_NOT_FOUND"  # the township's turn
    assert code_of(lambda: _decide(home, "township_head", "maybe")) == "FIELD_WRONG"
    # Who decided by the delegation may not hear it himself: another head of the township does.
    assert code_of(lambda: _decide(home, "township_head", "upheld")) == "SEPARATION_OF_DUTIES"
    _decide(home, "township_head", "upheld", number=2)
    assert code_of(lambda: _decide(home, "township_head", "upheld", number=2)) == "CASE_STATE"
    assert _ask(home, "仍不同意").level == "county"
    assert code_of(lambda: _decide(home, "county_approver", "reversed")) == "FIELD_WRONG"  # by the same facts it is refused again
    _decide(home, "county_approver", "reversed", "核实工资已停发", counted_income_fen=1_600_00)
    assert home.case()["outcome"] == "granted" and categories(home, "2026-05-01") == {"dibao"}
    told = home.world.peers.stub("intake").GetApplication(intake_pb2.GetApplicationRequest(receipt_no=home.receipt))
    assert [item.state for item in told.items if item.item == "dibao"] == ["granted"]
    assert any("县级复核" in line.what for line in told.timeline)
    assert code_of(lambda: _ask(home)) == "CASE_STATE"  # what is left is the reconsideration


def test_a_recheck_that_nobody_decides_is_overdue(town: Callable[..., Town]) -> None:
    home = town("c07_above_edge")
    _ask(home)
    home.until(date(2026, 5, 8))
    late = home.rows("supervision", "select task_kind from overdue where task_kind = 'decide_recheck'")
    assert len(late) == 1


def test_nobody_asks_about_what_is_not_decided(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 6))
    assert code_of(lambda: _ask(home)) == "CASE_STATE"
