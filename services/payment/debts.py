"""Money that a household must give back (requirements 2.7, R141), by an order that the channel's department has signed.

What was paid wrongly moves from `paid` to the debt's own account; what is repaid goes back to the line that it came from; what
the panel writes off becomes paid for good. A fine stands apart from the fund. Agency error makes no debt.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.kernel.workdays import months_later
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import ledger, lines
from services.payment.tables import channel, debt, instalment, instruction, transfer

OPEN, INSTALMENT, PAID, WRITTEN_OFF, REJECTED = "open", "instalment", "paid", "written_off", "rejected"
OWED = (OPEN, INSTALMENT)
AGREE_DAYS = 15  # working days to agree on how it is paid
CAUSES = ("error_client", "fraud")
UNDER_WAY = ("committed", "sending", "pending")


def on_ordered(ctx: Context, event: aid.RecoveryDecided, envelope: Envelope) -> None:
    """A department orders money back that its channel has paid; without its signature nothing is owed."""
    if not event.HasField("signed_order"):
        return
    signed = event.signed_order
    order = aid.RecoveryOrder.FromString(signed.order)
    recorded = {"debt_id": order.debt_id, "channel": order.channel, "line": "", "case_id": order.case_id,
                "application_id": order.application_id, "household_id": order.household_id, "township_code": order.township_code,
                "cause": order.cause, "amount_fen": order.amount_fen, "fine_fen": order.fine_fen, "order": signed.order,
                "signature": signed.signature, "signed_by": signed.signed_by, "opened_on": ctx.today, "monthly_fen": 0,
                "agreed_on": None, "offset_fen": 0, "closed_on": None}
    if ctx.tx.count(debt, debt_id=order.debt_id):
        return
    try:
        with ctx.tx.savepoint():
            recorded["line"] = _take_over(ctx, order, signed, envelope.source)
    except Fault as fault:
        if fault.code not in ("CHANNEL_NOT_OWNED", "CHANNEL_NOT_FOUND", "GRANT_SIGNATURE_WRONG", "AMOUNT_WRONG",
                              "BALANCE_TOO_LOW"):
            raise
        ctx.tx.insert(debt, state=REJECTED, **recorded)
        ctx.audit("debt.rejected", order.debt_id, code=fault.code)
        return
    ctx.tx.insert(debt, state=OPEN, **recorded)
    ctx.audit("debt.opened", order.debt_id, amount_fen=order.amount_fen, fine_fen=order.fine_fen)
    ctx.open_task("agree_repayment", order.debt_id, "finance_officer", "", ctx.workdays_later(AGREE_DAYS))
    _say(ctx, events.DebtOpened(debt_id=order.debt_id, case_id=order.case_id, application_id=order.application_id,
                                channel=order.channel, amount_fen=order.amount_fen, fine_fen=order.fine_fen),
         recorded, audience=order.service)


def _take_over(ctx: Context, order: aid.RecoveryOrder, signed: aid.SignedRecoveryOrder, source: str) -> str:
    own = ctx.tx.first(channel, channel=order.channel)
    if own is None:
        raise Fault("CHANNEL_NOT_FOUND", channel=order.channel[:40])
    if not own["owner"] == signed.signed_by == order.service == source:
        raise Fault("CHANNEL_NOT_OWNED", channel=order.channel, owner=own["owner"], grantor=source)
    if not ctx.app.keys.verify(signed.signed_by, signed.order, signed.signature):
        raise Fault("GRANT_SIGNATURE_WRONG")
    if order.cause not in CAUSES or not 0 <= order.fine_fen <= AMOUNT_FEN_MAX:
        raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
    line = _line_paid_by(ctx, order)
    target = ledger.open_account(ctx, line, ledger.DEBT, order.debt_id)
    ledger.move(ctx, derived("debt", order.debt_id), ledger.account_id(line, ledger.PAID), target, order.amount_fen, "debt",
                order.decision_id)
    if order.fine_fen:
        for kind in (ledger.PENALISED, ledger.FINE):
            ledger.open_account(ctx, order.channel, kind, order.debt_id)
    return line


def _line_paid_by(ctx: Context, order: aid.RecoveryOrder) -> str:
    """The line that paid the case last. Raises Fault BALANCE_TOO_LOW when less was paid for it than is asked back."""
    rows = ctx.tx.find(instalment, household_id=order.household_id, channel=order.channel, state="settled",
                       order_by=instalment.c.due_on)
    if sum(row["amount_fen"] for row in rows) < order.amount_fen:
        raise Fault("BALANCE_TOO_LOW", account=order.channel, balance_fen=sum(row["amount_fen"] for row in rows),
                    amount_fen=order.amount_fen)
    return lines.line_of(rows[-1])


# ------------------------------------------------------------------------------------------------ officers
def find(ctx: Context, debt_id: str) -> Row:
    """Raises Fault DEBT_NOT_FOUND."""
    return ctx.require(ctx.tx.first(debt, debt_id=debt_id, lock=True), "DEBT_NOT_FOUND", debt_id=debt_id[:36])


def require_owed(row: Row, act: str) -> None:
    """Raises Fault INSTALMENT_STATE unless something is owed."""
    if row["state"] not in OWED:
        raise Fault("INSTALMENT_STATE", state={PAID: "已还清", WRITTEN_OFF: "已核销", REJECTED: "追回令无效"}[row["state"]],
                    act=act)


def outstanding(ctx: Context, row: Row) -> int:
    """What is still owed to the fund, in fen."""
    return ledger.balance(ctx, ledger.account_id(row["line"], ledger.DEBT, row["debt_id"]))


def fine_outstanding(ctx: Context, row: Row) -> int:
    """What of the fine is not paid, in fen."""
    return int(row["fine_fen"]) - ledger.balance(ctx, ledger.account_id(row["channel"], ledger.FINE, row["debt_id"]))


def agree(ctx: Context, debt_id: str, monthly_fen: int, offset_fen: int, agreement_ref: str) -> Row:
    """How it is paid: so much a month, or so much kept back of each benefit payment; both with the household's agreement.

    Raises Fault INSTALMENT_STATE, AMOUNT_WRONG or FIELD_WRONG.
    """
    row = find(ctx, debt_id)
    require_owed(row, "约定还款")
    if not agreement_ref:
        raise Fault("FIELD_WRONG", field="agreement_ref", expected="经家庭同意的还款协议编号")
    if min(monthly_fen, offset_fen) < 0 or monthly_fen + offset_fen == 0 or max(monthly_fen, offset_fen) > AMOUNT_FEN_MAX:
        raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
    ctx.tx.update(debt, {"debt_id": debt_id}, state=INSTALMENT, monthly_fen=monthly_fen, offset_fen=offset_fen,
                  agreed_on=ctx.today)
    ctx.close_tasks(debt_id, "agree_repayment")
    months = -(-outstanding(ctx, row) // max(monthly_fen + offset_fen, 1))
    ctx.open_task("await_repayment", debt_id, "finance_officer", "", months_later(ctx.today, months))
    ctx.audit("debt.agreed", debt_id, monthly_fen=monthly_fen, offset_fen=offset_fen)
    return row


def repay(ctx: Context, debt_id: str, amount_fen: int, receipt_ref: str) -> int:
    """The household has paid: to the line that the money came from; what is more than the debt is for the fine. Returns what is
    still owed, both together. Raises Fault INSTALMENT_STATE, AMOUNT_WRONG (more than is owed) or FIELD_WRONG."""
    row = find(ctx, debt_id)
    if not receipt_ref:
        raise Fault("FIELD_WRONG", field="receipt_ref", expected="收款凭证号")
    transfer_id, fine_id = derived("repay", debt_id, receipt_ref), derived("fine", debt_id, receipt_ref)
    if ctx.tx.count(transfer, transfer_id=[transfer_id, fine_id]):
        return outstanding(ctx, row) + fine_outstanding(ctx, row)  # said twice
    require_owed(row, "登记还款")
    owed, fine = outstanding(ctx, row), fine_outstanding(ctx, row)
    if not 0 < amount_fen <= owed + fine:
        raise Fault("AMOUNT_WRONG", limit_fen=owed + fine)
    to_fund = min(amount_fen, owed)
    moves = []
    if to_fund:
        moves.append(_back(row, transfer_id, to_fund, "repay", receipt_ref))
    if amount_fen > to_fund:
        moves.append(ledger.Move(fine_id, ledger.account_id(row["channel"], ledger.PENALISED, debt_id),
                                 ledger.account_id(row["channel"], ledger.FINE,
                                                   debt_id), amount_fen - to_fund, "fine", receipt_ref[:80]))
    ledger.post(ctx, moves)
    ctx.audit("debt.repaid", debt_id, amount_fen=amount_fen)
    _say(ctx, events.DebtRepaid(debt_id=debt_id, case_id=row["case_id"], application_id=row["application_id"],
                                channel=row["channel"], amount_fen=amount_fen, outstanding_fen=owed + fine - amount_fen), row)
    if amount_fen == owed + fine:
        _end(ctx, row, PAID)
    return owed + fine - amount_fen


def _back(row: Row, transfer_id: str, fen: int, kind: str, reference: str) -> ledger.Move:
    return ledger.Move(transfer_id, ledger.account_id(row["line"], ledger.DEBT, row["debt_id"]),
                       ledger.account_id(row["line"], ledger.AVAILABLE), fen, kind, reference[:80])


def write_off(ctx: Context, debt_id: str, minutes_ref: str, reason: str) -> Row:
    """The panel gives it up: what is owed to the fund becomes paid for good. Raises Fault MINUTES_REQUIRED, REASON_REQUIRED or
    INSTALMENT_STATE."""
    if not minutes_ref:
        raise Fault("MINUTES_REQUIRED")
    if not reason:
        raise Fault("REASON_REQUIRED")
    row = find(ctx, debt_id)
    require_owed(row, "核销")
    owed = outstanding(ctx, row)
    if owed:
        ledger.move(ctx, derived("write_off", debt_id), ledger.account_id(row["line"], ledger.DEBT, debt_id),
                    ledger.account_id(row["line"], ledger.PAID), owed, "write_off", minutes_ref[:80])
    _end(ctx, row, WRITTEN_OFF)
    return row


def _end(ctx: Context, row: Row, state: str) -> None:
    ctx.tx.update(debt, {"debt_id": row["debt_id"]}, state=state, closed_on=ctx.today, offset_fen=0)
    ctx.close_tasks(row["debt_id"])
    ctx.audit("debt.closed", row["debt_id"], state=state)
    _say(ctx, events.DebtClosed(debt_id=row["debt_id"], case_id=row["case_id"], application_id=row["application_id"],
                                channel=row["channel"], outcome=state), row)


def _say(ctx: Context, message: events.DebtOpened | events.DebtRepaid | events.DebtClosed, row: Row, audience: str = "") -> None:
    ctx.emit(message, subject=row["case_id"], partition_key=row["household_id"], audience=audience or row["signed_by"])


# ------------------------------------------------------------------------------------------------ offset
def offsets(ctx: Context, rows: Sequence[Row]) -> dict[str, tuple[str, int]]:
    """What is kept back of these instalments: instalment → (debt, fen). Never more than is owed, and never so much that less than
    the protected part of a payment is left."""
    households = sorted({row["household_id"] for row in rows} - {""})
    owing = {row["household_id"]: row for row in ctx.tx.find(debt, debt.c.offset_fen > 0, household_id=households,
                                                             state=INSTALMENT)}
    if not owing:
        return {}
    left = {name: outstanding(ctx, row) - ctx.tx.total(instruction.c.offset_fen, debt_id=row["debt_id"], state=list(UNDER_WAY))
            for name, row in owing.items()}
    protected = Decimal(str(lines.parameters()["protected_share"]))
    kept: dict[str, tuple[str, int]] = {}
    for row in rows:
        mine = owing.get(row["household_id"])
        if mine is None or mine["channel"] != row["channel"]:
            continue
        stays = int((row["amount_fen"] * protected).to_integral_value(ROUND_CEILING))
        fen = min(mine["offset_fen"], left[row["household_id"]], row["amount_fen"] - stays)
        if fen > 0:
            kept[row["instalment_id"]] = (mine["debt_id"], fen)
            left[row["household_id"]] -= fen
    return kept


def offset_settled(ctx: Context, row: Row) -> None:
    """A payment of which something was kept back has arrived: the debt is smaller by it."""
    owing = find(ctx, row["debt_id"])
    ledger.post(ctx, [_back(owing, derived("offset", row["instruction_id"]), row["offset_fen"], "offset", row["instruction_id"])])
    ctx.audit("debt.offset", row["debt_id"], amount_fen=row["offset_fen"])
    owed = outstanding(ctx, owing) + fine_outstanding(ctx, owing)
    _say(ctx, events.DebtRepaid(debt_id=row["debt_id"], case_id=owing["case_id"], application_id=owing["application_id"],
                                channel=owing["channel"], amount_fen=row["offset_fen"], outstanding_fen=owed), owing)
    if not owed:
        _end(ctx, owing, PAID)


def offset_returned(ctx: Context, row: Row) -> None:
    """The payment came back after all: what was kept back of it is owed again."""
    ledger.reverse(ctx, derived("offset", row["instruction_id"]), row["instruction_id"])
    ctx.tx.update(debt, {"debt_id": row["debt_id"], "state": PAID}, state=INSTALMENT, closed_on=None)
