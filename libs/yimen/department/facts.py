"""The facts that a pack may look at, and how they are gathered for one case.

Each fact has one source. What a department may not read (requirements 5.2) does not arrive, and a rule that
needs it is refused with FACT_MISSING.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from yimen.casework.categories import CATEGORY_TITLES
from yimen.kernel.resident_id import age_on
from yimen.means_test.v1 import means_test_pb2
from yimen.policy.expression import BOOL, NUMBER, TEXT
from yimen.policy.pack import Fact
from yimen.roster.v1 import roster_pb2

if TYPE_CHECKING:
    from yimen.runtime.context import Context
    from yimen.store.unit import Row

ROSTER, REPORT, STANDARDS = "roster", "report", "standards"
PURPOSE = "decide_case"
NEEDS_PANEL = "needs_panel"


HOUSEHOLD_FACTS: dict[str, Fact] = {
    "household_size": Fact(NUMBER, ROSTER, 1, "户内人数"),
    "area_kind": Fact(TEXT, ROSTER, None, "urban 或 rural"),
    **{f"cat_{name}": Fact(BOOL, ROSTER, None, f"现为{title}") for name, title in CATEGORY_TITLES.items()},
    "member_count": Fact(NUMBER, REPORT, 1, "共同生活的家庭成员数"),
    "counted_income_fen": Fact(NUMBER, REPORT, 0, "家庭月计入收入"),
    "liquid_assets_fen": Fact(NUMBER, REPORT, 0, "货币财产"),
    "vehicles": Fact(NUMBER, REPORT, 0, "机动车(不含残疾人代步车)"),
    "houses": Fact(NUMBER, REPORT, 0, "住房套数"),
    "businesses": Fact(NUMBER, REPORT, 0, "市场主体数"),
    "non_residential_houses": Fact(NUMBER, REPORT, 0, "非住宅房屋数"),
    "large_machines": Fact(NUMBER, REPORT, 0, "生产自用以外的大型农机具"),
    "forest_mu": Fact(NUMBER, REPORT, 0, "生产自用以外的林地(亩)"),
    "rigid_expenditure_fen": Fact(NUMBER, REPORT, 0, "近12个月自负刚性支出"),
    "no_capable_obligor": Fact(BOOL, REPORT, None, "无法定义务人或义务人无能力"),
    "verdict": Fact(TEXT, REPORT, None, "核查结论"),
    "tenure": Fact(TEXT, REPORT, None, "住房权属"),
    "house_area_m2": Fact(NUMBER, REPORT, 0, "住房面积"),
    "house_grade": Fact(TEXT, REPORT, None, "房屋安全等级"),
    "dibao_standard_fen": Fact(NUMBER, STANDARDS, 1, "本户适用的月低保标准"),
    "dibao_urban_standard_fen": Fact(NUMBER, STANDARDS, 1, "城市月低保标准"),
    "minimum_wage_fen": Fact(NUMBER, STANDARDS, 1, "月最低工资"),
    "disposable_income_year_fen": Fact(NUMBER, STANDARDS, 1, "上年人均可支配收入"),
}
PERSON_FACTS: dict[str, Fact] = {
    "age": Fact(NUMBER, ROSTER, 0, "周岁"),
    "school_stage": Fact(TEXT, ROSTER, None, "就学阶段"),
    "disability_kind": Fact(TEXT, ROSTER, None, "残疾类别"),
    "disability_level": Fact(NUMBER, ROSTER, 0, "残疾等级,0为无"),
    "serious_illness": Fact(BOOL, ROSTER, None, "重病"),
    "labour_capable": Fact(BOOL, ROSTER, None, "有劳动能力"),
    "employed": Fact(BOOL, ROSTER, None, "在业"),
    "temporary_identity": Fact(BOOL, ROSTER, None, "身份不明"),
    "self_care_fails": Fact(NUMBER, REPORT, 0, "自理能力六项中不能完成的项数"),
    "own_income_fen": Fact(NUMBER, REPORT, 0, "本人月计入收入"),
}
CATALOGUE = {**HOUSEHOLD_FACTS, **PERSON_FACTS}


def gather(ctx: Context, case: Row, needed: frozenset[str], extra: dict[str, Any]) -> dict[str, Any]:
    """The needed facts of a case. Only the sources that are needed are asked; a peer that is away is a Fault."""
    found: dict[str, Any] = {**extra, **dict(case["request"])}
    sources = {CATALOGUE[name].source for name in needed if name in CATALOGUE}
    if ROSTER in sources:
        found |= _from_roster(ctx, case)
    if REPORT in sources and case["report_id"]:
        found |= _from_report(ctx, case)
    if STANDARDS in sources:
        found |= standards(ctx, case["area_kind"])
    return found


def _from_roster(ctx: Context, case: Row) -> dict[str, Any]:
    return roster_facts(household_of(ctx, case["household_id"], case["case_id"]), case["person_id"], ctx.today)


def roster_facts(answer: Any, person_id: str, today: date) -> dict[str, Any]:
    """What the ledger's answer says of the household and of one member."""
    found: dict[str, Any] = {"household_size": len(answer.members), "area_kind": answer.area_kind}
    held = {c.category for c in answer.categories if not c.person_id or c.person_id == person_id}
    found |= {f"cat_{name}": name in held for name in CATEGORY_TITLES}
    for member in answer.members:
        if member.person_id == person_id:
            found |= _person(member, today)
    return found


