"""A second aid for the same cause in one year names the first (R075), so that nothing is split below a tier unseen (K9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from yimen.intake.v1 import intake_pb2

from tests.journey.town import Town, code_of


def _again(home: Town, key: str, **request: Any) -> str:
    """The family comes again; returns what became of it."""
    form = intake_pb2.Application()
    form.CopyFrom(home.story.application)
    form.items[0].request.update(request)
    answer = home.world.peers.stub("intake").Submit(
        intake_pb2.SubmitRequest(idempotency_key=key, window_id=f"W-{form.village_code[:9]}", application=form),
        token=home.month.tokens.role("window_clerk", form.village_code))
    home.until(home.day + timedelta(days=12))
    case = home.rows("basic_living", "select * from aid_case where application_id = :a", a=answer.application_id)[0]
    return str(case["outcome"] or case["state"])


def test_the_same_cause_again_needs_the_case_that_it_follows(town: Callable[..., Town]) -> None:
    home = town("urgent_fire", date(2026, 3, 20))
    first = home.case("urgent_aid")
    assert first["outcome"] == "granted"
    assert _again(home, "again") == "refused"
    assert _again(home, "follows", same_cause_ref=first["case_id"]) == "granted"
    assert _again(home, "another", cause="accident") == "granted"  # another cause needs none
    assert code_of(lambda: _again(home, "odd", same_cause_ref=7)) == "ITEM_FACT_WRONG"
    assert code_of(lambda: _again(home, "odd2", shoe_size=43)) == "FIELD_WRONG"
