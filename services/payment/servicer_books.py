"""gRPC of the books (`payment.v1.BooksService`): budget lines, statements, the way of each yuan, reconciliation."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.kernel.workdays import months_later
from yimen.payment.v1 import books_pb2 as pb
from yimen.payment.v1 import books_pb2_grpc
from yimen.payment.v1 import events_pb2 as events
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import ledger, lines, paths, queries, reconcile, uploads
from services.payment.tables import account, channel, discrepancy, instalment, transfer

STATEMENT_PAGE_MAX = 500
LISTED_MAX = 1_000
FORECAST_MONTHS_MAX = 24
READERS = ("finance_officer", "supervisor", "auditor")
REVERSIBLE = ("budget", "purchase")


class BooksServicer(books_pb2_grpc.BooksServiceServicer):
    """What an auditor reads, and the few acts that are not payments."""

    def __init__(self, app: App) -> None:
        self._app = app

    # ------------------------------------------------------------------------------------------ acts
    def AllocateBudget(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        with self._app.work(officer.actor) as ctx:
            opened = lines.require_channel(ctx, request.channel)
            if not opened["year"] <= request.year <= ctx.today.year + 1:
                raise Fault("FIELD_WRONG", field="year", expected=f"{opened['year']}–{ctx.today.year + 1}")
            line = lines.allocate(ctx, opened, request.year, request.level, request.amount_fen, request.document_no)
        return pb.AllocateBudgetResponse(line=line)

    def RecordPurchase(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        if not request.contract_ref:
            raise Fault("FIELD_WRONG", field="contract_ref", expected="合同编号")
        with self._app.work(officer.actor) as ctx:
            left = lines.buy(ctx, lines.require_channel(ctx, request.channel), request.year, request.amount_fen,
                             request.contract_ref)
            ctx.emit(events.PurchaseRecorded(channel=request.channel, year=request.year, amount_fen=request.amount_fen,
                                             contract_ref=request.contract_ref[:80]), subject=f"purchase:{request.channel}")
        return pb.RecordPurchaseResponse(left_of_cap_fen=left)

    def ReverseTransfer(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        if not request.reason:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            row = ctx.require(ctx.tx.first(transfer, transfer_id=request.transfer_id), "TRANSFER_NOT_FOUND",
                              transfer_id=request.transfer_id[:36])
            if row["kind"] not in REVERSIBLE:
                raise Fault("TRANSFER_NOT_REVERSIBLE", kind=paths.TITLES.get(row["kind"], row["kind"]))
            ledger.reverse(ctx, request.transfer_id, request.reason[:80])
            ctx.audit("transfer.reversed", request.transfer_id)
        return pb.ReverseTransferResponse()

    # ------------------------------------------------------------------------------------------ reading
    def GetOverview(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS, "county_admin", "coordination_panel")
        with self._app.work("", write=False) as ctx:
            shown = [self._overview(ctx, row) for row in ctx.tx.find(channel, order_by=channel.c.channel)]
        return pb.GetOverviewResponse(channels=shown)

    def _overview(self, ctx: Context, row: Row) -> Any:
        name = row["channel"]
        return pb.ChannelOverview(
            channel=name, owner=row["owner"], title=row["title"],
            lines=[self._line(ctx, line, year, level) for line, year, level in lines.all_lines(ctx, row)],
            imprest_fen=ctx.tx.total(account.c.balance_fen, channel=name, kind=ledger.IMPREST),
            unfunded_fen=ctx.tx.total(instalment.c.amount_fen, channel=name, state=lines.UNFUNDED),
            held_fen=ctx.tx.total(instalment.c.amount_fen, channel=name, state=lines.PLANNED, held=True))

    def _line(self, ctx: Context, line: str, year: int, level: str) -> Any:
        own = queries.line_balances(ctx.tx, line)
        return pb.BudgetLine(
            line=line, year=year, level=level, idle_fen=lines.idle_fen(ctx, line), budget_fen=-own.get(ledger.TREASURY, 0),
            available_fen=own.get(ledger.AVAILABLE, 0), reserved_fen=own.get(ledger.RESERVED, 0),
            in_batch_fen=own.get(ledger.BATCH, 0), paid_fen=own.get(ledger.PAID, 0),
            purchased_fen=own.get(ledger.PURCHASE, 0), owed_back_fen=own.get(ledger.DEBT, 0))

    def ListPaidByTownship(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS)
        with self._app.work("", write=False) as ctx:
            rows = queries.paid_by_township(ctx.tx)
        return pb.ListPaidByTownshipResponse(townships=[pb.TownshipPaid(
            channel=row["channel"], township_code=row["township_code"], households=row["households"],
            instalments=row["instalments"], amount_fen=int(row["amount_fen"])) for row in rows])

    def GetBalances(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS)
        moment = _moment(request.as_of) if request.as_of else None
        with self._app.work("", write=False) as ctx:
            lines.require_channel(ctx, request.channel)
            found = ledger.balances_at(ctx, request.channel, moment)
        return pb.GetBalancesResponse(balances=[pb.AccountBalance(account_id=name, balance_fen=fen) for name,
                                                fen in sorted(found.items())])

    def GetAccountStatement(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS)
        since, until = _day_start("since", request.since), _day_start("until", request.until) + timedelta(days=1)
        if until <= since:
            raise Fault("FIELD_WRONG", field="until", expected="不早于 since")
        with self._app.work("", write=False) as ctx:
            ctx.require(ctx.tx.first(account, account_id=request.account_id), "CHANNEL_NOT_FOUND",
                        channel=request.account_id[:80])
            after = ctx.tx.first(transfer, transfer_id=request.after) if request.after else None
            rows = queries.transfers_of(ctx.tx, request.account_id, since, until,
                                        (after["at"], after["transfer_id"]) if after else None, STATEMENT_PAGE_MAX)
            opening = queries.balance_before(ctx.tx, request.account_id, since)
            closing = queries.balance_before(ctx.tx, request.account_id, until)
        return pb.GetAccountStatementResponse(
            opening_fen=opening, closing_fen=closing, lines=[_line(request.account_id, row) for row in rows],
            next_after=rows[-1]["transfer_id"] if len(rows) == STATEMENT_PAGE_MAX else "")

    def TraceYuan(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS)
        with self._app.work("", write=False) as ctx:
            steps = paths.trace(ctx, request.id)
        return pb.TraceYuanResponse(steps=[pb.Step(at=at, what=what, account_id=name, amount_fen=fen, reference=reference)
                                           for at, what, name, fen, reference in steps])

    def ForecastDemand(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS)
        if not 1 <= request.months <= FORECAST_MONTHS_MAX:
            raise Fault("FIELD_WRONG", field="months", expected=f"1–{FORECAST_MONTHS_MAX}")
        with self._app.work("", write=False) as ctx:
            opened, shown = lines.require_channel(ctx, request.channel), []
            start = ctx.today.replace(day=1)
            for number in range(request.months):
                month, following = months_later(start, number), months_later(start, number + 1)
                count, fen, unfunded = queries.demand(ctx.tx, request.channel, month, following)
                shown.append(pb.MonthDemand(month=f"{month:%Y-%m}", instalments=count, amount_fen=fen,
                                            unfunded_fen=unfunded))
            mine = [ledger.account_id(line, ledger.AVAILABLE) for line, _, _ in lines.all_lines(ctx, opened)]
            there = sum(ledger.balance(ctx, one) for one in mine)
        return pb.ForecastDemandResponse(months=shown, available_fen=there)

    # ------------------------------------------------------------------------------------------ the bank's word
    def TakeInBankFile(self, request: Any, context: Any) -> Any:
        caller().require_role("finance_officer")
        if request.more:
            uploads.keep_part(self._app, request.upload_id, request.part, request.content)
            return pb.TakeInBankFileResponse()
        found = (uploads.take_in_upload(self._app, request.upload_id, request.part, request.content) if request.part
                 else uploads.take_in_file(self._app, request.content))
        return pb.TakeInBankFileResponse(kind=found.kind, entries=found.entries, matched=found.matched, known=found.known)

    def ListDiscrepancies(self, request: Any, context: Any) -> Any:
        caller().require_role(*READERS)
        chosen: dict[str, Any] = {"finding_code": ""} if request.open_only else {}
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(discrepancy, order_by=(discrepancy.c.found_on, discrepancy.c.discrepancy_id), limit=LISTED_MAX,
                               **chosen)
        return pb.ListDiscrepanciesResponse(discrepancies=[
            pb.Discrepancy(discrepancy_id=row["discrepancy_id"], kind=row["kind"], instruction_id=row["instruction_id"],
                           statement_id=row["statement_id"], amount_fen=row["amount_fen"], found_on=row["found_on"].isoformat(),
                           finding_code=row["finding_code"]) for row in rows])

    def ResolveDiscrepancy(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        with self._app.work(officer.actor) as ctx:
            reconcile.resolve(ctx, request.discrepancy_id, request.finding_code, request.reason)
        return pb.ResolveDiscrepancyResponse()


def _line(name: str, row: Row) -> Any:
    into = row["to_account"] == name
    return pb.StatementLine(transfer_id=row["transfer_id"], at=row["at"].astimezone(CHINA).isoformat(timespec="seconds"),
                            kind=row["kind"],
                            other_account=row["from_account"] if into else row["to_account"],
                            amount_fen=row["amount_fen"] if into else -row["amount_fen"], reference=row["reference"])


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Fault("FIELD_WRONG", field="as_of", expected="ISO 时刻,如 2026-04-01T09:00:00+08:00") from None
    return found if found.tzinfo else found.replace(tzinfo=CHINA)


def _day_start(field: str, text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), CHINA)
    except ValueError:
        raise Fault("FIELD_WRONG", field=field, expected="YYYY-MM-DD,存在的日期") from None


def books_mount(app: App) -> Mount:
    """The servicer for the server."""
    return books_pb2_grpc.add_BooksServiceServicer_to_server, BooksServicer(app)
