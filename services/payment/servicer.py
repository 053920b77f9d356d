"""gRPC of `payment`."""

from __future__ import annotations

from datetime import date
from typing import Any

from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.payment.v1 import payment_pb2 as pb
from yimen.payment.v1 import payment_pb2_grpc
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context

from services.payment import imprest, ledger
from services.payment.dispatch import ask_correction, commit_instruction
from services.payment.handlers import ask_release, grant_of, void
from services.payment.tables import account, channel, imprest_fund, instalment, instruction, payee, plan

RELEASE_MAX = 2_000  # instalments in one release; the task stays open while more are due
ACCOUNT_LENGTHS = range(12, 24)


class PaymentServicer(payment_pb2_grpc.PaymentServiceServicer):
    """Channels and instalments."""

    def __init__(self, app: App) -> None:
        self._app = app

    def OpenChannel(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        if not 0 < request.budget_fen <= AMOUNT_FEN_MAX:
            raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
        with self._app.work(officer.actor) as ctx:
            ctx.tx.insert_new(channel, channel=request.channel, owner=request.owner, title=request.title,
                              year=request.year)
            for kind in (ledger.TREASURY, ledger.AVAILABLE, ledger.RESERVED, ledger.PAID):
                ledger.open_account(ctx, request.channel, kind)
            ledger.move(ctx, derived("budget", request.channel, request.year),
                        ledger.account_id(request.channel, ledger.TREASURY),
                        ledger.account_id(request.channel, ledger.AVAILABLE), request.budget_fen, "budget",
                        str(request.year))
            ctx.audit("channel.opened", request.channel, owner=request.owner, budget_fen=request.budget_fen)
        return pb.OpenChannelResponse()

    def FundImprest(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        with self._app.work(officer.actor) as ctx:
            balance = imprest.replenish(ctx, request.channel, request.township_code, request.amount_fen, request.reference,
                                        request.limit_fen)
        return pb.FundImprestResponse(balance_fen=balance)

    def ListImprest(self, request: Any, context: Any) -> Any:
        caller().require_role("finance_officer", "supervisor", "township_head")
        with self._app.work(caller().actor, write=False) as ctx:
            funds = [(row, imprest.overdue_fen(ctx, row["channel"], row["township_code"]),
                      imprest.balance_fen(ctx, ledger.account_id(row["channel"], ledger.IMPREST, row["township_code"])))
                     for row in ctx.tx.find(imprest_fund, channel=request.channel, order_by=imprest_fund.c.township_code)]
        return pb.ListImprestResponse(funds=[
            pb.ImprestFund(township_code=row["township_code"], limit_fen=row["limit_fen"], balance_fen=balance,
                           papers_overdue_fen=overdue, blocked=imprest.is_blocked(overdue, row["limit_fen"]))
            for row, overdue, balance in funds])

    def RegisterAccount(self, request: Any, context: Any) -> Any:
        caller().require_service("intake")
        _check_account(request.bank_account)
        with self._app.work(caller().actor) as ctx:
            self._keep(ctx, request.household_id, request.bank_account, request.account_name)
        return pb.RegisterAccountResponse()

    def _keep(self, ctx: Context, household_id: str, number: str, name: str) -> None:
        sealed = {"account_sealed": self._app.vault.encrypt(number), "name_sealed": self._app.vault.encrypt(name)}
        if not ctx.tx.insert_new(payee, household_id=household_id, **sealed):
            ctx.tx.update(payee, {"household_id": household_id}, **sealed)
        ctx.audit("account.registered", household_id)

    def CorrectAccount(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("window_clerk")
        _check_account(request.bank_account)
        with self._app.work(officer.actor) as ctx:
            row = ctx.require(ctx.tx.first(instalment, instalment_id=request.instalment_id, lock=True),
                              "INSTALMENT_NOT_FOUND", instalment_id=request.instalment_id)
            grant = grant_of(ctx, row["grant_id"])
            officer.require_area(grant.township_code)
            if row["state"] != "returned":
                raise Fault("INSTALMENT_STATE", state=row["state"], act="更正账户")
            sealed = self._app.vault.encrypt(request.bank_account)
            if not ctx.tx.update(payee, {"household_id": grant.household_id}, account_sealed=sealed):
                self._keep(ctx, grant.household_id, request.bank_account, "")
            instruction_id = commit_instruction(ctx, row, sealed)
            ctx.close_tasks(request.instalment_id)
            ctx.audit("account.corrected", grant.household_id, instalment_id=request.instalment_id)
        return pb.CorrectAccountResponse(instruction_id=instruction_id)

    def VoidInstalment(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        if not request.reason_code:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            row = ctx.require(ctx.tx.first(instalment, instalment_id=request.instalment_id, lock=True),
                              "INSTALMENT_NOT_FOUND", instalment_id=request.instalment_id)
            if row["state"] != "returned":
                raise Fault("INSTALMENT_STATE", state=row["state"], act="撤销")
            void(ctx, row, request.reason_code)
        return pb.VoidInstalmentResponse()

    def ReleaseBatch(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        due_on = date.fromisoformat(request.due_on)
        subject = f"{request.channel}:{request.due_on}"
        with self._app.work(officer.actor) as ctx:
            if due_on > ctx.today:
                raise Fault("INSTALMENT_STATE", state="未到发放日", act="发放")
            rows = ctx.tx.find(instalment, instalment.c.due_on <= due_on, channel=request.channel, state="planned",
                               order_by=instalment.c.instalment_id, limit=RELEASE_MAX, lock=True)
            released = [row for row in rows if self._release(ctx, row)]
            if len(rows) < RELEASE_MAX:
                ctx.close_tasks(subject)
                self._ask_next(ctx, request.channel)
            ctx.audit("batch.released", subject, instructions=len(released))
        return pb.ReleaseBatchResponse(instructions=len(released), total_fen=sum(r["amount_fen"] for r in released))

    def _ask_next(self, ctx: Context, name: str) -> None:
        following = ctx.tx.first(instalment, channel=name, state="planned",
                                 order_by=instalment.c.due_on)
        if following is not None:
            ask_release(ctx, name, following["due_on"])

    def _release(self, ctx: Context, row: Any) -> bool:
        mine = ctx.require(ctx.tx.first(plan, grant_id=row["grant_id"]), "INTERNAL")
        to = ctx.tx.first(payee, household_id=mine["household_id"])
        if to is None:
            ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, state="returned")
            ask_correction(ctx, row, mine["township_code"], "ACCOUNT_MISSING")
            return False
        commit_instruction(ctx, row, to["account_sealed"])
        return True

    def ListChannels(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(channel, order_by=channel.c.channel)
            answer = [self._channel(ctx, row) for row in rows]
        return pb.ListChannelsResponse(channels=answer)

    def _channel(self, ctx: Context, row: Any) -> Any:
        def held(kind: str) -> int:
            return ctx.tx.total(account.c.balance_fen, channel=row["channel"], kind=kind)

        returned = ctx.tx.total(
            instruction.c.amount_fen,
            instruction.c.instalment_id.in_(instalment.select().with_only_columns(instalment.c.instalment_id)
                                            .where(instalment.c.channel == row["channel"])),
            state="returned")
        return pb.Channel(channel=row["channel"], owner=row["owner"], title=row["title"],
                          budget_fen=-held(ledger.TREASURY), reserved_fen=held(ledger.RESERVED),
                          paid_fen=held(ledger.PAID), returned_fen=returned, available_fen=held(ledger.AVAILABLE),
                          imprest_fen=held(ledger.IMPREST))


def _check_account(number: str) -> None:
    if not number.isdigit() or len(number) not in ACCOUNT_LENGTHS:
        raise Fault("FIELD_WRONG", field="bank_account", expected="12–23位数字")


def payment_mount(app: App) -> Mount:
    """The servicer for the server."""
    return payment_pb2_grpc.add_PaymentServiceServicer_to_server, PaymentServicer(app)
