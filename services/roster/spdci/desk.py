"""The desk over HTTP: synchronous and asynchronous search, subscribe, unsubscribe, and what became of a transaction.

A message that is not one, or not signed by who says he sent it, is refused by HTTP (RFC 9457); what the standard
knows a reason code for is answered in the standard's own way.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.kernel.ids import canonical, derived
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row
from yimen.telemetry.tracing import SpanKind

from services.roster.spdci import transactions
from services.roster.spdci.envelope import Unsigned, check, check_header, outgoing
from services.roster.spdci.messages import Header, Rejected, moment, read
from services.roster.spdci.tables import integrator, spdci_message

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

SYNC = {"/registry/sync/search": "search", "/registry/sync/txn/status": "txn-status"}
ASYNC = {"/registry/search": "search", "/registry/subscribe": "subscribe", "/registry/unsubscribe": "unsubscribe",
         "/registry/txn/status": "txn-status"}
_log = logging.getLogger(__name__)


class Refused(Exception):
    """An HTTP status with a code and a sentence."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail


class Desk:
    """A WSGI application over the ledger."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = limits.PAYLOAD_BYTES_MAX
        attributes: dict[str, str | bool | int | float] = {
            "http.request.method": request.method, "http.route": request.path if self._action(request.path) else "other"}
        with self._app.telemetry.span(f"{request.method} {attributes['http.route']}", SpanKind.SERVER, attributes,
                                      request.headers.get("traceparent", "")) as span:
            response = self._respond(request)
            span.set_attribute("http.response.status_code", response.status_code)
        return response(environ, start_response)

    def _action(self, path: str) -> str:
        return SYNC.get(path) or ASYNC.get(path, "")

    def _respond(self, request: Request) -> Response:
        try:
            action = self._action(request.path)
            if not action:
                raise Refused(404, "PATH_UNKNOWN", "没有这个地址")
            if request.method != "POST":
                raise Refused(405, "METHOD_WRONG", "请用 POST")
            return _json(200, self._take(request.path, action, self._read(request)))
        except Refused as refused:
            return _problem(refused)
        except RequestEntityTooLarge:
            return _problem(Refused(413, "PAYLOAD_TOO_LARGE", f"内容不超过 {limits.PAYLOAD_BYTES_MAX} 字节"))
        except Fault as fault:
            return _problem(Refused(fault.status.http, fault.code, fault.message))
        except Exception as error:
            _log.error("request failed", exc_info=error)
            return _problem(Refused(500, "INTERNAL", "系统内部错误,已记录"))

    def _read(self, request: Request) -> dict[str, Any]:
        try:
            body = json.loads(request.get_data())
        except HTTPException:
            raise
        except ValueError:
            raise Refused(400, "BODY_WRONG", "内容不是 JSON") from None
        if not isinstance(body, dict) or not isinstance(body.get("header"), dict) or "message" not in body:
            raise Refused(400, "BODY_WRONG", "应为含 signature、header、message 的对象")
        return body

    def _take(self, path: str, action: str, body: dict[str, Any]) -> dict[str, Any]:
        now, is_async = self._app.machine_now(), path in ASYNC
        try:
            header = read(Header, body["header"], "rjct.action.invalid")
        except Rejected as reason:
            raise Refused(400, "HEADER_WRONG", reason.message) from None
        with self._app.work(f"integrator:{header.sender_id}") as ctx:
            who = ctx.tx.first(integrator, sender_id=header.sender_id, state="active")
            try:
                check(who["public_key"] if who else "", body.get("signature") if who else None, header.sender_id, now,
                      body["header"], body["message"])
            except Unsigned:
                raise Refused(401, "SIGNATURE_WRONG", "发送方未获准,或签名缺失、过期、不符") from None
            assert who is not None
            try:
                with ctx.tx.savepoint():
                    return self._answer(ctx, who, action, header, body["message"], now, is_async)
            except Rejected as reason:
                return self._rejected(who, action, header, reason, now, is_async)

    def _answer(self, ctx: Context, who: Row, action: str, header: Header, message: Any, now: datetime,
                is_async: bool) -> dict[str, Any]:
        number = transactions.number_of(action, message)
        check_header(header, action, now, number)
        if not ctx.tx.insert_new(spdci_message, sender_id=who["sender_id"], message_id=header.message_id, received_at=now):
            raise Rejected("rjct.message_id.duplicate", "此 message_id 已收到过")
        row = transactions.receive(ctx, who, action, header.message_id, message)
        if is_async:
            return _acknowledged("ACK", now, row["correlation_id"])
        return self._signed(who, f"on-{action}", header, transactions.complete(ctx, who, row, "delivered"), now, number)

    def _signed(self, who: Row, action: str, header: Header, message: Any, now: datetime, number: int) -> dict[str, Any]:
        return outgoing(self._app.keys.sign, now, action, derived("answer", who["sender_id"], header.message_id),
                        who["sender_id"], message, count=number)

    def _rejected(self, who: Row, action: str, header: Header, reason: Rejected, now: datetime,
                  is_async: bool) -> dict[str, Any]:
        if is_async:
            return _acknowledged("NACK", now, "", reason)
        return outgoing(self._app.keys.sign, now, f"on-{action}", derived("answer", who["sender_id"], header.message_id),
                        who["sender_id"], {}, "rjct", reason)


def _acknowledged(status: str, now: datetime, correlation_id: str, reason: Rejected | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"ack_status": status, "timestamp": moment(now), "correlation_id": correlation_id}
    if reason is not None:
        told["error"] = {"code": reason.code, "message": reason.message}
    return {"message": told}


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(canonical(body), status, content_type="application/json")


def _problem(refused: Refused) -> Response:
    body = {"type": "about:blank", "title": refused.code, "status": refused.status, "detail": refused.detail,
            "code": refused.code}
    return Response(canonical(body), refused.status, content_type="application/problem+json")
