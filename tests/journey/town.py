"""A county with one family, whose days pass when asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from yimen.intake.v1 import intake_pb2
from yimen.kernel.errors import Fault
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, Change, Household, read
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.promises import Evidence, check_all

CLOSED_BY = date(2026, 4, 3)


class Town:
    """A county with one family, whose days pass when asked."""

    def __init__(self, world: Any, county: County, story: str, until: date,
                 change: Callable[[Any], None] | None = None) -> None:
        self.world, self.story = world, read(FILES / f"{story}.yaml")
        if change is not None:
            change(self.story.application)
        plain = Household(self.story.key, self.story.title, self.story.application, self.story.records,
                          expect=self.story.expect, script=self.story.script)
        self.month = Month(world, county, 0, seed=3, stories=[plain])
        self.month.prepare()
        self.month.players.diligent = True
        self.day = start_moment().date()
        self.until(until)

    def until(self, day: date) -> None:
        while self.day < day:
            self.month.play(self.day)
            self.day += timedelta(days=1)

    @property
    def receipt(self) -> str:
        return self.month.receipts[self.story.key]

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.world.services, self.world.databases, self.world.keys, self.world.bank_file, self.day)

    def rows(self, service: str, query: str, **values: Any) -> list[Any]:
        evidence = self.evidence
        try:
            return evidence.rows(service, query, **values)
        finally:
            evidence.close()

    def case(self, item: str = "dibao") -> Any:
        return self.rows("basic_living", "select * from aid_case where item = :i", i=item)[0]

    def due(self, item: str = "dibao") -> dict[str, int]:
        """What is planned or was paid, by its day."""
        found = self.rows("payment", "select i.due_on, sum(i.amount_fen) as fen from instalment i join plan p on p.grant_id ="
                                     " i.grant_id where p.case_id = :c and i.state <> 'void' group by i.due_on"
                                     " order by i.due_on", c=self.case(item)["case_id"])
        return {row["due_on"]: row["fen"] for row in found}

    def report(self, key: str, occurred_on: date, kinds: list[str], change: Callable[[Any], None],
               records: list[Any] | None = None) -> Any:
        form = intake_pb2.Application()
        form.CopyFrom(self.story.application)
        del form.items[:]
        change(form)
        self.month.exchange.add(records or [])
        self.month.players.report_change(key, self.receipt, Change(self.day, occurred_on, kinds, form))
        self.world.settle()

    def close(self) -> None:
        self.world.settle()
        evidence = self.evidence
        try:
            assert [row for name in evidence.services for row in evidence.rows(name, "select * from parked")] == []
            broken = {number: found for number, found in check_all(evidence).items() if found}
            assert broken == {}, broken
        finally:
            evidence.close()
            self.month.close()


def categories(home: Town, on: str) -> set[str]:
    found = home.rows("roster", "select category from category_record where valid_from <= :d and (valid_to is null or"
                                " valid_to >= :d)", d=on)
    return {row["category"] for row in found}


def code_of(act: Callable[[], Any]) -> str:
    with pytest.raises(Fault) as refused:
        act()
    return refused.value.code
