"""Two people see a batch before it is paid (R167); what changes is seen again; what is held waits for a person (5.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from yimen.kernel.clock import CHINA
from yimen.payment.v1 import batches_pb2 as pb
from yimen.payment.v1 import payment_pb2

from tests.journey.town import Town
from tests.money.desk import CHANNEL, Finance, code_of

PAYDAY = date(2026, 4, 1)
NOBODY_PAYS = ("release", "review_batch", "release_batch", "decide_hold", "correct_account")


def _before_payday(town: Callable[..., Town], story: str = "c18_wage_goes_up") -> tuple[Town, Finance]:
    """The family's first payment is due and nobody has touched it."""
    home = town(story, date(2026, 3, 31))
    for kind in NOBODY_PAYS:
        home.month.players.__dict__["_acts"].pop(kind)
    home.until(date(2026, 4, 2))
    return home, Finance(home.month)


def _state(home: Town, due_on: str = "2026-04-01") -> Any:
    return home.rows("payment", "select * from instalment where due_on = :d and channel = :c", d=due_on, c=CHANNEL)[0]


def test_one_prepares_another_reviews_and_only_then_it_is_paid(town: Callable[..., Town]) -> None:
    home, desk = _before_payday(town)
    assert code_of(lambda: desk.prepare("2026-05-01")) == "INSTALMENT_STATE"
    assert code_of(lambda: desk.prepare("2026-02-31")) == "FIELD_WRONG"
    assert code_of(lambda: desk.prepare("2026-04-01", "no_such_channel")) == "CHANNEL_NOT_FOUND"
    batch = desk.prepare("2026-04-01")
    assert (batch.state, batch.instalments, batch.total_fen, batch.revision) == ("prepared", 1, 740_00, 1)
    assert desk.prepare("2026-04-01").batch_id == batch.batch_id  # the same again names the one under way
    assert code_of(lambda: desk.release(batch.batch_id)) == "INSTALMENT_STATE"
    assert code_of(lambda: desk.review(batch, desk.first())) == "SEPARATION_OF_DUTIES"
    desk.review(batch)
    assert code_of(lambda: desk.release(batch.batch_id, desk.first())) == "SEPARATION_OF_DUTIES"
    assert _state(home)["state"] == "planned"
    desk.release(batch.batch_id)
    assert desk.batch(batch.batch_id).state == "closed" and _state(home)["state"] == "settled"
    assert code_of(lambda: desk.release(batch.batch_id)) == "INSTALMENT_STATE"
    told = home.month.tokens.role("finance_officer")
    assert code_of(lambda: home.world.peers.stub("payment").ReleaseBatch(payment_pb2.ReleaseBatchRequest(
        channel=CHANNEL, due_on="2026-04-01"), token=told)) == "BATCH_REVIEW_FIRST"


def test_after_the_cut_off_it_is_seen_and_on_the_day_it_is_paid(town: Callable[..., Town]) -> None:
    home = town("c18_wage_goes_up", date(2026, 3, 27))
    for kind in NOBODY_PAYS:
        home.month.players.__dict__["_acts"].pop(kind)
    desk = Finance(home.month)
    home.world.clock.move_to(datetime(2026, 3, 28, 9, tzinfo=CHINA))
    assert code_of(lambda: desk.prepare("2026-04-01")) == "INSTALMENT_STATE"
    home.world.clock.move_to(datetime(2026, 3, 31, 9, tzinfo=CHINA))
    batch = desk.prepare("2026-04-01")
    assert batch.instalments == 1
    desk.review(batch)
    assert code_of(lambda: desk.release(batch.batch_id)) == "INSTALMENT_STATE"  # seen early, paid on the day
    home.until(date(2026, 4, 2))
    desk.release(batch.batch_id)
    assert _state(home)["state"] == "settled"


def test_a_batch_that_changed_after_its_review_is_reviewed_again(town: Callable[..., Town]) -> None:
    home, desk = _before_payday(town)
    batch = desk.prepare("2026-04-01")
    desk.review(batch)
    household = _state(home)["household_id"]
    hold = desk.batches.PlaceHold(pb.PlaceHoldRequest(household_id=household, reason_code="suspicion"), token=desk.first())
    changed = desk.batch(batch.batch_id)
    assert (changed.state, changed.instalments) == ("closed", 0)  # nothing is left of it
    desk.batches.DecideHold(pb.DecideHoldRequest(hold_id=hold.hold_id, pay=True, reason="查无实据"), token=desk.first())
    again = desk.prepare("2026-04-01")
    assert again.batch_id != batch.batch_id and again.instalments == 1
    desk.review(again)
    # Somebody changes the database behind the officers' backs.
    app = home.world.apps["payment"]  # type: ignore[attr-defined]
    with app.store.transaction() as tx:
        tx.connection.exec_driver_sql("update instalment set amount_fen = amount_fen + 1 where batch_id <> ''")
    assert code_of(lambda: desk.release(again.batch_id)) == "BATCH_CHANGED"
    with app.store.transaction() as tx:
        tx.connection.exec_driver_sql("update instalment set amount_fen = amount_fen - 1 where batch_id <> ''")
    desk.release(again.batch_id)
    assert _state(home)["state"] == "settled"


