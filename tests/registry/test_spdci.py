"""SPDCI Social Registry 1.0.0 over the ledger, over real HTTP: search, subscribe, status; who may not, may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests
from yimen.kernel.errors import Fault
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import LAST_DAY, Month, start_moment
from yimen.rehearsal.promises import Evidence, check_all
from yimen.rehearsal.world import EmbeddedWorld
from yimen.roster.v1 import roster_pb2 as pb
from yimen.runtime.web import WebServer

from services.roster.spdci import callbacks
from services.roster.spdci.desk import Desk
from services.roster.spdci.tables import spdci_transaction
from services.roster.tables import read_log
from tests.registry.integrator import Integrator, is_signed_by, listening, now

CONTRACT = "yimen.roster.v1.roster:Integrator"
STORY, LATER = "c01_dibao_and_university", "c11_destitute_elder"
PURPOSE = {"text": "减免住院押金", "code": "DEPOSIT"}


@dataclass
class Scene:
    """A county after its month, its desk on a real port, an integrator and what came back to it."""

    month: Month
    app: Any
    url: str
    clinic: Integrator
    ledger_key: str
    arrived: list[tuple[str, dict[str, Any]]]
    statuses: list[int]

    def post(self, path: str, body: Any) -> requests.Response:
        return requests.post(f"{self.url}/registry/{path}", json=body, timeout=10)

    def ask(self, path: str, action: str, message: Any, /, **header: Any) -> dict[str, Any]:
        answer = self.post(path, self.clinic.envelope(action, message, **header))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def settle(self) -> None:
        self.month.world.settle()

    def applicant(self, story: str = STORY) -> str:
        return str(read(FILES / f"{story}.yaml").application.members[0].resident_id)


def _found(month: Month, clinic: Integrator, callback: str, may_list: bool = False, role: str = "county_admin") -> str:
    answer = month.world.peers.stub("roster", CONTRACT).AdmitIntegrator(pb.AdmitIntegratorRequest(integrator=pb.Integrator(
        sender_id=clinic.name, public_key=clinic.public_key, callback_url=callback, may_list=may_list)),
        token=month.tokens.role(role, "990101001"))
    return str(answer.public_key)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, sample: County) -> Iterator[Scene]:
    world = EmbeddedWorld(tmp_path_factory.mktemp("registry"), start_moment())
    month = Month(world, sample, 0, seed=1, stories=[read(FILES / f"{STORY}.yaml")])
    month.prepare()
    month.run()
    app = world.apps["roster"]
    server = WebServer(Desk(app), "127.0.0.1:0")
    server.start()
    clinic = Integrator()
    with listening() as (address, arrived, statuses):
        key = _found(month, clinic, address, may_list=True)
        yield Scene(month, app, f"http://127.0.0.1:{server.port}", clinic, key, arrived, statuses)
    server.stop()
    world.close()


def _search(number: str, reference: str = "r-1", **changes: Any) -> dict[str, Any]:
    criteria = {"version": "1.0.0", "reg_type": "ns:org:RegistryType:Social", "query_type": "idtype-value",
                "query": {"type": "UIN", "value": number}, "consent": {"ts": now(), "purpose": PURPOSE}, **changes}
    return {"transaction_id": f"t-{reference}",
            "search_request": [{"reference_id": reference, "timestamp": now(), "search_criteria": criteria}]}


def _reasons(answer: dict[str, Any]) -> list[str]:
    return [one.get("status_reason_code", one["status"]) for one in answer["message"]["search_response"]]


# ------------------------------------------------------------------------------------------------ search
def test_a_person_who_consented_is_found_with_the_categories_in_force(scene: Scene) -> None:
    answer = scene.ask("sync/search", "search", _search(scene.applicant(), "r-found"), total_count=1)
    assert is_signed_by(scene.ledger_key, answer)
    assert answer["header"]["status"] == "succ" and answer["header"]["action"] == "on-search"
    (one,) = answer["message"]["search_response"]
    (record,) = one["data"]["reg_records"]
    assert [held["category"] for held in record["categories"]] == ["dibao"]
    assert record["identifiers"] == [{"identifier_type": "UIN", "identifier_value": scene.applicant()}]
    story = read(FILES / f"{STORY}.yaml").application
    others = [text for member in story.members for text in (member.name, member.resident_id)]
    others.remove(scene.applicant())
    assert not any(text in json.dumps(answer, ensure_ascii=False) for text in others)
    with scene.app.store.transaction(write=False) as tx:
        (logged,) = tx.find(read_log, case_id="r-found")
    assert (logged["reader"], logged["purpose"]) == ("integrator:clinic.county", "DEPOSIT 减免住院押金")


def test_nobody_known_is_an_empty_answer_and_leaves_no_read(scene: Scene) -> None:
    answer = scene.ask("sync/search", "search", _search("990101195001010010", "r-nobody"))
    (one,) = answer["message"]["search_response"]
    assert one["data"]["reg_records"] == [] and one["pagination"]["total_count"] == 0
    with scene.app.store.transaction(write=False) as tx:
        assert tx.count(read_log, case_id="r-nobody") == 0


@pytest.mark.parametrize("changes", [
    {"consent": None}, {"consent": {"ts": now(), "purpose": {}}}, {"consent": {"ts": "2019-01-01T00:00:00Z", "purpose": PURPOSE}},
    {"consent": {"ts": "yesterday", "purpose": PURPOSE}}, {"consent": {"ts": now(), "purpose": {"text": "给13800138000"}}},
    {"query": {"type": "PASSPORT", "value": "X"}}, {"query": {"type": "UIN", "value": "990101195001010011"}},
    {"query": {"type": "UIN", "value": 7}}, {"query_type": "graphql"}, {"pagination": {"page_size": 100_000}},
    {"query_type": "expression", "query": {}, "authorize": {"ts": now(), "purpose": PURPOSE}},
    {"query_type": "expression", "query": {"value": {"expression": {"query": {"name": {"$eq": "x"}}}}},
     "authorize": {"ts": now(), "purpose": PURPOSE}},
])
def test_a_search_without_consent_purpose_or_sense_is_rejected_by_itself(scene: Scene, changes: dict[str, Any]) -> None:
    message = _search(scene.applicant(), "r-wrong", **changes)
    message["search_request"].append(_search(scene.applicant(), "r-right")["search_request"][0])
    answer = scene.ask("sync/search", "search", message)
    assert _reasons(answer) == ["rjct.search_criteria.invalid", "succ"]
    assert scene.applicant() not in json.dumps(answer["message"]["search_response"][0])


def test_an_expression_lists_households_without_anybodys_identity(scene: Scene) -> None:
    query = {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Group", "query": {
        "$and": [{"category": {"$in": ["dibao", "tekun"]}}, {"area_kind": {"$eq": "rural"}}]}}}}
    lawful = {"ts": now(), "purpose": {"code": "CENSUS", "text": "依法统计"}}
    answer = scene.ask("sync/search", "search", _search("", "r-list", query_type="expression", query=query, authorize=lawful))
    (one,) = answer["message"]["search_response"]
    assert one["pagination"]["total_count"] == len(one["data"]["reg_records"])
    assert all(record["identifiers"] == [] for record in one["data"]["reg_records"])
    assert _reasons(scene.ask("sync/search", "search", _search("", "r-l2", query_type="expression", query=query))) == [
        "rjct.search_criteria.invalid"]  # no law named


def test_the_same_reference_twice_in_a_message_is_rejected_once(scene: Scene) -> None:
    message = _search(scene.applicant(), "r-twice")
    message["search_request"] *= 2
    assert _reasons(scene.ask("sync/search", "search", message)) == ["succ", "rjct.reference_id.duplicate"]


# ------------------------------------------------------------------------------------------------ envelope
@pytest.mark.parametrize("header, code", [
    ({"version": "2.0.0"}, "rjct.version.invalid"), ({"action": "subscribe"}, "rjct.action.invalid"),
    ({"message_ts": "2020-01-01T00:00:00Z"}, "rjct.message_ts.invalid"), ({"total_count": 5}, "rjct.total_count.invalid"),
    ({"is_msg_encrypted": True}, "rjct.action.not_supported"),
])
def test_a_wrong_header_is_rejected_with_the_standards_code(scene: Scene, header: dict[str, Any], code: str) -> None:
    body = scene.clinic.envelope("search", _search(scene.applicant()), **header)
    answer = scene.post("sync/search", body).json()
    assert (answer["header"]["status"], answer["header"]["status_reason_code"]) == ("rjct", code)
    told = scene.post("search", scene.clinic.envelope("search", _search(scene.applicant()), **header)).json()["message"]
    assert (told["ack_status"], told["error"]["code"]) == ("NACK", code)


def test_a_message_is_taken_once(scene: Scene) -> None:
    body = scene.clinic.envelope("search", _search(scene.applicant()))
    assert scene.post("sync/search", body).json()["header"]["status"] == "succ"
    again = scene.post("sync/search", body).json()["header"]
    assert (again["status"], again["status_reason_code"]) == ("rjct", "rjct.message_id.duplicate")


def test_who_is_not_admitted_or_did_not_sign_learns_nothing(scene: Scene) -> None:
    stranger, good = Integrator("stranger"), scene.clinic.envelope("search", _search(scene.applicant()))
    touched = {**good, "message": _search(scene.applicant(), "r-other")}
    impostor = Integrator().envelope("search", _search(scene.applicant()))
    late = scene.clinic.envelope("search", _search(scene.applicant()), life_s=-10)
    eternal = scene.clinic.envelope("search", _search(scene.applicant()), life_s=10**9)
    for body in (stranger.envelope("search", _search(scene.applicant())), touched, impostor, late, eternal,
                 {**good, "signature": ""}, {**good, "signature": 7}, {**good, "signature": 'kidId="clinic.county|1|ed25519"'}):
        answer = scene.post("sync/search", body)
        assert answer.status_code == 401 and answer.json()["code"] == "SIGNATURE_WRONG"
        assert answer.headers["content-type"] == "application/problem+json"


def test_garbage_gets_a_problem_and_no_trace_of_itself(scene: Scene) -> None:
    for data, status in ((b"not json", 400), (b"[]", 400), (b'{"header": {}, "message": {}}', 400), (b"\xff\xfe", 400),
                         (b'{"header": 1, "message": 2}', 400), (b"x" * 300_000, 413)):
        answer = requests.post(f"{scene.url}/registry/sync/search", data=data, timeout=10)
        assert answer.status_code == status
    assert requests.get(f"{scene.url}/registry/sync/search", timeout=10).status_code == 405
    assert requests.post(f"{scene.url}/registry/else", timeout=10).status_code == 404
    for message in (None, [], {}, {"search_request": []}, {"search_request": [1] * 101}):
        answer = scene.post("sync/search", scene.clinic.envelope("search", message)).json()
        assert answer["header"]["status"] == "rjct" and answer["header"]["status_reason_code"].startswith("rjct.")


# ------------------------------------------------------------------------------------------------ asynchronous
def test_an_asynchronous_search_is_acknowledged_answered_and_can_be_asked_after(scene: Scene) -> None:
    scene.arrived.clear()
    scene.statuses.append(503)  # the first delivery fails
    told = scene.ask("search", "search", _search(scene.applicant(), "r-async"))["message"]
    assert told["ack_status"] == "ACK" and told["correlation_id"]

    def status(kind: str, value: Any) -> dict[str, Any]:
        asked = {"transaction_id": "t-status", "txnstatus_request": {
            "reference_id": "s-1", "txn_type": "search", "attribute_type": kind, "attribute_value": value}}
        answer: dict[str, Any] = scene.ask("sync/txn/status", "txn-status", asked)
        return answer

    pending = status("correlation_id", told["correlation_id"])["message"]["txnstatus_response"]["txn_status"]
    assert [one["status"] for one in pending] == ["pdng"]
    scene.settle()
    assert scene.arrived == []
    with scene.app.store.transaction() as tx:
        waiting = tx.first(spdci_transaction, correlation_id=told["correlation_id"])
        assert waiting["attempts"] == 1 and waiting["next_attempt_at"] > scene.app.machine_now()
        tx.update(spdci_transaction, {"correlation_id": told["correlation_id"]}, next_attempt_at=scene.app.machine_now())
    assert callbacks.deliver(scene.app)
    ((path, body),) = scene.arrived
    assert path == "/registry/on-search" and is_signed_by(scene.ledger_key, body)
    assert body["message"]["correlation_id"] == told["correlation_id"]
    assert body["message"]["search_response"][0]["data"]["reg_records"]
    for kind, value in (("transaction_id", "t-r-async"), ("reference_id_list", ["r-async"])):
        (one,) = status(kind, value)["message"]["txnstatus_response"]["txn_status"]
        assert (one["status"], one["delivery"]) == ("succ", "delivered")
    scene.arrived.clear()
    asked = [{"reference_id": "s-2", "txn_type": "search", "attribute_type": "transaction_id", "attribute_value": "t-r-async"}]
    scene.ask("txn/status", "txn-status", {"transaction_id": "t-later", "txnstatus_request": asked})
    scene.settle()
    ((path, body),) = scene.arrived
    assert path == "/registry/txn/on-status" and body["message"]["txnstatus_response"][0]["txn_status"][0]["status"] == "succ"
    unknown = status("transaction_id", "never")
    assert unknown["header"]["status_reason_code"] == "rjct.reference_id.invalid"


def test_an_answer_nobody_takes_is_given_up_in_the_end_and_audited(scene: Scene) -> None:
    scene.arrived.clear()
    told = scene.ask("search", "search", _search(scene.applicant(), "r-lost"))["message"]
    key = {"correlation_id": told["correlation_id"]}
    scene.statuses.extend([500] * (len(callbacks.RETRY_PAUSES) + 1))
    for _ in range(len(callbacks.RETRY_PAUSES) + 1):
        scene.settle()
        with scene.app.store.transaction() as tx:
            tx.update(spdci_transaction, {**key, "state": "answered"}, next_attempt_at=scene.app.machine_now())
        callbacks.deliver(scene.app)
    scene.statuses.clear()
    with scene.app.store.transaction(write=False) as tx:
        assert tx.first(spdci_transaction, **key)["state"] == "undeliverable"
    assert scene.arrived == []


# ------------------------------------------------------------------------------------------------ subscribe
def test_who_subscribed_with_consent_is_told_of_a_new_category_until_he_unsubscribes(scene: Scene) -> None:
    scene.arrived.clear()
    story, month = read(FILES / f"{LATER}.yaml"), scene.month
    month.exchange = type(month.exchange)(month.world.exchange_file)
    month.exchange.add(story.records)
    month.players.submit(story)
    criteria = _search(scene.applicant(LATER))["search_request"][0]["search_criteria"]
    message = {"transaction_id": "t-sub", "subscribe_request": [
        {"reference_id": "sub-1", "timestamp": now(), "subscribe_criteria": {**criteria, "reg_event_type": "category_changed"}},
        {"reference_id": "sub-2", "timestamp": now(), "subscribe_criteria": {**criteria, "consent": None}}]}
    assert scene.ask("subscribe", "subscribe", message)["message"]["ack_status"] == "ACK"
    scene.settle()
    ((path, body),) = scene.arrived
    assert path == "/registry/on-subscribe"
    first, second = body["message"]["subscribe_response"]
    assert second["status_reason_code"] == "rjct.subscribe_criteria.invalid"
    code = first["subscriptions"][0]["code"]
    scene.arrived.clear()
    day = LAST_DAY
    while not scene.arrived and (day - LAST_DAY).days < 30:
        day += timedelta(days=1)
        month.players.diligent = True
        month.play(day)
    path, notice = scene.arrived[0]
    assert path == "/registry/notify" and is_signed_by(scene.ledger_key, notice)
    (event,) = notice["message"]["notify_event"]
    assert event["change"]["change"] == "added" and event["subscription_code"] == code
    assert event["reg_records"][0]["identifiers"][0]["identifier_value"] == scene.applicant(LATER)
    ending = {"transaction_id": "t-end", "timestamp": now(), "subscription_codes": [code, "unknown"]}
    assert scene.ask("unsubscribe", "unsubscribe", ending)["message"]["ack_status"] == "ACK"
    scene.settle()
    statuses = [one["status"] for one in scene.arrived[-1][1]["message"]["subscription_status"]]
    assert statuses == ["unsubscribe", "rjct"]


# ------------------------------------------------------------------------------------------------ admission
def test_only_the_county_admits_and_only_proper_addresses_and_keys(scene: Scene) -> None:
    with pytest.raises(Fault) as refused:
        _found(scene.month, Integrator("other.one"), "https://other.example", role="window_clerk")
    assert refused.value.code == "ROLE_MISSING"
    for changed in ({"sender_id": "Big Name"}, {"callback_url": "http://plain.example"}, {"public_key": "no key"},
                    {"callback_url": "https://"}):
        one = Integrator("other.one")
        request = pb.Integrator(**{"sender_id": one.name, "public_key": one.public_key,  # type: ignore[arg-type]
                                   "callback_url": "https://other.example", **changed})
        with pytest.raises(Fault) as wrong:
            scene.month.world.peers.stub("roster", CONTRACT).AdmitIntegrator(
                pb.AdmitIntegratorRequest(integrator=request), token=scene.month.tokens.role("county_admin"))
        assert wrong.value.code == "FIELD_WRONG"


def test_who_is_dismissed_is_answered_no_more_and_every_read_was_by_right(scene: Scene) -> None:
    desk, token = scene.month.world.peers.stub("roster", CONTRACT), scene.month.tokens.role("county_admin")
    with pytest.raises(Fault) as unknown:
        desk.DismissIntegrator(pb.DismissIntegratorRequest(sender_id="nobody", reason="r"), token=token)
    assert unknown.value.code == "INTEGRATOR_NOT_FOUND"
    told = scene.ask("search", "search", _search(scene.applicant(), "r-last"))["message"]
    desk.DismissIntegrator(pb.DismissIntegratorRequest(sender_id=scene.clinic.name, reason="合同到期"), token=token)
    answer = scene.post("sync/search", scene.clinic.envelope("search", _search(scene.applicant())))
    assert answer.status_code == 401
    scene.settle()
    with scene.app.store.transaction(write=False) as tx:
        assert tx.first(spdci_transaction, correlation_id=told["correlation_id"])["state"] == "undeliverable"
    world: Any = scene.month.world
    evidence = Evidence(world.services, world.databases, world.keys, world.bank_file, LAST_DAY)
    try:
        found = check_all(evidence)
        assert found[12] == [] and found[7] == []
    finally:
        evidence.close()
    assert [one.state for one in desk.ListIntegrators(pb.ListIntegratorsRequest(), token=token).integrators] == ["dismissed"]
