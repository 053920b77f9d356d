"""decide: the 低保 rule with its full explanation, one household at a time, on one core.

Ours decides from the department's real pack: rule chain, trail of what was tried, values looked at, reason in words,
hash of the facts. OpenFisca-core and cel-python get the same rule (property limits, difference benefit, edge
category) over the same households; every answer is compared before anything is timed.
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
CONDITIONS = (
    # (condition, outcome) in the order of the pack; the first that holds decides.
    ("cat_destitute", "refuse"), ("vehicles > 0", "refuse"), ("houses > houses_max", "refuse"), ("businesses > 0", "refuse"),
    ("liquid_assets_fen > 36 * dibao_standard_fen * member_count", "refuse"),
)


def households(pack: Pack) -> list[Household]:
    """The facts of the department's own examples that any of the three can decide."""
    found = []
    for path in sorted((FOLDER / "cases").glob("*.yaml")):
        file = CaseFile.model_validate(yaml.safe_load(path.read_text()))
        if file.item == "dibao":
            found += [{name: in_fen(value) for name, value in {**file.given, **case.facts}.items()}
                      for case in file.cases if not case.parameters]
    return [one for one in found if pack.decide("dibao", one)]


def _rate(decide: Callable[[Household], object], cases: list[Household], seconds: float = SECONDS) -> float:
    turn, done = itertools.cycle(cases), 0
    begun = time.process_time()
    while time.process_time() - begun < seconds:
        decide(next(turn))
        done += 1
    return done / (time.process_time() - begun)


def _limits(pack: Pack) -> dict[str, Any]:
    return {"houses_max": pack.parameters["houses_max"], "edge_multiple": pack.parameters["edge_multiple"],
            "minimum_grant_fen": pack.parameters["minimum_grant_fen"]}


def _amount(decision: Any) -> tuple[str, int]:
    return (decision.category, decision.amount_fen) if decision.outcome == "grant" else ("", 0)


def cel(pack: Pack) -> Callable[[Household], tuple[str, int]]:
    """The same chain as CEL programs."""
    import celpy
    from celpy.adapter import json_to_cel

    environment, limits = celpy.Environment(), _limits(pack)
    programs = [environment.program(environment.compile(text)) for text, _ in CONDITIONS]
    needs = environment.program(environment.compile(
        "counted_income_fen < dibao_standard_fen * member_count"
        " && liquid_assets_fen <= 24 * dibao_standard_fen * member_count"))
    edge = environment.program(environment.compile("counted_income_fen * 2 < 3 * dibao_standard_fen * member_count"))
    benefit = environment.program(environment.compile("dibao_standard_fen * member_count - counted_income_fen"))

    def decide(facts: Household) -> tuple[str, int]:
        context = {name: json_to_cel(value) for name, value in {**facts, **limits}.items()}
        if any(bool(program.evaluate(context)) for program in programs):
            return "", 0
        if needs.evaluate(context):
            return "dibao", max(int(benefit.evaluate(context)), limits["minimum_grant_fen"])
        return ("dibao_edge", 0) if edge.evaluate(context) else ("", 0)

    return decide


def openfisca(pack: Pack) -> Callable[[Household], tuple[str, int]]:
    """The same rule as OpenFisca variables, computed with its tracer on."""
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.simulation_builder import SimulationBuilder
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    limits = _limits(pack)
    entity = build_entity("household", "households", "a household", roles=[{"key": "member"}], is_person=False)
    person = build_entity("person", "persons", "a person", is_person=True)
    names = ("vehicles", "houses", "businesses", "liquid_assets_fen", "counted_income_fen", "dibao_standard_fen",
             "member_count", "cat_destitute")

    def variable(name: str, formula: Any = None) -> type[Variable]:
        fields = {"value_type": float, "entity": entity, "definition_period": DateUnit.MONTH, "label": name}
        return type(name, (Variable,), {**fields, **({"formula": formula} if formula else {})})

    def all_of(household: Any, period: Any) -> dict[str, Any]:
        return {name: household(name, period) for name in names}

    def excluded(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        return ((f["cat_destitute"] > 0) + (f["vehicles"] > 0) + (f["houses"] > limits["houses_max"]) + (f["businesses"] > 0)
                + (f["liquid_assets_fen"] > 36 * f["dibao_standard_fen"] * f["member_count"])) > 0

    def eligible(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        return ((household("excluded", period) == 0) * (f["counted_income_fen"] < f["dibao_standard_fen"] * f["member_count"])
                * (f["liquid_assets_fen"] <= 24 * f["dibao_standard_fen"] * f["member_count"]))

    def edge(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        return ((household("excluded", period) == 0) * (household("eligible", period) == 0)
                * (f["counted_income_fen"] < 1.5 * f["dibao_standard_fen"] * f["member_count"]))

    def benefit(household: Any, period: Any) -> Any:
        f = all_of(household, period)
        difference = f["dibao_standard_fen"] * f["member_count"] - f["counted_income_fen"]
        floor = limits["minimum_grant_fen"]
        return household("eligible", period) * ((difference > floor) * difference + (difference <= floor) * floor)

    system = TaxBenefitSystem([person, entity])
    for name in names:
        system.add_variable(variable(name))
    for name, formula in (("excluded", excluded), ("eligible", eligible), ("edge", edge), ("benefit", benefit)):
        system.add_variable(variable(name, formula))
    period = "2026-03"

    def decide(facts: Household) -> tuple[str, int]:
        values = {name: {period: float(facts[name])} for name in names}
        simulation = SimulationBuilder().build_from_entities(
            system, {"persons": {"p": {}}, "households": {"h": {"member": ["p"], **values}}})
        simulation.trace = True
        amount = int(simulation.calculate("benefit", period)[0])
        if amount:
            return "dibao", amount
        return ("dibao_edge", 0) if simulation.calculate("edge", period)[0] else ("", 0)

    return decide


def run() -> list[Row]:
    """Three rates on the same households."""
    pack = Pack(next((FOLDER / "policy").glob("*-2026.yaml")).read_text(), department_of(SERVICE).facts())
    cases = households(pack)
    peers = {"OpenFisca-core with trace": openfisca(pack), "cel-python": cel(pack)}
    for name, decide in peers.items():
        for one in cases:
            ours, theirs = _amount(pack.decide("dibao", one)), decide(one)
            assert ours == theirs, f"{name} says {theirs}, we say {ours}: {one}"
    mine = _rate(lambda facts: pack.decide("dibao", facts), cases)
    return [Row("decide", "decisions/s on one core, fully explained", mine, name, _rate(decide, cases))
            for name, decide in peers.items()]
