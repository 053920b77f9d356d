"""Income and deductions of requirements 3.1 and 3.2, imputed ones among them, and the doubts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from yimen.kernel.money import exact, round_fen, yuan
from yimen.kernel.resident_id import age_on

WAGE, NET_BUSINESS = "wage", "net_business"
NET_KINDS = (NET_BUSINESS, "net_property", "net_transfer")
WITHOUT_REASON = "none"
ADULT_AGE = 18
# A full-time master's student is not counted; up to bachelor level a student does not stand on his own feet (3.1).
GRADUATE_STAGE, NO_STUDY = "master", "none"
CLERGY, GRADUATE_STUDENT, LIVES_APART = "clergy", "graduate_student", "lives_apart"


@dataclass(frozen=True)
class Income:
    """One stream of income of one member, per month."""

    kind: str
    monthly_fen: int
    source: str
    # What earning it costs; a loss of one stream does not lessen another.
    cost_fen: int = 0


@dataclass(frozen=True)
class Member:
    """A member as far as accounting looks at him."""

    person_id: str
    relation: str
    born: date | None
    school_stage: str
    disability_kind: str
    disability_level: int
    serious_illness: bool
    labour_capable: bool
    employed: bool
    incomes: Sequence[Income] = field(default_factory=tuple)
    self_care_fails: int = 0
    unemployment_reason: str = ""
    status: str = "none"
    years_apart: int = 0
    lives_apart: bool = False


@dataclass(frozen=True)
class Obligor:
    """The household of a legal supporter who lives apart (赡养、抚养、扶养义务人)."""

    household_size: int
    household_monthly_income_fen: int
    parents_supported: int


@dataclass(frozen=True)
class Doubt:
    """The declaration and a source disagree."""

    person_id: str
    kind: str
    major: bool


def exclusion(member: Member, today: date, parameters: Mapping[str, Any]) -> str:
    """Why the person is no 共同生活的家庭成员; empty for one who is (requirements 3.1)."""
    if member.status in _words(parameters["excluded_statuses"]) and (
            member.status != CLERGY or member.years_apart >= parameters["clergy_years_apart"]):
        return member.status
    if member.relation in ("applicant", "spouse") or (not _is_adult(member, today) and member.relation == "child"):
        return ""
    if member.relation == "child" and member.school_stage == GRADUATE_STAGE:
        return GRADUATE_STUDENT
    if member.relation == "child" and (member.school_stage != NO_STUDY or not member.labour_capable):
        return ""
    return LIVES_APART if member.lives_apart else ""


def _is_adult(member: Member, today: date) -> bool:
    return member.born is None or age_on(member.born, today) >= ADULT_AGE


def _words(listed: Any) -> frozenset[str]:
    return frozenset(str(listed).split(","))


def own_expenditure(kind: str, gross_fen: int, paid_by_others_fen: int, parameters: Mapping[str, Any]) -> int:
    """Fen of one item of rigid expenditure that the household bears itself; 0 for a kind that is none (R039)."""
    return gross_fen - paid_by_others_fen if kind in _words(parameters["rigid_kinds"]) else 0


def uncounted_kinds(parameters: Mapping[str, Any]) -> frozenset[str]:
    """Income that is not income for social assistance (requirements 3.2)."""
    return _words(parameters["uncounted_kinds"])


def counted_income(member: Member, parameters: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Fen per month and the lines that explain it. Wages lose the employment cost, with its cap."""
    total, lines = 0, []
    for income in member.incomes:
        if income.kind in uncounted_kinds(parameters):
            lines.append(f"{income.kind} {yuan(income.monthly_fen)}元 不计入")
            continue
        deducted = min(income.cost_fen, income.monthly_fen) if income.kind in NET_KINDS else 0
        if income.kind == WAGE:
            share = round_fen(income.monthly_fen * exact(parameters["wage_deduction_ratio"]))
            deducted = min(share, int(parameters["wage_deduction_max_fen"]))
        total += income.monthly_fen - deducted
        lines.append(f"{income.kind} {yuan(income.monthly_fen)}元 − 扣减 {yuan(deducted)}元")
    return total, lines


def imputed_wage(member: Member, today: date, minimum_wage_fen: int, parameters: Mapping[str, Any]) -> int:
    """Fen per month put on a labour-capable member who is out of work without reason; else 0 (requirements 3.2).

    What he earns otherwise, by wage or business, is set off: nobody is counted above the imputed wage for it.
    """
    if not member.labour_capable or member.employed or member.unemployment_reason != WITHOUT_REASON:
        return 0
    age = age_on(member.born, today) if member.born else int(parameters["working_age_from"])
    if member.school_stage != "none" or not parameters["working_age_from"] <= age < parameters["working_age_until"]:
        return 0
    earned = sum(i.monthly_fen for i in member.incomes if i.kind in (WAGE, NET_BUSINESS))
    return max(0, round_fen(minimum_wage_fen * exact(parameters["imputed_wage_share"])) - earned)


def support_owed(obligor: Obligor, standard_fen: int, parameters: Mapping[str, Any]) -> int:
    """Fen per month that the obligor owes to each person he supports (requirements 3.2).

    Half of what his household has per head above twice the standard, divided by those he supports.
    """
    per_head = Fraction(obligor.household_monthly_income_fen, obligor.household_size)
    excess = per_head - standard_fen * exact(parameters["obligor_standard_multiple"])
    if excess <= 0:
        return 0
    return round_fen(excess * exact(parameters["obligor_share"]) / obligor.parents_supported)


def compare_wage(member: Member, fetched_fen: int, parameters: Mapping[str, Any]) -> Doubt | None:
    """The declared wage against the one that tax and social insurance know (cf. W03)."""
    declared = sum(i.monthly_fen for i in member.incomes if i.kind == WAGE)
    gap = fetched_fen - declared
    if gap <= int(parameters["doubt_minor_fen"]):
        return None
    return Doubt(member.person_id, "wage_understated", gap > declared * float(parameters["doubt_major_ratio"]))


def with_wage(member: Member, fetched_fen: int, source: str) -> Member:
    """The member with the fetched wage in place of the declared one."""
    others = tuple(i for i in member.incomes if i.kind != WAGE)
    wage = (Income(WAGE, fetched_fen, source),) if fetched_fen else ()
    return Member(**{**member.__dict__, "incomes": (*wage, *others)})
