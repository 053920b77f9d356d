"""One conformance suite for the bus, on the embedded bus and on real RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import amqp
import pytest
from amqp.exceptions import AccessRefused
from kombu import Connection
from yimen.bus.envelope import from_outbox
from yimen.bus.publisher import Publisher
from yimen.rehearsal.world import wait_until
from yimen.stack.components import Components, Tenancy
from yimen.store.tables import outbox, parked

from tests.contract.buses import WIRE_TYPE, RabbitMQ, embedded, rabbitmq, said, tenancy

EVENTS = 5_000
RESTARTS = 3


@pytest.fixture(scope="module")
def tenants(components: Components) -> Iterator[Tenancy]:
    with tenancy(components) as made:
        yield made


@pytest.fixture(params=["embedded", pytest.param("rabbitmq", marks=pytest.mark.stack)])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "embedded":
        with embedded(tmp_path) as made:
            yield made
    else:
        with rabbitmq(request.getfixturevalue("tenants")) as made:
            yield made


@pytest.fixture
def rabbit(tenants: Tenancy) -> Iterator[RabbitMQ]:
    with rabbitmq(tenants) as made:
        yield made


def test_what_is_said_arrives_in_order_within_a_case(bus: Any) -> None:
    for number in range(50):
        bus.source.say("case-a", number)
        bus.source.say("case-b", number)
    bus.deliver(100)
    assert bus.sink.effects("case-a") == list(range(50)) == bus.sink.effects("case-b")


def test_an_event_delivered_twice_has_one_effect(bus: Any) -> None:
    bus.source.say("case-a", 1)
    bus.deliver(1)
    bus.deliver_again(said(bus.source)[0])
    bus.source.say("case-a", 2)
    bus.deliver(2)
    assert bus.sink.effects("case-a") == [1, 2]


def test_published_but_not_marked_is_published_again_and_handled_once(bus: Any) -> None:
    bus.source.say("case-a", 1, 2, 3)
    bus.deliver(3)
    # The relay was killed after the confirm and before the mark.
    with bus.source.store.transaction() as tx:
        tx.update(outbox, {}, published_at=None)
    bus.source.may_have_spoken = True
    bus.source.say("case-a", 4)
    bus.deliver(4)
    assert bus.sink.effects("case-a") == [1, 2, 3, 4]


def test_a_poison_event_parks_its_case_only_and_succeeds_later_in_order(bus: Any) -> None:
    bus.start_poison("case-a")
    bus.source.say("case-a", 1, 2)
    bus.source.say("case-b", 1)
    bus.source.say("case-a", 3)
    bus.source.say("case-b", 2)
    bus.deliver(2)
    assert bus.sink.effects("case-a") == [] and bus.sink.effects("case-b") == [1, 2]
    with bus.sink.store.transaction(write=False) as tx:
        assert [row["state"] for row in tx.find(parked, order_by=parked.c.position)] == ["failed", "behind", "behind"]
    bus.stop_poison()
    bus.sink.retry_all()
    assert bus.sink.effects("case-a") == [1, 2, 3]


def test_five_thousand_events_over_consumer_restarts_arrive_once_each(bus: Any) -> None:
    subjects = [f"case-{number}" for number in range(50)]
    each = EVENTS // len(subjects)
    done = 0
    for restart in range(RESTARTS + 1):
        share = range(restart * each // (RESTARTS + 1), (restart + 1) * each // (RESTARTS + 1))
        for subject in subjects:
            bus.source.say(subject, *share)
        done += len(share) * len(subjects)
        if restart < RESTARTS:
            bus.restart_sink()
    bus.deliver(EVENTS)
    assert len(bus.sink.effects()) == EVENTS == done
    assert all(bus.sink.effects(subject) == list(range(each)) for subject in subjects)


def test_an_event_before_its_cause_waits_without_holding_up_its_case(tmp_path: Path) -> None:
    with embedded(tmp_path) as bus:
        bus.sink.early = {"case-a"}
        bus.source.say("case-a", 1)
        bus.deliver(0)
        bus.sink.early = set()
        bus.source.say("case-a", 2)
        bus.deliver(2)
        assert sorted(bus.sink.effects("case-a")) == [1, 2]


def test_an_event_left_behind_without_its_head_is_still_retried_and_one_behind_a_waiting_head_is_not(tmp_path: Path) -> None:
    with embedded(tmp_path) as bus:
        bus.start_poison("case-a")
        bus.source.say("case-a", 1, 2)
        bus.deliver(0)
        past = bus.sink.machine_now() - timedelta(hours=1)
        with bus.sink.store.transaction() as tx:
            tx.update(parked, {"state": "behind"}, next_attempt_at=past)
            tx.update(parked, {"state": "failed"}, next_attempt_at=past + timedelta(days=1))
        bus.stop_poison()
        assert bus.sink.processor.retry_parked() == 0  # its head is not due yet
        with bus.sink.store.transaction() as tx:
            tx.delete(parked, state="failed")  # handled by another process in this very moment
        assert bus.sink.processor.retry_parked() == 1 and bus.sink.effects("case-a") == [2]


# ------------------------------------------------------------------------------------------------ RabbitMQ alone
def _headers(bus: RabbitMQ, **changes: str) -> dict[str, str]:
    bus.source.say("case-x", 1)
    with bus.source.store.transaction(write=False) as tx:
        row = tx.find(outbox)[0]
    return {**from_outbox("source", row).headers(), **changes}


@pytest.mark.parametrize("changes, body", [
    ({"ce-type": "garbage"}, b""),
    ({"ce-type": "aid.invented.v0"}, b""),
    ({"ce-type": "output.recorded.v9"}, b""),
    ({}, b"\xff\xff not protobuf"),
    ({"ce-sequence": "no number"}, b""),
    ({}, b"x" * 300_000),
], ids=["no type", "a version of the past", "a version of tomorrow", "undecodable", "no sequence", "too large"])
def test_a_message_nobody_can_read_goes_to_the_dead_letter_queue(rabbit: RabbitMQ, changes: dict[str, str],
                                                                 body: bytes) -> None:
    rabbit.publish_raw("yimen.source", "admin", _headers(rabbit, **changes), body)
    wait_until(lambda: rabbit.dead_letters() == 1, 20, "no dead letter")
    # The queue goes on: what the source itself has to say arrives.
    rabbit.deliver(1)
    assert rabbit.sink.effects() == [1]


def test_a_type_that_only_the_next_release_knows_waits_for_the_upgrade_in_its_order(rabbit: RabbitMQ) -> None:
    rabbit.start_release_before()
    rabbit.source.say("case-a", 1)
    rabbit.relay()
    wait_until(lambda: _parked(rabbit) == ["failed"], 20, "not parked")
    rabbit.restart_sink()  # upgraded
    rabbit.source.say("case-a", 2)
    rabbit.source.say("case-b", 1)
    rabbit.deliver(1)
    wait_until(lambda: _parked(rabbit) == ["failed", "behind"], 20, "the later event did not wait")
    assert rabbit.sink.effects("case-a") == []
    rabbit.sink.processor.resume()  # as the upgraded server does at its start
    assert rabbit.sink.processor.retry_parked() == 2
    assert rabbit.sink.effects("case-a") == [1, 2] and rabbit.dead_letters() == 0


def _parked(bus: RabbitMQ) -> list[str]:
    with bus.sink.store.transaction(write=False) as tx:
        return [row["state"] for row in tx.find(parked, order_by=parked.c.position)]


def test_a_service_cannot_say_what_is_not_its_own_to_say(rabbit: RabbitMQ) -> None:
    headers = _headers(rabbit)
    rabbit.publish_raw("yimen.source", "source", headers, b"")  # a department's event, by a department
    for event in ("payment.settled.all", "roster.category_changed.all", "output.recorded"):
        with pytest.raises(AccessRefused):
            rabbit.publish_raw("yimen.source", "source", headers, b"", routing_key=event)


def test_a_service_cannot_publish_in_another_name(rabbit: RabbitMQ) -> None:
    headers = _headers(rabbit)
    with pytest.raises(AccessRefused):
        rabbit.publish_raw("yimen.source", "sink", headers, b"")
    with pytest.raises(AccessRefused):
        rabbit.publish_raw("yimen.events", "sink", headers, b"")
    # Through its own exchange it may, but the claimed source is not believed.
    rabbit.publish_raw("yimen.sink", "admin", headers, b"")
    wait_until(lambda: rabbit.dead_letters() == 1, 20, "the forged event was accepted")
    assert WIRE_TYPE in headers.values() and rabbit.sink.effects() == []


def test_an_event_for_several_departments_reaches_each_of_them_once_and_nobody_else(rabbit: RabbitMQ) -> None:
    """By RabbitMQ's CC header; the embedded bus asks `concerns`, which the month shows."""
    admin = rabbit.tenancy.broker_admin
    with Connection(admin) as connection:
        channel = connection.default_channel
        for name in ("medical", "education", "housing"):
            channel.queue_declare(f"test.{name}", durable=False, auto_delete=False)
            for key in (name, "all"):
                channel.queue_bind(f"test.{name}", "yimen.events", f"output.recorded.{key}")
        channel.queue_declare("test.witness", durable=False, auto_delete=False)
        channel.queue_bind("test.witness", "yimen.events", "output.recorded.*")
        try:
            rabbit.source.say("a", 1)
            event = replace(said(rabbit.source)[0], audience="education,medical")
            assert rabbit.deliver_one(event)
            waiting = {name: channel.queue_declare(f"test.{name}", passive=True).message_count
                       for name in ("medical", "education", "housing", "witness")}
        finally:
            for name in ("medical", "education", "housing", "witness"):
                channel.queue_delete(f"test.{name}")
    assert waiting == {"medical": 1, "education": 1, "housing": 0, "witness": 1}


def test_what_no_queue_takes_is_told_apart_and_does_not_hold_up_the_rest() -> None:
    """The client's own hand-over of a returned message: a wrong signature once stopped a whole outbox."""
    publisher = Publisher("amqp://localhost", "yimen")
    publisher._confirmed = {"routed", "lost"}
    channel = SimpleNamespace(events={"basic_return": {publisher._on_return}})
    amqp.Channel._on_basic_return(channel, 312, "NO_ROUTE", "yimen", "nowhere", amqp.Message("", message_id="lost"))
    assert publisher._confirmed - publisher._returned == {"routed"}
