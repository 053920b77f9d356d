"""Signed deliveries for those who have no AMQP (Standard Webhooks): in order, retried, disabled when nobody answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from datetime import datetime, timedelta

from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.runtime.outside import post
from yimen.store.unit import Row

from services.feed.stream import as_json
from services.feed.tables import entry, webhook

# Pauses after the first, second, … failure, as Standard Webhooks recommends; after the last one it is disabled.
RETRY_PAUSES = tuple(timedelta(seconds=s) for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000))
DELIVERIES_A_ROUND = 50
WEBHOOKS_MAX = 100
FORMER_SECRET_KEPT = timedelta(hours=24)
SECRET_PREFIX, SECRET_BYTES = "whsec_", 32
ERROR_CHARACTERS_MAX = 80
GONE = 410
_log = logging.getLogger(__name__)


def new_secret() -> str:
    """`whsec_` and base64, as the standard writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,<base64>` of HMAC-SHA256 over `id.timestamp.body` (Standard Webhooks 1.0.0)."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def deliver(app: App) -> bool:
    """What is due to every active webhook, a bounded number each; True when there may be more."""
    now = app.machine_now()
    with app.work("", write=False) as ctx:
        due = ctx.tx.find(webhook, webhook.c.next_attempt_at <= now, state="active", order_by=webhook.c.name,
                          limit=WEBHOOKS_MAX)
    more = [_deliver_to(app, row, now) for row in due]
    return any(more)


def _deliver_to(app: App, hook: Row, now: datetime) -> bool:
    with app.work("", write=False) as ctx:
        chosen = {"type": hook["types"]} if hook["types"] else {}
        rows = ctx.tx.find(entry, entry.c.sequence >= hook["next_sequence"], order_by=entry.c.sequence,
                           limit=DELIVERIES_A_ROUND, **chosen)
    for row in rows:
        problem = _post(app, hook, row, now)
        with app.work(f"service:{app.name}") as ctx:
            if problem:
                _failed(ctx, hook, problem, now)
                return False
            # Only forward: a redelivery that was asked for meanwhile is not overtaken.
            ctx.tx.update(webhook, {"name": hook["name"], "next_sequence": hook["next_sequence"]},
                          next_sequence=row["sequence"] + 1, failures=0, last_error="")
            hook = ctx.require(ctx.tx.first(webhook, name=hook["name"]), "INTERNAL")
            if hook["next_sequence"] != row["sequence"] + 1:
                return True
    return len(rows) == DELIVERIES_A_ROUND


def _post(app: App, hook: Row, row: Row, now: datetime) -> str:
    """What went wrong in a word; empty when the receiver has it."""
    body, timestamp = as_json(row).encode(), int(now.timestamp())
    sealed = [hook["secret_sealed"]]
    if hook["former_until"] and hook["former_until"] > now:
        sealed.append(hook["former_secret_sealed"])
    signatures = " ".join(sign(app.vault.decrypt(bytes(one)), row["event_id"], timestamp, body) for one in sealed)
    headers = {"content-type": "application/json", "webhook-id": row["event_id"], "webhook-timestamp": str(timestamp),
               "webhook-signature": signatures}
    return post(hook["url"], body, headers)


def _failed(ctx: Context, hook: Row, problem: str, now: datetime) -> None:
    failures = hook["failures"] + 1
    disabled = failures > len(RETRY_PAUSES) or problem == f"HTTP {GONE}"
    pause = RETRY_PAUSES[min(failures, len(RETRY_PAUSES)) - 1]
    ctx.tx.update(webhook, {"name": hook["name"]}, failures=failures, next_attempt_at=now + pause,
                  last_error=problem[:ERROR_CHARACTERS_MAX], state="disabled" if disabled else "active")
    _log.warning("webhook not delivered", extra={"webhook": hook["name"], "failures": failures, "reason": problem})
    if disabled:
        ctx.audit("webhook.disabled", hook["name"], failures=failures, reason=problem)
