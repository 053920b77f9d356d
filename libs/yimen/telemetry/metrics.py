"""Every metric of the platform, listed once: what it means, and what to do when it is not as it should be.

They go to the OTLP/HTTP endpoint of OTEL_EXPORTER_OTLP_ENDPOINT, with exemplars to the traces. Attributes are
names, codes and states; never an id of a person or a case.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider, TraceBasedExemplarFilter
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORT_MS = 15_000
COUNTER, HISTOGRAM, GAUGE = "counter", "histogram", "gauge"
Attributes = Mapping[str, str]
Reading = tuple[int | float, Attributes]


@dataclass(frozen=True)
class Metric:
    """One metric. `unit` is UCUM; `buckets` are a histogram's upper bounds."""

    name: str
    kind: str
    unit: str
    attributes: tuple[str, ...]
    meaning: str
    action: str
    buckets: tuple[float, ...] = ()

    @property
    def prometheus(self) -> str:
        """The name under which Prometheus knows it (OpenTelemetry's rules of translation)."""
        unit = {"s": "_seconds", "d": "_days"}.get(self.unit, "")
        return self.name.replace(".", "_") + unit + ("_total" if self.kind == COUNTER else "")


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_DAYS = (0.5, 1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 60)
METRICS = {
    metric.name: metric
    for metric in (
        Metric("rpc.server.call.duration", HISTOGRAM, "s", ("rpc.method", "yimen.code"),
               "How long a gRPC call took to answer, and with which code (empty: answered well).",
               "Look at the slowest method's traces; see whether its database or a peer is slow.", _SECONDS),
        Metric("yimen.hop.latency", HISTOGRAM, "s", ("messaging.destination.name",),
               "From the moment a service said an event until another has handled it and committed.",
               "See outbox age (the relay), queue backlog (the worker) and batch size, in this order.", _SECONDS),
        Metric("yimen.batch.size", HISTOGRAM, "{event}", (), "Events that a worker handled in one transaction.",
               "Always full: the worker is behind; start another or find what is slow.", (1, 2, 5, 10, 20, 50, 100)),
        Metric("yimen.batch.redone", COUNTER, "{batch}", (),
               "Batches that were undone and handled one by one because one event made trouble.",
               "Rising: see `yimen parked list` for the event that fails."),
        Metric("yimen.outbox.rows", GAUGE, "{event}", (), "Events said and not yet confirmed by the broker.",
               "Rising: is the broker reachable, blocked (memory, disk), is the server process running?"),
        Metric("yimen.outbox.age", GAUGE, "s", (), "Age of the oldest event that is not confirmed.",
               "As for yimen.outbox.rows."),
        Metric("yimen.parked.events", GAUGE, "{event}", ("yimen.state",),
               "Events set aside: waiting for their cause, failed, or behind a failed one.",
               "failed above 0: `yimen parked show`, mend the cause, `yimen parked retry`."),
        Metric("yimen.dead.letters", GAUGE, "{message}", (), "Messages that nobody could read.",
               "`yimen dlq show`; forged or garbage: find the sender, discard with a reason; else `yimen dlq retry`."),
        Metric("yimen.timers.late", GAUGE, "{timer}", (), "Deadlines that are due and have not fired.",
               "A handler fails (`timer put back` in the log says why; it is tried again), or no housekeeping runs: restart."),
        Metric("yimen.deadlines.missed", COUNTER, "{task}", ("yimen.task",), "Tasks whose day has passed undone.",
               "The people of the task's office are behind: tell their head; a whole kind at once points at a fault."),
        Metric("yimen.decision.time", HISTOGRAM, "d", ("yimen.item", "yimen.outcome"),
               "Days from the acceptance at the window to the decision.",
               "Above the item's limit: see where cases wait (`yimen case`), by task and township.", _DAYS),
        Metric("yimen.channel.balance", GAUGE, "{fen}", ("yimen.channel", "yimen.account"),
               "Balance of a fund channel's accounts: available, reserved, paid, imprest.",
               "available near 0: the department must ask for money before grants are rejected."),
        Metric("yimen.bank.outcomes", COUNTER, "{instruction}", ("yimen.outcome",),
               "What became of instructions to the bank: settled, returned, pending, unknown.",
               "returned rising: see the reasons; unknown staying: call the bank, do not pay by hand."),
        Metric("yimen.bank.unanswered", COUNTER, "{call}", (), "Calls to the bank that nobody answered.",
               "The bank or the line is down; instructions wait and are asked about, never sent under a new id."),
    )
}


class Meter:
    """The metrics of one service. Without a destination nothing is recorded."""

    def __init__(self, service: str, reader: MetricReader | None = None) -> None:
        if reader is None and os.environ.get(ENDPOINT_VARIABLE):
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

            reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=EXPORT_MS)
        self.recording = reader is not None
        views = [View(instrument_name=one.name, aggregation=ExplicitBucketHistogramAggregation(one.buckets))
                 for one in METRICS.values() if one.buckets]
        self._provider = MeterProvider([reader] if reader else [], exemplar_filter=TraceBasedExemplarFilter(), views=views,
                                       resource=Resource.create({"service.name": f"yimen-{service}"}))
        meter = self._provider.get_meter("yimen")
        self._counters = {one.name: meter.create_counter(one.name, one.unit, one.meaning)
                          for one in METRICS.values() if one.kind == COUNTER}
        self._histograms = {one.name: meter.create_histogram(one.name, one.unit, one.meaning)
                            for one in METRICS.values() if one.kind == HISTOGRAM}
        self._meter = meter

    def add(self, name: str, number: int = 1, attributes: Attributes | None = None) -> None:
        """Count. Raises KeyError for a metric that is not listed."""
        if self.recording:
            self._counters[name].add(number, _checked(name, attributes))

    def observe(self, name: str, value: float, attributes: Attributes | None = None) -> None:
        """One value of a histogram. Raises KeyError for a metric that is not listed."""
        if self.recording:
            self._histograms[name].record(value, _checked(name, attributes))

    def watch(self, name: str, read: Callable[[], Iterable[Reading]]) -> None:
        """A gauge whose readings `read` gives at each export; one that fails is left out of that export."""
        listed = METRICS[name]

        def observe(_: CallbackOptions) -> list[Observation]:
            return [Observation(value, dict(_checked(name, attributes))) for value, attributes in read()]

        if self.recording:
            self._meter.create_observable_gauge(name, [observe], listed.unit, listed.meaning)

    def close(self) -> None:
        """Send what is waiting."""
        self._provider.shutdown()


def _checked(name: str, attributes: Attributes | None) -> Attributes:
    given = attributes or {}
    if set(given) != set(METRICS[name].attributes):
        raise KeyError(f"{name} has the attributes {METRICS[name].attributes}")
    return given
