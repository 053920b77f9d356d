"""The drawn county: as large as one likes, and nobody is two people."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from yimen.kernel import resident_id
from yimen.rehearsal import county as counties
from yimen.rehearsal.bank import judge
from yimen.rehearsal.players import corrected_account
from yimen.rehearsal.population import Population

HOUSEHOLDS = 30_000


def test_no_two_people_of_a_large_county_share_an_id_number() -> None:
    county = counties.load(Path("deploy/county/county.yaml"))
    flooded = [code for code, _, kind in county.townships if kind == "rural"][:5]
    seen: set[str] = set()
    for household in Population(county, 1, date(2026, 3, 2), "flood", flooded).households(HOUSEHOLDS):
        numbers = [m.resident_id for m in household.application.members if m.resident_id]
        assert seen.isdisjoint(numbers) and len(set(numbers)) == len(numbers)
        seen.update(numbers)
    assert len(seen) > HOUSEHOLDS and all(number.startswith("99") for number in seen)
    assert resident_id.check(next(iter(seen)), 1)


def test_what_the_window_writes_down_after_a_return_is_an_account_that_the_bank_pays_to() -> None:
    """Seed 43 of twenty households found one in a hundred returned every day, for ever."""
    day = date(2026, 3, 2)
    accounts = {corrected_account(f"instalment-{number}") for number in range(1_000)}
    assert {(len(account), judge(account, day, day)) for account in accounts} == {(19, ("settled", ""))}
    assert len(accounts) == 1_000
