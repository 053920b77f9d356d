"""The bank's word against ours: each day's statement is compared with what was instructed. Every instruction ends on a
statement, or on a dated list with an owner.

A statement is taken in within one transaction a group of entries; which entries are in is kept, so that whoever is killed goes on
where he was, and the same statement again changes nothing.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from yimen.iso20022 import Entry, Statement, read_statement, read_status
from yimen.iso20022.messages import CAMT_053, NAMESPACE, PAIN_002
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.limits import groups
from yimen.payment.v1 import events_pb2 as events
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.tables import task
from yimen.store.unit import Row

from services.payment import lines, outcomes
from services.payment.bank import Outcome, bank_of
from services.payment.tables import discrepancy, instruction, statement, statement_entry

GROUP_MAX = 500
HEAD_BYTES = 4096
MATCHED = "matched"
UNKNOWN, AMOUNT, TWICE, MISSING, UNANSWERED = ("unknown_instruction", "amount_differs", "settled_twice", "not_on_statement",
                                               "unanswered")
KINDS = {UNKNOWN: "银行有、我方没有的支付", AMOUNT: "金额不符", TWICE: "银行付了两次", MISSING: "已回执到账、对账单上没有",
         UNANSWERED: "银行一直没有回执"}
FINDINGS = ("bank_error", "own_error", "explained")
FETCH_TIMER, CHECK_TIMER = "fetch_statement", "check_unreconciled"
LATE_PAGE_MAX = 200
REFUSED_TASK = "bank_file_rejected"


@dataclass(frozen=True)
class TakenIn:
    """What became of a file."""

    kind: str
    entries: int
    matched: int
    known: bool


# ------------------------------------------------------------------------------------------------ files
def take_in_path(app: App, path: Path) -> TakenIn:
    """The same for a file on the disk, however large."""
    with path.open("rb") as raw:
        head = raw.read(HEAD_BYTES)
        raw.seek(0)
        sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
    if (NAMESPACE + CAMT_053).encode() in head:
        return _statement(app, path, sha256)
    if (NAMESPACE + PAIN_002).encode() in head:
        _, said = read_status(path)
        return _status(app, (Outcome(_identity(one.end_to_end_id), one.state, one.reason_code) for one in said))
    raise Fault("BANK_FILE_WRONG", where="文件", problem=f"既不是 {CAMT_053} 也不是 {PAIN_002}")


def _identity(end_to_end_id: str) -> str:
    """The instruction that an end-to-end id names: the standard allows 35 characters, a UUID with dashes has 36."""
    try:
        return str(uuid.UUID(hex=end_to_end_id))
    except ValueError:
        return end_to_end_id[:35]


def _status(app: App, said: Iterable[Outcome]) -> TakenIn:
    """A status report: what it says of instructions that we know is taken in, the others are put on the list."""
    entries, matched = 0, 0
    for group in groups(said, outcomes.GROUP_MAX):
        outcomes.take_in(app, group)
        with app.work(f"service:{app.name}") as ctx:
            named = [one.instruction_id for one in group]
            known = {row["instruction_id"] for row in ctx.tx.find(instruction, instruction_id=named)}
            for one in group:
                if one.instruction_id not in known:
                    note(ctx, UNKNOWN, one.instruction_id, "", 0)
        entries, matched = entries + len(group), matched + len(known)
    return TakenIn("pain.002", entries, matched, known=False)


def _statement(app: App, path: Path, sha256: str) -> TakenIn:
    head, entries = read_statement(path)
    with app.work(f"service:{app.name}") as ctx:
        new = ctx.tx.insert_new(statement, statement_id=head.statement_id, booked_on=head.booked_on, opening_fen=head.opening_fen,
                                closing_fen=head.closing_fen, entries=head.entries, matched=0, sha256=sha256, taken_in_at=ctx.now)
        known = ctx.require(ctx.tx.first(statement, statement_id=head.statement_id), "INTERNAL")
        if not new:
            _require_same_head(known, head)
        if new:
            _require_continuous(ctx, head)
            if not head.entries:
                _finish(ctx, head)
        known_already = not new and _taken_in(ctx, head.statement_id) >= head.entries
    # A bank may write the same day anew, with another moment in its header: what counts is what it says, entry by entry.
    same_bytes = known["sha256"] == sha256
    for group in () if known_already and same_bytes else groups(enumerate(entries, start=1), GROUP_MAX):
        with app.work(f"service:{app.name}") as ctx:
            # Two processes may be at it, and one that was killed goes on: whoever holds the statement sees how far it is.
            ctx.tx.first(statement, statement_id=head.statement_id, lock=True)
            done = _taken_in(ctx, head.statement_id)
            if not same_bytes:
                _require_same_entries(ctx, head, [(number, one) for number, one in group if number <= done])
            if fresh := [(number, one) for number, one in group if number > done]:
                _take_in_entries(ctx, head, fresh)
                if fresh[-1][0] == head.entries:
                    _finish(ctx, head)
    with app.work("", write=False) as ctx:
        matched = ctx.tx.count(statement_entry, statement_id=head.statement_id, finding=MATCHED)
    return TakenIn("camt.053", head.entries, matched, known_already)


def _taken_in(ctx: Context, statement_id: str) -> int:
    """How many entries of a statement are in: they are taken in in their order."""
    return ctx.tx.largest(statement_entry.c.number, statement_id=statement_id)


def _finish(ctx: Context, head: Statement) -> None:
    """The last entry is in: said in the same transaction, so that nobody is killed between the two."""
    matched = ctx.tx.count(statement_entry, statement_id=head.statement_id, finding=MATCHED)
    ctx.tx.update(statement, {"statement_id": head.statement_id}, matched=matched)
    ctx.audit("statement.taken_in", head.statement_id, entries=head.entries, matched=matched)
    ctx.emit(events.StatementReconciled(statement_id=head.statement_id, booked_on=head.booked_on.isoformat(),
                                        entries=head.entries, matched=matched), subject=f"statement:{head.statement_id}")
    ctx.schedule(CHECK_TIMER, "all", ctx.now)


def _require_same_head(known: Row, head: Statement) -> None:
    """Raises Fault STATEMENT_CONFLICT."""
    if any(known[field] != getattr(head, field) for field in ("booked_on", "opening_fen", "closing_fen", "entries")):
        raise Fault("STATEMENT_CONFLICT", statement_id=head.statement_id[:35])


def _require_same_entries(ctx: Context, head: Statement, entries: Sequence[tuple[int, Entry]]) -> None:
    """Raises Fault STATEMENT_CONFLICT."""
    rows = ctx.tx.find(statement_entry, statement_id=head.statement_id, number=[number for number, _ in entries])
    kept = {row["number"]: (row["instruction_id"], row["direction"], row["amount_fen"]) for row in rows}
    if kept != {number: (_identity(one.end_to_end_id), one.direction, one.amount_fen) for number, one in entries}:
        raise Fault("STATEMENT_CONFLICT", statement_id=head.statement_id[:35])


def _require_continuous(ctx: Context, head: Statement) -> None:
    """A statement opens with what the day before closed with. Raises Fault STATEMENT_GAP."""
    before = ctx.tx.first(statement, statement.c.booked_on < head.booked_on, order_by=statement.c.booked_on.desc())
    if before is not None and before["closing_fen"] != head.opening_fen:
        raise Fault("STATEMENT_GAP", day=before["booked_on"].isoformat(), closing_fen=before["closing_fen"],
                    opening_fen=head.opening_fen)


# ------------------------------------------------------------------------------------------------ entries
def _take_in_entries(ctx: Context, head: Statement, entries: Sequence[tuple[int, Entry]]) -> None:
    named = {number: _identity(one.end_to_end_id) for number, one in entries}
    # What a statement books has been paid, whether an answer came or not.
    outcomes.apply(ctx, [Outcome(named[number], "settled") for number, one in entries if one.direction == "debit"])
    rows = {row["instruction_id"]: row for row in ctx.tx.find(instruction, instruction_id=sorted(set(named.values())),
                                                              order_by=instruction.c.instruction_id, lock=True)}
    found: list[dict[str, object]] = []
    booked: list[str] = []
    for number, one in entries:
        row = rows.get(named[number])
        finding = _finding(row, one, named[number] in booked)
        if finding == MATCHED:
            booked.append(named[number])
            if one.direction == "credit":
                outcomes.returned(ctx, rows[named[number]], one.reason_code)
        else:
            note(ctx, finding, named[number], head.statement_id, one.amount_fen)
        found.append({"statement_id": head.statement_id, "number": number, "instruction_id": named[number],
                      "direction": one.direction, "amount_fen": one.amount_fen, "finding": finding})
    ctx.tx.insert_all(statement_entry, found)
    ctx.tx.update(instruction, {"instruction_id": booked}, reconciled_on=head.booked_on)
    for name in booked:
        ctx.close_tasks(derived("discrepancy", MISSING, name, ""))


def _finding(row: Row | None, one: Entry, booked_here: bool) -> str:
    if row is None:
        return UNKNOWN
    if row["amount_fen"] != one.amount_fen:
        return AMOUNT
    if one.direction == "credit":
        # Back to us: of what was paid; of what never left, the two entries cancel each other.
        return MATCHED if row["state"] == "settled" else TWICE
    return TWICE if booked_here or row["reconciled_on"] is not None else MATCHED


def note(ctx: Context, kind: str, instruction_id: str, statement_id: str, amount_fen: int) -> str:
    """Put it on the list, once, with an owner and a day."""
    discrepancy_id = derived("discrepancy", kind, instruction_id, statement_id)
    if ctx.tx.insert_new(discrepancy, discrepancy_id=discrepancy_id, kind=kind, instruction_id=instruction_id,
                         statement_id=statement_id,
                         amount_fen=amount_fen, found_on=ctx.today, finding_code="", resolved_by="", resolved_on=None):
        ctx.open_task("resolve_discrepancy", discrepancy_id, "finance_officer", "",
                      ctx.workdays_later(int(lines.parameters()["reconcile_days"])), kind=kind)
        ctx.audit("discrepancy.found", discrepancy_id, kind=kind)
        ctx.emit(events.DiscrepancyFound(discrepancy_id=discrepancy_id, kind=kind, instruction_id=instruction_id,
                                         amount_fen=amount_fen), subject=f"discrepancy:{discrepancy_id}")
    return discrepancy_id


def resolve(ctx: Context, discrepancy_id: str, finding_code: str, reason: str) -> None:
    """What it was. Raises Fault FIELD_WRONG, REASON_REQUIRED, DISCREPANCY_NOT_FOUND or INSTALMENT_STATE."""
    if finding_code not in FINDINGS:
        raise Fault("FIELD_WRONG", field="finding_code", expected="/".join(FINDINGS))
    if not reason:
        raise Fault("REASON_REQUIRED")
    row = ctx.require(ctx.tx.first(discrepancy, discrepancy_id=discrepancy_id, lock=True), "DISCREPANCY_NOT_FOUND",
                      discrepancy_id=discrepancy_id[:36])
    if row["finding_code"]:
        raise Fault("INSTALMENT_STATE", state="已处理", act="处理对账差异")
    ctx.tx.update(discrepancy, {"discrepancy_id": discrepancy_id}, finding_code=finding_code, resolved_by=ctx.actor,
                  resolved_on=ctx.today)
    ctx.close_tasks(discrepancy_id)
    ctx.audit("discrepancy.resolved", discrepancy_id, finding=finding_code)


# ------------------------------------------------------------------------------------------------ every day
def fetch_statements(app: App) -> bool:
    """Ask for the next day's statement that is not here yet, or not wholly, up to yesterday; True when one came."""
    with app.work("", write=False) as ctx:
        last = ctx.tx.first(statement, order_by=statement.c.booked_on.desc())
        first = ctx.tx.first(instruction, instruction.c.queried_on.is_not(None),
                             order_by=instruction.c.queried_on) if last is None else None
        whole = last is None or _taken_in(ctx, last["statement_id"]) >= last["entries"]
    if last is None and first is None:
        return False
    day = last["booked_on"] + timedelta(days=int(whole)) if last is not None else first["queried_on"]  # type: ignore[index]
    if day >= app.today():
        return False
    name = f"statement:{day}"
    try:
        with tempfile.TemporaryDirectory(prefix="yimen-bank-") as folder:
            path = Path(folder) / "statement.xml"
            if not bank_of(app).statement(day, path):
                return False
            take_in_path(app, path)
    except Fault as fault:
        if fault.code == "DATABASE_UNAVAILABLE":
            raise
        if fault.code == "PEER_UNAVAILABLE":
            app.telemetry.meter.add("yimen.bank.unanswered")
        else:  # asked for again at the next turn: the bank may put it right
            refused(app, name, fault)
        return False
    taken_in(app, name)
    return True


