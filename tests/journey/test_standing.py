"""What stands is looked at again (R052, R053, requirements 2.6): reported, verified, decided, and the money follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from yimen.aid.v1 import aid_pb2
from yimen.intake.v1 import intake_pb2
from yimen.kernel import resident_id

from tests.journey.town import Town, categories, code_of


def _wage(form: Any, fen: int) -> None:
    form.members[0].incomes[0].monthly_fen = fen


def _tax(town: Town, yuan_year: int) -> list[Any]:
    return [("tax", town.story.application.members[0].resident_id, {"wage_income_year": f"{yuan_year}.00"})]


def test_a_higher_wage_takes_from_the_next_month_and_a_lower_one_gives(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    before = home.due()
    assert set(before.values()) == {740_00} and min(before) == "2026-04-01" and len(before) == 9
    home.report("up", date(2026, 4, 2), ["income"], lambda form: _wage(form, 2600_00), _tax(home, 31_200))
    home.until(date(2026, 4, 12))
    after = home.due()
    assert after["2026-04-01"] == 740_00 and {fen for day, fen in after.items() if day > "2026-04-30"} == {260_00}
    assert set(after) == set(before)  # the same months, no gap and no month twice
    told = home.world.peers.stub("intake").GetApplication(intake_pb2.GetApplicationRequest(receipt_no=home.receipt))
    assert any("减发" in entry.text and "260.00元" in entry.text for entry in told.feedback)
    home.until(date(2026, 4, 21))
    home.report("down", date(2026, 4, 20), ["income"], lambda form: _wage(form, 2000_00), _tax(home, 24_000))
    home.until(date(2026, 4, 30))
    assert home.due() == before


def test_what_does_not_change_the_amount_ends_with_the_officer(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    before = home.due()
    home.report("same", date(2026, 4, 2), ["property"],
                lambda form: setattr(form.property, "liquid_assets_fen", 5_500_00))
    home.until(date(2026, 4, 12))
    assert home.due() == before
    review = home.rows("basic_living", "select * from review")[0]
    assert (review["state"], review["result"], review["decide_level"]) == ("completed", "unchanged", "")


def test_work_that_ends_the_need_tapers_and_the_category_goes_with_the_last_month(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    application = home.rows("intake", "select application_id from application")[0]["application_id"]
    home.month.players.scripts[application] = {"took_up_work": True}
    home.report("job", date(2026, 4, 2), ["income"], lambda form: _wage(form, 6000_00), _tax(home, 72_000))
    home.until(date(2026, 4, 12))
    assert list(home.due()) == [f"2026-{month:02d}-01" for month in range(4, 11)]  # six months from May
    assert set(home.due().values()) == {740_00}
    assert categories(home, "2026-10-31") == {"dibao"} and categories(home, "2026-11-01") == set()
    home.until(date(2026, 11, 3))
    changed = home.rows("intake", "select at, what from timeline where what like '台账%类别%' order by row_id")
    assert [row["what"] for row in changed] == ["台账登记类别:低保对象", "台账注销类别:低保对象"]
    assert changed[1]["at"].startswith("2026-11-01")
    assert home.rows("disclosure", "select * from standing_list") == []
    assert home.case()["outcome"] == "stopped"


def test_who_falls_to_the_edge_keeps_a_category_and_who_rises_again_is_announced_first(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    home.report("edge", date(2026, 4, 2), ["income"], lambda form: _wage(form, 3400_00), _tax(home, 40_800))
    home.until(date(2026, 4, 12))
    assert list(home.due()) == ["2026-04-01"]
    assert categories(home, "2026-04-30") == {"dibao"} and categories(home, "2026-05-01") == {"dibao_edge"}
    home.until(date(2026, 5, 10))
    home.report("lost", date(2026, 5, 8), ["income"], lambda form: _wage(form, 1000_00), _tax(home, 12_000))
    home.until(date(2026, 5, 20))
    notices = home.rows("disclosure", "select * from notice order by posted_from")
    assert [row["state"] for row in notices] == ["closed", "posted"]
    home.until(date(2026, 6, 5))
    assert home.due()["2026-06-01"] == 1_540_00 and categories(home, "2026-06-01") == {"dibao"}


def test_a_member_who_leaves_is_counted_no_more_and_stays_in_the_history(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    home.report("left", date(2026, 3, 1), ["members"], lambda form: form.members.pop(2))
    home.until(date(2026, 4, 12))
    assert list(home.due()) == ["2026-04-01"]  # counted 1,600.00 is not below 780.00 × 2: the edge (K11)
    assert len(home.rows("roster", "select * from former_membership")) == 1
    changed = home.rows("intake", "select late from change_report")[0]
    assert changed["late"]  # a month and a day after it happened


def test_a_death_ends_it_by_decision_with_its_ground(town: Callable[[str], Town]) -> None:
    home = town("c11_destitute_elder")
    case = home.case("destitute_support")
    desk, tokens = home.world.peers.department("basic_living"), home.month.tokens
    ask = aid_pb2.OpenReviewRequest(case_id=case["case_id"], cause="data_hit", ground="deceased", reason="公安死亡信息")
    officer = tokens.role("township_officer", case["township_code"])
    assert code_of(lambda: desk.OpenReview(ask, token=tokens.role("township_officer", "990101001"))) == "OUTSIDE_AREA"
    wrong = aid_pb2.OpenReviewRequest(case_id=case["case_id"], cause="data_hit", ground="rich", reason="x")
    assert code_of(lambda: desk.OpenReview(wrong, token=officer)) == "FIELD_WRONG"
    opened = desk.OpenReview(ask, token=officer)
    assert opened.state == "verified"
    home.until(date(2026, 4, 12))
    assert list(home.due("destitute_support")) == ["2026-04-01"]
    assert home.case("destitute_support")["outcome"] == "stopped"
    assert categories(home, "2026-05-01") == set()
    assert code_of(lambda: desk.OpenReview(ask, token=tokens.role("township_officer", case["township_code"]))) == "NOT_STANDING"
    listed = desk.ListReviews(aid_pb2.ListReviewsRequest(case_id=case["case_id"])).reviews
    assert [(one.cause, one.result, one.effective_on) for one in listed] == [("data_hit", "stop", "2026-05-01")]


def test_the_rhythm_brings_a_review_after_half_a_year(town: Callable[[str], Town]) -> None:
    home = town("c18_wage_goes_up")
    granted = date.fromisoformat(str(home.case()["decided_on"]))
    home.until(date(2026, 9, granted.day))
    assert home.rows("basic_living", "select * from review") == []
    home.until(date(2026, 10, 2))
    assert [(row["cause"], row["result"]) for row in home.rows("basic_living", "select * from review")] == [
        ("periodic", "unchanged")]


def test_c12_a_minor_is_looked_at_again_on_the_eighteenth_birthday(town: Callable[..., Town]) -> None:
    def younger(form: Any) -> None:
        form.members[0].resident_id = resident_id.make("990101", date(2008, 4, 14), 7)
        form.members[0].self_care_fails = 0

    home = town("c11_destitute_elder", date(2026, 4, 14), younger)
    assert home.case("destitute_support")["outcome"] == "granted" and home.due("destitute_support")["2026-05-01"] == 929_50
    assert home.rows("basic_living", "select 1 as one from review") == []  # 17 years and 364 days
    home.until(date(2026, 4, 30))
    assert [row["cause"] for row in home.rows("basic_living", "select cause from review")] == ["birthday"]
    assert "2026-04-01" in home.due("destitute_support") and "2026-05-01" not in home.due("destitute_support")
    assert categories(home, "2026-04-30") == {"destitute"} and categories(home, "2026-05-01") == set()


def test_who_grows_up_between_the_draft_and_the_decision_is_seen_too(town: Callable[..., Town]) -> None:
    def younger(form: Any) -> None:
        form.members[0].resident_id = resident_id.make("990101", date(2008, 3, 13), 7)  # eighteen while the notice hangs
        form.members[0].self_care_fails = 0

    home = town("c11_destitute_elder", date(2026, 4, 14), younger)
    facts = home.rows("basic_living", "select facts from decision where item = 'destitute_support' order by proposed_at")[0]["facts"]
    assert '"age": 17' in str(facts)
    causes = [row["cause"] for row in home.rows("basic_living", "select cause from review order by opened_on")]
    assert causes == ["birthday"]  # once
    home.until(date(2026, 4, 30))
    assert "2026-05-01" not in home.due("destitute_support")
