"""Several neighbours, and a family that withdraws: a notice has one end, and nobody is left waiting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from yimen.disclosure.v1 import disclosure_pb2
from yimen.intake.v1 import intake_pb2
from yimen.kernel.clock import CHINA
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month
from yimen.store.tables import parked


def _rows(month: Month, service: str, table: str) -> list[Any]:
    world: Any = month.world
    with world.apps[service].store.transaction(write=False) as tx:
        return tx.find(world.services[service].tables.tables[table])


def _announced(month: Month, story: str) -> tuple[str, str]:
    """An application whose notice is posted: its receipt number and the notice."""
    household = read(FILES / f"{story}.yaml")
    month.exchange.add(household.records)
    receipt = month.players.submit(household).receipt_no
    month.players.diligent = True
    for _ in range(10):
        month.world.clock.move_to(month.world.clock.now() + timedelta(hours=1))
        month.players.work(month.world.clock.now().date())
        month.world.settle()
    told = month.world.peers.stub("intake").GetApplication(intake_pb2.GetApplicationRequest(receipt_no=receipt))
    case_id = next(item.case_id for item in told.items if item.item == "dibao")
    return receipt, next(row["notice_id"] for row in _rows(month, "disclosure", "notice") if row["case_id"] == case_id)


def _object(month: Month, notice_id: str, township: str) -> str:
    answer = month.players.object_to(notice_id, township, "FAMILY_HAS_CAR")
    month.world.settle()
    return answer


def _answer(month: Month, objection_id: str, township: str, upheld: bool) -> None:
    month.world.peers.stub("disclosure").ResolveObjection(
        disclosure_pb2.ResolveObjectionRequest(objection_id=objection_id, upheld=upheld, finding_code="CHECKED"),
        token=month.tokens.role("township_officer", township))
    month.world.settle()


def _state(month: Month, receipt: str) -> str:
    told = month.world.peers.stub("intake").GetApplication(intake_pb2.GetApplicationRequest(receipt_no=receipt))
    return next(item.state for item in told.items if item.item == "dibao")


def _parked(month: Month) -> int:
    world: Any = month.world
    found = 0
    for app in world.apps.values():
        with app.store.transaction(write=False) as tx:
            found += tx.count(parked)
    return found


@pytest.mark.parametrize("story, answers, outcome", [
    ("c01_dibao_and_university", (True, True), "stopped_by_objection"),
    ("c18_wage_goes_up", (True, False), "stopped_by_objection"),
    ("c04_rural_family", (False, True), "stopped_by_objection"),
    ("c02_exactly_at_standard", (False, False), "已提出意见"),
])
def test_each_of_two_objections_is_answered_and_the_first_that_is_upheld_ends_it(
        month: Month, story: str, answers: tuple[bool, bool], outcome: str) -> None:
    """Seed 172 of twenty households: the second answer closed the notice again, and the case was blocked for ever."""
    receipt, notice_id = _announced(month, story)
    township = read(FILES / f"{story}.yaml").application.village_code[:9]
    first, second = _object(month, notice_id, township), _object(month, notice_id, township)
    _answer(month, first, township, answers[0])
    _answer(month, second, township, answers[1])
    assert _state(month, receipt) == outcome
    assert _parked(month) == 0


def test_who_withdraws_while_he_is_announced_is_announced_no_more(month: Month) -> None:
    receipt, notice_id = _announced(month, "returned_payment")
    township = read(FILES / "returned_payment.yaml").application.village_code[:9]
    month.world.peers.stub("intake").Withdraw(intake_pb2.WithdrawRequest(receipt_no=receipt, reason="改变主意"),
                                              token=month.tokens.role("window_clerk", township))
    month.world.settle()
    assert _state(month, receipt) == "withdrawn"
    assert next(row["state"] for row in _rows(month, "disclosure", "notice") if row["notice_id"] == notice_id) == "withdrawn"
    month.world.clock.move_to(datetime(2026, 4, 20, 9, tzinfo=CHINA))
    month.world.settle()
    assert _parked(month) == 0
