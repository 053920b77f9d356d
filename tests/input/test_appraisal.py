"""A disputed case is put before its neighbours; nobody is bound by it, and nothing is proposed before it was held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from yimen.aid.v1 import aid_pb2
from yimen.department.tables import aid_case, appraisal
from yimen.intake.v1 import intake_pb2
from yimen.kernel.errors import Fault
from yimen.means_test.v1 import means_test_pb2
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month

from services.means_test.tables import verification


def _code(act: Callable[[], Any]) -> str:
    with pytest.raises(Fault) as refused:
        act()
    return refused.value.code


def _verified(month: Month) -> tuple[str, str]:
    """A case whose report has come, and its township."""
    household = read(FILES / "c04_rural_family.yaml")
    township = household.application.village_code[:9]
    month.exchange.add(household.records)
    answer = month.players.submit(household)
    world: Any = month.world
    world.peers.stub("intake").Accept(intake_pb2.AcceptRequest(receipt_no=answer.receipt_no),
                                      token=month.tokens.role("window_clerk", township))
    world.settle()
    with world.apps["means_test"].store.transaction(write=False) as tx:
        verification_id = tx.first(verification, application_id=answer.application_id)["verification_id"]
    world.peers.stub("means_test").RecordHomeVisit(
        means_test_pb2.RecordHomeVisitRequest(verification_id=verification_id, finding="consistent",
                                              second_surveyor=month.tokens.officer("surveyor", township, number=2)),
        token=month.tokens.role("surveyor", township))
    world.settle()
    with world.apps["basic_living"].store.transaction(write=False) as tx:
        return tx.first(aid_case, application_id=answer.application_id)["case_id"], township


def test_an_appraisal_is_called_held_and_kept_and_then_the_officer_proposes(month: Month) -> None:
    case_id, township = _verified(month)
    desk, tokens = month.world.peers.department("basic_living"), month.tokens
    officer, elsewhere = tokens.role("township_officer", township), tokens.role("township_officer", "990101046")

    def held(**votes: Any) -> Callable[[], Any]:
        said = {"attendees": 11, "agree": 8, "disagree": 2, "minutes_ref": "评议〔2026〕1号", **votes}
        return lambda: desk.RecordAppraisal(aid_pb2.RecordAppraisalRequest(case_id=case_id, **said), token=officer)

    call = aid_pb2.CallAppraisalRequest(case_id=case_id, reason_code="disputed")
    assert _code(held()) == "CASE_STATE"
    assert _code(lambda: desk.CallAppraisal(aid_pb2.CallAppraisalRequest(case_id=case_id, reason_code="gossip"),
                                            token=officer)) == "FIELD_WRONG"
    assert _code(lambda: desk.CallAppraisal(call, token=elsewhere)) == "OUTSIDE_AREA"
    assert _code(lambda: desk.CallAppraisal(call, token=tokens.role("surveyor", township))) == "ROLE_MISSING"
    assert desk.CallAppraisal(call, token=officer).state == "appraising"
    assert _code(lambda: desk.CallAppraisal(call, token=officer)) == "CASE_STATE"
    propose = aid_pb2.ProposeRequest(case_id=case_id, opinion="agree")
    assert _code(lambda: desk.Propose(propose, token=officer)) == "CASE_STATE"
    assert _code(held(minutes_ref="")) == "MINUTES_REQUIRED"
    for votes in ({"attendees": 0, "agree": 0, "disagree": 0}, {"agree": 10}, {"agree": -1}):
        assert _code(held(**votes)) == "FIELD_WRONG"
    assert held()().state == "verified"
    world: Any = month.world
    with world.apps["basic_living"].store.transaction(write=False) as tx:
        kept = tx.find(appraisal, case_id=case_id)
    assert [(row["attendees"], row["agree"], row["disagree"], row["held_on"]) for row in kept] == [
        (11, 8, 2, month.world.clock.now().date())]
    assert desk.Propose(propose, token=officer).state == "pre_notice"
