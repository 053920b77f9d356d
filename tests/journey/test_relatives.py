"""Relatives of officers are known before they are paid (R134, requirements 2.10): full check, no acting on it, undeclared is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from yimen.supervision.v1 import supervision_pb2

from tests.journey.town import Town, code_of


def _declare(home: Town, role: str, number: str = "", relation: str = "sibling", officer: str = "", by: str = "") -> Any:
    tokens, village = home.month.tokens, home.story.application.village_code
    return home.world.peers.stub("supervision").DeclareRelative(supervision_pb2.DeclareRelativeRequest(
        officer_id=officer, relation=relation, resident_id=number or home.story.application.members[0].resident_id),
        token=tokens.role(by or role, village))


def test_a_relative_who_applies_is_found_overnight_and_the_officer_may_not_act(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    assert code_of(lambda: _declare(home, "township_officer", relation="friend")) == "FIELD_WRONG"
    assert code_of(lambda: _declare(home, "township_officer", number="123")) == "ID_MALFORMED"
    assert code_of(lambda: _declare(home, "township_officer", officer="surveyor-1")) == "ROLE_MISSING"  # not for somebody else
    first = _declare(home, "township_officer").relative_id
    assert _declare(home, "township_officer").relative_id == first  # renewed, not doubled
    home.world.settle()
    home.until(date(2026, 3, 10))
    case = home.case()
    officer = home.month.tokens.officer("township_officer", home.story.application.village_code)
    assert case["full_visit"] == "relative" and officer in str(case["duties"])
    # The only officer of the township who could propose is the relative: the case waits, nobody acts in his place.
    assert case["state"] == "verified" and home.month.players.refused["SEPARATION_OF_DUTIES"] > 0
    pool = home.rows("supervision", "select pool, checked_at from field_check where case_id = :c", c=case["case_id"])
    assert [row["pool"] for row in pool] == ["relative_registered"]
    said = {row["type"] for row in home.rows("supervision", "select type from outbox")}
    assert {"relative.declared.v1", "relative.matched.v1", "relative.undeclared_found.v1"} <= said
    sealed = home.rows("supervision", "select number_sealed from relative")[0]["number_sealed"]
    assert home.story.application.members[0].resident_id.encode() not in bytes(sealed)
    reads = home.rows("roster", "select purpose, case_id from read_log where reader = 'service:supervision' and purpose = 'match_relatives'")
    assert reads and all(row["case_id"].startswith("match_relatives:") for row in reads)


def test_who_has_declared_it_in_the_application_is_checked_and_no_case_of_duty(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 2))
    home.story.application.relative_declared = True
    _declare(home, "notice_custodian")
    home.until(date(2026, 3, 6))
    assert not home.rows("supervision", "select 1 as one from task where kind = 'relative_undeclared'")
    assert home.rows("supervision", "select 1 as one from field_check where pool = 'relative_registered'")
    assert home.case()["state"] not in ("verified", "accepted")  # the custodian has no part in the decision
