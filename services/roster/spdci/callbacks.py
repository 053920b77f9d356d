"""Answers of asynchronous requests and notices on their way out, to the address that was admitted and nowhere else."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

from yimen.kernel.ids import canonical, derived
from yimen.runtime.app import App
from yimen.runtime.outside import post
from yimen.store.unit import Row

from services.roster.spdci.envelope import outgoing
from services.roster.spdci.messages import Rejected
from services.roster.spdci.tables import integrator, spdci_message, spdci_transaction
from services.roster.spdci.transactions import WORK, complete

ROUND_MAX = 20
RETRY_PAUSES = tuple(timedelta(seconds=s) for s in (5, 60, 600, 3_600, 21_600))
KEPT = timedelta(days=30)
PATHS = {"search": "on-search", "subscribe": "on-subscribe", "unsubscribe": "on-unsubscribe", "txn-status": "txn/on-status",
         "notify": "notify"}
_log = logging.getLogger(__name__)


def answer_waiting(app: App) -> bool:
    """Work out what was received; True when there was something."""
    with app.work("", write=False) as ctx:
        rows = ctx.tx.find(spdci_transaction, state="received", order_by=spdci_transaction.c.received_at, limit=ROUND_MAX)
    for row in rows:
        with app.work(f"integrator:{row['sender_id']}") as ctx:
            who = ctx.tx.first(integrator, sender_id=row["sender_id"], state="active")
            locked = ctx.tx.first(spdci_transaction, correlation_id=row["correlation_id"], state="received", lock=True)
            if who is None:
                ctx.tx.update(spdci_transaction, {"correlation_id": row["correlation_id"]}, state="undeliverable")
            elif locked is not None:
                try:
                    complete(ctx, who, locked, "answered")
                except Rejected as reason:
                    refused = {"transaction_id": row["transaction_id"], "correlation_id": row["correlation_id"],
                               WORK[row["txn_type"]][2]: [], "status_reason_code": reason.code}
                    ctx.tx.update(spdci_transaction, {"correlation_id": row["correlation_id"]}, state="answered",
                                  answer_sealed=app.vault.encrypt(canonical(refused)))
    return bool(rows)


def deliver(app: App) -> bool:
    """Post what is due, oldest first; True when something was delivered."""
    now = app.machine_now()
    with app.work("", write=False) as ctx:
        rows = ctx.tx.find(spdci_transaction, spdci_transaction.c.next_attempt_at <= now, state="answered",
                           order_by=spdci_transaction.c.received_at, limit=ROUND_MAX)
        known = {row["sender_id"]: row for row in ctx.tx.find(integrator, state="active")}
    delivered = [_deliver_one(app, row, known.get(row["sender_id"])) for row in rows]
    return any(delivered)


def _deliver_one(app: App, row: Row, who: Row | None) -> bool:
    problem = _post(app, row, who) if who is not None else "dismissed"
    with app.work(f"service:{app.name}") as ctx:
        key = {"correlation_id": row["correlation_id"], "state": "answered"}
        if not problem:
            ctx.tx.update(spdci_transaction, key, state="delivered")
            return True
        attempts = row["attempts"] + 1
        _log.warning("answer not delivered", extra={"integrator": row["sender_id"], "attempts": attempts, "reason": problem})
        if who is None or attempts > len(RETRY_PAUSES):
            ctx.tx.update(spdci_transaction, key, state="undeliverable", attempts=attempts)
            ctx.audit("integrator.undeliverable", row["correlation_id"], integrator=row["sender_id"], reason=problem)
        else:
            ctx.tx.update(spdci_transaction, key, attempts=attempts,
                          next_attempt_at=app.machine_now() + RETRY_PAUSES[attempts - 1])
    return False


def _post(app: App, row: Row, who: Row) -> str:
    """What went wrong in a word; empty when the integrator has it."""
    message = json.loads(app.vault.decrypt(bytes(row["answer_sealed"])))
    path = PATHS[row["txn_type"]]
    refused = message.pop("status_reason_code", "")
    body = outgoing(app.keys.sign, app.machine_now(), path, derived("out", row["correlation_id"], row["attempts"]),
                    row["sender_id"], message, "rjct" if refused else "succ",
                    Rejected(refused, "请求被拒绝") if refused else None, max(1, len(row["reference_ids"])))
    return post(f"{who['callback_url'].rstrip('/')}/registry/{path}", canonical(body).encode(),
                {"content-type": "application/json"})


def forget_old(app: App) -> bool:
    """What was asked and answered a month ago is gone; the read log stays."""
    old = app.machine_now() - KEPT
    with app.work("", write=False) as ctx:
        if not ctx.tx.count(spdci_message, spdci_message.c.received_at < old):
            return False
    with app.work(f"service:{app.name}") as ctx:
        ctx.tx.delete(spdci_message, spdci_message.c.received_at < old)
        ctx.tx.delete(spdci_transaction, spdci_transaction.c.received_at < old)
    return True
