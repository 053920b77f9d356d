"""One submission is one trace: through gRPC, the outbox, AMQP, the handlers and SQL, across processes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from yimen.kernel.clock import FileClock
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.world import EmbeddedWorld
from yimen.security.masking import finds_personal_data
from yimen.stack.components import Components
from yimen.stack.stack import Stack
from yimen.telemetry.metrics import ENDPOINT_VARIABLE
from yimen.telemetry.tracing import SpanKind, Telemetry

from tests.telemetry.collector import collector

STORY = "c01_dibao_and_university"


@pytest.fixture(scope="module", params=["embedded", pytest.param("stack", marks=pytest.mark.stack)])
def spans(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sample: County) -> Iterator[Any]:
    """All spans of one accepted application, exported over OTLP/HTTP, with the trace in which the window accepted it."""
    tmp_path = tmp_path_factory.mktemp("spans")
    with collector() as (endpoint, arrived):
        os.environ[ENDPOINT_VARIABLE] = endpoint
        if request.param == "embedded":
            world: Any = EmbeddedWorld(tmp_path / "world", start_moment())
        else:
            components: Components = request.getfixturevalue("components")
            (tmp_path / "world").mkdir()
            FileClock(tmp_path / "clock").move_to(start_moment())
            world = Stack.start(tmp_path / "world", f"trace{os.getpid()}", tmp_path / "clock", components=components)
        try:
            trace_id, story = _accept_one(world, sample)
        finally:
            del os.environ[ENDPOINT_VARIABLE]
            world.close() if request.param == "embedded" else world.down()
        yield arrived, trace_id, story


def _accept_one(world: Any, sample: County) -> tuple[str, Any]:
    month = Month(world, sample, households=0, seed=1, stories=[])
    month.prepare()
    story = read(FILES / f"{STORY}.yaml")
    month.exchange.add(story.records)
    month.players.submit(story)
    world.settle()
    window = Telemetry("window")
    with window.span("accept at the window", SpanKind.INTERNAL) as root:
        month.players.work(start_moment().date())
        trace_id = f"{root.get_span_context().trace_id:032x}"
    world.settle()
    window.close()
    return trace_id, story


def test_one_trace_holds_grpc_amqp_and_sql_of_every_service_concerned(spans: Any) -> None:
    recorded, trace_id, _ = spans
    mine = [span for span in recorded if span["trace_id"] == trace_id]
    kinds = {(span["service"].removeprefix("yimen-"), span["kind"]) for span in mine}
    # gRPC: the window calls intake, intake calls payment.
    assert {("intake", "SERVER"), ("intake", "CLIENT"), ("payment", "SERVER")} <= kinds
    # AMQP: the acceptance is processed by means_test and by both departments, whose answers come back to intake.
    processed = {(span["service"].removeprefix("yimen-"), span["name"]) for span in mine if span["kind"] == "CONSUMER"}
    assert {("means_test", "process application.accepted"), ("basic_living", "process application.accepted"),
            ("education", "process application.accepted"), ("intake", "process case.opened"),
            ("intake", "process verification.requested")} <= processed
    # gRPC from a handler: means_test asks intake for the declaration, inside the same trace.
    assert any(span["name"].endswith("IntakeService/GetDeclaration") and span["kind"] == "SERVER" for span in mine)
    # SQL: every service that took part wrote something.
    sql = {span["service"].removeprefix("yimen-") for span in mine if "db.system.name" in span["attributes"]}
    assert {"intake", "means_test", "basic_living", "education", "payment"} <= sql


def test_every_span_but_the_first_has_its_parent_in_the_trace(spans: Any) -> None:
    recorded, trace_id, _ = spans
    mine = {span["span_id"]: span for span in recorded if span["trace_id"] == trace_id}
    orphans = [span["name"] for span in mine.values() if span["parent_id"] and span["parent_id"] not in mine]
    assert orphans == [] and sum(span["parent_id"] is None for span in mine.values()) == 1


def test_no_span_carries_anything_personal(spans: Any) -> None:
    recorded, _, story = spans
    text = json.dumps(recorded, ensure_ascii=False)
    for member in story.application.members:
        assert member.name not in text and member.resident_id not in text
    assert story.application.bank_account not in text and finds_personal_data(text) == []


