"""A month on the real stack while processes, broker and database die under it; then all twelve promises.

Half of the processes begin with the code of the release before. `make test` strikes each kind of fault once;
`make faults` strikes at random, seed by seed. The schedule follows from the seed, which is printed:
`pytest tests/faults --fire-seed N [--fire-long] [--fire-previous COMMIT]` does the same again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read_all
from yimen.rehearsal.month import FIRST_DAY, LAST_DAY
from yimen.rehearsal.patience import PatientMonth, PatientPlayers
from yimen.rehearsal.promises import Evidence, check_all

from tests.faults.fire import GARBAGE, Fire, burning
from tests.faults.previous import previous_release
from tests.journey.expectations import differences

DRAWN = 4
STORIES = ("c01_dibao_and_university", "objection_upheld", "returned_payment", "understated_wage", "urgent_fire",
           "flood_family", "c11_destitute_elder", "c18_wage_goes_up", "c04_rural_family")
STRIKES_LONG = 40
STRIKE_DAYS = [f"2026-03-{day:02d}" for day in (3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18)]
LAST_STRIKE = date(2026, 3, 19)
ON_ITS_WAY_S = 30.0
DAYS_TO_CLOSE_MAX = 60


class _Players(PatientPlayers):
    pause_s = 1.0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fire_seed" in metafunc.fixturenames:
        first, count = metafunc.config.getoption("--fire-seed"), metafunc.config.getoption("--fire-seeds")
        metafunc.parametrize("fire_seed", range(first, first + count))


def _schedule(fire: Fire, days: list[str]) -> dict[str, list[str]]:
    """Day → faults of that day."""
    kinds = fire.rng.choices(fire.kinds, k=STRIKES_LONG) if fire.long else fire.rng.sample(fire.kinds, len(fire.kinds))
    planned: dict[str, list[str]] = {}
    for place, kind in enumerate(kinds):
        planned.setdefault(days[place * len(days) // len(kinds)], []).append(kind)
    return planned


@pytest.mark.stack
@pytest.mark.timeout(1800)
def test_every_promise_is_held_when_everything_fails_once(tmp_path: Path, sample: County, fire_seed: int,
                                                          pytestconfig: pytest.Config) -> None:
    stories = [one for one in read_all(FILES) if one.key in STORIES]
    previous = previous_release(tmp_path / "previous", pytestconfig.getoption("--fire-previous"))
    print(f"fire seed {fire_seed}, half of the processes on " + ("the release before" if previous else "this release too"))
    with burning(tmp_path / "stack", fire_seed, pytestconfig.getoption("--fire-long"), previous) as fire:
        month = fire.month = PatientMonth(fire.stack, sample, DRAWN, fire_seed, stories, make_players=_Players)
        month.prepare()
        planned = _schedule(fire, STRIKE_DAYS)

        def strike(day: str) -> None:
            for kind in planned.get(day, ()):
                fire.strike(kind)

        month.before_settling = strike
        day = FIRST_DAY
        while day < LAST_STRIKE:
            month.play(day)
            day += timedelta(days=1)
        assert sorted(fire.struck) == sorted(kind for kinds in planned.values() for kind in kinds)
        # Nothing goes wrong any more, and the upgrade is finished: everything comes to its end.
        fire.finish_upgrade()
        month.players.diligent = True
        while _open(evidence := _evidence(fire)):
            evidence.close()
            assert (day - LAST_STRIKE).days < DAYS_TO_CLOSE_MAX, "not everything comes to its end"
            month.play(day)
            day += timedelta(days=1)
        try:
            evidence.today = day
            # Services go on sealing their logs and saying so: what is on its way arrives within seconds.
            end = time.monotonic() + ON_ITS_WAY_S
            while (broken := {number: found for number, found in check_all(evidence).items() if found}) and time.monotonic() < end:
                time.sleep(1)
            assert broken == {}
            assert differences(month, evidence) == []
        finally:
            evidence.close()
        fire.fetch_back()
        # Every garbage message is in the dead letters of each service that it reached, and nothing else is.
        if "garbage" in fire.struck:
            _eventually(lambda: fire.dead_letters() >= len(GARBAGE))
        else:
            assert fire.dead_letters() == 0


def _evidence(fire: Fire) -> Evidence:
    stack = fire.stack
    return Evidence(stack.services, stack.databases, stack.keys, stack.bank_file, LAST_DAY,
                    sorted(stack.folder.glob("*.log")))


def _open(evidence: Evidence) -> int:
    open_ = evidence.rows("intake", "select count(*) as n from application where state not in"
                                    " ('closed', 'intake_refused', 'withdrawn')")[0]["n"]
    parked = sum(evidence.rows(name, "select count(*) as n from parked")[0]["n"] for name in evidence.services)
    return int(open_ + parked)


def _eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.5)

