"""Properties of money, tiers, working days, identity numbers and the case's life cycle."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yimen.casework.authority import COUNTY, LEVELS, PANEL, TOWNSHIP, Tiers
from yimen.casework.states import RESTING, TRANSITIONS, Act, State, step
from yimen.department.birthdays import next_day
from yimen.kernel import resident_id
from yimen.kernel.errors import CATALOGUE, Fault
from yimen.kernel.money import in_fen, parse_yuan, round_fen, yuan
from yimen.kernel.workdays import WorkCalendar, months_later, published_days_off

FEN = st.integers(0, 10**12)
DAYS_2026 = st.dates(date(2026, 1, 1), date(2026, 10, 31))
CALENDAR = WorkCalendar(published_days_off)
T = 12 * 78000


@given(FEN)
def test_yuan_reads_back_to_the_same_fen(fen: int) -> None:
    assert parse_yuan(yuan(fen)) == fen == in_fen(f"{yuan(fen)}元")


@pytest.mark.parametrize("text", ["1e3", "1.234", "1.230", "１２", "1,2", "", ".5", "NaN", "12元", " 1", "1\n"])
def test_what_is_not_written_like_yuan_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_yuan(text)


@given(st.decimals(0, 10**9, places=4))
def test_rounding_is_half_up_and_never_off_by_more_than_half(value: Decimal) -> None:
    assert abs(Decimal(round_fen(value)) - value) <= Decimal("0.5")
    assert round_fen(Decimal(int(value)) + Decimal("0.5")) == int(value) + 1


@given(FEN, FEN)
def test_a_larger_amount_is_never_decided_lower(one: int, other: int) -> None:
    tiers = Tiers.of(T, {"tier_township_multiple": 0.5, "tier_county_multiple": 2, "annual_cap_multiple": 6})
    low, high = sorted((one, other))
    assert LEVELS.index(tiers.level(low)) <= LEVELS.index(tiers.level(high))


@pytest.mark.parametrize("fen, level", [(468000, TOWNSHIP), (468001, COUNTY), (1872000, COUNTY), (1872001, PANEL)])
def test_c13_each_limit_belongs_to_the_lower_tier(fen: int, level: str) -> None:
    tiers = Tiers.of(T, {"tier_township_multiple": 0.5, "tier_county_multiple": 2, "annual_cap_multiple": 6})
    assert tiers.level(fen) == level


def test_c15_the_annual_cap_includes_its_number() -> None:
    tiers = Tiers.of(T, {"tier_township_multiple": 0.5, "tier_county_multiple": 2, "annual_cap_multiple": 6})
    tiers.require_cap(5_000_000, 616_000)
    with pytest.raises(Fault, match="ANNUAL_CAP_EXCEEDED"):
        tiers.require_cap(5_000_000, 616_001)


@given(DAYS_2026, st.integers(0, 40))
def test_adding_working_days_and_counting_them_agree(start: date, days: int) -> None:
    end = CALENDAR.add(start, days)
    assert CALENDAR.between(start, end) == days
    assert days == 0 or CALENDAR.is_workday(end)


@given(DAYS_2026, st.integers(1, 20), st.integers(1, 20))
def test_a_limit_can_be_counted_in_two_parts(start: date, first: int, second: int) -> None:
    assert CALENDAR.add(CALENDAR.add(start, first), second) == CALENDAR.add(start, first + second)


def test_a_year_that_is_not_published_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(Fault, match="CALENDAR_MISSING"):
        CALENDAR.add(date(2026, 12, 30), 5)


def test_make_up_days_are_working_days_and_holidays_are_not() -> None:
    assert not CALENDAR.is_workday(date(2026, 10, 1))
    assert sum(CALENDAR.is_workday(date(2026, 1, 1) + timedelta(days=d)) for d in range(365)) < 253


@given(st.dates(date(1930, 1, 1), date(2026, 1, 1)), st.integers(0, 999))
def test_a_generated_number_is_right_and_any_changed_digit_is_found(born: date, serial: int) -> None:
    number = resident_id.make("990101", born, serial)
    assert resident_id.check(number, 1) == number and resident_id.birth_date(number) == born
    wrong = number[:16] + str((int(number[16]) + 1) % 10) + number[17]
    with pytest.raises(Fault, match="ID_CHECKSUM_WRONG"):
        resident_id.check(wrong, 1)


def test_the_standards_own_example() -> None:
    assert resident_id.check("11010519491231002x", 1) == "11010519491231002X"


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(0, 60))
def test_months_later_never_leaves_the_month(start: date, months: int) -> None:
    later = months_later(start, months)
    assert (later.year * 12 + later.month) - (start.year * 12 + start.month) == months and later.day <= start.day


@settings(max_examples=300)
@given(st.lists(st.sampled_from(list(Act)), max_size=30))
def test_whatever_is_tried_a_case_only_takes_written_steps_and_stays_closed(acts: list[Act]) -> None:
    state, notice_seen, verified = State.ACCEPTED, False, False
    for act in acts:
        try:
            state = step(state, act)
        except Fault as fault:
            assert fault.code == "CASE_STATE" and (state, act) not in TRANSITIONS
            continue
        verified = verified or act in (Act.REPORT_ISSUED, Act.ASSESS)
        notice_seen = notice_seen or act is Act.END_NOTICE
        if act is Act.CONFIRM:
            assert verified  # 未经调查、审核确认程序不得纳入
    assert state in State


def test_every_state_can_reach_an_end_and_no_end_leads_back() -> None:
    reach = {state: {target for (source, _), target in TRANSITIONS.items() if source is state} for state in State}
    for state in State:
        seen, todo = {state}, [state]
        while todo:
            for following in reach[todo.pop()] - seen:
                seen.add(following)
                todo.append(following)
        assert seen & RESTING, f"{state} never ends"
    # A later decision moves a benefit (R052); it never reopens what was closed for the applicant.
    assert all(reach[state] <= RESTING for state in RESTING)


def test_every_error_says_what_to_do() -> None:
    for code, (_, sentence) in CATALOGUE.items():
        assert len(sentence) >= 12 and sentence.endswith(("。", "。{reason}")), code


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.integers(0, 120))
def test_a_birthday_is_the_first_day_of_an_age(born: date, age: int) -> None:
    day = resident_id.day_of_age(born, age)
    assert resident_id.age_on(born, day) == age
    assert age == 0 or resident_id.age_on(born, day - timedelta(days=1)) == age - 1


@given(st.lists(st.dates(date(1930, 1, 1), date(2026, 1, 1)), max_size=6), DAYS_2026)
def test_the_next_birthday_that_counts_is_the_first_change_of_an_age_that_counts(born: list[date], after: date) -> None:
    ages = (16, 18, 60)
    found = next_day(born, ages, after)
    grown = [sum(resident_id.age_on(one, day) >= age for one in born for age in ages)
             for day in (after, found - timedelta(days=1), found)] if found else [0]
    assert found is None or grown[0] == grown[1] < grown[2]
    assert found is not None or all(resident_id.age_on(one, after) >= max(ages) for one in born)
