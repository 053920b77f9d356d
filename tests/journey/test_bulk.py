"""Many at once, under one approval: a new standard (R166), a price subsidy (R062), an emergency allowance (R080)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from google.protobuf.struct_pb2 import Struct
from yimen.aid.v1 import aid_pb2
from yimen.basic_living.v1 import basic_living_pb2
from yimen.directory.v1 import directory_pb2

from tests.journey.town import Town, code_of

URBAN, RURAL = "dibao_urban_standard_fen", "dibao_rural_standard_fen"


def _propose(home: Town, effective: str, urban: int = 820_00, rural: int = 615_00) -> Any:
    return home.world.peers.stub("directory").ProposeStandards(directory_pb2.ProposeStandardsRequest(
        standards=[directory_pb2.Standard(name=URBAN, amount_fen=urban), directory_pb2.Standard(name=RURAL, amount_fen=rural)],
        effective_from=effective, source="示例县政发〔2026〕9号", calculation_ref="测算表2026-1"),
        token=home.month.tokens.role("policy_officer", department="basic_living", number=1)).proposal


def _approve(home: Town, proposal_id: str, minutes: str = "县政府常务会〔2026〕5号") -> None:
    home.world.peers.stub("directory").ApproveStandards(
        directory_pb2.ApproveStandardsRequest(proposal_id=proposal_id, minutes_ref=minutes),
        token=home.month.tokens.role("coordination_panel"))
    home.world.settle()


def _runs(home: Town) -> list[Any]:
    desk = home.world.peers.department("basic_living")
    return list(desk.ListBulk(aid_pb2.ListBulkRequest(), token=_approver(home)).runs)


def _approver(home: Town) -> str:
    return home.month.tokens.role("county_approver", department="basic_living")


def test_a_new_standard_is_previewed_and_then_paid_from_its_month_on_with_arrears(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    home.until(date(2026, 6, 10))
    desk = home.world.peers.department("basic_living")
    _approve(home, _propose(home, "2026-05-01").proposal_id)
    run = _runs(home)[0]
    # 820 × 3 − 1,600 = 860.00 instead of 740.00, since May: two months of 120.00 are owed.
    assert (run.state, run.previewed, run.month_delta_fen, run.once_fen) == ("previewed", 1, 120_00, 240_00)
    assert set(home.due().values()) == {740_00}  # seen first, committed later
    row = desk.ListBulkRows(aid_pb2.ListBulkRowsRequest(run_id=run.run_id), token=_approver(home)).rows[0]
    assert (row.result, row.before_fen, row.after_fen, row.once_fen) == ("increase", 740_00, 860_00, 240_00)
    desk.ApproveBulk(aid_pb2.ApproveBulkRequest(run_id=run.run_id), token=_approver(home))
    home.world.settle()
    due = home.due()
    assert due["2026-06-09"] == 240_00 and due["2026-06-01"] == 740_00
    assert {fen for day, fen in due.items() if day >= "2026-07-01"} == {860_00}
    assert code_of(lambda: desk.ApproveBulk(aid_pb2.ApproveBulkRequest(run_id=run.run_id), token=_approver(home))) == "CASE_STATE"
    assert _runs(home)[0].done == 1
    home.until(date(2026, 7, 6))


def test_a_standard_for_a_later_month_waits_for_its_day(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    _approve(home, _propose(home, "2026-06-01").proposal_id)
    assert _runs(home)[0].state == "waiting"
    home.until(date(2026, 6, 9))
    assert _runs(home)[0].state == "done"  # diligent people
    assert home.due()["2026-07-01"] == 860_00


def test_what_was_proposed_under_the_old_standard_and_confirmed_under_the_new_is_decided_again(
        town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 6))
    _approve(home, _propose(home, "2026-03-01").proposal_id)
    home.until(date(2026, 4, 3))
    assert set(home.due().values()) == {860_00}
    assert [row["cause"] for row in home.rows("basic_living", "select cause from review")] in ([], ["standard_change"])


def test_standards_are_proposed_and_approved_by_two_and_keep_the_ratio(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    assert _propose(home, "2026-07-01", 780_00, 585_00).ratio_bp == 7500  # C23
    assert code_of(lambda: _propose(home, "2026-07-01", 780_00, 584_00)) == "STANDARD_RATIO_LOW"
    assert code_of(lambda: _propose(home, "2026-07-02")) == "FIELD_WRONG"
    assert code_of(lambda: _propose(home, "2026-02-31")) == "FIELD_WRONG"
    assert code_of(lambda: _propose(home, "2026-07-01", 0, 0)) == "AMOUNT_WRONG"
    assert code_of(lambda: _propose(home, "2026-07-01", -1, 100)) == "AMOUNT_WRONG"
    proposal = _propose(home, "2026-07-01")
    assert code_of(lambda: _approve(home, proposal.proposal_id, "")) == "MINUTES_REQUIRED"
    assert code_of(lambda: _approve(home, "nobody")) == "PROPOSAL_NOT_FOUND"
    _approve(home, proposal.proposal_id)
    assert code_of(lambda: _approve(home, proposal.proposal_id)) == "CASE_STATE"
    assert code_of(lambda: _approve(home, _propose(home, "2026-07-01", 830_00, 640_00).proposal_id)) == "STANDARD_OVERLAPS"


def _open(home: Town, item: str, reference: str, townships: tuple[str, ...] = (), **facts: Any) -> str:
    request = Struct()
    request.update(facts)
    answer = home.world.peers.department("basic_living").OpenBulk(
        aid_pb2.OpenBulkRequest(item=item, reference=reference, request=request, townships=townships),
        token=home.month.tokens.role("county_officer", department="basic_living"))
    home.world.settle()
    return str(answer.run_id)


def test_a_price_subsidy_goes_to_everybody_once(town: Callable[[str], Town]) -> None:
    """C17: 780 × 4.2% = 32.76 for each of three."""
    home = town("c18_wage_goes_up")
    desk = home.world.peers.department("basic_living")
    facts = {"cpi_bp": 360, "food_bp": 100, "low_income_index_bp": 420}
    run_id = _open(home, "price_subsidy", "2026年3月价格指数", **facts)
    assert _open(home, "price_subsidy", "2026年3月价格指数", **facts) == run_id  # said twice
    assert [(run.state, run.previewed, run.once_fen) for run in _runs(home)] == [("previewed", 1, 98_28)]
    desk.ApproveBulk(aid_pb2.ApproveBulkRequest(run_id=run_id), token=_approver(home))
    home.world.settle()
    home.until(date(2026, 4, 10))
    paid = home.rows("payment", "select i.amount_fen, i.state from instalment i join plan p on p.grant_id = i.grant_id"
                                " where p.case_id = :c", c=home.case("price_subsidy")["case_id"])
    assert [(row["amount_fen"], row["state"]) for row in paid] == [(98_28, "settled")]
    below = _open(home, "price_subsidy", "2026年4月价格指数", **{**facts, "cpi_bp": 340, "food_bp": 590})
    assert next(run for run in _runs(home) if run.run_id == below).previewed == 0
    assert code_of(lambda: _open(home, "price_subsidy", "x", cpi_bp=1)) == "FIELD_WRONG"
    assert code_of(lambda: _open(home, "dibao", "x")) == "FIELD_WRONG"
    assert code_of(lambda: _open(home, "nothing", "x")) == "UNKNOWN_ITEM"


def _declare(home: Town, basis: str, *townships: str, starts: str = "2026-04-01", ends: str = "") -> str:
    return str(home.world.peers.stub("basic_living").DeclareEmergency(basic_living_pb2.DeclareEmergencyRequest(
        legal_basis=basis, townships=townships, starts_on=starts, ends_on=ends), token=_approver(home)).emergency_id)


def test_an_allowance_goes_to_the_townships_of_the_emergency(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    _declare(home, "示例县政发〔2026〕3号", "990101001")
    _declare(home, "示例县政发〔2026〕4号", "990101002")
    elsewhere = _open(home, "living_allowance", "示例县政发〔2026〕3号", ("990101001",), emergency="示例县政发〔2026〕3号")
    here = _open(home, "living_allowance", "示例县政发〔2026〕4号", ("990101002",), emergency="示例县政发〔2026〕4号")
    told = {run.run_id: (run.previewed, run.once_fen) for run in _runs(home)}
    assert told == {elsewhere: (0, 0), here: (1, 600_00)}
    desk = home.world.peers.department("basic_living")
    cancel = aid_pb2.CancelBulkRequest(run_id=here, reason="重复发起")
    assert code_of(lambda: desk.CancelBulk(aid_pb2.CancelBulkRequest(run_id=here), token=_approver(home))) == "REASON_REQUIRED"
    desk.CancelBulk(cancel, token=_approver(home))
    assert code_of(lambda: desk.ApproveBulk(aid_pb2.ApproveBulkRequest(run_id=here), token=_approver(home))) == "CASE_STATE"


def test_months_that_another_decision_paid_are_reckoned_by_that_decision(town: Callable[[str], Town]) -> None:
    """740.00 in April and 260.00 from May, both by the old standard; the new one holds since April."""
    home = town("c18_wage_goes_up")
    home.report("up", date(2026, 4, 2), ["income"], lambda form: setattr(form.members[0].incomes[0], "monthly_fen", 2600_00),
                [("tax", home.story.application.members[0].resident_id, {"wage_income_year": "31200.00"})])
    home.until(date(2026, 5, 12))
    _approve(home, _propose(home, "2026-04-01").proposal_id)
    home.until(date(2026, 6, 12))
    run = _runs(home)[0]
    assert (run.state, run.done, run.once_fen, run.month_delta_fen) == ("done", 1, 240_00, 120_00)
    due = home.due()
    assert {day: fen for day, fen in due.items() if day < "2026-07"} == {
        "2026-04-01": 740_00, "2026-05-01": 260_00, "2026-05-12": 240_00, "2026-06-01": 380_00}


def test_in_an_emergency_one_signature_is_enough_and_a_share_is_checked_afterwards(town: Callable[[str], Town]) -> None:
    home = town("urgent_fire")
    desk = home.world.peers.stub("basic_living")
    emergency = _declare(home, "示例县政发〔2026〕5号", starts="2026-03-01")
    assert _declare(home, "示例县政发〔2026〕5号", starts="2026-03-01") == emergency
    assert code_of(lambda: _declare(home, "x", starts="2026-02-31")) == "FIELD_WRONG"
    assert code_of(lambda: _declare(home, "x", starts="2026-04-02", ends="2026-04-01")) == "FIELD_WRONG"
    end = basic_living_pb2.EndEmergencyRequest(emergency_id=emergency)
    wrong = home.month.tokens.role("county_approver", department="medical")
    assert code_of(lambda: desk.EndEmergency(end, token=wrong)) == "WRONG_DEPARTMENT"
    answer = desk.EndEmergency(end, token=_approver(home))
    assert (answer.waived, len(answer.sample)) == (1, 1)  # 30 % of one, rounded up
    assert code_of(lambda: desk.EndEmergency(end, token=_approver(home))) == "CASE_STATE"
    check = basic_living_pb2.RecordPosthocCheckRequest(case_id=answer.sample[0], finding="ok")
    officer = home.month.tokens.role("county_officer", department="basic_living")
    desk.RecordPosthocCheck(check, token=officer)
    assert code_of(lambda: desk.RecordPosthocCheck(check, token=officer)) == "CHECK_NOT_DUE"
    home.world.settle()
    run = _open(home, "living_allowance", "示例县政发〔2026〕5号", emergency="示例县政发〔2026〕5号")
    assert next(one for one in _runs(home) if one.run_id == run).previewed == 0  # it is over
