"""Refused work (C21), the average level of a month (R061), and a category that is recognised for a year only (requirements 3.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from yimen.basic_living.v1 import basic_living_pb2 as pb
from yimen.employment.v1 import employment_pb2 as employment
from yimen.kernel.clock import CHINA
from yimen.kernel.workdays import months_later

from tests.journey.town import Town, categories, code_of


def _desk(home: Town) -> Any:
    return home.world.peers.stub("basic_living")


def _offer(home: Town, number: int, outcome: str = "refused", person: str = "", day: str = "2026-04-02") -> int:
    member = person or home.rows("roster", "select person_id from membership order by person_id")[0]["person_id"]
    answer = _desk(home).RecordWorkOffer(
        pb.RecordWorkOfferRequest(case_id=home.case()["case_id"], person_id=member, offer_ref=f"推荐{number}", offered_on=day, outcome=outcome),
        token=home.month.tokens.role("county_officer", department="basic_living"))
    home.world.settle()
    return int(answer.refusals)


def test_c21_after_three_refusals_the_members_own_share_stops_and_work_brings_it_back(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up")
    before = home.due()
    assert code_of(lambda: _offer(home, 1, "maybe")) == "FIELD_WRONG" and code_of(lambda: _offer(home, 1, day="2026-02-31")) == "FIELD_WRONG"
    assert code_of(lambda: _offer(home, 1, day="2026-12-01")) == "FIELD_WRONG"
    assert [_offer(home, 1), _offer(home, 1), _offer(home, 2)] == [1, 1, 2]  # the same offer is told twice
    assert _offer(home, 3, "accepted") == 0 and [_offer(home, n) for n in (4, 5)] == [1, 2]  # an acceptance begins anew
    assert _offer(home, 6, "excused") == 2
    home.until(date(2026, 4, 8))
    assert home.due() == before
    assert _offer(home, 7) == 3
    home.until(date(2026, 4, 15))
    after = home.due()
    assert after["2026-04-01"] == 740_00 and after["2026-05-01"] == 493_33
    _offer(home, 8, "accepted", day="2026-04-14")
    home.until(date(2026, 4, 24))
    assert home.due()["2026-05-01"] == 740_00


def _offers(home: Town) -> Any:
    return home.world.peers.stub("employment", "yimen.employment.v1.employment:Employment")


def _work(home: Town, number: int, outcome: str, kind: str = "job", member: int = 0, department: str = "employment") -> int:
    """The employment department offers, and says what came of it; 民政 hears."""
    token, person = home.month.tokens.role("county_officer", department=department), home.story.application.members[member]
    made = _offers(home).MakeOffer(employment.MakeOfferRequest(resident_id=person.resident_id, kind=kind, offer_ref=f"推荐{number}"), token=token)
    said = employment.ConcludeOfferRequest(offer_id=made.offer_id, outcome=outcome, reason="" if outcome == "accepted" else "嫌远")
    answer = _offers(home).ConcludeOffer(said, token=token)
    assert _offers(home).ConcludeOffer(said, token=token) == answer  # said twice
    home.world.settle()
    return int(answer.refusals)


def test_c21_the_employment_department_offers_and_basic_living_decides(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up")
    assert code_of(lambda: _work(home, 1, "refused", department="medical")) == "WRONG_DEPARTMENT"
    assert code_of(lambda: _work(home, 1, "refused", kind="anything")) == "FIELD_WRONG" == code_of(lambda: _work(home, 1, "maybe"))
    assert code_of(lambda: _work(home, 1, "refused", member=1)) == "OFFER_NOT_DUE"  # not able to work
    token = home.month.tokens.role("county_officer", department="employment")
    assert code_of(lambda: _offers(home).ConcludeOffer(employment.ConcludeOfferRequest(offer_id="nobody", outcome="accepted"), token=token)) == \
        "OFFER_NOT_FOUND"
    waits = home.rows("employment", "select owner_role, due_on from task where kind = 'conclude_offer' and done_at is null")
    assert len(waits) == 1 and waits[0]["owner_role"] == "county_officer" and waits[0]["due_on"]  # of the answer that was wrong
    assert [_work(home, n, said) for n, said in ((1, "refused"), (2, "excused"), (3, "refused"), (4, "refused"))] == [1, 1, 2, 3]
    assert code_of(lambda: _work(home, 4, "accepted")) == "CASE_STATE"
    home.until(date(2026, 4, 15))
    assert home.due()["2026-05-01"] == 493_33
    assert _work(home, 5, "accepted", kind="training") == 0
    home.until(date(2026, 4, 24))
    assert home.due()["2026-05-01"] == 740_00
    listed = _offers(home).ListOffers(employment.ListOffersRequest(resident_id=home.story.application.members[0].resident_id),
                                       token=home.month.tokens.role("county_officer", department="employment"))
    assert [one.outcome for one in listed.offers] == ["refused", "excused", "refused", "refused", "accepted"] and listed.refusals == 0
    feed = home.rows("feed", "select 1 as one from entry where type like 'offer.%'")
    assert feed == []  # who refused is nobody else's business


def test_the_average_level_is_of_a_month_that_is_over_and_published_once(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up")

    def publish(month: str, role: str = "county_officer", department: str = "basic_living") -> Any:
        answer = _desk(home).PublishAverageLevel(pb.PublishAverageLevelRequest(month=month), token=home.month.tokens.role(role, department=department))
        home.world.settle()
        return [(one.area_kind, one.households, one.persons, one.total_fen, one.per_person_fen) for one in answer.levels]

    assert code_of(lambda: publish("2026-04")) == "MONTH_NOT_OVER" and code_of(lambda: publish("2026-13")) == "FIELD_WRONG"
    assert code_of(lambda: publish("2026-03", department="medical")) == "WRONG_DEPARTMENT"
    assert publish("2026-03") == []  # the first payment is April's
    home.until(date(2026, 5, 6))
    assert publish("2026-04") == [("urban", 1, 3, 740_00, 246_66)] == publish("2026-04")
    said = home.rows("basic_living", "select 1 as one from outbox where type = 'average_level.published.v1'")
    assert len(said) == 1


def test_a_family_with_rigid_expenditure_is_recognised_for_a_year_at_most(town: Callable[..., Town]) -> None:
    home = town("rigid_expense")
    assert categories(home, "2026-12-01") == {"rigid_expense_household"}
    granted = date.fromisoformat(home.case()["decided_on"])
    due = home.rows("basic_living", "select due_at from timer where kind = 'category_expires'")[0]["due_at"]
    assert datetime.fromisoformat(due).astimezone(CHINA).date() == months_later(granted, 11)  # the category ends with that month: never longer than twelve
    app = home.world.apps["basic_living"]  # type: ignore[attr-defined]
    with app.work("service:basic_living") as ctx:  # as if the year had passed
        ctx.schedule("category_expires", home.case()["case_id"], ctx.now, category="rigid_expense_household")
    home.until(date(2026, 4, 7))
    assert categories(home, "2026-04-30") == {"rigid_expense_household"} and categories(home, "2026-05-01") == set()
    assert home.case()["outcome"] == "stopped"