def test_a_review_is_of_the_revision_that_was_seen(town: Callable[..., Town]) -> None:
    home, desk = _before_payday(town)
    batch = desk.prepare("2026-04-01")
    row = _state(home)
    app = home.world.apps["payment"]  # type: ignore[attr-defined]
    with app.work("service:intake") as ctx:
        from services.payment import revisions

        revisions.changed(ctx, batch.batch_id)
    assert code_of(lambda: desk.review(batch)) == "BATCH_CHANGED"
    desk.review(desk.batch(batch.batch_id))
    assert row["batch_id"] == batch.batch_id


def test_a_dead_persons_money_waits_and_goes_back_where_it_came_from(town: Callable[..., Town]) -> None:
    home, desk = _before_payday(town)
    row = _state(home)
    before = desk.overview()
    hold = desk.batches.PlaceHold(pb.PlaceHoldRequest(household_id=row["household_id"], reason_code="deceased"), token=desk.first())
    assert code_of(lambda: desk.batches.PlaceHold(pb.PlaceHoldRequest(household_id=row["household_id"], reason_code="because"),
                                                  token=desk.first())) == "FIELD_WRONG"
    assert desk.prepare("2026-04-01").instalments == 0 and desk.overview().held_fen == 9 * 740_00
    assert [one.reason_code for one in desk.batches.ListHolds(pb.ListHoldsRequest(open_only=True), token=desk.auditor()).holds] == ["deceased"]
    assert code_of(lambda: desk.batches.DecideHold(pb.DecideHoldRequest(hold_id=hold.hold_id), token=desk.first())) == "REASON_REQUIRED"
    desk.batches.DecideHold(pb.DecideHoldRequest(hold_id=hold.hold_id, pay=False, reason="户主去世,无其他成员"), token=desk.first())
    left = home.rows("payment", "select state from instalment where household_id = :h and state <> 'settled'", h=row["household_id"])
    assert {one["state"] for one in left} == {"void"}
    after = desk.overview()
    assert sum(one.reserved_fen for one in after.lines) == sum(one.reserved_fen for one in before.lines) - 9 * 740_00
    assert code_of(lambda: desk.batches.DecideHold(pb.DecideHoldRequest(hold_id=hold.hold_id, pay=True, reason="x"),
                                                   token=desk.first())) == "INSTALMENT_STATE"


def test_two_channels_for_one_purpose_in_one_month_wait_for_a_person(town: Callable[..., Town]) -> None:
    home = town("flood_and_hardship", date(2026, 3, 3))
    for kind in ("decide_hold",):
        home.month.players.__dict__["_acts"].pop(kind)
    home.until(date(2026, 3, 31))
    desk = Finance(home.month)
    holds = desk.batches.ListHolds(pb.ListHoldsRequest(open_only=True), token=desk.auditor()).holds
    assert [one.reason_code for one in holds] == ["duplicate"] and holds[0].other_id
    paid = home.rows("payment", "select channel, state, held from instalment where purpose = 'emergency_living'")
    # The one that came first is paid, the other waits; nothing was dropped.
    assert sorted((row["state"], bool(row["held"])) for row in paid) == [("planned", True), ("settled", False)]
    desk.batches.DecideHold(pb.DecideHoldRequest(hold_id=holds[0].hold_id, pay=True, reason="困难原因不同,可以叠加"), token=desk.first())
    home.until(date(2026, 4, 8))
    assert {row["state"] for row in home.rows("payment", "select state from instalment where purpose = 'emergency_living'")} == {"settled"}
    assert len(home.rows("payment", "select * from hold")) == 1  # decided once, not asked again


def test_an_account_in_another_name_is_refused_and_a_corrected_one_is_paid(town: Callable[..., Town]) -> None:
    home, desk = _before_payday(town)
    form = home.story.application
    clerk = home.month.tokens.role("window_clerk", form.village_code)

    def correct(number: str, name: str = "") -> Any:
        return home.world.peers.stub("payment").CorrectAccount(payment_pb2.CorrectAccountRequest(
            instalment_id=_state(home)["instalment_id"], bank_account=number, account_name=name), token=clerk)

    assert code_of(lambda: correct("6217000000000001810")) == "INSTALMENT_STATE"  # nothing is wrong with it
    app = home.world.apps["payment"]  # type: ignore[attr-defined]
    with app.store.transaction() as tx:
        tx.connection.exec_driver_sql("delete from payee")
    assert desk.prepare("2026-04-01").instalments == 0 and _state(home)["state"] == "returned"
    assert code_of(lambda: correct("62170000AB")) == "FIELD_WRONG"
    assert correct("6217000000000001810", form.members[0].name).instruction_id == ""  # goes into the next batch, seen by two
    assert desk.pay("2026-04-01").state == "closed" and _state(home)["state"] == "settled"
    with app.store.transaction() as tx:
        tx.connection.exec_driver_sql("update instalment set state = 'returned' where due_on = '2026-05-01'")
    other = home.rows("payment", "select instalment_id from instalment where due_on = '2026-05-01' and channel = :c", c=CHANNEL)[0]
    assert code_of(lambda: home.world.peers.stub("payment").CorrectAccount(payment_pb2.CorrectAccountRequest(
        instalment_id=other["instalment_id"], bank_account="6217000000000001810", account_name="路人甲"), token=clerk)) == "ACCOUNT_NAME_DIFFERS"
    with app.store.transaction() as tx:
        tx.connection.exec_driver_sql("update instalment set state = 'planned' where due_on = '2026-05-01'")
