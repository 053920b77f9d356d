"""How far aid reaches (R081, R082, R054): of the households in need, how many have something on each line. Numbers, no names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from yimen.store.unit import Tx

from services.roster.tables import benefit_record, category_record, household

# S1(7): 基本生活、基本医疗、教育、住房、就业创业、社会保险.
LINES = ("living", "medical", "education", "housing", "employment", "insurance")
_OF_ITEM = {"premium_aid": "insurance"}
_OF_SERVICE = {"basic_living": "living", "medical": "medical", "education": "education", "housing": "housing",
               "employment": "employment"}
# 临时救助, the first of the two full coverages (R082).
_TEMPORARY = ("temporary_aid", "urgent_aid")


@dataclass(frozen=True)
class Coverage:
    """Households: in need, with something on a line, with temporary aid, with nothing but their category."""

    in_need: int
    lines: dict[str, int]
    temporary: int
    nothing: int


def coverage(tx: Tx, today: date, township: str = "") -> Coverage:
    """Of all households with a category in force today, in one township or in the county."""
    needy = _in_need(today, township)
    b = benefit_record.c
    rows = tx.connection.execute(sa.select(b.household_id, b.service, b.item).distinct().where(
        b.household_id.in_(needy), b.output != "category", *_in_force(benefit_record, today)))
    lines: dict[str, set[str]] = {line: set() for line in LINES}
    temporary: set[str] = set()
    helped: set[str] = set()
    for household_id, service, item in rows:
        helped.add(household_id)
        if line := _OF_ITEM.get(item) or _OF_SERVICE.get(service):
            lines[line].add(household_id)
        if item in _TEMPORARY:
            temporary.add(household_id)
    in_need = int(tx.connection.execute(sa.select(sa.func.count()).select_from(needy.subquery())).scalar_one())
    return Coverage(in_need, {line: len(found) for line, found in lines.items()}, len(temporary), in_need - len(helped))


def _in_need(today: date, township: str) -> sa.Select[Any]:
    chosen = sa.select(category_record.c.household_id).where(*_in_force(category_record, today)).distinct()
    if township:
        chosen = chosen.where(category_record.c.household_id.in_(
            sa.select(household.c.household_id).where(household.c.village_code.startswith(township, autoescape=True))))
    return chosen


def _in_force(table: sa.Table, today: date) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.valid_from <= today, sa.or_(table.c.valid_to.is_(None), table.c.valid_to >= today)
