"""The feed in one process: masked, numbered, in order; webhooks signed, retried, disabled, redelivered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from yimen.bus.asyncapi import document, example, owners_of
from yimen.bus.compatibility import problems
from yimen.bus.envelope import from_outbox
from yimen.bus.outbox import discard
from yimen.bus.public import public_fields, public_kinds
from yimen.cli.feed import ASYNCAPI_FILE, asyncapi_text, find_gaps
from yimen.common.v1 import audit_pb2
from yimen.feed.v1 import feed_pb2
from yimen.kernel.errors import Fault
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.world import EmbeddedWorld
from yimen.runtime.registry import services
from yimen.store.tables import audit, outbox

from services.feed import webhooks
from services.feed.tables import entry, heard, webhook

NEVER_PUBLIC = {"reason", "actor", "person_id", "surveyors", "request", "signed_grant", "report_id", "village_code",
                "doubts", "major_doubt", "relative_declared", "instruction_id"}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory, sample: County) -> Iterator[Month]:
    """A county after some days: applications, decisions, payments."""
    world = EmbeddedWorld(tmp_path_factory.mktemp("feed"), start_moment())
    stories = [read(FILES / f"{name}.yaml") for name in ("urgent_fire", "c01_dibao_and_university", "flood_family")]
    month = Month(world, sample, households=3, seed=3, stories=stories)
    month.prepare()
    for days in range(8):
        month.play(start_moment().date() + timedelta(days=days))
    yield month
    world.close()


def _feed(month: Month, after: int = 0) -> list[dict[str, Any]]:
    answer = month.world.peers.stub("feed").ReadFeed(feed_pb2.ReadFeedRequest(after=after, limit=500))
    return [json.loads(one.event_json) for one in answer.entries]


# ------------------------------------------------------------------------------------------------ content
def test_the_feed_is_numbered_without_a_gap_and_every_event_fits_its_published_schema(county: Month) -> None:
    events = _feed(county)
    assert len(events) > 40 and find_gaps(events) == ([], len(events))
    schemas = json.loads(asyncapi_text())["components"]
    for event in events:
        name = schemas["messages"][event["type"]]["payload"]["$ref"].rsplit("/", 1)[1]
        jsonschema.validate(event, schemas["schemas"][name])
        assert datetime.fromisoformat(event["time"]).date() >= start_moment().date()


def test_nothing_personal_and_no_reason_in_words_is_in_the_feed(county: Month) -> None:
    text = json.dumps(_feed(county), ensure_ascii=False)
    for story in county.stories:
        for member in story.application.members:
            assert member.name not in text and (not member.resident_id or member.resident_id not in text)
        for secret in (story.application.bank_account, story.application.phone):
            assert not secret or secret not in text
    for kind in public_kinds().values():
        assert not NEVER_PUBLIC & {field.name for field in public_fields(kind.message.DESCRIPTOR)}, kind.type


def test_gaps_are_found_and_repetitions_are_none(county: Month) -> None:
    events = _feed(county)
    assert find_gaps([*events[:10], *events[5:]]) == ([], len(events))
    wrong, _ = find_gaps([*events[:10], *events[11:]])
    assert wrong and wrong[0] == f"缺 {events[10]['sequence']} 至 {events[10]['sequence']}"


def test_an_event_that_is_withdrawn_leaves_no_gap(county: Month) -> None:
    world: Any = county.world
    payment = world.apps["payment"]
    with payment.work("service:payment") as ctx:
        for number in (1, 2, 3):
            ctx.emit(audit_pb2.AuditSealed(service="payment", seal_no=1000 + number), subject="withdrawn")
    with payment.store.transaction() as tx:
        waiting = tx.find(outbox, subject="withdrawn", order_by=outbox.c.position)
        discard(tx, waiting[1]["event_id"], "消息服务器拒收", county.world.clock.now())
        with pytest.raises(Fault, match="理由"):
            discard(tx, waiting[0]["event_id"], " ", county.world.clock.now())
    county.world.settle()
    told = [one for one in _feed(county) if one["subject"] == "withdrawn"]
    assert [one["type"] for one in told] == ["event.discarded.v1"] and told[0]["data"]["type"] == "audit.sealed.v1"
    assert "消息" not in json.dumps(told, ensure_ascii=False)
    with payment.store.transaction() as tx, pytest.raises(Fault, match="已经发布"):
        discard(tx, waiting[0]["event_id"], "太迟", county.world.clock.now())
    with world.apps["feed"].store.transaction(write=False) as tx:
        assert tx.first(heard, source="payment", subject="withdrawn")["subject_seq"] == 3
    with payment.store.transaction(write=False) as tx:
        assert tx.count(audit, act="outbox.discarded", subject=waiting[1]["event_id"]) == 1


def test_events_that_arrive_in_any_order_stand_in_the_feed_in_the_order_in_which_they_were_said(
        tmp_path: Path, county: Month) -> None:
    world: Any = county.world
    envelopes = []
    for name, app in world.apps.items():
        with app.store.transaction(write=False) as tx:
            envelopes += [from_outbox(name, row) for row in tx.find(outbox, order_by=outbox.c.position)]
    empty = EmbeddedWorld(tmp_path, start_moment())
    try:
        with empty.apps["feed"].store.transaction() as tx:  # its own catalogue events came at the start
            tx.delete(entry)
            tx.delete(heard)
        random.Random(4).shuffle(envelopes)
        processor = empty.apps["feed"].processor
        known = {row["event_id"] for row in _inbox(empty)}
        for start in range(0, len(envelopes), 7):
            processor.handle_batch([one for one in envelopes[start:start + 7] if one.event_id not in known])
        while processor.retry_parked(everything=True):
            pass
        with empty.apps["feed"].store.transaction(write=False) as tx:
            rows = tx.find(entry, order_by=entry.c.sequence)
        by_case: dict[tuple[str, str], list[int]] = {}
        for row in rows:
            by_case.setdefault((row["source"], row["subject"]), []).append(row["source_seq"])
        assert all(numbers == sorted(numbers) for numbers in by_case.values())
        case_numbers: dict[str, list[int]] = {}
        for row in rows:
            case_numbers.setdefault(row["subject"], []).append(row["case_sequence"])
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in case_numbers.values())
    finally:
        empty.close()


def _inbox(world: EmbeddedWorld) -> list[Any]:
    from yimen.store.tables import inbox

    with world.apps["feed"].store.transaction(write=False) as tx:
        return tx.find(inbox)


# ------------------------------------------------------------------------------------------------ contract
def test_the_asyncapi_document_is_valid_and_what_the_contracts_say() -> None:
    text = asyncapi_text()
    assert ASYNCAPI_FILE.read_text() == text, "run `yimen feed asyncapi --write`"
    schema = json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text())
    parsed = json.loads(text)
    jsonschema.Draft7Validator(schema).validate(parsed)
    owners = owners_of({name: service.is_department for name, service in services().items()})
    assert set(document(owners)["components"]["messages"]) == set(public_kinds())
    for wire_type, kind in public_kinds().items():
        message = parsed["components"]["messages"][wire_type]
        assert message["summary"] == kind.meaning
        name = message["payload"]["$ref"].rsplit("/", 1)[1]
        jsonschema.validate(example(kind, "basic_living"), parsed["components"]["schemas"][name])


def _changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(asyncapi_text())
    change(parsed["components"])
    return parsed


def _replace(components: dict[str, Any], on: str) -> None:
    components["messages"]["aid.refused.v1"]["x-replaced-on"] = on
    components["messages"]["aid.refused.v2"] = components["messages"]["aid.refused.v1"] | {"x-replaced-on": ""}


def _gone(components: dict[str, Any], on: str) -> None:
    _replace(components, on)
    components["messages"].pop("aid.refused.v1")


@pytest.mark.parametrize("old, new, words", [
    (lambda c: None, lambda c: None, []),
    (lambda c: None, lambda c: c["schemas"]["AidGranted_v1"]["properties"]["data"]["properties"].update(x={"type": "string"}), []),
    (lambda c: None, lambda c: c["schemas"]["AidGranted_v1"]["properties"]["data"]["properties"].pop("item"), ["item is gone"]),
    (lambda c: None, lambda c: c["schemas"]["AidGranted_v1"]["properties"]["data"]["properties"]["amount_fen"].update(
        type="string"), ["was integer"]),
    (lambda c: None, lambda c: c["messages"].pop("aid.refused.v1"), ["without a successor"]),
    (lambda c: _replace(c, "2026-06-01"), lambda c: _gone(c, "2026-06-01"), ["goes before 2026-11-28"]),
    (lambda c: _replace(c, "2026-05-01"), lambda c: _gone(c, "2026-05-01"), []),
    (lambda c: None, lambda c: c["messages"]["aid.refused.v1"].update({"x-replaced-on": "2026-06-01"}), ["not there"]),
])
def test_the_contract_only_grows_and_an_old_type_stays_for_180_days(
        old: Callable[[dict[str, Any]], object], new: Callable[[dict[str, Any]], object], words: list[str]) -> None:
    found = problems(_changed(old), _changed(new), date(2026, 11, 22))
    assert len(found) == len(words) and all(word in line for word, line in zip(words, found, strict=True))


# ------------------------------------------------------------------------------------------------ webhooks
class _Receiver:
    """An integrator's server: remembers what came, answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[_Receiver]:
    one = _Receiver()
    yield one
    one.close()


