"""decide: the 低保 rule with its full explanation, one household at a time, on one core.

Ours decides from the department's real pack: rule chain, trail of what was tried, values looked at, reason in words,
hash of the facts. OpenFisca-core and cel-python get the same rule (property limits, difference benefit, edge and
rigid-expense categories) over the same households; every answer is compared before anything is timed.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from yimen.department.assemble import department_of
from yimen.kernel.money import in_fen
from yimen.policy.model import CaseFile
from yimen.policy.pack import Pack

from services.basic_living.service import SERVICE
from tests.bench.report import Row

SECONDS = 3.0
FOLDER = Path("services/basic_living")
Household = dict[str, Any]
PERIOD = "2026-03"
NAMES = ("vehicles", "houses", "businesses", "liquid_assets_fen", "counted_income_fen", "dibao_standard_fen", "member_count",
         "cat_destitute", "house_area_m2", "non_residential_houses", "large_machines", "forest_mu", "rigid_expenditure_fen",
         "disposable_income_year_fen")
# In the order of the pack; the first that holds refuses.
CONDITIONS = (
    "cat_destitute", "vehicles > 0",
    "houses > houses_max && !(houses == houses_max + 1 && house_area_m2 > 0"
    " && house_area_m2 < house_area_average_m2 * member_count)",
    "businesses > 0", "liquid_assets_fen > 36 * dibao_standard_fen * member_count", "non_residential_houses > 0",
    "large_machines > 0", "forest_mu > forest_mu_max",
)


def households(pack: Pack) -> list[Household]:
    """The facts of the department's own examples that any of the three can decide."""
    found = []
    for path in sorted((FOLDER / "cases").glob("*.yaml")):
        file = CaseFile.model_validate(yaml.safe_load(path.read_text()))
        if file.item == "dibao":
            found += [{name: in_fen(value) for name, value in {**file.given, **case.facts}.items()}
                      for case in file.cases if not case.parameters and not case.facts.get("members_refusing_work")]
    return [one for one in found if pack.decide("dibao", one)]


def _rate(decide: Callable[[Household], object], cases: list[Household], seconds: float = SECONDS) -> float:
    turn, done = itertools.cycle(cases), 0
    begun = time.process_time()
    while time.process_time() - begun < seconds:
        decide(next(turn))
        done += 1
    return done / (time.process_time() - begun)


def _limits(pack: Pack) -> dict[str, Any]:
    return {name: pack.parameters[name] for name in ("houses_max", "house_area_average_m2", "forest_mu_max", "minimum_grant_fen")}


def _amount(decision: Any) -> tuple[str, int]:
    return (decision.category, decision.amount_fen) if decision.outcome == "grant" else ("", 0)


def cel(pack: Pack) -> Callable[[Household], tuple[str, int]]:
    """The same chain as CEL programs."""
    import celpy
    from celpy.adapter import json_to_cel

    environment, limits = celpy.Environment(), _limits(pack)

    def program(text: str) -> Any:
        return environment.program(environment.compile(text))

    refusals = [program(text) for text in CONDITIONS]
    needs = program("counted_income_fen < dibao_standard_fen * member_count"
                    " && liquid_assets_fen <= 24 * dibao_standard_fen * member_count")
    edge = program("counted_income_fen * 2 < 3 * dibao_standard_fen * member_count")
    rigid = program("counted_income_fen * 12 < disposable_income_year_fen * member_count"
                    " && rigid_expenditure_fen * 10 > 6 * 12 * counted_income_fen")
    benefit = program("dibao_standard_fen * member_count - counted_income_fen")

    def decide(facts: Household) -> tuple[str, int]:
        context = {name: json_to_cel(value) for name, value in {**facts, **limits}.items()}
        if any(bool(one.evaluate(context)) for one in refusals):
            return "", 0
        if needs.evaluate(context):
            return "dibao", max(int(benefit.evaluate(context)), limits["minimum_grant_fen"])
        if edge.evaluate(context):
            return "dibao_edge", 0
        return ("rigid_expense_household", 0) if rigid.evaluate(context) else ("", 0)

    return decide


