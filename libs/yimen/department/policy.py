"""The department's policy authority over gRPC: check, simulate, propose, approve, activate, show, history."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import aid_pb2, aid_pb2_grpc
from yimen.department.cases import Desk
from yimen.department.handlers import publish_catalogue
from yimen.department.simulate import simulate, simulate_roster
from yimen.kernel.errors import Fault
from yimen.policy.travel import unseal
from yimen.rpc.server import caller
from yimen.security.identity import Principal
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.runtime.app import App

OFFICER, HEAD = "policy_officer", "county_approver"


class PolicyServicer(aid_pb2_grpc.DepartmentServiceServicer):
    """What only the department's own officers may do with its policy (政策权限不变)."""

    def __init__(self, app: App, desk: Desk) -> None:
        self._app, self._desk = app, desk

    def _officer(self, *roles: str) -> Principal:
        officer = caller()
        officer.require_role(*roles)
        if officer.department not in ("", self._app.name):
            raise Fault("WRONG_DEPARTMENT", department=self._desk.department.title)
        return officer

    def CheckPack(self, request: Any, context: Any) -> Any:
        officer = self._officer(OFFICER, HEAD)
        pack = self._desk.shelf.read(self._unsigned(request.yaml))
        problems, changed = self._desk.shelf.examples(pack)
        with self._app.work(officer.actor, write=False) as ctx:
            try:
                self._desk.shelf.require_room(ctx, pack)
            except Fault as fault:
                problems.append(fault.message)
        return aid_pb2.CheckPackResponse(pack_hash=pack.hash, version=pack.file.version, problems=problems,
                                         changed_examples=changed)

    def SimulatePack(self, request: Any, context: Any) -> Any:
        officer = self._officer(OFFICER, HEAD)
        draft = self._desk.shelf.read(self._unsigned(request.yaml))
        with self._app.work(officer.actor, write=False) as ctx:
            now = self._desk.shelf.active(ctx, ctx.today)
            if request.roster:
                stretch = simulate_roster(ctx, self._desk.department, now, draft, request.after, request.limit)
            else:
                stretch = simulate(ctx, now, draft, request.after, request.limit)
        changes = [aid_pb2.PackChange(case_id=one.subject, item=one.after.item, rule_before=one.before.rule_id,
                                      rule_after=one.after.rule_id, before_fen=one.before.amount_fen,
                                      after_fen=one.after.amount_fen) for one in stretch.changes]
        return aid_pb2.SimulatePackResponse(**{**vars(stretch), "changes": changes})

    def _unsigned(self, text: str) -> str:
        """A draft may be looked at before it is signed; a signature that does not fit is refused all the same."""
        return unseal(text, self._app.keys.verify)[0] if "\n# signed-by: " in text else text

    def ProposePack(self, request: Any, context: Any) -> Any:
        officer = self._officer(OFFICER)
        with self._app.work(officer.actor) as ctx:
            draft = self._desk.shelf.propose(ctx, request.yaml)
            stretch = simulate(ctx, self._desk.shelf.active(ctx, ctx.today), draft, "", 0)
        return aid_pb2.ProposePackResponse(
            pack_hash=draft.hash, cases=stretch.cases, gainers=stretch.gain + stretch.enter,
            losers=stretch.lose + stretch.leave, cost_delta_fen=stretch.month_delta_fen + stretch.once_delta_fen)

    def ApprovePack(self, request: Any, context: Any) -> Any:
        officer = self._officer(OFFICER, HEAD)
        with self._app.work(officer.actor) as ctx:
            pack = self._desk.shelf.approve(ctx, request.pack_hash)
        return aid_pb2.ApprovePackResponse(effective_from=pack.file.effective.isoformat())

    def ActivatePack(self, request: Any, context: Any) -> Any:
        officer = self._officer(OFFICER, HEAD)
        with self._app.work(officer.actor) as ctx:
            pack = self._desk.shelf.activate(ctx, request.pack_hash)
            publish_catalogue(ctx, self._desk)
        return aid_pb2.ActivatePackResponse(effective_from=pack.file.effective.isoformat())

    def GetPack(self, request: Any, context: Any) -> Any:
        try:
            day = date.fromisoformat(request.date) if request.date else self._app.today()
        except ValueError:
            raise Fault("FIELD_WRONG", field="date", expected="YYYY-MM-DD") from None
        with self._app.work(caller().actor, write=False) as ctx:
            shelf = self._desk.shelf
            row = shelf.named(ctx, request.pack) if request.pack else shelf.in_force(ctx, day)
            shelf.opened(ctx, row)
        return aid_pb2.GetPackResponse(pack=_listed(row), yaml=row["source"])

    def ListPacks(self, request: Any, context: Any) -> Any:
        with self._app.work(caller().actor, write=False) as ctx:
            return aid_pb2.ListPacksResponse(packs=[_listed(row) for row in self._desk.shelf.history(ctx)])


def _listed(row: Row) -> aid_pb2.Pack:
    return aid_pb2.Pack(
        version=row["version"], hash=row["hash"], effective_from=row["effective_from"].isoformat(), state=row["state"],
        document_no=row["document_no"], proposed_by=row["proposed_by"], approved_by=row["approved_by"],
        activated_by=row["activated_by"], recorded_at=row["recorded_at"].isoformat())