def household_of(ctx: Context, household_id: str, case_id: str) -> Any:
    """The household as this department may see it; asked once in a unit of work."""
    return ctx.once(("household", household_id), lambda: ctx.app.peers.stub("roster").GetHousehold(
        roster_pb2.GetHouseholdRequest(household_id=household_id, case_id=case_id, purpose=PURPOSE)))


def _person(member: Any, today: date) -> dict[str, Any]:
    found: dict[str, Any] = {"temporary_identity": member.temporary}
    if member.birth_date:
        found["age"] = age_on(date.fromisoformat(member.birth_date), today)
    # An empty word means that this reader may not see it (or that nobody knows): no fact.
    found |= {name: getattr(member, name) for name in ("school_stage", "disability_kind") if getattr(member, name)}
    if member.disability_kind:
        found |= {"disability_level": member.disability_level, "serious_illness": member.serious_illness}
    return found | {"labour_capable": member.labour_capable, "employed": member.employed}


def needs_panel(ctx: Context, case: Row) -> bool:
    """Whether the report found property that no rule fits: then the panel decides, whatever the amount (requirements 3.3)."""
    return bool(case["report_id"]) and str(_report(ctx, case).verdict) == NEEDS_PANEL


def _report(ctx: Context, case: Row) -> Any:
    return ctx.once(("report", case["report_id"]), lambda: ctx.app.peers.stub("means_test").GetReport(
        means_test_pb2.GetReportRequest(report_id=case["report_id"], case_id=case["case_id"], purpose=PURPOSE)))


def _from_report(ctx: Context, case: Row) -> dict[str, Any]:
    return report_facts(_report(ctx, case), case["person_id"])


def report_facts(report: Any, person_id: str) -> dict[str, Any]:
    """What the report says of the household and of one member, as far as this reader sees it."""
    found: dict[str, Any] = {"verdict": report.verdict}
    if report.view in ("full", "summary"):
        found |= {name: getattr(report, name) for name in (
            "member_count", "counted_income_fen", "liquid_assets_fen", "vehicles", "houses", "tenure",
            "house_area_m2", "house_grade")}
    if report.view == "full":
        found |= {name: getattr(report, name) for name in (
            "businesses", "rigid_expenditure_fen", "no_capable_obligor", "non_residential_houses", "large_machines",
            "forest_mu")}
    for member in report.members:
        if member.person_id == person_id:
            found |= {"self_care_fails": member.self_care_fails, "own_income_fen": member.own_income_fen}
    return found


def standards(ctx: Context, area_kind: str) -> dict[str, int]:
    """The county's published standards today (R166)."""
    return standards_on(ctx, ctx.today, area_kind)


def standards_on(ctx: Context, day: date, area_kind: str) -> dict[str, int]:
    """The county's published standards of a day."""
    return applicable(ctx.app.published.standards(day), area_kind)


def applicable(published: Mapping[str, int], area_kind: str) -> dict[str, int]:
    """The published standards, and of the two for 低保 the one for this area."""
    amounts = dict(published)
    if f"dibao_{area_kind}_standard_fen" in amounts:
        amounts["dibao_standard_fen"] = amounts[f"dibao_{area_kind}_standard_fen"]
    return amounts
