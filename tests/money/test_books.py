"""Budget lines by level and year (R118–R120, R138), purchases within their cap (R123), and books that an auditor can read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from yimen.payment.v1 import books_pb2 as pb
from yimen.payment.v1 import payment_pb2

from tests.journey.town import Town
from tests.money.desk import CHANNEL, Finance, code_of

CENTRAL, PROVINCE = f"{CHANNEL}@2026/central", f"{CHANNEL}@2026/province"


def _allocate(desk: Finance, year: int, level: str, fen: int, document: str, channel: str = CHANNEL, token: str = "") -> Any:
    answer = desk.books.AllocateBudget(pb.AllocateBudgetRequest(channel=channel, year=year, level=level, amount_fen=fen, document_no=document),
                                       token=token or desk.first())
    desk.month.world.settle()
    return answer


def test_higher_levels_money_is_used_first_and_each_yuan_knows_its_document(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 8))
    desk = Finance(home.month)
    row = home.rows("payment", "select * from instalment where channel = :c and due_on = '2026-04-01'", c=CHANNEL)[0]
    assert row["line"] == CENTRAL and desk.line(CENTRAL).paid_fen == 740_00 and desk.line(CHANNEL).paid_fen == 0
    steps = desk.books.TraceYuan(pb.TraceYuanRequest(id=row["grant_id"]), token=desk.auditor()).steps
    assert (steps[0].what, steps[0].reference) == ("预算下达", "财社〔2026〕11号(示例)")
    assert {"按给付决定预留", "银行付讫"} <= {one.what for one in steps}
    batch = desk.books.TraceYuan(pb.TraceYuanRequest(id=row["batch_id"]), token=desk.auditor()).steps
    assert any("编制" in one.what for one in batch) and any("审核" in one.what for one in batch)
    assert code_of(lambda: desk.books.TraceYuan(pb.TraceYuanRequest(id="nothing"), token=desk.auditor())) == "INSTALMENT_NOT_FOUND"


def test_what_a_year_without_a_budget_owes_waits_for_it(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    desk = Finance(home.month)
    app = home.world.apps["payment"]  # type: ignore[attr-defined]
    from yimen.aid.v1 import events_pb2 as aid

    from services.payment import lines
    from services.payment.tables import instalment

    def reserve(number: int, due: date, fen: int) -> str:
        with app.work("service:payment") as ctx:
            rows = lines.reserve(ctx, lines.require_channel(ctx, "vagrant_relief"), [{
                "instalment_id": f"i{number}", "grant_id": "g", "channel": "vagrant_relief", "number": number, "amount_fen": fen, "due_on": due,
                "attempt": 0, "line": "", "state": "planned", "household_id": "h", "purpose": "", "batch_id": "", "held": False}], f"g{number}")
            ctx.tx.insert_all(instalment, rows)
        return str(rows[0]["state"])

    assert aid and reserve(1, date(2026, 12, 1), 50_00) == "planned"
    assert [reserve(n, date(2027, 1, n), 30_00) for n in (2, 3, 4)] == ["unfunded"] * 3
    assert desk.overview("vagrant_relief").unfunded_fen == 90_00
    _allocate(desk, 2027, "province", 70_00, "省财社〔2027〕1号", "vagrant_relief")
    line = desk.line("vagrant_relief@2027/province", "vagrant_relief")
    # The oldest two are reserved, the third waits, and somebody has it on his list.
    assert (line.reserved_fen, line.available_fen, desk.overview("vagrant_relief").unfunded_fen) == (60_00, 10_00, 30_00)
    short = home.rows("payment", "select detail, owner_role from task where kind = 'budget_short' and done_at is null")
    assert len(short) == 1 and short[0]["owner_role"] == "finance_officer"
    months = desk.books.ForecastDemand(pb.ForecastDemandRequest(channel="vagrant_relief", months=12), token=desk.auditor()).months
    assert [(one.month, one.amount_fen, one.unfunded_fen) for one in months if one.amount_fen] == [("2026-12", 50_00, 0), ("2027-01", 90_00, 30_00)]
    _allocate(desk, 2027, "county", 20_00, "县财〔2027〕2号", "vagrant_relief")
    assert desk.overview("vagrant_relief").unfunded_fen == 30_00  # 10 + 20 on two lines: an instalment is not torn apart
    _allocate(desk, 2027, "county", 10_00, "县财〔2027〕3号", "vagrant_relief")
    assert desk.overview("vagrant_relief").unfunded_fen == 0
    assert not home.rows("payment", "select 1 as one from task where kind = 'budget_short' and done_at is null")
    with app.store.transaction() as tx:
        tx.connection.exec_driver_sql("delete from instalment where grant_id = 'g'")


def test_wrong_allocations_and_what_an_auditor_may_not(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    desk = Finance(home.month)
    assert code_of(lambda: _allocate(desk, 2026, "moon", 1, "x")) == "FIELD_WRONG"
    assert code_of(lambda: _allocate(desk, 2026, "city", 1, "")) == "FIELD_WRONG"
    assert code_of(lambda: _allocate(desk, 2025, "city", 1, "x")) == "FIELD_WRONG"
    assert code_of(lambda: _allocate(desk, 2099, "city", 1, "x")) == "FIELD_WRONG"
    assert code_of(lambda: _allocate(desk, 2026, "city", 0, "x")) == "AMOUNT_WRONG"
    assert code_of(lambda: _allocate(desk, 2026, "city", -5, "x")) == "AMOUNT_WRONG"
    assert code_of(lambda: _allocate(desk, 2026, "city", 2**62, "x")) == "AMOUNT_WRONG"
    assert code_of(lambda: _allocate(desk, 2026, "city", 1, "x", "moon_fund")) == "CHANNEL_NOT_FOUND"
    assert code_of(lambda: _allocate(desk, 2026, "city", 1, "x", token=desk.auditor())) == "ROLE_MISSING"
    assert _allocate(desk, 2026, "city", 7_00, "市财社〔2026〕1号").line == f"{CHANNEL}@2026/city"
    _allocate(desk, 2026, "city", 7_00, "市财社〔2026〕1号")  # the same document again
    assert desk.line(f"{CHANNEL}@2026/city").budget_fen == 7_00
    assert code_of(lambda: _allocate(desk, 2026, "city", 8_00, "市财社〔2026〕1号")) == "TRANSFER_CONFLICT"


def test_c25_services_are_bought_up_to_two_percent_and_no_fen_more(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    desk = Finance(home.month)
    budget = sum(one.budget_fen for one in desk.overview("vagrant_relief").lines)

    def buy(fen: int, contract: str) -> int:
        return int(desk.books.RecordPurchase(pb.RecordPurchaseRequest(channel="vagrant_relief", year=2026, amount_fen=fen, contract_ref=contract),
                                             token=desk.first()).left_of_cap_fen)

    assert budget == 10_000_000_000 and code_of(lambda: buy(200_000_001, "合同1")) == "PURCHASE_ABOVE_CAP"
    assert buy(150_000_000, "合同1") == 50_000_000 and buy(150_000_000, "合同1") == 50_000_000  # said twice
    assert code_of(lambda: buy(50_000_001, "合同2")) == "PURCHASE_ABOVE_CAP" and buy(50_000_000, "合同2") == 0
    assert code_of(lambda: buy(1, "合同3")) == "PURCHASE_ABOVE_CAP" and code_of(lambda: buy(1, "")) == "FIELD_WRONG"
    assert desk.line("vagrant_relief", "vagrant_relief").purchased_fen == 200_000_000
    assert code_of(lambda: desk.books.RecordPurchase(pb.RecordPurchaseRequest(channel="vagrant_relief", year=2031, amount_fen=1, contract_ref="x"),
                                                     token=desk.first())) == "BUDGET_NOT_OPEN"
    moved = home.rows("payment", "select transfer_id from transfer where kind = 'purchase' order by amount_fen")[0]["transfer_id"]

    def reverse(transfer_id: str, reason: str = "合同解除") -> Any:
        return desk.books.ReverseTransfer(pb.ReverseTransferRequest(transfer_id=transfer_id, reason=reason), token=desk.second())

    assert code_of(lambda: reverse(moved, "")) == "REASON_REQUIRED" and code_of(lambda: reverse("x")) == "TRANSFER_NOT_FOUND"
    reverse(moved)
    reverse(moved)  # undone once
    assert desk.line("vagrant_relief", "vagrant_relief").purchased_fen == 150_000_000 and buy(50_000_000, "合同4") == 0


def test_any_past_moment_can_be_read_back(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 4, 8))
    desk = Finance(home.month)

    def balances(moment: str = "") -> dict[str, int]:
        found = desk.books.GetBalances(pb.GetBalancesRequest(channel=CHANNEL, as_of=moment), token=desk.auditor()).balances
        return {one.account_id: one.balance_fen for one in found}

    now = balances()
    assert sum(now.values()) == 0 and now[f"{CENTRAL}:paid"] == 740_00
    stored = {row["account_id"]: row["balance_fen"] for row in home.rows("payment", "select * from account where channel = :c", c=CHANNEL)}
    assert {name: fen for name, fen in stored.items() if fen} == {name: fen for name, fen in now.items() if fen}
    then = balances("2026-03-31T23:59:59+08:00")
    assert then[f"{CENTRAL}:reserved"] == 9 * 740_00 and then.get(f"{CENTRAL}:paid", 0) == 0 and sum(then.values()) == 0
    assert balances("2026-03-01") == {}
    assert code_of(lambda: balances("yesterday")) == "FIELD_WRONG"

    def statement(since: str, until: str, account: str = f"{CENTRAL}:reserved") -> Any:
        return desk.books.GetAccountStatement(pb.GetAccountStatementRequest(account_id=account, since=since, until=until), token=desk.auditor())

    april = statement("2026-04-01", "2026-04-30")
    assert (april.opening_fen, april.closing_fen) == (9 * 740_00, 8 * 740_00) and [one.amount_fen for one in april.lines] == [-740_00]
    assert code_of(lambda: statement("2026-04-30", "2026-04-01")) == "FIELD_WRONG" and code_of(lambda: statement("x", "y")) == "FIELD_WRONG"
    assert code_of(lambda: statement("2026-04-01", "2026-04-30", "moon")) == "CHANNEL_NOT_FOUND"
    assert code_of(lambda: desk.books.GetBalances(pb.GetBalancesRequest(channel=CHANNEL), token=home.month.tokens.role(
        "window_clerk", home.story.application.village_code))) == "ROLE_MISSING"


def test_money_that_lies_too_long_is_shown(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    desk = Finance(home.month)
    assert desk.line(PROVINCE).idle_fen == 0
    home.until(date(2026, 5, 5))
    line = desk.line(PROVINCE)
    assert line.idle_fen == line.available_fen > 0
    _allocate(desk, 2026, "province", 1_000_00, "省财社〔2026〕9号")
    again = desk.line(PROVINCE)
    assert again.idle_fen == again.available_fen - 1_000_00  # what came today does not lie long


def test_the_clerk_who_sees_the_channels_can_move_nothing(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 3))
    channels = home.world.peers.stub("payment").ListChannels(payment_pb2.ListChannelsRequest()).channels
    assert {one.channel for one in channels} >= {CHANNEL, "medical_aid"}
