"""What an operator does at night on a running stack: doctor, dead letters, publishing again."""

from __future__ import annotations

from typing import Any

import amqp
import pytest
from kombu import Connection
from yimen.bus import deadletters, outbox
from yimen.bus.envelope import CONTENT_TYPE, from_outbox
from yimen.bus.topology import DEAD, exchange_of
from yimen.kernel.errors import Fault
from yimen.rehearsal.world import wait_until
from yimen.runtime.settings import read_settings
from yimen.stack.doctor import CHECKS, Finding, examine
from yimen.stack.stack import Stack
from yimen.store.tables import inbox
from yimen.store.tables import outbox as outbox_table
from yimen.store.unit import Store

PATIENT = "medical"


def _examined(stack: Stack, name: str) -> dict[str, Finding]:
    settings = read_settings(stack.environment(name), name)
    return {one.check: one for one in examine(stack.services[name], settings)}


def check_doctor(stack: Stack) -> None:
    """All is well; then each thing that can be broken here is found, with what to do."""
    for name in stack.services:
        findings = _examined(stack, name)
        assert set(findings) == {check for check, _ in CHECKS}
        assert {check: one.found for check, one in findings.items() if not one.well} == {}, name
    stack.kill("worker", PATIENT)
    stack.kill("server", PATIENT)
    wait_until(lambda: "无人消费" in _examined(stack, PATIENT)["队列"].found, 30, "the broker still sees the worker")
    sick = _examined(stack, PATIENT)
    assert sick["队列"].advice == f"启动 yimen worker {PATIENT}" and "yimen server" in sick["对方服务"].advice
    stack.start_process("server", PATIENT)
    stack.start_process("worker", PATIENT)
    stack.wait_ready()

    healthy = stack.environment(PATIENT)
    for check, broken, words in (
        ("数据库", {"YIMEN_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/x"}, "YIMEN_DATABASE_URL"),
        ("消息服务器", {"YIMEN_AMQP_URL": "amqp://a:b@127.0.0.1:1/x"}, "YIMEN_AMQP_URL"),
        ("消息权限", {"YIMEN_AMQP_URL": stack.state.tenancy.broker_admin}, "单独的账号"),
        ("密钥", {"YIMEN_KEYS": "/nowhere"}, "私钥"),
    ):
        settings = read_settings({**healthy, **broken}, PATIENT)
        finding = next(one for one in examine(stack.services[PATIENT], settings) if one.check == check)
        assert words in finding.advice, f"{check}: {finding}"


def check_dead_letters(stack: Stack) -> None:
    """Garbage and forgeries are seen and discarded, never sent again; what is sound goes back where it came from."""
    admin = stack.state.tenancy.broker_admin
    store = Store(stack.databases["basic_living"])
    with store.transaction(write=False) as tx:
        said = from_outbox("basic_living", tx.find(outbox_table, type="aid.granted.v1", limit=1)[0])
    store.close()
    death = {"exchange": exchange_of("basic_living"), "reason": "delivery_limit", "queue": "q", "count": 1,
             "routing-keys": [said.routing_key]}
    forged = {**said.headers(), "ce-id": "forged"}
    with Connection(admin) as connection:
        channel = connection.channel()
        channel.confirm_select()
        for headers, body, where in ((said.headers(), said.body, death), (forged, said.body, death | {"exchange": "yimen.roster"}),
                                     ({"ce-id": "garbage"}, b"\xff", death)):
            channel.basic_publish_confirm(amqp.Message(body, content_type=CONTENT_TYPE,
                                                       application_headers={**headers, "x-death": [where]}),
                                          exchange=DEAD, routing_key=PATIENT)
    found = {one.event_id: one for one in deadletters.dead_letters(admin, PATIENT)}
    assert [found[one].problem for one in (said.event_id, "forged", "garbage")] == [
        "", "EVENT_SOURCE_FORGED", "EVENT_UNDECODABLE"]
    for event_id in ("forged", "garbage"):
        with pytest.raises(Fault) as told:
            deadletters.send_again(admin, PATIENT, event_id)
        assert told.value.code == "DEAD_LETTER_UNREADABLE"
        deadletters.discard(admin, PATIENT, event_id)
    deadletters.send_again(admin, PATIENT, said.event_id)
    assert deadletters.dead_letters(admin, PATIENT) == []
    with pytest.raises(Fault):
        deadletters.discard(admin, PATIENT, said.event_id)
    stack.settle()
    assert _times_in_inbox(stack, "payment", said.event_id) == 1  # who had it already knows it


def check_publishing_again(stack: Stack) -> None:
    """An event that somebody lost is published once more; nobody handles it twice."""
    store = Store(stack.databases["basic_living"])
    with store.transaction() as tx:
        row = tx.find(outbox_table, type="aid.granted.v1", limit=1)[0]
        outbox.publish_again(tx, row["event_id"])
        with pytest.raises(Fault):
            outbox.publish_again(tx, "nobody")
    store.close()
    stack.settle()
    assert _times_in_inbox(stack, "payment", row["event_id"]) == 1


def _times_in_inbox(stack: Stack, service: str, event_id: str) -> int:
    store: Any = Store(stack.databases[service])
    with store.transaction(write=False) as tx:
        count = tx.count(inbox, event_id=event_id)
    store.close()
    return int(count)
