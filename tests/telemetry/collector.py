"""A collector for tests: takes spans over OTLP/HTTP, as a real one does, and keeps them as plain values."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.trace import SpanKind


@contextmanager
def collector() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its endpoint and the spans that have arrived, in the shape of `span_record`."""
    arrived: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/traces":
                arrived.extend(_records(trace_service_pb2.ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", arrived
    finally:
        server.shutdown()
        server.server_close()


def _records(request: Any) -> Iterator[dict[str, Any]]:
    for resource in request.resource_spans:
        service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "service": service, "name": span.name, "kind": SpanKind(span.kind - 1).name,
                    "trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(),
                    "parent_id": span.parent_span_id.hex() or None,
                    "start": span.start_time_unix_nano, "end": span.end_time_unix_nano,
                    "status": "ERROR" if span.status.code == span.status.STATUS_CODE_ERROR else "UNSET",
                    "attributes": {a.key: _value(a.value) for a in span.attributes},
                    "links": [link.trace_id.hex() for link in span.links],
                }


def _value(value: Any) -> Any:
    return getattr(value, str(value.WhichOneof("value")))


assert SpanKind.SERVER.value == Span.SpanKind.SPAN_KIND_SERVER - 1
