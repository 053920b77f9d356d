"""What a declaration and the sources' answers come to: doubts, and the structured report R032. Pure but for the
accounting standard beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from yimen.kernel.errors import Fault
from yimen.kernel.money import yuan
from yimen.kernel.resident_id import age_on, birth_date
from yimen.policy.pack import Pack

from services.means_test import domain
from services.means_test.domain import Doubt, Income, Member, Obligor
from services.means_test.sources import ADAPTERS, Finding

EXCLUSIONS = {
    "imprisoned": "在监狱服刑", "compulsory_detox": "强制隔离戒毒", "declared_missing": "宣告失踪", "conscript": "现役义务兵",
    "clergy": "脱离家庭独立生活的宗教教职人员", "graduate_student": "本科以上全日制在读", "lives_apart": "未共同生活",
}


@cache
def parameters() -> dict[str, Any]:
    """The accounting standard in force (R038), from the pack beside this file."""
    return Pack((Path(__file__).parent / "policy" / "accounting-2026.yaml").read_text(), {}).parameters


def _sum(found: list[Finding], kind: str) -> int:
    return sum(f.amount_fen if kind == "deposit" else f.count for f in found if f.kind == kind)


def _wage(found: list[Finding]) -> int:
    return max((f.amount_fen for f in found if f.kind == "wage"), default=0)


def find_doubts(declared: Any, found: dict[str, list[Finding]]) -> list[Doubt]:
    """Where declaration and sources disagree beyond the accounting standard's margins."""
    doubts: list[Doubt] = []
    for member in members_of(declared):
        compared = domain.compare_wage(member, _wage(found.get(member.person_id, [])), parameters())
        if compared is not None:
            doubts.append(compared)
    everything = [f for one in found.values() for f in one]
    first, stated = declared.person_ids[0], declared.application.property
    margin = int(parameters()["doubt_minor_fen"])
    if _sum(everything, "deposit") > stated.liquid_assets_fen + margin:
        doubts.append(Doubt(first, "deposit_undeclared", True))
    for kind, said in (("vehicle", stated.vehicles), ("house", stated.houses), ("business", stated.businesses)):
        if _sum(everything, kind) > said:
            doubts.append(Doubt(first, f"{kind}_undeclared", True))
    return doubts


def members_of(declared: Any) -> list[Member]:
    """The members of the form as accounting sees them."""
    return [
        Member(person_id, m.relation, birth_date(m.resident_id) if m.resident_id else None, m.school_stage or "none",
               m.disability_kind or "none", m.disability_level, m.serious_illness, m.labour_capable, m.employed,
               tuple(Income(i.kind, i.monthly_fen, "declared", i.cost_fen) for i in m.incomes), m.self_care_fails,
               m.unemployment_reason, m.status or "none", m.years_apart, m.lives_apart)
        for person_id, m in zip(declared.person_ids, declared.application.members, strict=True)
    ]


def build(declared: Any, found: Mapping[str, list[Finding]], visit: Mapping[str, Any], confirmed: set[tuple[str, str]],
          today: date, published: Mapping[str, int]) -> dict[str, Any]:
    """The report. A confirmed doubt, `(person, kind)`, puts the fetched value in place of the declared one.

    `visit` has self_care_fails, idle_members, visit_finding and area_kind; `published` the standards of the day in
    fen. Raises Fault STANDARD_MISSING when an imputation needs one that nobody has published.
    """
    members, lines = [], []
    for place, member in enumerate(members_of(declared)):
        if (member.person_id, "wage_understated") in confirmed:
            member = domain.with_wage(member, _wage(found.get(member.person_id, [])), "fetched")
        if place in visit["idle_members"]:
            member = replace(member, unemployment_reason=domain.WITHOUT_REASON)
        fails = visit["self_care_fails"] if place == 0 and visit["self_care_fails"] is not None else member.self_care_fails
        income, explained = _income(declared, place, member, visit["area_kind"], today, published)
        lines.extend(f"成员{place + 1}:{line}" for line in explained)
        members.append({
            "person_id": member.person_id, "counted": not (why := domain.exclusion(member, today, parameters())),
            "exclusion_reason": why, "own_income_fen": income,
            "self_care_fails": fails, "age": age_on(member.born, today) if member.born else 0,
            "school_stage": member.school_stage, "disability_kind": member.disability_kind,
            "disability_level": member.disability_level, "serious_illness": member.serious_illness,
            "labour_capable": member.labour_capable, "employed": member.employed})
    everything, first = [f for one in found.values() for f in one], declared.person_ids[0]
    form, stated = declared.application, declared.application.property

    def settled(kind: str, said: int) -> int:
        label = "deposit_undeclared" if kind == "deposit" else f"{kind}_undeclared"
        return max(said, _sum(everything, kind)) if (first, label) in confirmed else said

    return {
        "members": members, "member_count": sum(1 for m in members if m["counted"]),
        "counted_income_fen": sum(m["own_income_fen"] for m in members),
        "liquid_assets_fen": settled("deposit", stated.liquid_assets_fen),
        "vehicles": settled("vehicle", stated.vehicles), "houses": settled("house", stated.houses),
        "businesses": settled("business", stated.businesses), "rigid_expenditure_fen": _rigid(form),
        "non_residential_houses": stated.non_residential_houses, "large_machines": stated.large_machines,
        "forest_mu": stated.forest_mu,
        "no_capable_obligor": form.no_capable_obligor, "tenure": form.living.tenure or "none",
        "house_area_m2": form.living.house_area_m2, "house_grade": form.living.house_grade or "none",
        "verdict": "needs_panel" if stated.exceptional else "doubts_confirmed" if confirmed else "consistent", "account": lines,
        "visit_finding": visit["visit_finding"], "sources": sorted(ADAPTERS),
    }


def _income(declared: Any, place: int, member: Member, area_kind: str, today: date,
            published: Mapping[str, int]) -> tuple[int, list[str]]:
    """What is counted of one member a month, with the lines that explain it (requirements 3.1, 3.2)."""
    if why := domain.exclusion(member, today, parameters()):
        return 0, [f"不计入共同生活的家庭成员:{EXCLUSIONS[why]}"]
    total, lines = domain.counted_income(member, parameters())
    if member.unemployment_reason == domain.WITHOUT_REASON:
        wage = domain.imputed_wage(member, today, _standard(published, "minimum_wage_fen", today), parameters())
        lines += [f"有劳动能力无正当理由未就业,按最低工资标准推定 {yuan(wage)}元"] if wage else []
        total += wage
    for obligor in declared.application.obligors:
        if place in obligor.supports:
            owed = domain.support_owed(
                Obligor(obligor.household_size, obligor.household_monthly_income_fen, obligor.parents_supported),
                _standard(published, f"dibao_{area_kind}_standard_fen", today), parameters())
            lines.append(f"分户义务人应付赡养(抚养、扶养)费 {yuan(owed)}元")
            total += owed
    return total, lines


def _rigid(form: Any) -> int:
    """Own-paid rigid expenditure of twelve months: what others paid is taken off item by item (R039)."""
    return form.rigid_expenditure_fen + sum(
        domain.own_expenditure(one.kind, one.gross_fen, one.paid_by_others_fen, parameters()) for one in form.expenditures)


def _standard(published: Mapping[str, int], name: str, today: date) -> int:
    if name not in published:
        raise Fault("STANDARD_MISSING", day=today, name=name)
    return published[name]
