"""gRPC of `payment`: channels, township funds, accounts. Batches, books and debts have contracts of their own beside it."""

from __future__ import annotations

from typing import Any

from yimen.kernel.errors import Fault
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.payment.v1 import payment_pb2 as pb
from yimen.payment.v1 import payment_pb2_grpc
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.payment import imprest, ledger, lines, queries, revisions
from services.payment.grants import grant_of, void
from services.payment.instructions import commit_instructions
from services.payment.tables import account, channel, imprest_fund, instalment, payee

ACCOUNT_LENGTHS = range(12, 24)


class PaymentServicer(payment_pb2_grpc.PaymentServiceServicer):
    """Channels and the accounts that they pay to."""

    def __init__(self, app: App) -> None:
        self._app = app

    # ------------------------------------------------------------------------------------------ channels
    def OpenChannel(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("finance_officer")
        if not 0 < request.budget_fen <= AMOUNT_FEN_MAX:
            raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
        with self._app.work(officer.actor) as ctx:
            if ctx.tx.insert_new(channel, channel=request.channel, owner=request.owner, title=request.title, year=request.year):
                ctx.audit("channel.opened", request.channel, owner=request.owner, budget_fen=request.budget_fen)
            opened = lines.require_channel(ctx, request.channel)
            lines.allocate(ctx, opened, request.year, lines.COUNTY, request.budget_fen, f"年初预算{request.year}")
            for part in request.parts:
                lines.allocate(ctx, opened, request.year, part.level, part.amount_fen, part.document_no)
        return pb.OpenChannelResponse()

    def ListChannels(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(channel, order_by=channel.c.channel)
            answer = [self._channel(ctx, row) for row in rows]
        return pb.ListChannelsResponse(channels=answer)

    def _channel(self, ctx: Context, row: Row) -> Any:
        def held(*kinds: str) -> int:
            return ctx.tx.total(account.c.balance_fen, channel=row["channel"], kind=kinds)

        return pb.Channel(channel=row["channel"], owner=row["owner"], title=row["title"], budget_fen=-held(ledger.TREASURY),
                          reserved_fen=held(ledger.RESERVED, ledger.BATCH), paid_fen=held(ledger.PAID),
                          returned_fen=queries.returned_fen(ctx.tx, row["channel"]), available_fen=held(ledger.AVAILABLE),
                          imprest_fen=held(ledger.IMPREST))

    # ------------------------------------------------------------------------------------------ township funds
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
                      ledger.balance(ctx, ledger.account_id(row["channel"], ledger.IMPREST, row["township_code"])))
                     for row in ctx.tx.find(imprest_fund, channel=request.channel, order_by=imprest_fund.c.township_code)]
        return pb.ListImprestResponse(funds=[
            pb.ImprestFund(township_code=row["township_code"], limit_fen=row["limit_fen"], balance_fen=balance,
                           papers_overdue_fen=overdue, blocked=imprest.is_blocked(overdue, row["limit_fen"]))
            for row, overdue, balance in funds])

    # ------------------------------------------------------------------------------------------ accounts
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
        # Whoever has looked at a batch has seen the account as it was.
        for row in queries.batches_of_household(ctx.tx, household_id, (revisions.PREPARED, revisions.REVIEWED)):
            revisions.changed(ctx, row["batch_id"])
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
            if row["state"] != "returned" and not (row["state"] == lines.PLANNED and row["held"]):
                raise Fault("INSTALMENT_STATE", state=row["state"], act="更正账户")
            known = ctx.tx.first(payee, household_id=grant.household_id)
            registered = self._app.vault.decrypt(known["name_sealed"]) if known else ""
            if request.account_name and registered and request.account_name != registered:
                raise Fault("ACCOUNT_NAME_DIFFERS")
            self._keep(ctx, grant.household_id, request.bank_account, registered or request.account_name)
            ctx.close_tasks(request.instalment_id, "correct_account")
            ctx.audit("account.corrected", grant.household_id, instalment_id=request.instalment_id)
            instruction_id = self._issue_again(ctx, row)
        return pb.CorrectAccountResponse(instruction_id=instruction_id)

    def _issue_again(self, ctx: Context, row: Row) -> str:
        """What a batch has released goes to the bank again; what nobody has reviewed yet goes into the next batch."""
        if row["state"] != "returned":
            return ""
        if not row["batch_id"]:
            ctx.tx.update(instalment, {"instalment_id": row["instalment_id"]}, state=lines.PLANNED)
            revisions.ask_release(ctx, row["channel"], row["due_on"])
            return ""
        to = ctx.require(ctx.tx.first(payee, household_id=row["household_id"]), "INTERNAL")
        return commit_instructions(ctx, [(row, to)])[0]

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
        raise Fault("BATCH_REVIEW_FIRST")


def _check_account(number: str) -> None:
    if not number.isdigit() or len(number) not in ACCOUNT_LENGTHS:
        raise Fault("FIELD_WRONG", field="bank_account", expected="12–23位数字")


def payment_mount(app: App) -> Mount:
    """The servicer for the server."""
    return payment_pb2_grpc.add_PaymentServiceServicer_to_server, PaymentServicer(app)
