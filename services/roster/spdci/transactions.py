"""What was asked, kept until it is answered and for a while after: for the answer's way out and for txn/status."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from yimen.kernel.ids import canonical, derived
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.roster.spdci.messages import Rejected, StatusItem, items, moment, read, reference_of
from services.roster.spdci.search import answer
from services.roster.spdci.subscribe import subscribe, unsubscribe
from services.roster.spdci.tables import spdci_transaction

STATUS_TRANSACTIONS_MAX = 100


def statuses(ctx: Context, who: Row, message: Any, now: datetime) -> Any:
    """`txnstatus_response`: one object in SPDCI, a list in some of its dialects; answered as it was asked."""
    raw = message.get("txnstatus_request")
    if isinstance(raw, list):
        return [_status_of(ctx, who, one, now) for one in items(message, "txnstatus_request")]
    return _status_of(ctx, who, raw, now)


# txn_type → where its single requests stand, how they are answered, and where the answers stand.
WORK: dict[str, tuple[str, Callable[[Context, Row, Any, datetime], Any], str]] = {
    "search": ("search_request", answer, "search_response"),
    "subscribe": ("subscribe_request", subscribe, "subscribe_response"),
    "unsubscribe": ("", unsubscribe, "subscription_status"),
    "txn-status": ("txnstatus_request", statuses, "txnstatus_response"),
}


def number_of(txn_type: str, message: Any) -> int:
    """How many single requests a message holds. Raises Rejected when there are none or too many."""
    if txn_type == "unsubscribe" or (txn_type == "txn-status" and isinstance(message, dict)
                                     and isinstance(message.get("txnstatus_request"), dict)):
        return 1
    return len(items(message, WORK[txn_type][0]))


def receive(ctx: Context, who: Row, txn_type: str, message_id: str, message: Any) -> Row:
    """Remember a request. Raises Rejected when it has no transaction id."""
    transaction_id = message.get("transaction_id") if isinstance(message, dict) else None
    if not isinstance(transaction_id, str) or not 0 < len(transaction_id) < 100:
        raise Rejected("rjct.transaction_id.invalid", "缺少 message.transaction_id")
    listed = message.get(WORK[txn_type][0], [])
    now, correlation_id = ctx.app.machine_now(), derived("spdci", who["sender_id"], message_id)
    ctx.tx.insert(spdci_transaction, correlation_id=correlation_id, sender_id=who["sender_id"], transaction_id=transaction_id,
                  txn_type=txn_type, reference_ids=[reference_of(raw) for raw in listed] if isinstance(listed, list) else [],
                  request_sealed=ctx.app.vault.encrypt(canonical(message)), answer_sealed=None, state="received", attempts=0,
                  next_attempt_at=now, received_at=now)
    return ctx.require(ctx.tx.first(spdci_transaction, correlation_id=correlation_id), "INTERNAL")


def complete(ctx: Context, who: Row, row: Row, state: str) -> dict[str, Any]:
    """Work a request out and keep its answer. Raises Rejected for what is wrong with all of it."""
    _, work, key = WORK[row["txn_type"]]
    asked = json.loads(ctx.app.vault.decrypt(bytes(row["request_sealed"])))
    message = {"transaction_id": row["transaction_id"], "correlation_id": row["correlation_id"],
               key: work(ctx, who, asked, ctx.app.machine_now())}
    ctx.tx.update(spdci_transaction, {"correlation_id": row["correlation_id"]}, state=state,
                  answer_sealed=ctx.app.vault.encrypt(canonical(message)))
    return message


def _status_of(ctx: Context, who: Row, raw: Any, now: datetime) -> dict[str, Any]:
    """One `txnstatus_response` entry: the answers of the transactions that are meant, or that they are pending."""
    item = read(StatusItem, raw, "rjct.reference_id.invalid")
    asked = item.attribute_value if isinstance(item.attribute_value, list) else [item.attribute_value]
    rows = ctx.tx.find(spdci_transaction, sender_id=who["sender_id"], txn_type=item.txn_type,
                       order_by=spdci_transaction.c.received_at.desc(), limit=STATUS_TRANSACTIONS_MAX)
    if item.attribute_type == "reference_id_list":
        meant = [row for row in rows if set(asked) & set(row["reference_ids"])]
    else:
        meant = [row for row in rows if row[item.attribute_type] in asked]
    if not meant:
        raise Rejected("rjct.reference_id.invalid", "没有这样的事务")
    return {"reference_id": item.reference_id, "timestamp": moment(now), "txn_type": item.txn_type,
            "txn_status": [_told(ctx, row) for row in meant]}


def _told(ctx: Context, row: Row) -> dict[str, Any]:
    if row["answer_sealed"] is None:
        return {"transaction_id": row["transaction_id"], "correlation_id": row["correlation_id"], "status": "pdng"}
    answered = json.loads(ctx.app.vault.decrypt(bytes(row["answer_sealed"])))
    return {**answered, "status": "succ", "delivery": row["state"]}
