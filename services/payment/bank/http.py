"""A bank with an HTTP interface: JSON orders and outcomes, statements as camt.053. TLS, or this machine.

`PUT  {base}/v1/messages/{id}`   orders; the same message again is the same
`POST {base}/v1/outcomes`        {"ids": […]} → what became of them
`GET  {base}/v1/statements/{day}` camt.053, or 404 while there is none
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import requests
from yimen.kernel.errors import Fault
from yimen.runtime.app import App
from yimen.runtime.outside import require_address
from yimen.telemetry.tracing import SpanKind, current_traceparent

from services.payment.bank import STATES, Order, Outcome

ANSWER_S_MAX = 10.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class HttpBank:
    """Authenticates with the service's own signed token."""

    batch_max = 500

    def __init__(self, base: str, app: App) -> None:
        require_address(base, "YIMEN_BANK")
        self._base, self._app = base.rstrip("/"), app

    def submit(self, message_id: str, orders: Sequence[Order]) -> list[Outcome]:
        answer = self._call("PUT", f"/v1/messages/{message_id}", {"orders": [
            {"id": one.instruction_id, "account": one.account, "name": one.name, "amount_fen": one.amount_fen, "currency": "CNY"}
            for one in orders]})
        return _outcomes(answer)

    def query(self, asked: Mapping[str, str]) -> list[Outcome]:
        return _outcomes(self._call("POST", "/v1/outcomes", {"ids": list(asked)}))

    def statement(self, day: date, path: Path) -> bool:
        answer = self._call("GET", f"/v1/statements/{day.isoformat()}", None)
        return answer is not None and path.write_bytes(answer.content) > 0

    def _call(self, method: str, path: str, body: Any) -> Any:
        headers = {"authorization": f"Bearer {self._app.peers.own_token()}"}
        attributes: dict[str, str | bool | int | float] = {"http.request.method": method, "url.path": path.rsplit("/", 1)[0],
                                                           "server.address": "bank"}
        with self._app.telemetry.span(f"{method} bank", SpanKind.CLIENT, attributes):
            if traceparent := current_traceparent():
                headers["traceparent"] = traceparent
            try:
                answer = requests.request(method, self._base + path, json=body, headers=headers, timeout=ANSWER_S_MAX,
                                          allow_redirects=False)
            except requests.RequestException:
                raise Fault("PEER_UNAVAILABLE", peer="bank") from None
        if answer.status_code == requests.codes.not_found and method == "GET":
            return None
        # Whatever else it says but yes, nobody knows what it has done.
        if answer.status_code != requests.codes.ok or len(answer.content) > ANSWER_BYTES_MAX:
            raise Fault("PEER_UNAVAILABLE", peer="bank")
        return answer


def _outcomes(answer: Any) -> list[Outcome]:
    try:
        found = [Outcome(str(one["id"]), str(one["state"]), str(one.get("reason", ""))) for one in answer.json()["outcomes"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Fault("PEER_UNAVAILABLE", peer="bank") from None
    return [one for one in found if one.state in STATES]
