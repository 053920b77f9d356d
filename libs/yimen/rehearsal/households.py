"""Households that a case officer can read and write: YAML files with an application and what must come of it.

`born` and `sex` stand for an ID number, which is made with the unassigned area prefix 99. Amounts may be
written in yuan: `monthly_fen: 2000.00元`.
"""

from __future__ import annotations

import hashlib
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from google.protobuf.json_format import ParseDict, ParseError
from yimen.intake.v1 import intake_pb2
from yimen.kernel import resident_id
from yimen.kernel.errors import Fault
from yimen.kernel.money import in_fen
from yimen.rehearsal.county import SAMPLE
from yimen.rehearsal.exchange import Record

FILES = SAMPLE / "households"


@dataclass(frozen=True)
class Change:
    """What the household comes to report later, and what the sources know by then."""

    reported_on: date
    occurred_on: date
    kinds: list[str]
    application: Any
    records: list[Record] = field(default_factory=list)


@dataclass(frozen=True)
class Household:
    """One application with what the sources know, what the players do, and what must come of it."""

    key: str
    title: str
    application: Any
    records: list[Record] = field(default_factory=list)
    # Working day of the rehearsal on which it is handed in, from 0.
    day: int = 0
    # item → {outcome, amount (yuan)…}; only in hand-written households.
    expect: dict[str, Any] = field(default_factory=dict)
    # What the players do beyond routine: objection, hides_wage, correct_to, advance_fen, …
    script: dict[str, Any] = field(default_factory=dict)
    # In the order of their days.
    later: list[Change] = field(default_factory=list)


def read(path: Path) -> Household:
    """Read one file. Raises Fault FILE_WRONG with what is wrong."""
    try:
        raw = in_fen(yaml.safe_load(path.read_text()))
        numbers = with_id_numbers(path.stem, raw["application"])
        application = ParseDict(raw["application"], intake_pb2.Application())
        later = _later(raw["application"], numbers, raw.get("later", []))
    except (OSError, KeyError, TypeError, yaml.YAMLError, ParseError, ValueError) as error:
        raise Fault("FILE_WRONG", name=path.name, problem=str(error)[:200]) from None
    records = [(r["source"], numbers[r["member"]], r["record"]) for r in raw.get("records", [])]
    return Household(path.stem, raw["title"], application, records, raw.get("day", 0), raw.get("expect", {}),
                     raw.get("script", {}), later)


def _later(form: dict[str, Any], numbers: list[str], changes: list[dict[str, Any]]) -> list[Change]:
    """Each change as the whole form from then on. `members` names what is different of a member, `leaving` who is gone."""
    found = []
    for one in changes:
        form = deepcopy(form)
        for place, different in one.get("members", {}).items():
            form["members"][place] |= different
        form["members"] = [member for place, member in enumerate(form["members"]) if place not in one.get("leaving", [])]
        form |= {name: one[name] for name in ("property", "living", "expenditures") if name in one}
        records = [(r["source"], numbers[r["member"]], r["record"]) for r in one.get("records", [])]
        found.append(Change(one["reported_on"], one["occurred_on"], one["kinds"],
                            ParseDict({**form, "items": []}, intake_pb2.Application()), records))
    return found


def with_id_numbers(key: str, application: dict[str, Any]) -> list[str]:
    """Put ID numbers in place of `born` and `sex`; returns them in the order of the members. Both papers are signed
    unless the file says otherwise. Raises KeyError, TypeError or ValueError when it is not as it should be."""
    members = application["members"]
    numbers = [_number(key, place, member) for place, member in enumerate(members)]
    for member, number in zip(members, numbers, strict=True):
        member.pop("born", None)
        member.pop("sex", None)
        member["resident_id"] = number
        member.setdefault("authorised", True)
        member.setdefault("committed", True)
    return numbers


def _number(key: str, place: int, member: dict[str, Any]) -> str:
    if "resident_id" in member:
        return str(member["resident_id"])
    if "born" not in member:
        return ""
    born = member["born"] if isinstance(member["born"], date) else date.fromisoformat(member["born"])
    serial = int(hashlib.sha256(f"{key}:{place}".encode()).hexdigest(), 16) % 499 * 2
    return resident_id.make("990101", born, serial + (member.get("sex", "female") == "male"))


def read_all(folder: Path) -> list[Household]:
    """All hand-written households, by file name."""
    return [read(path) for path in sorted(folder.glob("*.yaml"))]
