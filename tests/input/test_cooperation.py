"""A household that does not let itself be visited: warned in writing, given time, and only then the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from yimen.intake.v1 import intake_pb2
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.means_test.v1 import means_test_pb2 as pb
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month, start_moment

from services.means_test.tables import doubt, source_query, verification


def _code(act: Callable[[], Any]) -> str:
    with pytest.raises(Fault) as refused:
        act()
    return refused.value.code


def _apply(month: Month, story: str) -> tuple[str, str]:
    """An accepted application: its receipt number and the verification that it has set off."""
    household = read(FILES / f"{story}.yaml")
    month.exchange.add(household.records)
    answer = month.players.submit(household)
    month.world.peers.stub("intake").Accept(intake_pb2.AcceptRequest(receipt_no=answer.receipt_no),
                                            token=month.tokens.role("window_clerk", household.application.village_code))
    month.world.settle()
    world: Any = month.world
    with world.apps["means_test"].store.transaction(write=False) as tx:
        return answer.receipt_no, tx.first(verification, application_id=answer.application_id)["verification_id"]


def test_the_end_comes_only_after_a_letter_and_its_period(month: Month) -> None:
    receipt, verification_id = _apply(month, "refuses_visit")
    desk, tokens = month.world.peers.stub("means_test"), month.tokens
    surveyor, elsewhere = tokens.role("surveyor", "990101003"), tokens.role("surveyor", "990101004")
    warn = pb.WarnHouseholdRequest(verification_id=verification_id, letter_ref="告〔2026〕1号")
    stop = pb.StopVerificationRequest(verification_id=verification_id, finding_code="refuses_visit")
    assert _code(lambda: desk.StopVerification(stop, token=surveyor)) == "WARNING_FIRST"
    assert _code(lambda: desk.WarnHousehold(pb.WarnHouseholdRequest(verification_id=verification_id),
                                            token=surveyor)) == "FIELD_WRONG"
    assert _code(lambda: desk.WarnHousehold(warn, token=elsewhere)) == "OUTSIDE_AREA"
    assert _code(lambda: desk.WarnHousehold(warn, token=tokens.role("window_clerk", "990101003"))) == "ROLE_MISSING"
    until = date.fromisoformat(desk.WarnHousehold(warn, token=surveyor).until)
    assert until == date(2026, 3, 9)  # five working days after Monday 2 March
    # Said again, the letter of the first day counts.
    assert desk.WarnHousehold(warn, token=surveyor).until == until.isoformat()
    month.world.clock.move_to(datetime.combine(until, start_moment().timetz(), CHINA))
    surveyor = tokens.role("surveyor", "990101003")
    assert _code(lambda: desk.StopVerification(stop, token=surveyor)) == "WARNING_RUNS"
    month.world.clock.move_to(datetime(2026, 3, 10, 9, tzinfo=CHINA))
    surveyor = tokens.role("surveyor", "990101003")
    wrong = pb.StopVerificationRequest(verification_id=verification_id, finding_code="rude")
    assert _code(lambda: desk.StopVerification(wrong, token=surveyor)) == "FIELD_WRONG"
    desk.StopVerification(stop, token=surveyor)
    assert _code(lambda: desk.StopVerification(stop, token=surveyor)) == "CASE_STATE"
    visit = pb.RecordHomeVisitRequest(verification_id=verification_id, finding="consistent",
                                      second_surveyor=tokens.officer("surveyor", "990101003", number=2))
    assert _code(lambda: desk.RecordHomeVisit(visit, token=surveyor)) == "CASE_STATE"
    month.world.settle()
    told = month.world.peers.stub("intake").GetApplication(intake_pb2.GetApplicationRequest(receipt_no=receipt))
    states = {item.item: (item.state, item.closed) for item in told.items}
    assert states["dibao"] == ("terminated_uncooperative", True)
    assert any("书面告知" in entry.what for entry in told.timeline)
    world: Any = month.world
    with world.apps["means_test"].store.transaction(write=False) as tx:
        assert tx.count(source_query, verification_id=verification_id, answer_sealed=None) == 0
        assert tx.count(doubt, verification_id=verification_id, outcome="") == 0


def test_who_opens_after_the_letter_is_visited_as_ever(month: Month) -> None:
    _, verification_id = _apply(month, "c04_rural_family")
    township = read(FILES / "c04_rural_family.yaml").application.village_code[:9]
    desk, surveyor = month.world.peers.stub("means_test"), month.tokens.role("surveyor", township)
    desk.WarnHousehold(pb.WarnHouseholdRequest(verification_id=verification_id, letter_ref="告〔2026〕2号"), token=surveyor)
    desk.RecordHomeVisit(pb.RecordHomeVisitRequest(
        verification_id=verification_id, finding="consistent",
        second_surveyor=month.tokens.officer("surveyor", township, number=2)), token=surveyor)
    stop = pb.StopVerificationRequest(verification_id=verification_id, finding_code="refuses_visit")
    assert _code(lambda: desk.StopVerification(stop, token=surveyor)) == "CASE_STATE"
