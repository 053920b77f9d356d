"""A new standard while its own processes are killed: every benefit is recomputed, none twice, none left out (R166).

`make test` does it with a few hundred families, `pytest tests/faults/test_recompute.py --recompute-families 20000` with a
county's worth. The moments of the kills follow from `--fire-seed`.
"""

from __future__ import annotations

import random
import time
from datetime import date, datetime
from typing import Any

import pytest
from yimen.aid.v1 import aid_pb2
from yimen.casework.states import Act
from yimen.department.assemble import department_of
from yimen.department.cases import Desk
from yimen.department.tables import aid_case
from yimen.directory.v1 import directory_pb2
from yimen.kernel.clock import CHINA
from yimen.kernel.ids import derived
from yimen.rehearsal.county import County, officers
from yimen.rehearsal.county import found as found_county
from yimen.rehearsal.tokens import Tokens
from yimen.rehearsal.world import wait_until
from yimen.rpc.client import over_network
from yimen.rpc.health import is_serving
from yimen.runtime.app import App
from yimen.runtime.settings import Settings
from yimen.stack.stack import Stack
from yimen.store.unit import Store

NEEDED = {"basic_living server", "basic_living worker", "payment server", "payment worker", "directory server",
          "directory worker"}
OLD, NEW = 780_00, 820_00
INCOME = 1_600_00
MEMBERS = 3
GRANTED, TODAY = date(2026, 3, 20), datetime(2026, 6, 10, 9, tzinfo=CHINA)
PAGE, KILLS = 200, 5
WAIT_S = 900.0


def _rows(stack: Stack, service: str, query: str) -> list[dict[str, Any]]:
    store = Store(stack.databases[service])
    try:
        with store.transaction(write=False) as tx:
            return [dict(row._mapping) for row in tx.connection.exec_driver_sql(query)]
    finally:
        store.close()


def _one(stack: Stack, service: str, query: str) -> int:
    return int(next(iter(_rows(stack, service, query)[0].values())) or 0)


def _families(stack: Stack, count: int) -> None:
    """Standing benefits, granted by the desk itself; only the household's facts are made up."""
    app = App(stack.services["basic_living"], Settings(
        stack.databases["basic_living"], "", stack.keys, "", {}, stack.clock, "", ""), over_network(
            stack.state.addresses.__getitem__))
    desk = Desk(department_of(stack.services["basic_living"]))
    facts = {"cat_destitute": False, "vehicles": 0, "houses": 1, "house_area_m2": 60, "businesses": 0, "liquid_assets_fen": 0,
             "non_residential_houses": 0, "large_machines": 0, "forest_mu": 0, "members_refusing_work": 0, "counted_income_fen": INCOME,
             "member_count": MEMBERS, "dibao_standard_fen": OLD, "rigid_expenditure_fen": 0,
             "disposable_income_year_fen": 3_000_000}
    for start in range(0, count, PAGE):
        with app.work("service:basic_living") as ctx:
            for number in range(start, min(count, start + PAGE)):
                township = f"990101{number % 8 + 1:03d}"
                case = desk.open(ctx, {
                    "case_id": derived("case", "family", number), "application_id": derived("application", "family", number),
                    "household_id": derived("household", "family", number), "person_id": "", "item": "dibao",
                    "trigger": "category", "township_code": township, "village_code": township + "001",
                    "area_kind": "urban", "request": {}, "report_id": "", "accepted_on": GRANTED})
                assert case is not None
                made = desk.shelf.active(ctx, ctx.today).decide("dibao", facts)
                decision_id = desk.record(ctx, case, made, {name: facts[name] for name in
                                                            desk.shelf.active(ctx, ctx.today).needs("dibao")})
                ctx.tx.update(aid_case, {"case_id": case["case_id"]}, decision_id=decision_id)
                desk.confirm(ctx, {**case, "decision_id": decision_id}, "试验", act=Act.FOLLOW_CATEGORY)
    app.close()


def _kill_while(stack: Stack, rng: random.Random, done: str, families: int, processes: list[tuple[str, str]]) -> int:
    """Kill -9 at random moments until the run has come to its end; returns how often."""
    killed = 0
    end = time.monotonic() + WAIT_S
    while (state := _rows(stack, "basic_living", "select state from bulk_run")) and state[0]["state"] != done:
        assert time.monotonic() < end, f"still {state[0]['state']}"
        if killed < KILLS:
            kind, name = rng.choice(processes)
            stack.kill(kind, name)
            stack.start_process(kind, name)
            killed += 1
            time.sleep(rng.uniform(0.3, 0.6) * (1 + families / 2_000))
        else:
            time.sleep(0.3)
    return killed


