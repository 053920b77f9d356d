"""Many households at once come out as each does alone, and both as section 3 of the requirements reckons by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yimen.department.assemble import department_of
from yimen.department.preview import shipped_pack
from yimen.kernel.errors import Fault
from yimen.kernel.money import in_fen
from yimen.kernel.resident_id import age_on
from yimen.policy.columns import decide_columns
from yimen.policy.pack import Pack, load_cases
from yimen.runtime.registry import services

DAY = date(2026, 3, 2)
DEPARTMENTS = [name for name, service in services().items() if service.is_department]


def _pack(name: str) -> Pack:
    return shipped_pack(department_of(services()[name]), DAY)


def _as_columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _alone(pack: Pack, item: str, row: dict[str, Any], parameters: dict[str, Any] | None = None) -> tuple[str, int]:
    made = pack.decide(item, row, parameters)
    return made.rule_id, made.amount_fen


def _together(pack: Pack, item: str, rows: list[dict[str, Any]],
              parameters: dict[str, Any] | None = None) -> list[tuple[str, int]]:
    found = decide_columns(pack, item, _as_columns(rows), parameters)
    return [(found.rules[place].rule.id, int(fen)) for place, fen in zip(found.rule, found.amount_fen, strict=True)]


@pytest.mark.parametrize("name", DEPARTMENTS)
def test_every_example_comes_out_the_same_in_a_column(name: str) -> None:
    pack = _pack(name)
    for file in load_cases(department_of(services()[name]).folder / "cases"):
        for overrides in ({}, *({**case.parameters} for case in file.cases if case.parameters)):
            parameters = {key: in_fen(value) for key, value in overrides.items()}
            rows = [{key: in_fen(value) for key, value in {**file.given, **case.facts}.items()} for case in file.cases]
            assert _together(pack, file.item, rows, parameters) == [_alone(pack, file.item, row, parameters) for row in rows]


# ------------------------------------------------------------------------------------------------ boundaries
STANDARDS = (78_000, 58_500, 78_001, 33_333)


def _edges(size: int, standard: int) -> Iterator[int]:
    """One fen either side of every threshold of a household's income."""
    for limit in (Fraction(size * standard), Fraction(3 * size * standard, 2), Fraction(size * 19_500), Fraction(size * 39_000),
                  Fraction(3_000_000 * size, 12)):
        for around in (-1, 0, 1):
            yield max(0, int(limit) + around)


def _by_hand(row: dict[str, Any], mode: str) -> tuple[str, int]:
    """Section 3.4 in a few lines of fractions; the property is within its limits."""
    n, s, income = row["member_count"], row["dibao_standard_fen"], row["counted_income_fen"]
    liquid = row["liquid_assets_fen"]
    if liquid > 36 * s * n:
        return "refuse", 0
    if income < s * n and liquid <= 24 * s * n:
        if mode == "difference":
            return "dibao", max(100, s * n - income)
        return "dibao", n * (46_000 if income <= 19_500 * n else 32_000 if income <= 39_000 * n else 18_000)
    if income < Fraction(3, 2) * s * n:
        return "dibao_edge", 0
    rigid = row["rigid_expenditure_fen"]
    if income * 12 < row["disposable_income_year_fen"] * n and rigid > Fraction(6, 10) * income * 12:
        return "rigid_expense_household", 0
    return "refuse", 0


def _row(size: int, standard: int, income: int, liquid: int = 0, rigid: int = 0) -> dict[str, Any]:
    return {"cat_destitute": False, "dibao_standard_fen": standard, "member_count": size, "counted_income_fen": income,
            "liquid_assets_fen": liquid, "vehicles": 0, "houses": 1, "businesses": 0, "rigid_expenditure_fen": rigid,
            "house_area_m2": 60, "non_residential_houses": 0, "large_machines": 0, "forest_mu": 0, "members_refusing_work": 0,
            "disposable_income_year_fen": 3_000_000}


