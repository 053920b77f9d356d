"""gRPC of `directory`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from yimen.casework.authority import require_other
from yimen.directory.v1 import directory_pb2 as pb
from yimen.directory.v1 import directory_pb2_grpc
from yimen.directory.v1 import events_pb2 as events
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.kernel.workdays import published_days_off
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context

from services.directory import domain
from services.directory.tables import area, day_off, delegation, officer, standard, standard_proposal

PROPOSALS_MAX = 100


class DirectoryServicer(directory_pb2_grpc.DirectoryServiceServicer):
    """Organisation and authority."""

    def __init__(self, app: App) -> None:
        self._app = app

    def LoadCounty(self, request: Any, context: Any) -> Any:
        admin = caller()
        admin.require_role("county_admin")
        days = [(day, year) for year in request.calendar_years for day in published_days_off(year)]
        with self._app.work(admin.actor) as ctx:
            for one in request.areas:
                ctx.tx.insert_new(area, code=one.code, name=one.name, level=one.level, parent=one.parent,
                                  kind=one.kind, window_id=one.window_id)
            for one in request.officers:
                unknown = set(one.roles) - set(domain.ROLES)
                if unknown:
                    raise Fault("FIELD_WRONG", field="roles", expected="/".join(domain.ROLES))
                ctx.tx.insert_new(officer, officer_id=one.officer_id, roles=list(one.roles), area=one.area,
                                  department=one.department)
            for one in request.standards:
                ctx.tx.insert_new(standard, name=one.name, amount_fen=one.amount_fen, source=one.source,
                                  effective_from=date.fromisoformat(one.effective_from))
            for day, year in days:
                ctx.tx.insert_new(day_off, day=day, year=year)
            ctx.audit("county.loaded", "county", areas=len(request.areas), officers=len(request.officers))
        return pb.LoadCountyResponse(areas=len(request.areas), officers=len(request.officers))

    def ListAreas(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            chosen = {"parent": request.parent} if request.parent else {}
            rows = ctx.tx.find(area, order_by=area.c.code, **chosen)
        return pb.ListAreasResponse(areas=[
            pb.Area(code=r["code"], name=r["name"], level=r["level"], parent=r["parent"], kind=r["kind"],
                    window_id=r["window_id"]) for r in rows
        ])

    def ListOfficers(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            chosen = {"area": request.area} if request.area else {}
            rows = ctx.tx.find(officer, order_by=officer.c.officer_id, **chosen)
        return pb.ListOfficersResponse(officers=[
            pb.Officer(officer_id=r["officer_id"], roles=r["roles"], area=r["area"], department=r["department"])
            for r in rows if not request.role or request.role in r["roles"]
        ])

    def CheckAuthority(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            who = ctx.tx.first(officer, officer_id=request.officer_id)
            written = ctx.tx.find(delegation, department=request.department)
            if request.act == "delegated":
                found = domain.delegation_for(request.item, request.area, written, ctx.today)
                return pb.CheckAuthorityResponse(allowed=found is not None,
                                                 basis=str(found["document_no"]) if found else "")
            verdict = domain.check(request.act, request.level, request.item, request.area, request.department,
                                   who, written, ctx.today)
        return pb.CheckAuthorityResponse(allowed=verdict.allowed, basis=verdict.basis,
                                         refusal_code=verdict.refusal_code)

    def RegisterDelegation(self, request: Any, context: Any) -> Any:
        admin = caller()
        admin.require_role("county_admin")
        if not (request.document_no and request.items and request.townships):
            raise Fault("FIELD_WRONG", field="document_no/items/townships", expected="不得为空")
        delegation_id = derived("delegation", request.document_no)
        with self._app.work(admin.actor) as ctx:
            ctx.tx.insert_new(delegation, delegation_id=delegation_id, document_no=request.document_no,
                              department=request.department, items=list(request.items),
                              townships=list(request.townships),
                              effective_from=date.fromisoformat(request.effective_from),
                              effective_to=date.fromisoformat(request.effective_to), revoked_on=None)
            ctx.audit("delegation.registered", delegation_id, department=request.department,
                      items=list(request.items), townships=len(request.townships))
        return pb.RegisterDelegationResponse(delegation_id=delegation_id)

    def RevokeDelegation(self, request: Any, context: Any) -> Any:
        admin = caller()
        admin.require_role("county_admin")
        if not request.reason:
            raise Fault("REASON_REQUIRED")
        with self._app.work(admin.actor) as ctx:
            ctx.tx.update(delegation, {"delegation_id": request.delegation_id}, revoked_on=ctx.today)
            ctx.audit("delegation.revoked", request.delegation_id, reason=request.reason)
        return pb.RevokeDelegationResponse()

    def GetStandards(self, request: Any, context: Any) -> Any:
        day = date.fromisoformat(request.on)
        newest: dict[str, Any] = {}
        with self._app.work("", write=False) as ctx:
            for row in ctx.tx.find(standard, standard.c.effective_from <= day, order_by=standard.c.effective_from):
                newest[row["name"]] = row
        return pb.GetStandardsResponse(standards=[
            pb.Standard(name=r["name"], amount_fen=r["amount_fen"], effective_from=r["effective_from"].isoformat(),
                        source=r["source"]) for r in newest.values()
        ])

    # ------------------------------------------------------------------------------------------ new standards
    def ProposeStandards(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("policy_officer")
        effective = _first_of_month(request.effective_from)
        amounts = {one.name: one.amount_fen for one in request.standards}
        if not amounts or not request.source or not request.calculation_ref:
            raise Fault("FIELD_WRONG", field="standards/source/calculation_ref", expected="不得为空")
        with self._app.work(officer.actor) as ctx:
            before = self._in_force(ctx, effective)
            for name, fen in amounts.items():
                if name not in before:
                    raise Fault("STANDARD_UNKNOWN", name=name[:60])
                if not 0 < fen <= AMOUNT_FEN_MAX:
                    raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
            _require_ratio({**before, **amounts})
            row = {"proposal_id": derived("standards", request.source, request.effective_from, sorted(amounts.items())),
                   "amounts": amounts, "effective_from": effective, "source": request.source,
                   "calculation_ref": request.calculation_ref, "state": "proposed", "proposed_by": officer.actor,
                   "approved_by": "", "minutes_ref": "", "proposed_at": ctx.now}
            if ctx.tx.insert_new(standard_proposal, **row):
                ctx.audit("standards.proposed", row["proposal_id"], names=sorted(amounts))
        return pb.ProposeStandardsResponse(proposal=_proposal(row, before))

    def ApproveStandards(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("coordination_panel")
        if not request.minutes_ref:
            raise Fault("MINUTES_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            row = ctx.require(ctx.tx.first(standard_proposal, proposal_id=request.proposal_id, lock=True),
                              "PROPOSAL_NOT_FOUND", proposal_id=request.proposal_id[:36])
            if row["state"] != "proposed":
                raise Fault("CASE_STATE", state="已批准", act="批准标准")
            require_other(officer.actor, {row["proposed_by"]: "提出标准"})
            before = self._in_force(ctx, row["effective_from"])
            _require_ratio({**before, **row["amounts"]})
            for name, fen in row["amounts"].items():
                if not ctx.tx.insert_new(standard, name=name, effective_from=row["effective_from"], amount_fen=fen,
                                         source=row["source"]):
                    raise Fault("STANDARD_OVERLAPS", name=name, day=row["effective_from"])
            ctx.tx.update(standard_proposal, {"proposal_id": row["proposal_id"]}, state="approved",
                          approved_by=officer.actor, minutes_ref=request.minutes_ref)
            ctx.audit("standards.approved", row["proposal_id"], minutes_ref=request.minutes_ref)
            ctx.emit(events.StandardsPublished(
                proposal_id=row["proposal_id"], effective_from=row["effective_from"].isoformat(), source=row["source"],
                actor=officer.actor, standards=[events.StandardAmount(
                    name=name, amount_fen=fen, previous_fen=before[name]) for name, fen in sorted(row["amounts"].items())]),
                subject=f"standards:{row['proposal_id']}")
        return pb.ApproveStandardsResponse()

    def ListStandardProposals(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(standard_proposal, order_by=standard_proposal.c.proposed_at.desc(), limit=PROPOSALS_MAX)
            return pb.ListStandardProposalsResponse(proposals=[
                _proposal(row, self._in_force(ctx, row["effective_from"])) for row in rows])

    def _in_force(self, ctx: Context, day: date) -> dict[str, int]:
        rows = ctx.tx.find(standard, standard.c.effective_from <= day, order_by=standard.c.effective_from)
        return {row["name"]: row["amount_fen"] for row in rows}

    def GetCalendar(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(day_off, year=request.year, order_by=day_off.c.day)
        if not rows:
            raise Fault("CALENDAR_MISSING", year=request.year)
        return pb.GetCalendarResponse(days_off=[row["day"].isoformat() for row in rows])


def _first_of_month(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Fault("FIELD_WRONG", field="effective_from", expected="月份的第一天,如 2026-07-01") from None
    if day.day != 1:
        raise Fault("FIELD_WRONG", field="effective_from", expected="月份的第一天,如 2026-07-01")
    return day


def _require_ratio(amounts: Mapping[str, int]) -> None:
    found = domain.ratio_bp(amounts)
    if 0 < found < domain.RATIO_LEAST_BP:
        raise Fault("STANDARD_RATIO_LOW", ratio=f"{found / 100:.2f}%", least=f"{domain.RATIO_LEAST_BP / 100:.0f}%")


def _proposal(row: Any, before: Mapping[str, int]) -> Any:
    return pb.StandardProposal(
        proposal_id=row["proposal_id"], effective_from=row["effective_from"].isoformat(), source=row["source"],
        calculation_ref=row["calculation_ref"], state=row["state"], proposed_by=row["proposed_by"],
        approved_by=row["approved_by"], ratio_bp=domain.ratio_bp({**before, **row["amounts"]}),
        standards=[pb.Standard(name=name, amount_fen=fen) for name, fen in sorted(row["amounts"].items())])


def directory_mount(app: App) -> Mount:
    """The servicer for the server."""
    return directory_pb2_grpc.add_DirectoryServiceServicer_to_server, DirectoryServicer(app)
