"""One trace from the submission through every hop; W3C `traceparent` on each wire and in the outbox.

Spans carry ids and codes, never personal data. They go to the OTLP/HTTP endpoint of the standard variable
OTEL_EXPORTER_OTLP_ENDPOINT, or to the file of YIMEN_SPANS_FILE (one JSON object a line), or nowhere.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from yimen.telemetry.metrics import ENDPOINT_VARIABLE, Meter

FILE_VARIABLE = "YIMEN_SPANS_FILE"
SPANS = "spans.jsonl"  # its usual name, beside a rehearsal's other files
_PROPAGATOR = TraceContextTextMapPropagator()
AttributeValue = str | bool | int | float


class FileSpanExporter(SpanExporter):
    """Appends each span as one JSON line; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        lines = "".join(json.dumps(span_record(span), ensure_ascii=False) + "\n" for span in spans)
        with self._lock, self._path.open("a") as file:
            file.write(lines)
        return SpanExportResult.SUCCESS


def span_record(span: ReadableSpan) -> dict[str, object]:
    """A span as plain values: ids in hex, times in nanoseconds since the epoch."""
    context, parent = span.get_span_context(), span.parent
    assert context is not None
    return {
        "service": span.resource.attributes.get("service.name"),
        "name": span.name,
        "kind": span.kind.name,
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "parent_id": f"{parent.span_id:016x}" if parent else None,
        "start": span.start_time,
        "end": span.end_time,
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes or {}),
        "links": [f"{link.context.trace_id:032x}" for link in span.links],
    }


class Telemetry:
    """The tracer of one service. Without a destination spans are not recorded, but contexts still flow."""

    def __init__(self, service: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": f"yimen-{service}"}))
        self.recording = False
        if os.environ.get(ENDPOINT_VARIABLE):
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self.recording = True
        if os.environ.get(FILE_VARIABLE):
            exporter = FileSpanExporter(Path(os.environ[FILE_VARIABLE]))
            self._provider.add_span_processor(SimpleSpanProcessor(exporter))
            self.recording = True
        self._tracer = self._provider.get_tracer("yimen")
        self.meter = Meter(service)

    @contextmanager
    def span(self, name: str, kind: SpanKind, attributes: Mapping[str, AttributeValue] | None = None,
             traceparent: str = "", link: str = "") -> Iterator[Span]:
        """A span around the block; `traceparent` joins the trace that came over a wire, `link` names one that is
        over but led here (days may lie between).

        An exception marks the span with its type; its text is not recorded, since it may quote input.
        """
        parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
        if not self.recording:
            with _carry(parent):
                yield trace.get_current_span()
            return
        with self._tracer.start_as_current_span(
            name, context=parent, kind=kind, attributes=attributes, record_exception=False,
            set_status_on_exception=False, links=_links(link),
        ) as span:
            try:
                yield span
            except BaseException as error:
                if "error.type" not in (getattr(span, "attributes", None) or {}):
                    span.set_attribute("error.type", getattr(error, "code", None) or type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    @contextmanager
    def within(self, traceparent: str) -> Iterator[None]:
        """What is measured inside belongs to that trace."""
        with _carry(_PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None):
            yield

    def close(self) -> None:
        """Send what is waiting."""
        self._provider.shutdown()
        self.meter.close()




def _links(traceparent: str) -> list[trace.Link]:
    if not traceparent:
        return []
    return [trace.Link(trace.get_current_span(_PROPAGATOR.extract({"traceparent": traceparent})).get_span_context())]


@contextmanager
def _carry(context: Context | None) -> Iterator[None]:
    from opentelemetry import context as api

    if context is None:
        yield
        return
    token = api.attach(context)
    try:
        yield
    finally:
        api.detach(token)


def current_traceparent() -> str:
    """The W3C header of the current span; empty when there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


__all__ = ["FileSpanExporter", "SpanKind", "Telemetry", "current_traceparent", "span_record"]
