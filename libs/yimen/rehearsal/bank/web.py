"""The stand-in bank over HTTP (what `services.payment.bank.http` speaks)."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from werkzeug.exceptions import BadRequest, HTTPException, NotFound, Unauthorized
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response
from yimen.kernel.errors import Fault
from yimen.rehearsal.bank.book import NAME, Book, Order
from yimen.security.identity import principal_of, verified_claims
from yimen.security.keys import KeyRing

BODY_BYTES_MAX = 16 * 1024 * 1024
URLS = Map([Rule("/v1/messages/<message_id>", methods=["PUT"], endpoint="submit"),
            Rule("/v1/outcomes", methods=["POST"], endpoint="query"),
            Rule("/v1/statements/<day>", methods=["GET"], endpoint="statement")])


class WebBank:
    """A WSGI application over a book; `faulty` may answer instead of it, or with an answer that nobody can read."""

    def __init__(self, book: Book, keys: Path) -> None:
        self._book, self._keys = book, KeyRing(keys, NAME)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        request.max_content_length = BODY_BYTES_MAX
        try:
            self._require_payment(request)
            endpoint, values = URLS.bind_to_environ(environ).match()
            answer = getattr(self, f"_{endpoint}")(request, **values)
        except HTTPException as error:
            return error(environ, start_response)
        return answer(environ, start_response)

    def _require_payment(self, request: Request) -> None:
        try:
            claims = verified_claims(self._keys, request.headers.get("authorization", "").removeprefix("Bearer "))
            principal_of(claims, self._book.now()).require_service("payment")
        except Fault:
            raise Unauthorized from None

    def _submit(self, request: Request, message_id: str) -> Response:
        try:
            orders = [Order(str(one["id"]), str(one["account"]), int(one["amount_fen"])) for one in request.get_json()["orders"]]
        except (KeyError, TypeError, ValueError):
            raise BadRequest from None
        if not self._book.submit(orders):
            return Response(status=504)  # it has them, and nobody hears of it
        return self._answer([one.instruction_id for one in orders])

    def _query(self, request: Request) -> Response:
        return self._answer([str(one) for one in request.get_json()["ids"]])

    def _answer(self, ids: list[str]) -> Response:
        found = [{"id": one, "state": state, "reason": reason} for one, state, reason in self._book.outcomes(ids)]
        return Response(json.dumps({"outcomes": found}), mimetype="application/json")

    def _statement(self, request: Request, day: str) -> Response:
        with tempfile.TemporaryDirectory(prefix="yimen-bank-") as folder:
            path = Path(folder) / "statement.xml"
            if not self._book.statement(date.fromisoformat(day), path):
                raise NotFound
            return Response(path.read_bytes(), mimetype="application/xml")
