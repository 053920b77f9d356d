"""The way of each yuan: budget line → reservation → batch → instruction → household, and back (R138)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import ledger, lines
from services.payment.tables import allocation, batch, debt, instalment, instruction, plan, transfer

STEPS_MAX = 200
TITLES = {"budget": "预算下达", "reserve": "按给付决定预留", "release": "批次发放", "post": "银行付讫",
          "pay_imprest": "备用金付讫",
          "void": "退回可用", "return": "银行退回", "debt": "列入追回", "repay": "家庭退还", "offset": "从待遇中抵扣",
          "write_off": "核销",
          "fund_imprest": "拨付备用金", "purchase": "购买服务", "fine": "罚款入账", "reversal": "冲正"}
STATES = {"committed": "待发送", "sending": "已发送,未得回音", "pending": "银行办理中", "settled": "银行付讫",
          "returned": "银行退回"}
# (when, what, account, fen, reference)
Step = tuple[str, str, str, int, str]


def trace(ctx: Context, name: str) -> list[Step]:
    """Of an instalment, an instruction, a grant, a batch or a debt. Raises Fault INSTALMENT_NOT_FOUND."""
    found = _instalments(ctx, name)
    if found:
        return _of_instalments(ctx, found)
    owed = ctx.tx.first(debt, debt_id=name)
    if owed is not None:
        return _of_debt(ctx, owed)
    raise Fault("INSTALMENT_NOT_FOUND", instalment_id=name[:36])


def _instalments(ctx: Context, name: str) -> list[Row]:
    one = ctx.tx.first(instruction, instruction_id=name)
    if one is not None:
        return ctx.tx.find(instalment, instalment_id=one["instalment_id"])
    for key in ("instalment_id", "grant_id", "batch_id"):
        named: dict[str, Any] = {key: name}
        rows = ctx.tx.find(instalment, order_by=instalment.c.instalment_id, limit=STEPS_MAX, **named)
        if rows:
            return rows
    return []


def _of_instalments(ctx: Context, rows: list[Row]) -> list[Step]:
    steps: list[Step] = []
    for line in sorted({lines.line_of(row) for row in rows}):
        steps += [(one["allocated_on"].isoformat(), "预算下达", ledger.account_id(line, ledger.AVAILABLE), one["amount_fen"],
                   one["document_no"]) for one in ctx.tx.find(allocation, line=line, order_by=allocation.c.allocated_on)]
    grants = ctx.tx.find(plan, grant_id=sorted({row["grant_id"] for row in rows}))
    for one in grants:
        steps += [(_at(move["at"]), TITLES["reserve"], move["to_account"], move["amount_fen"], f"给付决定 {one['grant_id']}")
                  for move in ctx.tx.find(transfer, kind="reserve", reference=one["grant_id"])]
    for one in ctx.tx.find(batch, batch_id=sorted({row["batch_id"] for row in rows} - {""})):
        steps.append((_at(one["prepared_at"]), f"编入批次,{one['prepared_by']} 编制", "", one["total_fen"], one["batch_id"]))
        if one["reviewed_at"]:
            steps.append((_at(one["reviewed_at"]), f"{one['reviewed_by']} 审核", "", one["total_fen"], one["batch_id"]))
        if one["released_at"]:
            steps.append((_at(one["released_at"]), f"{one['released_by']} 批准发放", "", one["total_fen"], one["batch_id"]))
    for row in rows:
        steps += _of_one(ctx, row)
    return sorted(steps, key=_when)[:STEPS_MAX]


def _when(step: Step) -> str:
    """A budget stands before the acts of its day; a day on which the bank answered, after them."""
    return step[0] if step[1] == TITLES["budget"] or len(step[0]) > len("2026-04-01") else step[0] + "~"


def _of_one(ctx: Context, row: Row) -> list[Step]:
    orders = ctx.tx.find(instruction, instalment_id=row["instalment_id"], order_by=instruction.c.instruction_id)
    steps: list[Step] = []
    for one in orders:
        seen = f",对账单 {one['reconciled_on'].isoformat()} 相符" if one["reconciled_on"] else ""
        steps.append((one["queried_on"].isoformat() if one["queried_on"] else "", f"付款指令:{STATES[one['state']]}{seen}", "",
                      one["amount_fen"], one["instruction_id"]))
    by = [derived("post", row["instalment_id"], one["instruction_id"]) for one in orders]
    by += [derived("return", one["instruction_id"]) for one in orders] + [derived("offset", one["instruction_id"])
                                                                          for one in orders]
    by += [derived("post", row["instalment_id"], derived("voucher", row["grant_id"])), derived("post", row["instalment_id"])]
    return steps + [_step(move) for move in ctx.tx.find(transfer, transfer_id=by)]


def _of_debt(ctx: Context, row: Row) -> list[Step]:
    name = ledger.account_id(row["line"], ledger.DEBT, row["debt_id"])
    fine = ledger.account_id(row["channel"], ledger.FINE, row["debt_id"])
    moves = ctx.tx.find(transfer, from_account=name) + ctx.tx.find(transfer, to_account=[name, fine])
    return sorted(_step(one) for one in moves)[:STEPS_MAX]


def _step(move: Row) -> Step:
    return _at(move["at"]), str(TITLES.get(move["kind"], move["kind"])), move["to_account"], move["amount_fen"], move["reference"]


def _at(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat(timespec="minutes")
