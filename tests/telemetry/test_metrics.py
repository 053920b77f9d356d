"""Metrics, dashboards, alerts, runbooks: what is shown exists, what alarms has a runbook, what is recorded is listed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from yimen.cli.monitoring import files
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month, start_moment
from yimen.runtime import gauges
from yimen.security.masking import finds_personal_data
from yimen.telemetry import monitoring
from yimen.telemetry.metrics import HISTOGRAM, METRICS, Meter
from yimen.telemetry.tracing import Telemetry

FUNCTIONS = {"sum", "by", "rate", "increase", "histogram_quantile", "and", "on", "label_values", "le", "job"}


def _names(expression: str) -> set[str]:
    plain = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on) \([^)]*\)', " ", expression)
    return set(re.findall(r"[a-z_]{3,}", plain)) - FUNCTIONS


def _known() -> set[str]:
    known = set()
    for metric in METRICS.values():
        known |= {metric.prometheus} if metric.kind != HISTOGRAM else {
            f"{metric.prometheus}{suffix}" for suffix in ("_bucket", "_count", "_sum")}
    return known


def test_every_metric_in_a_dashboard_or_an_alert_exists() -> None:
    for dashboard in (monitoring.by_service(), monitoring.by_journey()):
        shown = {name for panel in dashboard["panels"] for target in panel["targets"] for name in _names(target["expr"])}
        assert shown and shown <= _known(), shown - _known()
    for alert in monitoring.alerts():
        assert _names(alert.expression) and _names(alert.expression) <= _known(), alert.name
    charted = {panel["title"] for board in (monitoring.by_service(), monitoring.by_journey()) for panel in board["panels"]}
    assert charted == set(METRICS)


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    books = {path.stem for path in Path(monitoring.RUNBOOKS).glob("*.md")}
    assert books == {alert.name for alert in monitoring.alerts()}
    for name in books:
        text = (Path(monitoring.RUNBOOKS) / f"{name}.md").read_text()
        assert text.startswith(f"# {name}\n") and len(re.findall(r"^\d\. ", text, re.M)) >= 2


def test_the_files_are_what_the_code_says() -> None:
    assert [str(path) for path, text in files().items() if not path.exists() or path.read_text() != text] == []


def test_a_metric_that_is_not_listed_cannot_be_recorded() -> None:
    meter = Meter("x", InMemoryMetricReader())
    with pytest.raises(KeyError):
        meter.add("yimen.invented")
    with pytest.raises(KeyError):
        meter.add("yimen.bank.outcomes", attributes={"case": "1"})


def test_a_county_at_work_fills_every_metric_with_nothing_personal(world: Month) -> None:
    platform: Any = world.world
    readers = {}
    for name, app in platform.apps.items():
        readers[name] = InMemoryMetricReader()
        app.telemetry.meter = Meter(name, readers[name])
        gauges.watch(app)
    for story in ("urgent_fire", "returned_payment"):
        household = read(FILES / f"{story}.yaml")
        world.exchange.add(household.records)
        world.players.submit(household)
    for days in range(45):
        world.play(start_moment().date() + timedelta(days=days))
    seen: dict[str, list[Any]] = {}
    for reader in readers.values():
        for resource in reader.get_metrics_data().resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    seen.setdefault(metric.name, []).extend(metric.data.data_points)
    quiet = {"yimen.dead.letters", "yimen.batch.redone", "yimen.bank.unanswered", "yimen.deadlines.missed"}
    assert set(METRICS) - set(seen) <= quiet
    assert {point.attributes["yimen.outcome"] for point in seen["yimen.bank.outcomes"]} >= {"settled", "returned"}
    assert any(point.attributes["yimen.account"] == "paid" and point.value > 0 for point in seen["yimen.channel.balance"])
    assert sum(point.count for point in seen["yimen.hop.latency"]) > 50
    text = json.dumps([dict(point.attributes) for points in seen.values() for point in points], ensure_ascii=False)
    assert finds_personal_data(text) == [] and "廖春生" not in text and not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)


def test_what_is_measured_in_a_trace_has_an_exemplar_that_leads_there() -> None:
    reader = InMemoryMetricReader()
    telemetry, meter = Telemetry("x"), Meter("x", reader)
    with telemetry.within("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        meter.observe("yimen.hop.latency", 0.2, {"messaging.destination.name": "aid.granted"})
    [point] = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert f"{point.exemplars[0].trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
