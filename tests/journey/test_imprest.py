"""A township's fund (R069, R074): filled up to its limit, and not while papers for what it has paid are missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from yimen.payment.v1 import payment_pb2

from tests.journey.town import Town, code_of

CHANNEL, LIMIT = "basic_living_relief", 50_000_00


def _fund(home: Town, amount_fen: int, reference: str, limit_fen: int = 0) -> int:
    township = home.story.application.village_code[:9]
    return int(home.world.peers.stub("payment").FundImprest(payment_pb2.FundImprestRequest(
        channel=CHANNEL, township_code=township, amount_fen=amount_fen, reference=reference, limit_fen=limit_fen),
        token=home.month.tokens.role("finance_officer")).balance_fen)


def _state(home: Town) -> Any:
    township = home.story.application.village_code[:9]
    return next(one for one in home.world.peers.stub("payment").ListImprest(
        payment_pb2.ListImprestRequest(channel=CHANNEL), token=home.month.tokens.role("finance_officer")).funds
        if one.township_code == township)


def test_what_was_paid_is_filled_up_and_no_more(town: Callable[..., Town]) -> None:
    home = town("urgent_fire")
    spent = LIMIT - _state(home).balance_fen
    assert spent > 0 and not _state(home).blocked
    assert code_of(lambda: _fund(home, spent + 1, "april")) == "IMPREST_ABOVE_LIMIT"
    assert _fund(home, spent, "april") == LIMIT
    assert _fund(home, spent, "april") == LIMIT  # said twice
    assert code_of(lambda: _fund(home, 1, "may")) == "IMPREST_ABOVE_LIMIT"
    assert code_of(lambda: _fund(home, 0, "may")) in ("AMOUNT_WRONG", "IMPREST_ABOVE_LIMIT")
    assert _fund(home, 1, "may", limit_fen=LIMIT + 1) == LIMIT + 1


def test_missing_papers_block_it_until_they_are_there(town: Callable[..., Town]) -> None:
    home = town("urgent_fire", date(2026, 3, 3))
    acts = home.month.players.__dict__["_acts"]
    hand_in = acts.pop("file_supplement")  # nobody hands in the papers
    home.until(date(2026, 3, 5))
    spent = LIMIT - _state(home).balance_fen
    assert spent > 0
    home.until(date(2026, 3, 25))
    assert _state(home).papers_overdue_fen == spent
    # A fifth exactly does not block.
    assert code_of(lambda: _fund(home, 1, "april", limit_fen=spent * 5)) == "IMPREST_ABOVE_LIMIT"
    assert code_of(lambda: _fund(home, 1, "april", limit_fen=spent * 5 - 1)) == "IMPREST_BLOCKED"
    acts["file_supplement"] = hand_in
    home.until(date(2026, 3, 27))
    assert _state(home).papers_overdue_fen == 0 and not _state(home).blocked
