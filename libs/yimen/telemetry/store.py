"""Where recorded spans are read again: the file that they were written to, or a trace store's HTTP API.

`YIMEN_TRACES_URL` names a store that answers `<url>/<trace id>` with OTLP in JSON: Tempo's `/api/traces`, or
Jaeger's `/api/v3/traces`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import requests
from yimen.kernel.errors import Fault

URL_VARIABLE = "YIMEN_TRACES_URL"
ANSWER_S_MAX = 10.0
NOT_FOUND = 404


@dataclass(frozen=True)
class StoredSpan:
    """One span as a store knows it; times in nanoseconds since the epoch, ids in hex."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    failed: bool
    attributes: dict[str, Any] = field(default_factory=dict)


class TraceStore(Protocol):
    """Gives the spans of traces."""

    def spans(self, trace_ids: Set[str]) -> Iterator[StoredSpan]:
        """All spans of these traces, in no order."""
        ...


class SpanFile:
    """The JSON lines of YIMEN_SPANS_FILE."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def spans(self, trace_ids: Set[str]) -> Iterator[StoredSpan]:
        """Reads the file once."""
        if not self._path.exists():
            return
        with self._path.open() as lines:
            for line in lines:
                if line[-2:-1] != "}":
                    continue  # half a line: its process was killed
                raw = json.loads(line)
                if raw["trace_id"] in trace_ids:
                    yield StoredSpan(raw["service"], raw["name"], raw["kind"], raw["trace_id"], raw["span_id"],
                                     raw["parent_id"] or "", raw["start"], raw["end"], raw["status"] == "ERROR",
                                     raw["attributes"])


class HttpStore:
    """Tempo or Jaeger. Raises Fault PEER_UNAVAILABLE when it does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def spans(self, trace_ids: Set[str]) -> Iterator[StoredSpan]:
        """One request per trace; a trace that the store does not have (any more) is left out."""
        for trace_id in sorted(trace_ids):
            try:
                answer = requests.get(f"{self._url}/{trace_id}", headers={"accept": "application/json"}, timeout=ANSWER_S_MAX)
                if answer.status_code == NOT_FOUND:
                    continue
                answer.raise_for_status()
                yield from from_otlp(answer.json(), trace_id)
            except (requests.RequestException, ValueError, KeyError):
                raise Fault("PEER_UNAVAILABLE", peer=URL_VARIABLE) from None


def from_otlp(raw: dict[str, Any], trace_id: str) -> Iterator[StoredSpan]:
    """Spans of an OTLP/JSON trace, whatever wraps it (Tempo: `batches` or `trace`, Jaeger: `result`)."""
    inner = raw.get("result", raw.get("trace", raw))
    for resource in inner.get("resourceSpans", inner.get("batches", [])):
        service = _attributes(resource["resource"]).get("service.name", "")
        for scope in resource.get("scopeSpans", []):
            for span in scope["spans"]:
                yield StoredSpan(str(service), span["name"], str(span.get("kind", "")), trace_id, span["spanId"],
                                 span.get("parentSpanId", ""), int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]),
                                 span.get("status", {}).get("code") in (2, "STATUS_CODE_ERROR"), _attributes(span))


def _attributes(raw: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values()), None) for one in raw.get("attributes", [])}


def configured(local: Path) -> TraceStore:
    """The store of YIMEN_TRACES_URL, else the local file."""
    url = os.environ.get(URL_VARIABLE, "")
    return HttpStore(url) if url else SpanFile(local)