@pytest.mark.parametrize("mode", ["difference", "tier"])
def test_one_fen_either_side_of_every_threshold_for_every_size_of_household(mode: str) -> None:
    pack, rows = _pack("basic_living"), []
    for size, standard in product(range(1, 13), STANDARDS):
        for income in _edges(size, standard):
            rows += [_row(size, standard, income, liquid + around) for liquid in (24 * standard * size, 36 * standard * size)
                     for around in (-1, 0, 1)]
            limit = income * 12 * 6 // 10
            rows += [_row(size, standard, income, 0, max(0, limit + around)) for around in (-1, 0, 1)]
    assert len(rows) > 5_000
    together = _together(pack, "dibao", rows, {"benefit_mode": mode})
    categories = {rule.id: rule.category or "refuse" for rule in pack.file.items["dibao"].rules}
    assert [(categories[rule], fen) for rule, fen in together] == [_by_hand(row, mode) for row in rows]
    for row, told in list(zip(rows, together, strict=True))[::37]:
        assert _alone(pack, "dibao", row, {"benefit_mode": mode}) == told


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from(STANDARDS), st.integers(0, 2_000_000), st.integers(0, 40_000_000),
                          st.integers(0, 30_000_000)), min_size=1, max_size=40), st.sampled_from(["difference", "tier"]))
def test_any_household_comes_out_alike_alone_together_and_by_hand(drawn: list[tuple[int, int, int, int, int]], mode: str) -> None:
    pack, rows = _pack("basic_living"), [_row(*one) for one in drawn]
    together = _together(pack, "dibao", rows, {"benefit_mode": mode})
    categories = {rule.id: rule.category or "refuse" for rule in pack.file.items["dibao"].rules}
    assert together == [_alone(pack, "dibao", row, {"benefit_mode": mode}) for row in rows]
    assert [(categories[rule], fen) for rule, fen in together] == [_by_hand(row, mode) for row in rows]


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1920, 1, 1), DAY), st.sampled_from([18, 60]))
def test_every_birthday_counts_from_the_day_itself(born: date, age: int) -> None:
    """满18周岁、满60周岁 on the birthday (民法典 §1259); who was born on 29 February is a year older on 1 March."""
    leap = (born.month, born.day) == (2, 29)
    try:
        birthday = born.replace(year=born.year + age)
    except ValueError:
        birthday = date(born.year + age, 3, 1)
    assert age_on(born, birthday) == age
    assert age_on(born, birthday.fromordinal(birthday.toordinal() - 1)) == age - 1 or leap
    given_age = _pack("basic_living").decide("destitute_support", {
        "age": age_on(born, birthday), "disability_kind": "none", "disability_level": 0, "no_capable_obligor": True,
        "own_income_fen": 0, "dibao_standard_fen": 58_500, "minimum_wage_fen": 169_000, "vehicles": 0,
        "liquid_assets_fen": 0, "member_count": 1, "self_care_fails": 0, "cat_destitute": False, "school_stage": "none",
        "houses": 1, "house_area_m2": 60, "businesses": 0, "non_residential_houses": 0, "large_machines": 0, "forest_mu": 0, "members_refusing_work": 0})
    assert given_age.outcome == ("grant" if age == 60 else "refuse")


# ------------------------------------------------------------------------------------------------ what does not fit
def test_what_is_missing_or_too_large_is_refused_and_never_wrapped_around() -> None:
    pack, rows = _pack("basic_living"), [_row(3, 78_000, 100), _row(3, 78_000, 100)]
    columns = _as_columns(rows)
    with pytest.raises(Fault) as refused:
        decide_columns(pack, "dibao", {name: column for name, column in columns.items() if name != "counted_income_fen"})
    assert refused.value.code == "FACT_MISSING"
    with pytest.raises(Fault) as refused:
        decide_columns(pack, "dibao", {**columns, "dibao_standard_fen": np.array([2**61, 2**61])})
    assert refused.value.code == "AMOUNT_WRONG"
