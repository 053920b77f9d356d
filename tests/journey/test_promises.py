"""The checks of the promises can fail: each finds what was planted against it. And money that can never be paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from yimen.aid.v1 import aid_pb2
from yimen.kernel.errors import Fault
from yimen.payment.v1 import payment_pb2
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import LAST_DAY, Month, start_moment
from yimen.rehearsal.promises import Evidence, check_all
from yimen.rehearsal.world import EmbeddedWorld
from yimen.roster.v1 import roster_pb2
from yimen.store.unit import Store

STORIES = ("c01_dibao_and_university", "objection_dismissed", "urgent_fire")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, sample: County) -> Iterator[tuple[Month, EmbeddedWorld]]:
    world = EmbeddedWorld(tmp_path_factory.mktemp("promises"), start_moment())
    month = Month(world, sample, 0, 5, [read(FILES / f"{name}.yaml") for name in STORIES])
    month.prepare()
    month.run()
    world.seal()
    yield month, world
    world.close()


def _evidence(world: EmbeddedWorld, **more: Any) -> Evidence:
    return Evidence(world.services, world.databases, world.keys, world.bank_file, LAST_DAY, **more)


def _broken(world: EmbeddedWorld, **more: Any) -> set[int]:
    evidence = _evidence(world, **more)
    try:
        return {number for number, found in check_all(evidence).items() if found}
    finally:
        evidence.close()


PLANTED = [
    (1, "intake", "update application set state = 'accepted' where application_id = (select min(application_id) from application)"),
    (2, "payment", "update plan set signature = x'00'"),
    (3, "payment", "update instruction set amount_fen = amount_fen + 1"),
    (4, "payment", "update account set balance_fen = balance_fen + 1 where kind = 'paid'"),
    (5, "basic_living", "update decision set amount_fen = amount_fen + 1 where decided_at is not null"),
    (6, "medical", "update policy_pack set approved_by = 'policy_officer-education-1'"),
    (7, "roster", "update category_record set decision_id = decision_id || 'x'"),
    (8, "disclosure", "update standing_list set name = '990101198005120019'"),
    (9, "basic_living", "update aid_case set decided_on = '2026-03-03' where item = 'dibao'"),
    (10, "feed", "delete from entry where sequence = (select max(sequence) - 5 from entry)"),
    (10, "feed", "update heard set subject_seq = subject_seq - 1 where source = 'payment'"),
    (11, "housing", "delete from audit where row_id = (select min(row_id) from audit)"),
    (12, "roster", "update read_log set purpose = ''"),
]


def test_nothing_is_broken_to_begin_with(finished: tuple[Month, EmbeddedWorld]) -> None:
    assert _broken(finished[1]) == set()


@pytest.mark.parametrize("number, service, tampering", PLANTED, ids=[str(number) for number, _, _ in PLANTED])
def test_each_promise_notices_what_breaks_it(finished: tuple[Month, EmbeddedWorld], number: int, service: str,
                                             tampering: str) -> None:
    world = finished[1]
    store = Store(world.databases[service])
    with store.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        before = list(raw.iterdump())
    with store.transaction() as tx:
        assert tx.connection.execute(sa.text(tampering)).rowcount > 0
    try:
        assert number in _broken(world)
    finally:
        # Put the database back as it was.
        with store.transaction() as tx:
            for table in tx.connection.execute(sa.text("select name from sqlite_master where type = 'table'")).scalars().all():
                if not table.startswith("sqlite_"):
                    tx.connection.execute(sa.text(f'delete from "{table}"'))
            for statement in before:
                if statement.startswith("INSERT") and "sqlite_" not in statement.split("VALUES")[0]:
                    tx.connection.exec_driver_sql(statement)
        store.close()


def test_a_name_in_a_log_breaks_the_eighth_promise(finished: tuple[Month, EmbeddedWorld], tmp_path: Any) -> None:
    log = tmp_path / "service.log"
    log.write_text('{"message": "周建国 was here"}')
    assert _broken(finished[1], texts=[log], planted=["周建国"]) == {8}


def test_a_decision_replays_over_grpc_with_its_trail(finished: tuple[Month, EmbeddedWorld]) -> None:
    month, world = finished
    evidence = _evidence(world)
    made = evidence.rows("basic_living", "select decision_id from decision where item = 'dibao'")[0]["decision_id"]
    evidence.close()
    answer = world.peers.department("basic_living").ReplayDecision(aid_pb2.ReplayDecisionRequest(decision_id=made))
    assert answer.same and answer.stored.rule_id == answer.replayed.rule_id and answer.trail[-1].endswith("成立")
    with pytest.raises(Fault, match="DECISION_NOT_FOUND"):
        world.peers.department("medical").ReplayDecision(aid_pb2.ReplayDecisionRequest(decision_id=made))
    assert month.applications == len(STORIES)


def test_stacked_aid_is_one_query_and_amounts_are_by_right(finished: tuple[Month, EmbeddedWorld]) -> None:
    _, world = finished
    evidence = _evidence(world)
    home = evidence.rows("roster", "select household_id from benefit_record where item = 'rent_subsidy'")[0]["household_id"]
    request = roster_pb2.ListBenefitsRequest(household_id=home, case_id="c", purpose="stacked_aid")
    by_reader = {name: {one.item: one.amount_fen for one in world.apps[name].peers.stub("roster").ListBenefits(request).benefits}
                 for name in ("basic_living", "education")}
    assert {"dibao", "rent_subsidy", "premium_aid", "term_grant"} <= set(by_reader["education"])
    assert by_reader["basic_living"]["rent_subsidy"] == 30000 and by_reader["education"]["rent_subsidy"] == 0
    assert by_reader["education"]["term_grant"] == 100000  # its own
    # Bitemporal: before the decision was recorded the household had no category, and still is known to have had none.
    ask = {"household_id": home, "case_id": "c", "purpose": "history"}
    roster = world.apps["basic_living"].peers.stub("roster")
    assert {c.category for c in roster.GetHousehold(roster_pb2.GetHouseholdRequest(**ask)).categories} == {"dibao"}
    early = start_moment() + timedelta(days=2)
    then = roster_pb2.GetHouseholdRequest(**ask, known_at=early.isoformat())
    assert list(roster.GetHousehold(then).categories) == []
    assert list(roster.GetHousehold(roster_pb2.GetHouseholdRequest(**ask, on="2026-03-04")).categories) == []
    evidence.close()


def test_money_that_can_never_be_paid_goes_back_to_its_channel(finished: tuple[Month, EmbeddedWorld]) -> None:
    month, world = finished
    from services.payment.tables import instalment

    with world.apps["payment"].store.transaction() as tx:
        row = tx.find(instalment, state="planned", order_by=instalment.c.instalment_id)[0]
        tx.update(instalment, {"instalment_id": row["instalment_id"]}, state="returned")
    payment, finance = world.peers.stub("payment"), month.tokens.role("finance_officer")
    before = {c.channel: c for c in payment.ListChannels(payment_pb2.ListChannelsRequest()).channels}[row["channel"]]
    request = payment_pb2.VoidInstalmentRequest(instalment_id=row["instalment_id"], reason_code="BENEFICIARY_DIED")
    payment.VoidInstalment(request, token=finance)
    after = {c.channel: c for c in payment.ListChannels(payment_pb2.ListChannelsRequest()).channels}[row["channel"]]
    assert before.reserved_fen - after.reserved_fen == row["amount_fen"] == after.available_fen - before.available_fen
    with pytest.raises(Fault, match="INSTALMENT_STATE"):
        payment.VoidInstalment(request, token=finance)
    world.settle()
    assert _broken(world) == set()
