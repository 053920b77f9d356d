"""An eighth department from outside: a folder with a declaration, a pack and cases, and nothing else changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from yimen.intake.v1 import intake_pb2
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import LAST_DAY, Month, start_moment
from yimen.rehearsal.promises import Evidence, check_all
from yimen.rehearsal.world import EmbeddedWorld
from yimen.runtime.registry import EXTRA_PATH_VARIABLE, services

FOLDER = Path(__file__).parent / "legal_aid"


def test_a_folder_is_all_that_a_new_department_needs(tmp_path: Path, sample: County,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(services())
    monkeypatch.setenv(EXTRA_PATH_VARIABLE, os.fspath(FOLDER))
    assert set(services()) == before | {"legal_aid"}
    world = EmbeddedWorld(tmp_path, start_moment())
    try:
        story = read(FILES / "c01_dibao_and_university.yaml")
        story.application.items.append(intake_pb2.RequestedItem(item="legal_counsel", member_index=0))
        month = Month(world, sample, households=0, seed=3, stories=[story])
        month.prepare()
        month.run()
        world.seal()
        evidence = Evidence(world.services, world.databases, world.keys, world.bank_file, LAST_DAY)
        items = {row["item"]: row["state"] for row in evidence.rows("intake", "select item, state from item_status")}
        # One application, three departments by request, and what follows by category: the new one among them.
        assert items["legal_counsel"] == items["court_fee_allowance"] == items["dibao"] == "granted"
        paid = evidence.rows("payment", "select balance_fen from account where account_id = 'legal_aid_fund:paid'")
        assert paid == [{"balance_fen": 12345}]
        assert {number: found for number, found in check_all(evidence).items() if found} == {}
        evidence.close()
    finally:
        world.close()
