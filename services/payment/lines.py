"""Budget lines: a department's programme × level × budget year (R118, R119). Higher levels' money is used first; an instalment
belongs to one line, and what comes back comes back there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.payment.v1 import events_pb2 as events
from yimen.policy.pack import Pack
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import ledger, queries
from services.payment.tables import account, allocation, budget_line, channel, instalment

CENTRAL, PROVINCE, CITY, COUNTY = "central", "province", "city", "county"
LEVELS = (CENTRAL, PROVINCE, CITY, COUNTY)  # in the order in which they are used
FUND_PAGE_MAX = 500
SHORT_DAYS = 5  # working days to see to a year whose budget does not reach
PLANNED, UNFUNDED = "planned", "unfunded"
FUND_TIMER = "fund_year"


@cache
def parameters() -> Mapping[str, Any]:
    """The county's rules of money, from the pack beside this file."""
    return Pack((Path(__file__).parent / "policy" / "payment-2026.yaml").read_text(), {}).parameters


def line_name(opened: Row, year: int, level: str) -> str:
    """`medical_aid@2026/central`; the county's own line of the channel's first year is called like the channel."""
    return opened["channel"] if (year, level) == (opened["year"], COUNTY) else f"{opened['channel']}@{year}/{level}"


def require_channel(ctx: Context, name: str) -> Row:
    """Raises Fault CHANNEL_NOT_FOUND."""
    return ctx.require(ctx.tx.first(channel, channel=name), "CHANNEL_NOT_FOUND", channel=name[:40])


def of_year(ctx: Context, opened: Row, year: int) -> list[str]:
    """The lines of a year, in the order in which they are used."""
    rows = ctx.tx.find(budget_line, channel=opened["channel"], year=year)
    names = {row["level"]: row["line"] for row in rows}
    if year == opened["year"]:
        names[COUNTY] = opened["channel"]
    return [names[level] for level in LEVELS if level in names]


def all_lines(ctx: Context, opened: Row) -> list[tuple[str, int, str]]:
    """(line, year, level) of a channel, oldest year first."""
    found = [(row["line"], row["year"], row["level"]) for row in ctx.tx.find(budget_line, channel=opened["channel"])]
    found.append((opened["channel"], opened["year"], COUNTY))
    return sorted(found, key=lambda one: (one[1], LEVELS.index(one[2])))


def allocate(ctx: Context, opened: Row, year: int, level: str, amount_fen: int, document_no: str) -> str:
    """Put a level's money on its line, once per document; returns the line. Raises Fault FIELD_WRONG or those of a transfer."""
    if level not in LEVELS:
        raise Fault("FIELD_WRONG", field="level", expected="/".join(LEVELS))
    if not document_no:
        raise Fault("FIELD_WRONG", field="document_no", expected="下达资金的文号")
    line = line_name(opened, year, level)
    if line != opened["channel"]:
        ctx.tx.insert_new(budget_line, line=line, channel=opened["channel"], year=year, level=level)
    for kind in ledger.LINE_KINDS:
        ledger.open_account(ctx, line, kind)
    allocation_id = derived("allocation", line, document_no)
    if ledger.move(ctx, allocation_id, ledger.account_id(line, ledger.TREASURY), ledger.account_id(line, ledger.AVAILABLE),
                   amount_fen, "budget", document_no[:80]):
        ctx.tx.insert(allocation, allocation_id=allocation_id, line=line, channel=opened["channel"], document_no=document_no[:80],
                      amount_fen=amount_fen, allocated_on=ctx.today)
        ctx.audit("budget.allocated", line, amount_fen=amount_fen)
        ctx.emit(events.BudgetAllocated(channel=opened["channel"], line=line, year=year, level=level, amount_fen=amount_fen,
                                        document_no=document_no[:80]), subject=f"line:{line}")
        ctx.schedule(FUND_TIMER, f"{opened['channel']}:{year}", ctx.now, channel=opened["channel"], year=year)
    return line


def reserve(ctx: Context, opened: Row, rows: Sequence[dict[str, Any]], reference: str) -> list[dict[str, Any]]:
    """Give each instalment its line and reserve it there; those of a year without a budget wait for it.

    Returns the rows with `line` and `state`. Raises Fault BALANCE_TOO_LOW when a year that has a budget does not reach.
    """
    by_year: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_year[row["due_on"].year].append(row)
    done: list[dict[str, Any]] = []
    for year, mine in sorted(by_year.items()):
        names = of_year(ctx, opened, year)
        if not names:
            done += [{**row, "line": "", "state": UNFUNDED} for row in mine]
            continue
        done += _draw(ctx, names, mine, reference)
    return done


def _draw(ctx: Context, names: Sequence[str], rows: Sequence[dict[str, Any]], reference: str) -> list[dict[str, Any]]:
    left = {row["line"] or row["account_id"].partition(":")[0]: row["balance_fen"] for row in ctx.tx.find(
        account, account_id=[ledger.account_id(name, ledger.AVAILABLE) for name in names])}
    drawn: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        # The last line is tried even where it does not reach: the ledger itself says what is missing.
        name = next((one for one in names if left.get(one, 0) >= row["amount_fen"]), names[-1])
        left[name] = left.get(name, 0) - row["amount_fen"]
        drawn[name].append(row)
    ledger.post(ctx, [ledger.Move(
        derived("reserve", reference, name, *(row["number"] for row in mine)), ledger.account_id(name, ledger.AVAILABLE),
        ledger.account_id(name, ledger.RESERVED), sum(row["amount_fen"] for row in mine), "reserve", reference)
        for name, mine in drawn.items()])
    return [{**row, "line": name, "state": PLANNED} for name, mine in drawn.items() for row in mine]


def line_of(row: Row) -> str:
    """The line of an instalment; one from before there were lines is its channel's own."""
    return str(row["line"] or row["channel"])


