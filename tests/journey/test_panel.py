"""Property that no rule fits goes to the panel, whatever the amount (requirements 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.journey.town import Town


def _in_litigation(form: Any) -> None:
    form.property.exceptional = True


def test_exceptional_property_is_decided_by_the_panel_with_minutes(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", change=_in_litigation)
    case = home.case()
    assert (case["decide_level"], case["outcome"]) == ("panel", "granted")
    decided = home.rows("basic_living", "select minutes_ref from decision where case_id = :c", c=case["case_id"])
    assert [row["minutes_ref"] != "" for row in decided] == [True]
    assert set(home.due().values()) == {740_00}


def test_ordinary_property_stays_with_whom_it_was(town: Callable[..., Town]) -> None:
    assert town("c18_wage_goes_up").case()["decide_level"] == "township"
