"""Rules that are not policy numbers: income accounting (3.2), members (3.1), the draw of the sample (C24)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from services.means_test import domain as accounting
from services.means_test.domain import Income, Member, Obligor
from services.means_test.report import parameters
from services.supervision.domain import draw, sample_size

TODAY = date(2026, 3, 2)


def _member(*incomes: Income, born: date = date(1985, 1, 1), relation: str = "applicant", stage: str = "none") -> Member:
    return Member("p", relation, born, stage, "none", 0, False, True, True, incomes)


@pytest.mark.parametrize("kind, gross, counted", [
    ("wage", 200_000, 160_000),  # C01: 20 % employment cost
    ("wage", 260_000, 208_000),  # C18
    ("wage", 500_000, 422_000),  # the deduction ends at 780.00 a worker
    ("basic_pension", 19_000, 0),
    ("scholarship", 50_000, 0),
    ("social_assistance", 74_000, 0),
    ("net_transfer", 30_000, 30_000),
])
def test_what_counts_as_income(kind: str, gross: int, counted: int) -> None:
    assert accounting.counted_income(_member(Income(kind, gross, "declared")), parameters())[0] == counted


MINIMUM_WAGE = 169_000


def _idle(**changes: object) -> Member:
    facts: dict[str, object] = {"employed": False, "unemployment_reason": "none", "incomes": ()}
    return replace(_member(), **{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("member, imputed", [
    (_idle(), MINIMUM_WAGE),
    (_idle(unemployment_reason=""), 0),
    (_idle(unemployment_reason="illness"), 0),
    (_idle(labour_capable=False), 0),
    (_idle(employed=True), 0),
    (_idle(school_stage="college"), 0),
    (_idle(born=date(2010, 3, 2)), MINIMUM_WAGE),  # the 16th birthday
    (_idle(born=date(2010, 3, 3)), 0),
    (_idle(born=date(1966, 3, 3)), MINIMUM_WAGE),  # the day before the 60th
    (_idle(born=date(1966, 3, 2)), 0),
    (_idle(incomes=(Income("net_business", 120_000, "declared"),)), 49_000),
    (_idle(incomes=(Income("wage", 169_001, "fetched"),)), 0),
    (_idle(incomes=(Income("basic_pension", 19_000, "declared"),)), MINIMUM_WAGE),
])
def test_a_wage_is_imputed_to_who_could_work_and_does_not(member: Member, imputed: int) -> None:
    assert accounting.imputed_wage(member, TODAY, MINIMUM_WAGE, parameters()) == imputed


@pytest.mark.parametrize("obligor, owed", [
    (Obligor(3, 900_000, 4), 22_875),  # (3,000.00 − 1,170.00) ÷ 2 ÷ 4
    (Obligor(3, 351_000, 1), 0),  # exactly twice the standard
    (Obligor(3, 351_003, 1), 1),  # one fen per head above it: half a fen, half up
    (Obligor(1, 117_101, 1), 51),
    (Obligor(4, 100_000, 1), 0),
])
def test_support_is_half_of_what_is_above_twice_the_standard(obligor: Obligor, owed: int) -> None:
    assert accounting.support_owed(obligor, 58_500, parameters()) == owed


ADULT_CHILD = replace(_member(born=date(2003, 1, 1), relation="child"))


@pytest.mark.parametrize("member, why", [
    (replace(ADULT_CHILD, school_stage="college", lives_apart=True), ""),
    (replace(ADULT_CHILD, school_stage="master"), "graduate_student"),
    (replace(ADULT_CHILD, lives_apart=True), "lives_apart"),
    (replace(ADULT_CHILD, lives_apart=True, labour_capable=False), ""),  # cannot live independently
    (ADULT_CHILD, ""),  # grown up, lives with his parents and owes them support
    (replace(ADULT_CHILD, born=date(2008, 3, 2), lives_apart=True), "lives_apart"),  # the 18th birthday
    (replace(ADULT_CHILD, born=date(2008, 3, 3), lives_apart=True), ""),
    (_member(relation="parent"), ""),
    (replace(_member(relation="parent"), lives_apart=True), "lives_apart"),
    (replace(_member(relation="spouse"), lives_apart=True), ""),
    (replace(_member(relation="spouse"), status="imprisoned"), "imprisoned"),
    (replace(ADULT_CHILD, status="compulsory_detox"), "compulsory_detox"),
    (replace(ADULT_CHILD, status="declared_missing"), "declared_missing"),
    (replace(ADULT_CHILD, status="conscript"), ""),  # only where the province says so
    (replace(ADULT_CHILD, status="clergy", years_apart=2), ""),
    (replace(ADULT_CHILD, status="clergy", years_apart=3), "clergy"),
])
def test_who_is_counted_and_why_not(member: Member, why: str) -> None:
    assert accounting.exclusion(member, TODAY, parameters()) == why


def test_a_province_may_leave_out_conscripts() -> None:
    words = {**parameters(), "excluded_statuses": "imprisoned,conscript"}
    assert accounting.exclusion(replace(ADULT_CHILD, status="conscript"), TODAY, words) == "conscript"


@pytest.mark.parametrize("income, counted", [
    (Income("net_business", 300_000, "declared", 100_000), 200_000),
    (Income("net_business", 100_000, "declared", 300_000), 0),  # a loss is no negative income
    (Income("wage", 200_000, "declared", 100_000), 160_000),  # a worker's cost is the standard's, not his own figure
])
def test_net_kinds_count_without_what_earning_them_costs(income: Income, counted: int) -> None:
    assert accounting.counted_income(_member(income), parameters())[0] == counted


def test_rigid_expenditure_is_what_nobody_else_paid() -> None:
    assert accounting.own_expenditure("medical", 6_000_000, 3_600_000, parameters()) == 2_400_000
    assert accounting.own_expenditure("other", 6_000_000, 0, parameters()) == 0


def test_a_hidden_wage_is_a_doubt_and_a_large_one_a_major_doubt() -> None:
    member = _member(Income("wage", 200_000, "declared"))
    assert accounting.compare_wage(member, 220_000, parameters()) is None
    small, large = (accounting.compare_wage(member, fetched, parameters()) for fetched in (220_001, 300_000))
    assert small is not None and not small.major and large is not None and large.major
    assert accounting.counted_income(accounting.with_wage(member, 300_000, "fetched"), parameters())[0] == 240_000


@pytest.mark.parametrize("new, size", [(10, 3), (37, 12), (1, 1), (0, 0)])
def test_c24_the_sample_is_never_less_than_thirty_percent(new: int, size: int) -> None:
    assert sample_size(new, 0.3) == size


def test_the_draw_repeats_itself_from_its_seed_and_changes_with_it() -> None:
    cases = {"990101001": [f"case-{number}" for number in range(100)]}
    assert draw(cases, 0.3, "2026-03") == draw(cases, 0.3, "2026-03") != draw(cases, 0.3, "2026-04")
    assert len(set(draw(cases, 0.3, "x")["990101001"])) == 30
