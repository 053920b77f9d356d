"""What a department would decide of a form that nobody handed in: no database, no peer, nothing kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yimen.casework import authority
from yimen.casework.authority import Tiers
from yimen.casework.categories import CATEGORIES
from yimen.department.assemble import department_of
from yimen.department.declaration import CATEGORY, COUNTY, DELEGABLE, MONEY, TIERED, AidItem, Department
from yimen.department.facts import NEEDS_PANEL, applicable, report_facts, roster_facts
from yimen.department.handlers import catalogue_entry
from yimen.kernel.errors import Fault
from yimen.policy.pack import Decision, Pack
from yimen.runtime.declaration import Occasion, Service

UNDETERMINED = "undetermined"
# Temporary aid that the household has had this year already (R072); the department knows it from its own table.
ANNUAL_USED = "annual_used_fen"


@dataclass(frozen=True)
class Question:
    """A form and what is held to be so beside it. `delegated` says of an item whether a written delegation stands."""

    form: Any
    occasion: Occasion
    delegated: Callable[[str], bool]
    # Parameters of another county, to see what would change.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    # What the department would know from its own tables.
    own_facts: Mapping[str, Any] = field(default_factory=dict)


def shipped_pack(department: Department, day: Any) -> Pack:
    """The newest pack of the department's folder that is in force on a day. Raises Fault PACK_NONE_ACTIVE."""
    facts = department.facts()
    packs = [Pack(path.read_text(), facts) for path in sorted((department.folder / "policy").glob("*.yaml"))]
    in_force = [pack for pack in packs if pack.file.effective <= day]
    if not in_force:
        raise Fault("PACK_NONE_ACTIVE", department=department.title, day=day)
    return max(in_force, key=lambda pack: (pack.file.effective, pack.file.version))


def pack_from(department: Department, path: Path) -> Pack:
    """A draft. Raises Fault PACK_INVALID or FILE_WRONG."""
    try:
        source = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault("FILE_WRONG", name=path.name, problem=type(error).__name__) from None
    pack = Pack(source, department.facts())
    if pack.file.pack != department.name:
        raise Fault("PACK_INVALID", where="pack", problem=f"此政策包属于 {pack.file.pack}")
    return pack


def decide(services: Mapping[str, Service], service: str, question: Question, pack: Pack | None = None) -> dict[str, Any]:
    """The answer as a JSON document. Raises the Fault with which the window would send the form back.

    `items` has one entry for each item of this department that the form asks for; a form that asks for nothing is
    looked at for all that need nothing but the household.
    """
    department, occasion = department_of(services[service]), question.occasion
    pack = pack or shipped_pack(department, occasion.on)
    unknown = sorted(set(question.parameters) - set(pack.parameters))
    if unknown:
        raise Fault("FIELD_WRONG", field=f"parameters.{unknown[0]}", expected="/".join(sorted(pack.parameters)))
    form = question.form
    if not form.items:
        _ask_for_everything(form, department)
    _of(services, "intake")(form, occasion)
    known = {item.name: item for item in department.items}
    tested = any(known[asked.item].means_test for asked in form.items if asked.item in known)
    report = _of(services, "means_test")(form, occasion) if tested else None
    home = _of(services, "roster")(form, occasion)
    answers = []
    for asked in (one for one in form.items if one.item in known):
        item, person = known[asked.item], str(asked.member_index)
        person_id = person if item.subject == "person" else ""
        facts = {**department.own_defaults, **question.own_facts, **dict(asked.request),
                 **roster_facts(home, person_id, occasion.on),
                 **(report_facts(report, person_id) if report is not None and item.means_test else {}),
                 **applicable(occasion.standards, form.area_kind)}
        answers.append(_answer(item, asked, pack, facts, question))
    return {
        "service": service, "date": occasion.on.isoformat(), "pack_version": pack.file.version, "pack_hash": pack.hash,
        "category": next((c for c in CATEGORIES if any(a["category"] == c for a in answers)), None),
        "authority_level": max((a["authority_level"] for a in answers if a["outcome"] == "grant"),
                               key=authority.LEVELS.index, default=None) or
                           max((a["authority_level"] for a in answers if a["authority_level"]),
                               key=authority.LEVELS.index, default=None),
        "items": answers, "account": list(report.account) if report is not None else [],
    }