def _verifies(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As an integrator checks it, from the text of the Standard Webhooks specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


def _rounds(county: Month, rounds: int = 20) -> None:
    world: Any = county.world
    for _ in range(rounds):
        if not webhooks.deliver(world.apps["feed"]):
            return


def _due_now(county: Month, name: str) -> None:
    world: Any = county.world
    app = world.apps["feed"]
    with app.store.transaction() as tx:
        tx.update(webhook, {"name": name}, next_attempt_at=app.machine_now())


def test_a_webhook_gets_every_event_signed_in_order_and_may_ask_for_them_again(county: Month, receiver: _Receiver) -> None:
    feed, admin = county.world.peers.stub("feed"), county.tokens.role("county_admin")
    secret = feed.AddWebhook(feed_pb2.AddWebhookRequest(name="hospital", url=receiver.url), token=admin).secret
    _rounds(county)
    assert receiver.got == []  # from now on, not from the beginning
    total = len(_feed(county))
    assert feed.Redeliver(feed_pb2.RedeliverRequest(name="hospital", from_sequence=1), token=admin).entries == total
    _rounds(county)
    assert [int(json.loads(body)["sequence"]) for _, body in receiver.got] == list(range(1, total + 1))
    assert all(_verifies(secret, headers, body) for headers, body in receiver.got)
    headers, body = receiver.got[0]
    assert not _verifies(secret, headers, body + b" ") and not _verifies(webhooks.new_secret(), headers, body)


def test_after_a_rotation_both_secrets_sign_until_the_old_ones_time_is_over(county: Month, receiver: _Receiver) -> None:
    feed, admin = county.world.peers.stub("feed"), county.tokens.role("county_admin")
    old = feed.AddWebhook(feed_pb2.AddWebhookRequest(name="rotating", url=receiver.url, types=["aid.granted.v1"]),
                          token=admin).secret
    new = feed.RotateSecret(feed_pb2.RotateSecretRequest(name="rotating"), token=admin).secret
    feed.Redeliver(feed_pb2.RedeliverRequest(name="rotating", from_sequence=1), token=admin)
    _rounds(county)
    assert receiver.got and {json.loads(body)["type"] for _, body in receiver.got} == {"aid.granted.v1"}
    assert all(_verifies(old, *one) and _verifies(new, *one) for one in receiver.got)
    world: Any = county.world
    app = world.apps["feed"]
    with app.store.transaction() as tx:
        tx.update(webhook, {"name": "rotating"}, former_until=app.machine_now())
    receiver.got.clear()
    feed.Redeliver(feed_pb2.RedeliverRequest(name="rotating", from_sequence=1), token=admin)
    _rounds(county)
    assert receiver.got and all(_verifies(new, *one) and not _verifies(old, *one) for one in receiver.got)


def test_who_does_not_answer_is_tried_again_later_and_disabled_in_the_end(county: Month, receiver: _Receiver) -> None:
    feed, admin = county.world.peers.stub("feed"), county.tokens.role("county_admin")
    feed.AddWebhook(feed_pb2.AddWebhookRequest(name="asleep", url=receiver.url), token=admin)
    feed.Redeliver(feed_pb2.RedeliverRequest(name="asleep", from_sequence=1), token=admin)
    receiver.status = 503
    for attempt in range(1, len(webhooks.RETRY_PAUSES) + 2):
        _rounds(county)
        _rounds(county)  # not due yet: not tried again
        assert len(receiver.got) == attempt
        _due_now(county, "asleep")
    [row] = [one for one in feed.ListWebhooks(feed_pb2.ListWebhooksRequest(), token=admin).webhooks
             if one.name == "asleep"]
    assert (row.state, row.last_error, row.next_sequence) == ("disabled", "HTTP 503", 1)
    receiver.status, receiver.got = 200, []
    feed.EnableWebhook(feed_pb2.EnableWebhookRequest(name="asleep"), token=admin)
    _rounds(county)
    assert [int(json.loads(body)["sequence"]) for _, body in receiver.got] == list(range(1, len(_feed(county)) + 1))


@pytest.mark.parametrize("code, call", [
    ("FIELD_WRONG", lambda f, t: f.AddWebhook(feed_pb2.AddWebhookRequest(name="X!", url="https://a.example"), token=t)),
    ("FIELD_WRONG", lambda f, t: f.AddWebhook(feed_pb2.AddWebhookRequest(name="plain", url="http://a.example"), token=t)),
    ("FIELD_WRONG", lambda f, t: f.AddWebhook(feed_pb2.AddWebhookRequest(name="file", url="file:///etc/passwd"), token=t)),
    ("EVENT_TYPE_UNKNOWN", lambda f, t: f.AddWebhook(
        feed_pb2.AddWebhookRequest(name="odd", url="https://a.example", types=["moon.landed.v1"]), token=t)),
    ("WEBHOOK_NOT_FOUND", lambda f, t: f.RotateSecret(feed_pb2.RotateSecretRequest(name="nobody"), token=t)),
    ("WEBHOOK_NOT_FOUND", lambda f, t: f.EnableWebhook(feed_pb2.EnableWebhookRequest(name="nobody"), token=t)),
    ("FIELD_WRONG", lambda f, t: f.Redeliver(feed_pb2.RedeliverRequest(name="nobody", from_sequence=0), token=t)),
])
def test_wrong_webhooks_are_refused(county: Month, code: str, call: Callable[[Any, str], object]) -> None:
    feed = county.world.peers.stub("feed")
    with pytest.raises(Fault) as told:
        call(feed, county.tokens.role("county_admin"))
    assert told.value.code == code


def test_only_the_county_administrator_lets_integrators_in(county: Month) -> None:
    feed = county.world.peers.stub("feed")
    with pytest.raises(Fault) as told:
        feed.AddWebhook(feed_pb2.AddWebhookRequest(name="sneaky", url="https://a.example"),
                        token=county.tokens.role("window_clerk", "990101001"))
    assert told.value.code == "ROLE_MISSING"


def test_the_subscriber_that_integrators_are_given_is_short_and_uses_nothing_of_ours() -> None:
    source = Path("deploy/feed/subscriber.py").read_text()
    assert len(source.splitlines()) < 40 and "yimen." not in source.replace("yimen.feed.stream", "")
    subprocess.run([sys.executable, "-m", "py_compile", "deploy/feed/subscriber.py"], check=True)
