"""Who is told when a household's category changes: with consent and purpose, by identity, until unsubscribed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from yimen.kernel.ids import canonical, derived
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.roster.domain import PURPOSE_MAX
from services.roster.spdci.messages import (
    Rejected,
    SubscribeItem,
    Unsubscribe,
    items,
    moment,
    read,
    reference_of,
)
from services.roster.spdci.search import (
    RECORD_TYPE,
    REG_TYPE,
    household_of,
    identity_of,
    log_reads,
    record,
    require_consent,
)
from services.roster.spdci.tables import integrator, spdci_subscription, spdci_transaction

INVALID, EVENT = "rjct.subscribe_criteria.invalid", "category_changed"


def subscribe(ctx: Context, who: Row, message: Any, now: datetime) -> list[dict[str, Any]]:
    """One `subscribe_response` entry for each request."""
    return [_subscribe_one(ctx, who, raw, now) for raw in items(message, "subscribe_request")]


def _subscribe_one(ctx: Context, who: Row, raw: Any, now: datetime) -> dict[str, Any]:
    told: dict[str, Any] = {"reference_id": reference_of(raw), "timestamp": moment(now), "locale": "zh"}
    try:
        item = read(SubscribeItem, raw, INVALID)
        criteria = item.subscribe_criteria
        if criteria.reg_event_type not in ("", EVENT) or criteria.query_type != "idtype-value":
            raise Rejected(INVALID, f"只能按证件号码订阅 {EVENT}")
        purpose = require_consent(criteria.consent, "consent", now, INVALID)
        kind, number = identity_of(criteria, INVALID)
        home = household_of(ctx, number)
        if home is None:
            raise Rejected(INVALID, "台账中没有此人")
    except Rejected as reason:
        return {**told, "status": "rjct", "status_reason_code": reason.code, "status_reason_message": reason.message}
    # The same request again is the same subscription.
    code = derived("subscription", who["sender_id"], home["household_id"], item.reference_id)
    sealed = ctx.app.vault.encrypt(canonical({"identifier_type": kind, "identifier_value": number}))
    ctx.tx.insert_new(spdci_subscription, code=code, sender_id=who["sender_id"], reference_id=item.reference_id,
                      household_id=home["household_id"], identifier_sealed=sealed, purpose=purpose[:PURPOSE_MAX],
                      created_at=ctx.now, ended_at=None)
    ctx.audit("integrator.subscribed", code, integrator=who["sender_id"], household_id=home["household_id"])
    return {**told, "status": "succ", "subscriptions": [{"code": code, "status": "subscribe", "timestamp": moment(now)}]}


def unsubscribe(ctx: Context, who: Row, message: Any, now: datetime) -> list[dict[str, Any]]:
    """One `subscription_status` entry for each code."""
    asked = read(Unsubscribe, message, "rjct.subscription_code.invalid")
    told = []
    for code in asked.subscription_codes:
        mine = {"code": code, "sender_id": who["sender_id"]}
        ended = ctx.tx.update(spdci_subscription, {**mine, "ended_at": None}, ended_at=ctx.now)
        known = ended or ctx.tx.count(spdci_subscription, **mine)
        if ended:
            ctx.audit("integrator.unsubscribed", code, integrator=who["sender_id"])
        told.append({"code": code, "timestamp": moment(now), **(
            {"status": "unsubscribe"} if known else
            {"status": "rjct", "status_reason_code": "rjct.subscription_code.invalid"})})
    return told


def tell_subscribers(ctx: Context, home: Row, category: str, change: str) -> None:
    """A notice on its way to each subscriber of the household, in the transaction that changes the category."""
    for row in ctx.tx.find(spdci_subscription, household_id=home["household_id"], ended_at=None):
        who = ctx.tx.first(integrator, sender_id=row["sender_id"], state="active")
        if who is None:
            continue
        identifier = json.loads(ctx.app.vault.decrypt(bytes(row["identifier_sealed"])))
        correlation = derived("notify", row["code"], home["version"] + 1, category)
        now = ctx.app.machine_now()
        message = {"transaction_id": correlation, "notify_event": [{
            "reference_id": row["reference_id"], "timestamp": moment(now), "subscription_code": row["code"],
            "reg_type": REG_TYPE, "reg_event_type": EVENT, "reg_record_type": RECORD_TYPE,
            "change": {"category": category, "change": change}, "reg_records": [record(ctx, home, identifier)]}]}
        log_reads(ctx, who, [home], row["reference_id"], row["purpose"])
        ctx.tx.insert_new(spdci_transaction, correlation_id=correlation, sender_id=row["sender_id"],
                          transaction_id=correlation, txn_type="notify", reference_ids=[row["reference_id"]],
                          request_sealed=b"", answer_sealed=ctx.app.vault.encrypt(canonical(message)), state="answered",
                          attempts=0, next_attempt_at=now, received_at=now)