def _of(services: Mapping[str, Service], name: str) -> Callable[[Any, Occasion], Any]:
    preview = services[name].preview
    assert preview is not None, f"{name} has no preview"
    return preview


def catalogue(services: Mapping[str, Service]) -> dict[str, dict[str, Any]]:
    """Every item of every department as the window knows it."""
    entries = [catalogue_entry(item) for one in services.values() if one.is_department for item in department_of(one).items]
    return {entry.item: {"by_application": entry.by_application, "temporary_identity": entry.temporary_identity,
                         "request_facts": list(entry.request_facts), "optional_facts": list(entry.optional_facts)}
            for entry in entries}


def _ask_for_everything(form: Any, department: Department) -> None:
    for item in department.items:
        if item.by_application and not item.request_facts:
            for place in range(len(form.members) if item.subject == "person" else 1):
                form.items.add(item=item.name, member_index=place)


def _answer(item: AidItem, asked: Any, pack: Pack, facts: dict[str, Any], question: Question) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": item.name, "title": item.title, "member_index": asked.member_index if item.subject == "person" else None,
        "outcome": UNDETERMINED, "amount_fen": 0, "period": None, "instalments": 0, "category": None, "rule_ids": [],
        "clauses": [], "reasons": [], "authority_level": None, "trail": [], "facts": {}}
    # What an urgent advance would be: the officer on the spot approves the need, at the most.
    if item.urgent and "need_fen" in facts:
        facts.setdefault("approved_fen", facts["need_fen"])
    try:
        made = pack.decide(item.name, facts, question.parameters)
    except Fault as fault:
        if fault.code != "FACT_MISSING":
            raise
        return {**answer, "reasons": [fault.message]}
    used, capped = question.own_facts.get(ANNUAL_USED), item.decided_by == TIERED and made.outcome == "grant"
    if capped and used is not None:
        try:
            _tiers(pack, question).require_cap(int(used), made.amount_fen * made.instalments)
        except Fault as fault:
            return {**answer, "outcome": "refuse", "rule_ids": ["R072"], "clauses": ["R072;S1(16)"], "reasons": [fault.message],
                    "facts": {**made.inputs, ANNUAL_USED: used}}
    return {**answer, "outcome": made.outcome, "amount_fen": made.amount_fen, "period": _period(item, made),
            "instalments": made.instalments if made.amount_fen else 0, "category": made.category or None,
            "rule_ids": [made.rule_id], "clauses": [made.clause], "reasons": [made.reason],
            "authority_level": _level(item, made, facts, pack, question),
            "trail": [{"rule": rule, "holds": holds} for rule, holds in made.trail], "facts": dict(made.inputs)}


def _period(item: AidItem, made: Decision) -> str | None:
    if item.output not in (MONEY, CATEGORY) or not made.amount_fen:
        return None
    if made.instalments == 1:
        return "once"
    return "month" if made.every_months == 1 else f"{made.every_months} months"


def _level(item: AidItem, made: Decision, facts: Mapping[str, Any], pack: Pack, question: Question) -> str:
    if item.means_test and facts.get("verdict") == NEEDS_PANEL:
        return authority.PANEL
    if item.decided_by == TIERED:
        return _tiers(pack, question).level(made.amount_fen * made.instalments)
    if item.decided_by == DELEGABLE and question.delegated(item.name):
        return authority.TOWNSHIP
    return authority.COUNTY if item.decided_by in (COUNTY, DELEGABLE) else authority.PANEL


def _tiers(pack: Pack, question: Question) -> Tiers:
    urban = question.occasion.standards.get("dibao_urban_standard_fen")
    if urban is None:
        raise Fault("STANDARD_MISSING", day=question.occasion.on, name="dibao_urban_standard_fen")
    return Tiers.of(12 * urban, {**pack.parameters, **question.parameters})
