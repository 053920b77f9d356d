"""Checks of an application before anything is stored. Pure; errors name places, never people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yimen.kernel import areas, limits, resident_id
from yimen.kernel.errors import Fault
from yimen.kernel.money import AMOUNT_FEN_MAX

if TYPE_CHECKING:
    from yimen.runtime.declaration import Occasion

AREA_KINDS = ("urban", "rural")
RELATIONS = ("applicant", "spouse", "child", "parent", "grandparent", "grandchild", "sibling", "other")
SCHOOL_STAGES = ("none", "preschool", "primary", "junior", "senior", "vocational", "college", "master")
DISABILITY_KINDS = ("none", "visual", "hearing", "speech", "physical", "intellectual", "mental", "multiple")
UNEMPLOYMENT_REASONS = ("", "none", "study", "illness", "caring", "job_seeking", "other")
OBLIGOR_RELATIONS = ("child", "parent", "spouse", "grandchild", "grandparent", "other")
STATUSES = ("", "none", "imprisoned", "compulsory_detox", "declared_missing", "conscript", "clergy")
EXPENDITURE_KINDS = ("living", "medical", "education", "disability_rehabilitation", "disaster", "other")
CHANGE_KINDS = ("members", "income", "property", "expenditure", "residence")
TENURES = ("owned", "rented", "public_rental", "none")
NUMBER, BOOL = "number", "bool"
DISABILITY_LEVEL_MAX = 4


def check_form(form: Any, today: date) -> None:
    """Members, ids and coded fields. Raises the Fault of the first thing that is wrong."""
    if not form.members:
        raise Fault("NO_MEMBERS")
    if len(form.members) > limits.MEMBERS_MAX:
        raise Fault("TOO_MANY_MEMBERS", limit=limits.MEMBERS_MAX)
    areas.require_village(form.village_code)
    if form.happened_in:
        areas.require_village(form.happened_in)
    _one_of("area_kind", form.area_kind, AREA_KINDS)
    _one_of("living.tenure", form.living.tenure or "none", TENURES)
    numbers = [resident_id.check(member.resident_id, place)
               for place, member in enumerate(form.members, start=1) if member.resident_id]
    if len(set(numbers)) < len(numbers):
        raise Fault("ID_REPEATED")
    for place, member in enumerate(form.members, start=1):
        if member.resident_id and resident_id.birth_date(member.resident_id) > today:
            raise Fault("ID_BORN_LATER", position=place, today=today)
    _check_obligors(form)
    _check_expenditures(form)
    for field, value in form.property.ListFields():
        if value < 0:
            raise Fault("FIELD_WRONG", field=f"property.{field.name}", expected="不小于0的整数")
    if form.rigid_expenditure_fen < 0:
        raise Fault("FIELD_WRONG", field="rigid_expenditure_fen", expected="不小于0的整数分")
    for member in form.members:
        _one_of("relation", member.relation, RELATIONS)
        _one_of("school_stage", member.school_stage or "none", SCHOOL_STAGES)
        _one_of("unemployment_reason", member.unemployment_reason, UNEMPLOYMENT_REASONS)
        _one_of("disability_kind", member.disability_kind or "none", DISABILITY_KINDS)
        if not 0 <= member.disability_level <= DISABILITY_LEVEL_MAX:
            raise Fault("FIELD_WRONG", field="disability_level", expected="0–4")
        _one_of("status", member.status, STATUSES)
        if member.relation == "applicant" and member.status not in ("", "none"):
            raise Fault("FIELD_WRONG", field="status", expected="申请人须为 none;由其他成员提出申请")
        if member.years_apart < 0:
            raise Fault("FIELD_WRONG", field="years_apart", expected="不小于0的整数")
        if any(not 0 <= amount <= AMOUNT_FEN_MAX for income in member.incomes
               for amount in (income.monthly_fen, income.cost_fen)):
            raise Fault("FIELD_WRONG", field="incomes", expected=f"0 至 {AMOUNT_FEN_MAX} 的整数分")
    if form.agent and not form.mandate_document:
        raise Fault("FIELD_WRONG", field="mandate_document", expected="代为申请须附委托书编号(R010)")


def check_change(kinds: Sequence[str], occurred_on: str, today: date) -> date:
    """The day on which it happened. Raises Fault FIELD_WRONG or CHANGE_IN_FUTURE."""
    if not kinds:
        raise Fault("FIELD_WRONG", field="kinds", expected="/".join(CHANGE_KINDS))
    for kind in kinds:
        _one_of("kinds", kind, CHANGE_KINDS)
    try:
        day = date.fromisoformat(occurred_on)
    except ValueError:
        raise Fault("FIELD_WRONG", field="occurred_on", expected="日期,如 2026-03-31") from None
    if day > today:
        raise Fault("CHANGE_IN_FUTURE", occurred_on=day)
    return day


def preview(form: Any, occasion: Occasion) -> Any:
    """The form, when the window would take it. Raises the Fault with which it would send it back."""
    check_form(form, occasion.on)
    check_items(form, occasion.catalogue)
    return form


def _check_expenditures(form: Any) -> None:
    if len(form.expenditures) > limits.ITEMS_MAX:
        raise Fault("FIELD_WRONG", field="expenditures", expected=f"不超过 {limits.ITEMS_MAX} 项")
    for one in form.expenditures:
        _one_of("expenditures.kind", one.kind, EXPENDITURE_KINDS)
        if not 0 <= one.paid_by_others_fen <= one.gross_fen <= AMOUNT_FEN_MAX:
            raise Fault("FIELD_WRONG", field="expenditures", expected="0 ≤ paid_by_others_fen ≤ gross_fen")
        if not 0 <= one.member_index < len(form.members):
            raise Fault("FIELD_WRONG", field="expenditures.member_index", expected="本户成员的序号(从0起)")


def _check_obligors(form: Any) -> None:
    if len(form.obligors) > limits.MEMBERS_MAX:
        raise Fault("FIELD_WRONG", field="obligors", expected=f"不超过 {limits.MEMBERS_MAX} 人")
    for obligor in form.obligors:
        _one_of("obligors.relation", obligor.relation, OBLIGOR_RELATIONS)
        if obligor.household_size < 1:
            raise Fault("FIELD_WRONG", field="obligors.household_size", expected="不小于1的整数")
        if obligor.household_monthly_income_fen < 0:
            raise Fault("FIELD_WRONG", field="obligors.household_monthly_income_fen", expected="不小于0的整数分")
        if not obligor.supports or len(set(obligor.supports)) < len(obligor.supports) or any(
                not 0 <= place < len(form.members) for place in obligor.supports):
            raise Fault("FIELD_WRONG", field="obligors.supports", expected="本户成员的序号(从0起),不重复")
        if obligor.parents_supported < len(obligor.supports):
            raise Fault("FIELD_WRONG", field="obligors.parents_supported", expected="不少于 supports 中的人数")


def _one_of(field: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise Fault("FIELD_WRONG", field=field, expected="/".join(known))


def check_items(form: Any, catalogue: Mapping[str, Mapping[str, Any]]) -> None:
    """Each requested item exists, may be applied for, and says what it must."""
    if not form.items:
        raise Fault("NO_ITEMS")
    if len(form.items) > limits.ITEMS_MAX:
        raise Fault("FIELD_WRONG", field="items", expected=f"不超过 {limits.ITEMS_MAX} 项")
    for requested in form.items:
        item = catalogue.get(requested.item)
        if item is None:
            raise Fault("UNKNOWN_ITEM", item=requested.item[:40])
        if not item["by_application"]:
            raise Fault("ITEM_NOT_BY_APPLICATION", item=requested.item)
        if not 0 <= requested.member_index < len(form.members):
            raise Fault("MEMBER_INDEX_WRONG", item=requested.item)
        if not item["temporary_identity"] and not all(member.resident_id for member in form.members):
            raise Fault("TEMPORARY_IDENTITY_NOT_ALLOWED", item=requested.item)
        _check_request(requested, item["request_facts"], item["optional_facts"])


def place_of(form: Any, catalogue: Mapping[str, Mapping[str, Any]]) -> str:
    """The village whose township takes the application up: of the hukou (R008), or where an emergency happened (R077).

    Raises Fault FIELD_WRONG when something else than urgent aid is asked for there.
    """
    if form.happened_in and not all(catalogue[one.item]["urgent"] for one in form.items):
        raise Fault("FIELD_WRONG", field="happened_in", expected="只有急难型救助在急难发生地受理(R077)")
    return str(form.happened_in or form.village_code)


def _check_request(requested: Any, asked: Sequence[str], optional: Sequence[str]) -> None:
    given = dict(requested.request)
    for fact in [*asked, *optional]:
        name, kind = fact.split(":")
        if name not in given:
            if fact in optional:
                continue
            raise Fault("ITEM_FACT_MISSING", item=requested.item, fact=name)
        value = given.pop(name)
        fits = {NUMBER: isinstance(value, float) and value >= 0, BOOL: isinstance(value, bool)}
        if not fits.get(kind, isinstance(value, str)):
            raise Fault("ITEM_FACT_WRONG", item=requested.item, fact=name, expected=kind)
    if given:
        raise Fault("FIELD_WRONG", field=f"{requested.item}.request", expected="/".join([*asked, *optional]) or "无需填写")


def missing_papers(form: Any, means_test: bool) -> list[str]:
    """Everything that is missing, in one list (一次性告知); empty when the form is complete."""
    missing = []
    for place, member in enumerate(form.members, start=1):
        if means_test and not member.authorised:
            missing.append(f"第{place}位成员的核对授权书(R016)")
        if not member.committed and member.resident_id:
            missing.append(f"第{place}位成员的守信承诺书(R017)")
    return missing