def give_back(ctx: Context, rows: Iterable[Row], key: str, reference: str) -> int:
    """Return what was reserved for instalments that will not be paid to the lines that it came from; returns the sum in fen.

    `key` names this act: the same again moves nothing.
    """
    by_line: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if row["state"] != UNFUNDED:
            by_line[line_of(row), holder(row)] += row["amount_fen"]
    ledger.post(ctx, [ledger.Move(derived("void", key, source), source, ledger.account_id(line, ledger.AVAILABLE), fen, "void",
                                  reference) for (line, source), fen in by_line.items()])
    return sum(by_line.values())


def holder(row: Row) -> str:
    """The account that an unpaid instalment's money is in: its batch's, once that is released, else the line's reserve."""
    in_batch = row["batch_id"] and row["state"] in ("released", "returned") and row["attempt"] > 0
    kind, detail = (ledger.BATCH, row["batch_id"]) if in_batch else (ledger.RESERVED, "")
    return ledger.account_id(line_of(row), kind, detail)


def fund_year(ctx: Context, subject: str, payload: dict[str, Any]) -> None:
    """The timer of an allocation: reserve what waited for the budget of its year, a page at a time."""
    opened, year = require_channel(ctx, payload["channel"]), int(payload["year"])
    rows = ctx.tx.find(instalment, *queries.in_year(year), channel=opened["channel"], state=UNFUNDED,
                       order_by=(instalment.c.due_on, instalment.c.instalment_id), limit=FUND_PAGE_MAX, lock=True)
    if rows and _fund(ctx, opened, year, of_year(ctx, opened, year), rows):
        ctx.schedule(FUND_TIMER, subject, ctx.now, **payload)


def _fund(ctx: Context, opened: Row, year: int, names: Sequence[str], rows: Sequence[Row]) -> bool:
    """Reserve as many of the rows as the year's lines carry, oldest first; True when all were."""
    room = sum(_room(ctx, name) for name in names)
    fit: list[Row] = []
    for row in rows:
        room -= row["amount_fen"]
        if room < 0:
            break
        fit.append(row)
    subject = f"{opened['channel']}:{year}"
    try:
        with ctx.tx.savepoint():
            funded = _draw(ctx, names, [dict(row) for row in fit], fit[0]["instalment_id"]) if fit else []
    except Fault as fault:
        if fault.code != "BALANCE_TOO_LOW":
            raise
        funded = []
    for row in funded:
        ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, line=row["line"], state=PLANNED)
    if len(funded) == len(rows):
        ctx.close_tasks(subject, "budget_short")
    else:
        _warn_short(ctx, opened, year, subject)
    return len(funded) == len(rows)


def _room(ctx: Context, line: str) -> int:
    return ledger.balance(ctx, ledger.account_id(line, ledger.AVAILABLE))


def _warn_short(ctx: Context, opened: Row, year: int, subject: str) -> None:
    """The year's budget does not reach for what is already granted (R120); said once while it lasts."""
    short = ctx.tx.total(instalment.c.amount_fen, *queries.in_year(year), channel=opened["channel"], state=UNFUNDED)
    if not queries.has_open_task(ctx.tx, "budget_short", subject):
        ctx.open_task("budget_short", subject, "finance_officer", "", ctx.workdays_later(SHORT_DAYS), channel=opened["channel"],
                      year=str(year), short_fen=str(short))
        ctx.emit(events.BudgetShort(channel=opened["channel"], year=year, short_fen=short), subject=f"line:{subject}")


def buy(ctx: Context, opened: Row, year: int, amount_fen: int, contract_ref: str) -> int:
    """Pay for purchased services from a year's lines; returns what of the cap is left (R123: at most 2 % of the year's special
    fund). Raises Fault PURCHASE_ABOVE_CAP, AMOUNT_WRONG or BALANCE_TOO_LOW."""
    names = of_year(ctx, opened, year)
    if not names:
        raise Fault("BUDGET_NOT_OPEN", channel=opened["channel"], year=year)
    share = Decimal(str(parameters()["purchase_cap_share"]))
    # Two purchases at once would each see the other's room: the year's first line is theirs in turn.
    ctx.tx.first(account, account_id=ledger.account_id(names[0], ledger.TREASURY), lock=True)
    budget = -sum(ledger.balance(ctx, ledger.account_id(name, ledger.TREASURY)) for name in names)
    bought = sum(ledger.balance(ctx, ledger.account_id(name, ledger.PURCHASE)) for name in names)
    transfer_id = derived("purchase", opened["channel"], year, contract_ref)
    cap = int(budget * share)
    # The county's own money first: who buys is the county.
    name = next((one for one in reversed(names) if _room(ctx, one) >= amount_fen), names[-1])
    target = ledger.open_account(ctx, name, ledger.PURCHASE)
    new = ledger.move(ctx, transfer_id, ledger.account_id(name, ledger.AVAILABLE), target, amount_fen, "purchase",
                      contract_ref[:80])
    if new and bought + amount_fen > cap:
        raise Fault("PURCHASE_ABOVE_CAP", cap_fen=cap, bought_fen=bought)
    ctx.audit("purchase.recorded", opened["channel"], amount_fen=amount_fen)
    return cap - bought - (amount_fen if new else 0)


def idle_fen(ctx: Context, line: str) -> int:
    """What lies on a line longer than the limit: neither reserved nor paid since it was allocated (滞留, 7.4)."""
    since = ctx.today - timedelta(days=int(parameters()["idle_days"]))
    recent = ctx.tx.total(allocation.c.amount_fen, allocation.c.allocated_on > since, line=line)
    return max(0, ledger.balance(ctx, ledger.account_id(line, ledger.AVAILABLE)) - recent)
