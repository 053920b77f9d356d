"""The feed over gRPC: reading it, and the webhooks of integrators."""

from __future__ import annotations

import re
from typing import Any

from yimen.bus.public import public_kinds
from yimen.feed.v1 import feed_pb2 as pb
from yimen.feed.v1 import feed_pb2_grpc
from yimen.kernel.errors import Fault
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.runtime.outside import require_address
from yimen.store.unit import Row

from services.feed.stream import as_json
from services.feed.tables import entry, webhook
from services.feed.webhooks import FORMER_SECRET_KEPT, WEBHOOKS_MAX, new_secret

PAGE_MAX = 500
NAME = re.compile(r"^[a-z][a-z0-9_-]{1,39}$")


class FeedServicer(feed_pb2_grpc.FeedServiceServicer):
    """Reading is for every identified caller; webhooks are the county administrator's."""

    def __init__(self, app: App) -> None:
        self._app = app

    def ReadFeed(self, request: Any, context: Any) -> Any:
        chosen = {"subject": request.subject} if request.subject else {}
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(entry, entry.c.sequence > request.after, order_by=entry.c.sequence, **chosen,
                               limit=min(request.limit or PAGE_MAX, PAGE_MAX))
            last = ctx.tx.largest(entry.c.sequence)
        return pb.ReadFeedResponse(last=last, entries=[
            pb.FeedEntry(sequence=row["sequence"], case_sequence=row["case_sequence"], event_json=as_json(row))
            for row in rows])

    def AddWebhook(self, request: Any, context: Any) -> Any:
        caller().require_role("county_admin")
        if not NAME.match(request.name):
            raise Fault("FIELD_WRONG", field="name", expected="小写字母开头,2 至 40 个小写字母、数字、- 或 _")
        require_address(request.url, "url")
        unknown = sorted(set(request.types) - set(public_kinds()))
        if unknown:
            raise Fault("EVENT_TYPE_UNKNOWN", type=unknown[0][:64])
        secret = new_secret()
        with self._app.work(caller().actor) as ctx:
            if ctx.tx.count(webhook) >= WEBHOOKS_MAX:
                raise Fault("FIELD_WRONG", field="name", expected=f"不超过 {WEBHOOKS_MAX} 个订阅")
            new = ctx.tx.insert_new(
                webhook, name=request.name, url=request.url, types=list(request.types), state="active",
                secret_sealed=self._app.vault.encrypt(secret), former_secret_sealed=None, former_until=None,
                next_sequence=ctx.tx.largest(entry.c.sequence) + 1, failures=0,
                next_attempt_at=self._app.machine_now(), last_error="")
            if not new:
                raise Fault("FIELD_WRONG", field="name", expected="未被使用的名称")
            ctx.audit("webhook.added", request.name, types=list(request.types))
        return pb.AddWebhookResponse(secret=secret)

    def RotateSecret(self, request: Any, context: Any) -> Any:
        secret, until = new_secret(), self._app.machine_now() + FORMER_SECRET_KEPT
        with self._app.work(caller().actor) as ctx:
            row = self._locked(ctx, request.name)
            ctx.tx.update(webhook, {"name": request.name}, secret_sealed=self._app.vault.encrypt(secret),
                          former_secret_sealed=row["secret_sealed"], former_until=until)
            ctx.audit("webhook.secret_rotated", request.name)
        return pb.RotateSecretResponse(secret=secret, former_until=until.isoformat(timespec="seconds"))

    def EnableWebhook(self, request: Any, context: Any) -> Any:
        with self._app.work(caller().actor) as ctx:
            self._locked(ctx, request.name)
            ctx.tx.update(webhook, {"name": request.name}, state="active", failures=0, last_error="",
                          next_attempt_at=self._app.machine_now())
            ctx.audit("webhook.enabled", request.name)
        return pb.EnableWebhookResponse()

    def Redeliver(self, request: Any, context: Any) -> Any:
        if request.from_sequence < 1:
            raise Fault("FIELD_WRONG", field="from_sequence", expected="不小于1的整数")
        with self._app.work(caller().actor) as ctx:
            self._locked(ctx, request.name)
            ctx.tx.update(webhook, {"name": request.name}, next_sequence=request.from_sequence,
                          next_attempt_at=self._app.machine_now())
            ctx.audit("webhook.redelivered", request.name, from_sequence=request.from_sequence)
            left = ctx.tx.count(entry, entry.c.sequence >= request.from_sequence)
        return pb.RedeliverResponse(entries=left)

    def ListWebhooks(self, request: Any, context: Any) -> Any:
        caller().require_role("county_admin")
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(webhook, order_by=webhook.c.name)
        return pb.ListWebhooksResponse(webhooks=[
            pb.Webhook(name=row["name"], url=row["url"], types=row["types"], state=row["state"],
                       next_sequence=row["next_sequence"], failures=row["failures"], last_error=row["last_error"])
            for row in rows])

    def _locked(self, ctx: Context, name: str) -> Row:
        caller().require_role("county_admin")
        return ctx.require(ctx.tx.first(webhook, name=name, lock=True), "WEBHOOK_NOT_FOUND", name=name[:40])


def feed_mount(app: App) -> Mount:
    """The servicer for the server."""
    return feed_pb2_grpc.add_FeedServiceServicer_to_server, FeedServicer(app)
