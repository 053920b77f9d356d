"""Many ID numbers at once: answered in their order, wrong ones apart, each read logged (R019, requirements 5.2)."""

from __future__ import annotations

import pytest
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month
from yimen.roster.v1 import roster_pb2

from services.roster.tables import read_log

STRANGER = "990101195001010010"


def _ask(month: Month, numbers: list[str], purpose: str = "医疗救助参保核对") -> list[roster_pb2.Identity]:
    medical = month.world.apps["medical"]  # type: ignore[attr-defined]
    request = roster_pb2.ResolveIdentitiesRequest(resident_ids=numbers, case_id="match-1", purpose=purpose)
    return list(medical.peers.stub("roster").ResolveIdentities(request).identities)


def test_known_unknown_and_wrong_numbers_are_answered_side_by_side(month: Month) -> None:
    story = read(FILES / "c01_dibao_and_university.yaml")
    month.players.submit(story)
    known = [member.resident_id for member in story.application.members]
    answers = _ask(month, [known[0], STRANGER, "12345", known[0].lower(), *known[1:]])
    first, stranger, wrong, again, *others = answers
    assert first.person_id and first.household_id and again == first
    assert (stranger.person_id, stranger.problem) == ("", "")
    assert (wrong.person_id, wrong.problem) == ("", "ID_MALFORMED")
    assert {one.household_id for one in others} == {first.household_id}
    with month.world.apps["roster"].store.transaction(write=False) as tx:  # type: ignore[attr-defined]
        logged = tx.find(read_log, case_id="match-1")
    assert [(row["household_id"], row["reader"]) for row in logged] == [(first.household_id, "service:medical")]
    assert not any(number in str(row) for row in logged for number in known)


def test_no_purpose_or_too_many_numbers_are_refused(month: Month) -> None:
    with pytest.raises(Fault) as nothing:
        _ask(month, [STRANGER], purpose="")
    with pytest.raises(Fault) as many:
        _ask(month, [STRANGER] * (limits.RESOLVE_IDS_MAX + 1))
    assert (nothing.value.code, many.value.code) == ("PURPOSE_REQUIRED", "TOO_MANY_IDS")
    assert _ask(month, []) == []


def test_a_person_at_the_window_may_not_look_people_up(month: Month) -> None:
    request = roster_pb2.ResolveIdentitiesRequest(resident_ids=[STRANGER], case_id="c", purpose="p")
    with pytest.raises(Fault) as refused:
        month.world.peers.stub("roster").ResolveIdentities(request, token=month.tokens.role("window_clerk", "990101001"))
    assert refused.value.code == "READ_NOT_ALLOWED"