@pytest.mark.timeout(3600)
def test_every_benefit_is_recomputed_once_whoever_is_killed(stack: Stack, sample: County, pytestconfig: pytest.Config) -> None:
    families, seed = pytestconfig.getoption("--recompute-families"), pytestconfig.getoption("--fire-seed")
    rng = random.Random(seed)
    print(f"recompute seed {seed}, {families} families")
    departments = [one.name for one in stack.services.values() if one.is_department]
    tokens = Tokens(stack.keys, stack.clock, list(officers(sample, departments)))
    found_county(sample, stack.peers, tokens, stack.services)
    for process in sorted(set(stack.state.pids) - NEEDED - {"bank"}):
        if " " in process:
            stack.stop_process(process.split()[1], process.split()[0])
    stack.clock.move_to(datetime.combine(GRANTED, TODAY.timetz()))
    _families(stack, families)
    wait_until(lambda: _one(stack, "payment", "select count(*) from plan") == families, WAIT_S, "not every grant was planned",
               pause_s=2.0)
    stack.clock.move_to(TODAY)
    tokens = Tokens(stack.keys, stack.clock, list(officers(sample, departments)))
    directory = stack.peers.stub("directory")
    proposal = directory.ProposeStandards(directory_pb2.ProposeStandardsRequest(
        standards=[directory_pb2.Standard(name="dibao_urban_standard_fen", amount_fen=NEW),
                   directory_pb2.Standard(name="dibao_rural_standard_fen", amount_fen=NEW)],
        effective_from="2026-05-01", source="示例县政发〔2026〕9号", calculation_ref="测算表"),
        token=tokens.role("policy_officer", department="basic_living", number=1)).proposal
    directory.ApproveStandards(directory_pb2.ApproveStandardsRequest(proposal_id=proposal.proposal_id, minutes_ref="纪要"),
                               token=tokens.role("coordination_panel"))
    wait_until(lambda: _one(stack, "basic_living", "select count(*) from bulk_run") == 1, 60, "no run was opened")
    own = [("server", "basic_living"), ("worker", "basic_living")]
    killed = _kill_while(stack, rng, "previewed", families, own)
    wait_until(lambda: is_serving(stack.state.addresses["basic_living"]), 60, "basic_living does not come back")
    run_id = _rows(stack, "basic_living", "select run_id from bulk_run")[0]["run_id"]
    assert _one(stack, "basic_living", "select count(*) from bulk_row") == families
    assert _one(stack, "basic_living", "select count(*) from decision") == families  # seen, not committed
    stack.peers.department("basic_living").ApproveBulk(
        aid_pb2.ApproveBulkRequest(run_id=run_id), token=tokens.role("county_approver", department="basic_living"))
    killed += _kill_while(stack, rng, "done", families, [*own, ("server", "payment"), ("worker", "payment")])
    # Of each family the first plan, the one in its place, and the arrears.
    wait_until(lambda: _one(stack, "payment", "select count(*) from plan") == 3 * families, WAIT_S,
               "payment has not heard of every adjustment", pause_s=2.0)
    print(f"killed {killed} times")
    _check(stack, families)


def _check(stack: Stack, families: int) -> None:
    rise = (NEW - OLD) * MEMBERS
    before, after = OLD * MEMBERS - INCOME, NEW * MEMBERS - INCOME
    expected = {**{f"2026-{month:02d}-01": before for month in (4, 5, 6)},
                **{f"2026-{month:02d}-01": after for month in range(7, 13)}, "2026-06-10": 2 * rise}
    found = {str(row["due_on"]): (row["cases"], row["instalments"], row["least"], row["most"]) for row in _rows(
        stack, "payment", "select i.due_on, count(distinct p.case_id) as cases, count(*) as instalments,"
                          " min(i.amount_fen) as least, max(i.amount_fen) as most from instalment i"
                          " join plan p on p.grant_id = i.grant_id where i.state <> 'void' group by i.due_on")}
    assert found == {day: (families, families, fen, fen) for day, fen in expected.items()}
    reserved = _one(stack, "payment", "select sum(balance_fen) from account where channel = 'basic_living_relief' and kind = 'reserved'")
    assert reserved == families * sum(expected.values())
    states = {row["state"]: row["n"] for row in _rows(
        stack, "basic_living", "select state, count(*) as n from bulk_row group by state")}
    assert states == {"done": families}
    assert _one(stack, "basic_living", "select count(*) from outbox where type = 'benefit.adjusted.v1'") == families
