"""Rules that are not policy numbers: income accounting (3.2), members (3.1), the draw of the sample (C24)."""

from __future__ import annotations

from datetime import date

import pytest

from services.means_test import domain as accounting
from services.means_test.domain import Income, Member
from services.means_test.verification import parameters
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


@pytest.mark.parametrize("born, stage, counted", [
    (date(2003, 1, 1), "college", True), (date(2003, 1, 1), "master", False), (date(2010, 1, 1), "junior", True),
])
def test_study_up_to_bachelor_level_counts_as_living_together(born: date, stage: str, counted: bool) -> None:
    assert accounting.is_counted(_member(born=born, relation="child", stage=stage), TODAY) is counted


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
