"""Without a written delegation the county decides (K1), and sees at least 30 % of the homes before it does (K2, S3(5))."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from yimen.aid.v1 import aid_pb2
from yimen.rehearsal.county import County
from yimen.rehearsal.month import LAST_DAY, Month, start_moment
from yimen.rehearsal.promises import Evidence, check_all
from yimen.rehearsal.world import EmbeddedWorld

from tests.journey.town import code_of

DRAWN = 40


class _Hasty:
    """Officers who try to decide before anybody was there."""

    def __init__(self, month: Month) -> None:
        self.month, self.refused = month, 0
        month.before_settling = self.try_to_decide

    def try_to_decide(self, day: str) -> None:
        world: Any = self.month.world
        with world.apps["basic_living"].store.transaction(write=False) as tx:
            waiting = tx.find(world.services["basic_living"].tables.tables["county_visit"], visited_on=None)
        for row in waiting:
            if row["cause"]:
                code = code_of(lambda row=row: world.peers.department("basic_living").Decide(  # type: ignore[misc]
                    aid_pb2.DecideRequest(case_id=row["case_id"], confirm=True),
                    token=self.month.tokens.role("county_approver", department="basic_living")))
                assert code in ("VISIT_FIRST", "CASE_STATE"), code
                self.refused += code == "VISIT_FIRST"


def test_the_county_visits_its_share_before_it_decides(tmp_path: Path, sample: County) -> None:
    expired = {**sample.delegation, "effective_from": "2025-01-01", "effective_to": "2025-12-31"}
    world = EmbeddedWorld(tmp_path, start_moment())
    month = Month(world, replace(sample, delegation=expired), DRAWN, seed=5)
    evidence = Evidence(world.services, world.databases, world.keys, world.bank_file, LAST_DAY)
    try:
        month.prepare()
        hasty = _Hasty(month)
        month.run()
        world.seal()
        rows = evidence.rows("basic_living", "select v.*, c.decided_on, c.duties from county_visit v join aid_case c"
                                             " on c.case_id = v.case_id")
        decided = [row for row in rows if row["decided_on"]]
        assert len(decided) > 10 and hasty.refused > 0
        drawn = [row for row in rows if row["cause"] == "drawn"]
        assert len(drawn) >= math.ceil(0.3 * len([row for row in rows if row["cause"] in ("drawn", "")]))
        for row in decided:
            assert not row["cause"] or (row["visited_on"] <= row["decided_on"] and len(set(row["visitors"])) > 1)
        assert {number: found for number, found in check_all(evidence).items() if found} == {}
    finally:
        evidence.close()
        month.close()
        world.close()