def openfisca(pack: Pack) -> Callable[[Household], tuple[str, int]]:
    """The same rule as OpenFisca variables, computed with its tracer on."""
    from openfisca_core.simulation_builder import SimulationBuilder

    system = openfisca_system(pack)

    def decide(facts: Household) -> tuple[str, int]:
        values = {name: {PERIOD: int(facts[name])} for name in NAMES}
        simulation = SimulationBuilder().build_from_entities(
            system, {"persons": {"p": {}}, "households": {"h": {"member": ["p"], **values}}})
        simulation.trace = True
        amount = int(simulation.calculate("benefit", PERIOD)[0])
        if amount:
            return "dibao", amount
        if simulation.calculate("edge", PERIOD)[0]:
            return "dibao_edge", 0
        return ("rigid_expense_household", 0) if simulation.calculate("rigid", PERIOD)[0] else ("", 0)

    return decide


def openfisca_system(pack: Pack) -> Any:
    """The 低保 rule as a tax and benefit system; whole fen as integers, since its floats have 24 bits."""
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    limits = _limits(pack)
    entity = build_entity("household", "households", "a household", roles=[{"key": "member"}], is_person=False)
    person = build_entity("person", "persons", "a person", is_person=True)

    def variable(name: str, formula: Any = None) -> type[Variable]:
        fields = {"value_type": int, "entity": entity, "definition_period": DateUnit.MONTH, "label": name}
        return type(name, (Variable,), {**fields, **({"formula": formula} if formula else {})})

    def all_of(household: Any, period: Any) -> dict[str, Any]:
        return {name: household(name, period) for name in NAMES}

    def excluded(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        small = ((f["houses"] == limits["houses_max"] + 1) * (f["house_area_m2"] > 0)
                 * (f["house_area_m2"] < limits["house_area_average_m2"] * f["member_count"]))
        return ((f["cat_destitute"] > 0) + (f["vehicles"] > 0) + (f["houses"] > limits["houses_max"]) * (small == 0)
                + (f["businesses"] > 0) + (f["liquid_assets_fen"] > 36 * f["dibao_standard_fen"] * f["member_count"])
                + (f["non_residential_houses"] > 0) + (f["large_machines"] > 0)
                + (f["forest_mu"] > limits["forest_mu_max"])) > 0

    def eligible(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        return ((household("excluded", period) == 0) * (f["counted_income_fen"] < f["dibao_standard_fen"] * f["member_count"])
                * (f["liquid_assets_fen"] <= 24 * f["dibao_standard_fen"] * f["member_count"]))

    def edge(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        return ((household("excluded", period) == 0) * (household("eligible", period) == 0)
                * (2 * f["counted_income_fen"] < 3 * f["dibao_standard_fen"] * f["member_count"]))

    def rigid(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        return ((household("excluded", period) == 0) * (household("eligible", period) == 0) * (household("edge", period) == 0)
                * (12 * f["counted_income_fen"] < f["disposable_income_year_fen"] * f["member_count"])
                * (10 * f["rigid_expenditure_fen"] > 72 * f["counted_income_fen"]))

    def benefit(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        difference = f["dibao_standard_fen"] * f["member_count"] - f["counted_income_fen"]
        floor = limits["minimum_grant_fen"]
        return household("eligible", period) * ((difference > floor) * difference + (difference <= floor) * floor)

    system = TaxBenefitSystem([person, entity])
    for name in NAMES:
        system.add_variable(variable(name))
    for name, formula in (("excluded", excluded), ("eligible", eligible), ("edge", edge), ("rigid", rigid), ("benefit", benefit)):
        system.add_variable(variable(name, formula))
    return system


def basic_living_pack() -> Pack:
    """The department's shipped pack."""
    return Pack(next((FOLDER / "policy").glob("*-2026.yaml")).read_text(), department_of(SERVICE).facts())


def run() -> list[Row]:
    """Three rates on the same households."""
    pack = basic_living_pack()
    cases = households(pack)
    peers = {"OpenFisca-core with trace": openfisca(pack), "cel-python": cel(pack)}
    for name, decide in peers.items():
        for one in cases:
            ours, theirs = _amount(pack.decide("dibao", one)), decide(one)
            assert ours == theirs, f"{name} says {theirs}, we say {ours}: {one}"
    mine = _rate(lambda facts: pack.decide("dibao", facts), cases)
    return [Row("decide", "decisions/s on one core, fully explained", mine, name, _rate(decide, cases))
            for name, decide in peers.items()]