def refused(app: App, name: str, fault: Fault) -> None:
    """Tell an officer, once, of what the bank brought and we cannot take in; `taken_in` closes it."""
    with app.work(f"service:{app.name}") as ctx:
        if not ctx.tx.count(task, kind=REFUSED_TASK, subject=name, done_at=None):
            ctx.open_task(REFUSED_TASK, name, "finance_officer", "", ctx.workdays_later(1), code=fault.code)
            ctx.audit("bank_file.rejected", name, code=fault.code)


def taken_in(app: App, name: str) -> None:
    """What was refused under this name has come right."""
    with app.work(f"service:{app.name}") as ctx:
        ctx.close_tasks(name, REFUSED_TASK)


def check_unreconciled(ctx: Context, subject: str, payload: dict[str, object]) -> None:
    """What the bank has called settled and no statement shows, and what it never answers, goes on the list after the limit."""
    limit = ctx.today - timedelta(days=int(lines.parameters()["reconcile_days"]))
    for state, kind in (("settled", MISSING), ("pending", UNANSWERED), ("sending", UNANSWERED)):
        late = ctx.tx.find(instruction, instruction.c.next_query_at < ctx.app.machine_now(), instruction.c.queried_on < limit,
                           state=state,
                           reconciled_on=None, order_by=instruction.c.instruction_id, limit=LATE_PAGE_MAX)
        for row in late:
            note(ctx, kind, row["instruction_id"], "", row["amount_fen"])
