"""`yimen trace`: from the receipt to the spans of every act, out of a local file or a trace store."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from yimen.cli.connect import Place
from yimen.cli.trace import trace_ids, waterfall
from yimen.kernel.errors import Fault
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.world import EmbeddedWorld
from yimen.telemetry.store import URL_VARIABLE, HttpStore, SpanFile, StoredSpan, configured
from yimen.telemetry.tracing import FILE_VARIABLE, SPANS

TRACE = "0af7651916cd43dd8448eb211c80319c"


def _shown(spans: list[StoredSpan], sql: bool = False) -> str:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(waterfall(spans, sql))
    return console.export_text()


def test_an_urgent_case_is_followed_from_the_window_to_the_imprest_fund(
        tmp_path: Path, sample: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / SPANS))
    world = EmbeddedWorld(tmp_path / "world", start_moment())
    try:
        month = Month(world, sample, households=0, seed=1)
        month.prepare()
        story = read(FILES / "urgent_fire.yaml")
        month.exchange.add(story.records)
        receipt = month.players.submit(story).receipt_no
        for days in range(3):
            month.play(start_moment().date() + timedelta(days=days))
        place = Place("demo", world.peers, world.services, world.databases, world.keys, world.exchange_file, world.clock,
                      world.settle, False)
        when = trace_ids(place, receipt)
    finally:
        world.close()
    assert len(when) >= 3 and list(when.values()) == sorted(when.values())  # submitted, accepted, granted: days apart
    spans = list(SpanFile(tmp_path / SPANS).spans(set(when)))
    assert {span.trace_id for span in spans} == set(when)
    text = "".join(_shown([span for span in spans if span.trace_id == one]) for one in when)
    for expected in ("IntakeService/Submit", "IntakeService/Accept", "DepartmentService/GrantAdvance", "process aid.granted",
                     "process payment.settled", "SQL ×"):
        assert expected in text, expected
    assert story.application.members[0].name not in text
    with (tmp_path / SPANS).open("a") as file:
        file.write('{"trace_id": "half')  # its process was killed
    assert len(list(SpanFile(tmp_path / SPANS).spans(set(when)))) == len(spans)


def _otlp(wrapped_in: str) -> dict[str, Any]:
    span = {"traceId": TRACE, "spanId": "b7ad6b7169203331", "name": "yimen.roster.v1.RosterService/GetHousehold", "kind": 2,
            "startTimeUnixNano": "1000000", "endTimeUnixNano": "3000000", "status": {"code": 2},
            "attributes": [{"key": "error.type", "value": {"stringValue": "Fault"}}]}
    resource = {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "yimen-roster"}}]},
                "scopeSpans": [{"spans": [span]}]}
    return {"tempo": {"batches": [resource]}, "jaeger": {"result": {"resourceSpans": [resource]}}}[wrapped_in]


@pytest.mark.parametrize("store", ["tempo", "jaeger"])
def test_a_trace_store_is_asked_over_http(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == f"/api/traces/{TRACE}"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps(_otlp(store)).encode() if known else b"")

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setenv(URL_VARIABLE, f"http://127.0.0.1:{server.server_port}/api/traces/")
        [span] = list(configured(Path("nowhere")).spans({TRACE, "f" * 32}))
    finally:
        server.shutdown()
        server.server_close()
    assert (span.service, span.failed, span.end - span.start) == ("yimen-roster", True, 2_000_000)
    assert "RosterService/GetHousehold" in _shown([span]) and "Fault" in _shown([span])


def test_a_trace_store_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(Fault) as told:
        list(HttpStore("http://127.0.0.1:1/api/traces").spans({TRACE}))
    assert told.value.code == "PEER_UNAVAILABLE"
