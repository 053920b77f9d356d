"""The ledger beside a model of a few lines: whatever is moved, undone, said twice or refused, both hold the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.store.unit import Store

from services.payment import ledger, queries
from services.payment.tables import METADATA, account

NAMES = [ledger.account_id("relief", kind) for kind in ledger.LINE_KINDS] + ["relief:batch:b1", "relief:debt:d1"]
KINDS = {name: name.split(":")[1] for name in NAMES}


class LedgerBesideModel(RuleBasedStateMachine):
    """Arbitrary acts on both."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store("sqlite://")
        METADATA.create_all(self.store.engine)
        self.now = datetime(2026, 3, 2, tzinfo=CHINA)
        self.balance = dict.fromkeys(NAMES, 0)
        self.said: dict[str, tuple[str, str, int]] = {}
        self.undone: set[str] = set()
        self.past: list[tuple[datetime, dict[str, int]]] = []
        with self.store.transaction() as tx:
            for name in NAMES:
                _, kind, *detail = name.split(":")
                ledger.open_account(self._ctx(tx), "relief", kind, *detail)

    def _ctx(self, tx: Any) -> Any:
        return SimpleNamespace(tx=tx, now=self.now, require=lambda row, code, **details: row or _missing(code, details))

    def _both(self, act: Any, expected: str) -> None:
        code = ""
        try:
            with self.store.transaction() as tx:
                act(self._ctx(tx))
        except Fault as fault:
            code = fault.code
        assert code == expected

    @rule(moves=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(-1, 500)), min_size=1, max_size=5))
    def post(self, moves: list[tuple[int, str, str, int]]) -> None:
        wanted = {f"t{n}": (source, target, fen) for n, source, target, fen in moves}
        after, expected = dict(self.balance), ""
        new = {name: one for name, one in wanted.items() if name not in self.said}
        for source, target, fen in new.values():
            after[source] -= fen
            after[target] += fen
        if any(fen <= 0 for *_, fen in moves):
            expected = "AMOUNT_WRONG"
        elif any(self.said[name] != one for name, one in wanted.items() if name in self.said):
            expected = "TRANSFER_CONFLICT"
        elif any(fen < 0 and KINDS[name] != ledger.TREASURY and after[name] < self.balance[name] for name, fen in after.items()):
            expected = "BALANCE_TOO_LOW"
        batch = [ledger.Move(f"t{n}", source, target, fen, "test", "") for n, source, target, fen in moves]
        self._both(lambda ctx: ledger.post(ctx, batch), expected)
        if not expected:
            self.balance, self.said = after, {**self.said, **new}

    @rule(number=st.integers(0, 30))
    def undo(self, number: int) -> None:
        name = f"t{number}"
        source, target, fen = self.said.get(name, ("", "", 0))
        expected = "" if name in self.said else "TRANSFER_NOT_FOUND"
        fresh = name in self.said and name not in self.undone
        if fresh and source != target and KINDS[target] != ledger.TREASURY and self.balance[target] < fen:
            expected = "BALANCE_TOO_LOW"
        self._both(lambda ctx: ledger.reverse(ctx, name, "undo"), expected)
        if fresh and not expected:
            self.undone.add(name)
            self.balance[target] -= fen
            self.balance[source] += fen

    @rule()
    def remember(self) -> None:
        self.past.append((self.now, dict(self.balance)))
        self.now += timedelta(hours=1)

    @invariant()
    def both_hold_the_same(self) -> None:
        with self.store.transaction(write=False) as tx:
            rows = {row["account_id"]: row["balance_fen"] for row in tx.find(account)}
            summed = queries.balances_at(tx, "relief", None)
        assert rows == self.balance and sum(rows.values()) == 0
        assert {name: summed.get(name, 0) for name in NAMES} == self.balance
        assert all(fen >= 0 for name, fen in rows.items() if KINDS[name] != ledger.TREASURY)

    def teardown(self) -> None:
        with self.store.transaction(write=False) as tx:
            for moment, then in self.past:
                found = queries.balances_at(tx, "relief", moment)
                assert {name: found.get(name, 0) for name in NAMES} == then
        self.store.close()


def _missing(code: str, details: dict[str, object]) -> Any:
    raise Fault(code, **details)


TestLedger = LedgerBesideModel.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
