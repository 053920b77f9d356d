"""Every declared way between two services is seen in the spans of a month, and no other: from real OTLP/HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from yimen.bus.events import ANY_OWNER, DEPARTMENT_OWNER, kind_of
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read_all
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.world import EmbeddedWorld
from yimen.runtime.registry import services

from tests.telemetry.collector import collector

Spans = list[dict[str, Any]]
WINDOW = "window"  # the players' side
WITHOUT_REPORT = ("medical", "education", "employment", "disaster", "vagrant")
# Events that the month does not bring about, each with the reason.
NOT_THIS_MONTH = {
    "application.withdrawn": "nobody changes his mind", "application.intake_refused": "every form is complete in the end",
    "event.discarded": "everything can be published",
    "standards.published": "no standard changes", "bulk.completed": "nothing is given to many",
    **{f"lead.{act}": "every family comes by itself" for act in ("created", "triaged", "contacted", "closed")},
    **{f"public_emergency.{act}": "the flood is a disaster of its own department" for act in ("declared", "ended")},
    **{f"reconsideration.{act}": "nobody asks for one" for act in ("received", "decided")},
    **{f"recheck.{act}": "everybody agrees" for act in ("requested", "decided")},
    **{f"recovery.{act}": "nobody is suspected" for act in ("opened", "decided")},
    **{f"debt.{act}": "nobody owes anything back" for act in ("opened", "repaid", "closed")},
    **dict.fromkeys(("credit.recorded", "credit.ended", "case.transferred_to_justice", "justice.answered"), "nobody is suspected"),
    **{f"offer.{act}": "nobody is offered work" for act in ("accepted", "refused", "made")},
    **{f"conference.{act}": "nobody has to meet" for act in ("held", "task_done", "closed")},
    **{f"tip.{act}": "nobody complains of anybody" for act in ("received", "assigned", "concluded", "fed_back")},
    "care.agreed": "nobody signs for care", "community_work.drawn": "no roster is drawn up",
    "average_level.published": "no month is published", "budget.short": "the budgets reach", "purchase.recorded": "nothing is bought", "discrepancy.found": "the bank makes no error",
    "payment.rejected": "no grant is forged", "payment.voided": "no grant is reversed before it is paid",
}
SETTINGS = {"OTEL_BSP_MAX_QUEUE_SIZE": "200000", "OTEL_BSP_SCHEDULE_DELAY": "1000", "OTEL_METRICS_EXPORTER": "none"}


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory, sample: County) -> Iterator[Spans]:
    """A month of the hand-written households, every service and the bank exporting."""
    with collector() as (endpoint, arrived), pytest.MonkeyPatch.context() as patch:
        for name, value in {**SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}.items():
            patch.setenv(name, value)
        world = EmbeddedWorld(tmp_path_factory.mktemp("matrix"), start_moment())
        try:
            month = Month(world, sample, 0, seed=7, stories=read_all(FILES))
            month.prepare()
            month.run()
            world.seal()
        finally:
            world.close()
        yield arrived


def _name(span: dict[str, Any]) -> str:
    return str(span["service"]).removeprefix("yimen-")


def _edges(spans: Spans, kind: str) -> set[tuple[str, str, str]]:
    """(from, span name, to) of every span of this kind whose cause lies in another service."""
    known = {span["span_id"]: span for span in spans}
    found = set()
    for span in spans:
        cause = known.get(span["parent_id"] or "")
        if span["kind"] == kind and cause is not None:
            found.add((_name(cause), span["name"], _name(span)))
    return found


def test_calls_go_exactly_where_the_declarations_say(spans: Spans) -> None:
    seen = {(caller, peer) for caller, _, peer in _edges(spans, "SERVER") if caller != WINDOW}
    declared = {(name, peer) for name, service in services().items() for peer in service.peers}
    assert seen <= declared
    # Their items of this county rest on a category or on nothing; an item that rests on a report would ask.
    assert declared - seen == {(name, "means_test") for name in WITHOUT_REPORT}


def test_every_subscription_is_seen_from_its_owner_to_its_handler(spans: Spans) -> None:
    departments = {name for name, service in services().items() if service.is_department}
    declared = set()
    for consumer, service in services().items():
        for message, handler in service.handlers.items():
            kind = kind_of(message)
            # What is addressed goes to whom it concerns, so any one department stands for all.
            if handler is not None:
                declared.add((kind.owner, kind.type, DEPARTMENT_OWNER if message in service.addressed else consumer))
    addressed = {kind for _, kind, consumer in declared if consumer == DEPARTMENT_OWNER}
    seen = set()
    for source, name, consumer in _edges(spans, "CONSUMER"):
        event = name.removeprefix("process ")
        owners = {owner for owner, kind, _ in declared if kind == event}
        assert source in owners or ANY_OWNER in owners or (DEPARTMENT_OWNER in owners and source in departments), (source, event)
        to = DEPARTMENT_OWNER if consumer in departments and event in addressed else consumer
        seen |= {(owner, event, to) for owner in owners}
    assert {event for _, event, _ in declared - seen} == set(NOT_THIS_MONTH)
    assert {event for _, event, _ in seen}.isdisjoint(NOT_THIS_MONTH)


def test_what_a_timer_sets_off_is_linked_to_what_set_the_timer(spans: Spans) -> None:
    traces = {span["trace_id"] for span in spans}
    timers = [span for span in spans if span["name"].startswith("timer ")]
    assert {_name(span) for span in timers} == {"basic_living", "disclosure", "payment", "supervision"}
    for span in timers:
        assert span["parent_id"] is None and len(span["links"]) == 1, span["name"]
        assert span["links"][0] in traces - {span["trace_id"]}


def test_every_service_reaches_its_own_database_and_no_other(spans: Spans) -> None:
    reached: dict[str, set[str]] = {}
    for span in spans:
        if "db.system.name" in span["attributes"]:
            reached.setdefault(_name(span), set()).add(span["attributes"]["db.namespace"])
    assert {name: {f"{name}.db"} for name in services()} == reached


def test_attributes_are_those_of_the_current_conventions(spans: Spans) -> None:
    folder = find_spec("opentelemetry.semconv")
    assert folder is not None and folder.submodule_search_locations
    known: dict[str, bool] = {}
    for file in Path(folder.submodule_search_locations[0]).glob("**/attributes/*.py"):
        for name, text in re.findall(r'^[A-Z_]+: Final = "([a-z_.]+)"\n(""".*?""")?', file.read_text(), re.M | re.S):
            known[name] = known.get(name, False) or "Deprecated:" in text[:20]
    used = {name for span in spans for name in span["attributes"] if not name.startswith("yimen.")}
    assert {name for name in used if known.get(name, True)} == set()
    for span in spans:
        needed = {"CONSUMER": {"messaging.system", "messaging.operation.name", "messaging.operation.type",
                               "messaging.destination.name", "messaging.message.id"},
                  "SERVER": {"rpc.system.name", "rpc.method", "rpc.response.status_code"}}.get(span["kind"], set())
        assert needed <= set(span["attributes"]), span["name"]
        assert span["status"] != "ERROR" or "error.type" in span["attributes"]

