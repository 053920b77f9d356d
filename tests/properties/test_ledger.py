"""The ledger under arbitrary transfers: it sums to zero, nothing is overdrawn, twice is once."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.store.unit import Store

from services.payment import ledger
from services.payment.tables import METADATA, account, transfer

ACCOUNTS = [ledger.account_id("relief", kind) for kind in
            (ledger.TREASURY, ledger.AVAILABLE, ledger.RESERVED, ledger.PAID)]
MOVES = st.lists(st.tuples(st.integers(0, 15), st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS),
                           st.integers(-5, 1000)), max_size=40)


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_whatever_is_moved_the_books_balance(moves: list[tuple[int, str, str, int]]) -> None:
    store = Store("sqlite://")
    METADATA.create_all(store.engine)
    with store.transaction() as tx:
        ctx: Any = SimpleNamespace(tx=tx, now=datetime(2026, 3, 2, tzinfo=CHINA))
        for kind in (ledger.TREASURY, ledger.AVAILABLE, ledger.RESERVED, ledger.PAID):
            ledger.open_account(ctx, "relief", kind)
        for number, source, target, amount in moves:
            before = tx.count(transfer)
            try:
                with tx.savepoint():
                    ledger.move(ctx, f"t{number}", source, target, amount, "test", "")
            except Fault as fault:
                assert fault.code in ("AMOUNT_WRONG", "BALANCE_TOO_LOW", "TRANSFER_CONFLICT")
                assert tx.count(transfer) == before
            rows = tx.find(account)
            assert sum(row["balance_fen"] for row in rows) == 0
            assert all(row["balance_fen"] >= 0 for row in rows if row["kind"] != ledger.TREASURY)
    store.close()


def test_the_same_transfer_twice_moves_money_once() -> None:
    store = Store("sqlite://")
    METADATA.create_all(store.engine)
    with store.transaction() as tx:
        ctx: Any = SimpleNamespace(tx=tx, now=datetime(2026, 3, 2, tzinfo=CHINA))
        treasury, available = (ledger.open_account(ctx, "relief", kind) for kind in (ledger.TREASURY, ledger.AVAILABLE))
        assert ledger.move(ctx, "t", treasury, available, 500, "budget", "")
        assert not ledger.move(ctx, "t", treasury, available, 500, "budget", "")
        with pytest.raises(Fault, match="TRANSFER_CONFLICT"):
            ledger.move(ctx, "t", treasury, available, 501, "budget", "")
        assert tx.total(account.c.balance_fen, account_id=available) == 500
    store.close()
