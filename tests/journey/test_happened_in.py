"""Aid where it happens (R077, S1(17)): who is in sudden trouble away from home is helped there, wherever his hukou is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from yimen.intake.v1 import intake_pb2

from tests.journey.town import Town, code_of

HOME, PLACE = "360102001001", "990101015002"  # another province; the village where it burned


def _away(form: Any, home: str = HOME) -> None:
    form.village_code, form.happened_in = home, PLACE


def test_a_migrant_is_helped_at_once_where_it_burned(town: Callable[..., Town]) -> None:
    home = town("urgent_fire", date(2026, 3, 12), _away)
    case = home.rows("basic_living", "select * from aid_case where item = 'urgent_aid'")[0]
    assert (case["outcome"], case["village_code"], case["township_code"]) == ("granted", PLACE, PLACE[:9])
    assert home.rows("roster", "select village_code from household")[0]["village_code"] == HOME  # the ledger knows where he belongs
    paid = home.rows("payment", "select p.township_code from plan p join instalment i on i.grant_id = p.grant_id where i.state = 'settled'")
    assert [row["township_code"] for row in paid] == [PLACE[:9]]  # from the fund of the township where it happened


def test_only_what_is_urgent_is_taken_up_there(town: Callable[..., Town]) -> None:
    home = town("urgent_fire", date(2026, 3, 3), _away)

    def wrong(change: Callable[[Any], None]) -> str:
        form = intake_pb2.Application()
        form.CopyFrom(home.story.application)
        change(form)
        return code_of(lambda: home.world.peers.stub("intake").Submit(
            intake_pb2.SubmitRequest(idempotency_key="other", application=form), token=home.month.tokens.role("window_clerk", PLACE)))

    def ask_for_dibao(form: Any) -> None:
        form.items.add(item="dibao")

    assert wrong(ask_for_dibao) == "FIELD_WRONG"
    for place in ("99010101500", "９９0101015002", "990101999002", ""):  # without it he is not of this county
        assert wrong(lambda form, place=place: setattr(form, "happened_in", place)) == "AREA_UNKNOWN"
