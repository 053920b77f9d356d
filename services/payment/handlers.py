"""A grant arrives: check who signed it and whose channel it is, reserve, plan the instalments."""

from __future__ import annotations

from datetime import date

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.workdays import months_later
from yimen.payment.v1 import events_pb2 as events
from yimen.policy.model import INSTALMENTS_MAX
from yimen.runtime.context import Context

from services.payment import holds, imprest, lines, queries, revisions
from services.payment.grants import settle
from services.payment.tables import channel, hold, instalment, plan

REJECTIONS = ("GRANT_SIGNATURE_WRONG", "CHANNEL_NOT_OWNED", "CHANNEL_NOT_FOUND", "BALANCE_TOO_LOW", "AMOUNT_WRONG")


def on_granted(ctx: Context, event: aid.AidGranted, envelope: Envelope) -> None:
    """Reserve the money of a grant; without a valid grant no money moves (promise 2)."""
    if event.HasField("signed_grant"):
        _take(ctx, event.signed_grant, envelope.source)


def on_adjusted(ctx: Context, event: aid.BenefitAdjusted, envelope: Envelope) -> None:
    """Cut the plan that stood, then reserve what replaces it: the money that comes free is there for it."""
    if event.HasField("signed_end"):
        _end(ctx, event.signed_end, envelope.source)
    for signed in event.signed_grants:
        _take(ctx, signed, envelope.source)


def _end(ctx: Context, signed: aid.SignedGrantEnd, source: str) -> None:
    """Instalments that are due later and not released yet are not paid; their reservation goes back to the channel."""
    end = aid.GrantEnd.FromString(signed.grant_end)
    mine = ctx.tx.first(plan, grant_id=end.grant_id, lock=True)
    if mine is None or mine["state"] == "rejected":
        return
    if not mine["signed_by"] == signed.signed_by == end.service == source or not ctx.app.keys.verify(
            signed.signed_by, signed.grant_end, signed.signature):
        ctx.audit("grant_end.refused", end.grant_id, source=source)
        return
    from_due = date.fromisoformat(end.from_due_on)
    rest = ctx.tx.find(instalment, instalment.c.due_on >= from_due, grant_id=end.grant_id, state=[lines.PLANNED, lines.UNFUNDED],
                       order_by=instalment.c.number, lock=True)
    released = sum(row["amount_fen"] for row in rest)
    if rest:
        lines.give_back(ctx, rest, f"{end.grant_id}:{end.from_due_on}", end.decision_id)
        ctx.tx.update(instalment, {"instalment_id": [row["instalment_id"] for row in rest]}, state="void")
        for batch_id in sorted({row["batch_id"] for row in rest} - {""}):
            revisions.changed(ctx, batch_id)
    ctx.audit("grant.ended", end.grant_id, instalments=len(rest), from_due_on=end.from_due_on)
    grant = aid.Grant.FromString(mine["grant"])
    ctx.emit(events.PaymentPlanEnded(grant_id=end.grant_id, case_id=mine["case_id"], application_id=mine["application_id"],
                                     channel=mine["channel"], instalments=len(rest),
                                     released_fen=released, from_due_on=end.from_due_on),
             subject=mine["case_id"], partition_key=mine["household_id"], audience=grant.service)


def _take(ctx: Context, signed: aid.SignedGrant, source: str) -> None:
    grant = aid.Grant.FromString(signed.grant)
    recorded = {"grant_id": grant.grant_id, "channel": grant.channel, "case_id": grant.case_id,
                "application_id": grant.application_id, "household_id": grant.household_id,
                "township_code": grant.township_code, "grant": signed.grant, "signature": signed.signature,
                "signed_by": signed.signed_by, "recorded_at": ctx.now}
    if ctx.tx.count(plan, grant_id=grant.grant_id):
        return
    try:
        with ctx.tx.savepoint():
            _check(ctx, grant, signed, source)
            _reserve(ctx, grant)
    except Fault as fault:
        if fault.code not in REJECTIONS:
            raise
        ctx.tx.insert(plan, state="rejected", **recorded)
        ctx.audit("grant.rejected", grant.grant_id, code=fault.code)
        ctx.emit(events.PaymentRejected(grant_id=grant.grant_id, case_id=grant.case_id,
                                        application_id=grant.application_id, channel=grant.channel,
                                        reason_code=fault.code, reason=fault.message),
                 subject=grant.case_id, partition_key=grant.household_id, audience=grant.service)
        return
    ctx.tx.insert(plan, state="reserved", **recorded)
    ctx.audit("grant.reserved", grant.grant_id, channel=grant.channel, instalments=grant.instalments)
    ctx.emit(events.PaymentPlanned(grant_id=grant.grant_id, case_id=grant.case_id,
                                   application_id=grant.application_id, channel=grant.channel,
                                   total_fen=grant.instalment_fen * grant.instalments,
                                   instalments=grant.instalments),
             subject=grant.case_id, partition_key=grant.household_id, audience=grant.service)
    if grant.via == "imprest":
        _pay_imprest(ctx, grant)


def _check(ctx: Context, grant: aid.Grant, signed: aid.SignedGrant, source: str) -> None:
    own = ctx.tx.first(channel, channel=grant.channel)
    if own is None:
        raise Fault("CHANNEL_NOT_FOUND", channel=grant.channel[:40])
    if not own["owner"] == signed.signed_by == grant.service == source:
        raise Fault("CHANNEL_NOT_OWNED", channel=grant.channel, owner=own["owner"], grantor=source)
    if not ctx.app.keys.verify(signed.signed_by, signed.grant, signed.signature):
        raise Fault("GRANT_SIGNATURE_WRONG")
    if not 1 <= grant.instalments <= INSTALMENTS_MAX:
        raise Fault("AMOUNT_WRONG", limit_fen=0)


def _reserve(ctx: Context, grant: aid.Grant) -> None:
    first = date.fromisoformat(grant.first_due_on)
    rows = [{"instalment_id": derived("instalment", grant.grant_id, number), "grant_id": grant.grant_id,
             "channel": grant.channel, "number": number, "amount_fen": grant.instalment_fen,
             "due_on": months_later(first, (number - 1) * grant.every_months), "attempt": 0, "line": "", "state": lines.PLANNED,
             "household_id": grant.household_id, "purpose": grant.purpose, "batch_id": "", "held": False}
            for number in range(1, grant.instalments + 1)]
    if grant.via == "imprest":
        imprest.reserve(ctx, grant, grant.instalment_fen * grant.instalments)
    else:
        rows = lines.reserve(ctx, lines.require_channel(ctx, grant.channel), rows, grant.grant_id)
        revisions.ask_release(ctx, grant.channel, first)
    ctx.tx.insert_all(instalment, rows)
    if ctx.tx.count(hold, household_id=grant.household_id, instalment_id="", state=holds.OPEN):
        queries.refresh_held(ctx.tx, grant.household_id)


def _pay_imprest(ctx: Context, grant: aid.Grant) -> None:
    """Cash from the township's fund, on the same day (R069, R074)."""
    row = ctx.require(ctx.tx.first(instalment, instalment_id=derived("instalment", grant.grant_id, 1), lock=True), "INTERNAL")
    settle(ctx, [(row, derived("voucher", grant.grant_id))], "pay_imprest")
    imprest.advanced(ctx, grant)
