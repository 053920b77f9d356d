"""simulate: a whole province of a million households judged by the 低保 rule, ours from the department's pack.

OpenFisca-core gets the same rule and the same columns. Category and amount of every household must be identical before
any figure is told. Ours goes in stretches, so its memory does not grow with the county.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np
from numpy.typing import NDArray
from yimen.policy.columns import decide_columns
from yimen.policy.pack import Pack

from tests.bench.decide import NAMES, PERIOD, basic_living_pack, openfisca_system
from tests.bench.report import Row

HOUSEHOLDS, STRETCH = 1_000_000, 100_000
MIB = 2**20


def population(size: int) -> dict[str, NDArray[Any]]:
    """Households around the poverty line, many of them exactly at a limit."""
    draw = np.random.default_rng(7)
    members = draw.integers(1, 8, size)
    standard = draw.choice(np.array([78_000, 58_500]), size)
    income = draw.integers(0, 160_000, size) * members
    at_limit = draw.random(size) < 0.1
    income[at_limit] = (standard * members)[at_limit] * draw.choice(np.array([1, 3]), size)[at_limit] // 2 * 2 // 2
    liquid = draw.integers(0, 50, size) * standard * members // draw.integers(1, 3, size)
    few = {name: (draw.random(size) < share).astype(np.int64) for name, share in (
        ("vehicles", 0.05), ("businesses", 0.02), ("non_residential_houses", 0.02), ("large_machines", 0.01))}
    return {
        "member_count": members, "dibao_standard_fen": standard, "counted_income_fen": income, "liquid_assets_fen": liquid,
        "houses": draw.integers(0, 4, size), "house_area_m2": draw.integers(0, 200, size),
        "forest_mu": draw.integers(0, 2, size) * draw.integers(0, 2, size), "cat_destitute": draw.random(size) < 0.02,
        "rigid_expenditure_fen": draw.integers(0, 20_000_000, size),
        "disposable_income_year_fen": np.full(size, 3_000_000), "members_refusing_work": np.zeros(size, np.int64), **few}


def ours(pack: Pack, columns: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Category (by its place) and fen of every household."""
    categories = [rule.category or "" for rule in pack.file.items["dibao"].rules]
    names = sorted(set(categories))
    place = np.array([names.index(one) for one in categories])
    size = len(columns["member_count"])
    category, amount = np.empty(size, np.int8), np.empty(size, np.int64)
    for start in range(0, size, STRETCH):
        part = slice(start, start + STRETCH)
        found = decide_columns(pack, "dibao", {name: column[part] for name, column in columns.items()})
        category[part], amount[part] = place[found.rule], found.amount_fen
    return category, amount


def theirs(system: Any, columns: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The same by OpenFisca-core, in one simulation over all households."""
    from openfisca_core.simulation_builder import SimulationBuilder

    size = len(columns["member_count"])
    builder = SimulationBuilder()
    builder.create_entities(system)
    builder.declare_person_entity("person", np.arange(size))
    household = builder.declare_entity("household", np.arange(size))
    builder.join_with_persons(household, np.arange(size), np.array(["member"] * size))
    simulation = builder.build(system)
    for name in NAMES:
        simulation.set_input(name, PERIOD, columns[name].astype(np.int32))
    amount = simulation.calculate("benefit", PERIOD)
    names = ["", "dibao", "dibao_edge", "rigid_expense_household"]
    category = np.select([amount > 0, simulation.calculate("edge", PERIOD) > 0, simulation.calculate("rigid", PERIOD) > 0],
                         [names.index("dibao"), names.index("dibao_edge"), names.index("rigid_expense_household")], 0)
    return category, amount


def run() -> list[Row]:
    """Seconds for a million, the same answers, and the memory that judging takes beside the columns."""
    pack, columns = basic_living_pack(), population(HOUSEHOLDS)
    system = openfisca_system(pack)
    begun = time.perf_counter()
    mine = ours(pack, columns)
    my_time = time.perf_counter() - begun
    begun = time.perf_counter()
    other = theirs(system, columns)
    their_time = time.perf_counter() - begun
    assert np.array_equal(mine[0], other[0]) and np.array_equal(mine[1], other[1]), "the two do not say the same"
    assert len(np.unique(mine[0])) == 4, "some category is not there"
    tracemalloc.start()
    ours(pack, columns)
    _, my_peak = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    theirs(system, columns)
    _, their_peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    peer = "OpenFisca-core, vectorised"
    return [Row("simulate", "households/s of 1,000,000 by the 低保 rule", HOUSEHOLDS / my_time, peer, HOUSEHOLDS / their_time),
            Row("simulate", "MiB beside the columns", my_peak / MIB, peer, their_peak / MIB, smaller_is_better=True)]
