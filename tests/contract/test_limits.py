"""A thousand decisions at once against one annual cap, and a thousand payments against one imprest fund: never above."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from yimen.casework.authority import Tiers
from yimen.department.assemble import department_of
from yimen.department.cases import Desk
from yimen.department.tables import annual_use
from yimen.kernel.clock import CHINA, FileClock
from yimen.kernel.errors import Fault
from yimen.rehearsal.world import make_keys
from yimen.runtime.app import App
from yimen.runtime.registry import find
from yimen.runtime.settings import Settings
from yimen.stack.components import Components, drop_databases, make_databases

from services.payment import ledger
from services.payment.tables import account, transfer

AT_ONCE, DECISIONS = 16, 1_000
CAP_FEN, EACH_FEN, FUND_FEN = 5_616_000, 10_000, 5_000_000
NAMES = ["basic_living", "payment"]


@pytest.fixture
def apps(components: Components, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, App]]:
    """Two services on PostgreSQL, each with as many connections as there are deciders."""
    monkeypatch.setenv("YIMEN_DATABASE_CONNECTIONS", str(AT_ONCE))
    instance = f"limits{os.getpid()}"
    drop_databases(components.postgres, instance, NAMES)
    urls = make_databases(components.postgres, instance, NAMES, "limits")
    make_keys(tmp_path, NAMES, 1)
    clock = FileClock(tmp_path / "clock")
    clock.move_to(datetime(2026, 3, 2, 9, tzinfo=CHINA))
    made = {name: App(find(name), Settings(urls[name], "", tmp_path, "", {}, clock, "", "")) for name in NAMES}
    for app in made.values():
        app.migrate()
    yield made
    for app in made.values():
        app.close()
    drop_databases(components.postgres, instance, NAMES)


def _all_at_once(act: Callable[[int], None]) -> Counter[str]:
    def attempt(number: int) -> str:
        try:
            act(number)
        except Fault as fault:
            return fault.code
        return "done"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(attempt, range(DECISIONS)))


def test_a_thousand_decisions_never_pass_the_annual_cap(apps: dict[str, App], monkeypatch: pytest.MonkeyPatch) -> None:
    app, desk = apps["basic_living"], Desk(department_of(find("basic_living")))
    monkeypatch.setattr(desk, "tiers", lambda ctx, case: Tiers(468_000, 1_872_000, CAP_FEN))
    case = {"household_id": "one household", "area_kind": "urban"}

    def decide(_: int) -> None:
        with app.work("officer") as ctx:
            desk.reserve_cap(ctx, case, EACH_FEN)

    fit = CAP_FEN // EACH_FEN
    assert _all_at_once(decide) == {"done": fit, "ANNUAL_CAP_EXCEEDED": DECISIONS - fit}
    with app.work("", write=False) as ctx:
        assert [row["used_fen"] for row in ctx.tx.find(annual_use)] == [fit * EACH_FEN]


def test_a_thousand_payments_never_empty_the_imprest_fund_below_zero(apps: dict[str, App]) -> None:
    app, channel = apps["payment"], "relief"
    with app.work("finance") as ctx:
        treasury, paid = (ledger.open_account(ctx, channel, kind) for kind in (ledger.TREASURY, ledger.PAID))
        fund = ledger.open_account(ctx, channel, ledger.IMPREST, "990101001")
        ledger.move(ctx, "funding", treasury, fund, FUND_FEN, "fund_imprest", "opening")

    def pay(number: int) -> None:
        with app.work("township") as ctx:
            # Every fourth is said twice.
            ledger.move(ctx, f"voucher-{number - (number % 4 == 3)}", fund, paid, EACH_FEN, "pay_imprest", "x")

    fit = FUND_FEN // EACH_FEN
    told = _all_at_once(pay)
    assert set(told) == {"done", "BALANCE_TOO_LOW"}
    with app.work("", write=False) as ctx:
        balances = {row["account_id"]: row["balance_fen"] for row in ctx.tx.find(account)}
        moved = ctx.tx.count(transfer, kind="pay_imprest")
    assert moved == fit and balances == {treasury: -FUND_FEN, fund: 0, paid: FUND_FEN}
