"""Declaring a disaster, and whether a case lies in one."""

from __future__ import annotations

from datetime import date
from typing import Any

from yimen.disaster.v1 import disaster_pb2 as pb
from yimen.disaster.v1 import disaster_pb2_grpc
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.policy.expression import BOOL
from yimen.policy.pack import Fact
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.disaster.tables import declared_disaster

KINDS = ("flood", "drought", "earthquake", "hail", "fire", "landslide", "wind", "snow")
LEVELS = ("I", "II", "III", "IV")
OWN_FACTS = {"in_declared_disaster": Fact(BOOL, "own", None, "所在乡镇在已宣布的受灾范围内")}


def find_declared(ctx: Context, case: Row) -> dict[str, Any]:
    """Whether the case's township lies in the disaster that it names."""
    row = ctx.tx.first(declared_disaster, disaster_id=case["request"].get("disaster_id", ""))
    return {"in_declared_disaster": row is not None and case["township_code"] in row["townships"]}


class DisasterServicer(disaster_pb2_grpc.DisasterServiceServicer):
    """Declared by the county's emergency bureau, with its legal basis (自然灾害救助条例)."""

    def __init__(self, app: App) -> None:
        self._app = app

    def DeclareDisaster(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("county_approver")
        if officer.department != self._app.name:
            raise Fault("WRONG_DEPARTMENT", department=self._app.service.title)
        if request.kind not in KINDS or request.response_level not in LEVELS:
            raise Fault("FIELD_WRONG", field="kind/response_level", expected="/".join((*KINDS, *LEVELS)))
        if not (request.legal_basis and request.townships):
            raise Fault("REASON_REQUIRED")
        disaster_id = derived("disaster", request.kind, request.starts_on, *sorted(request.townships))
        with self._app.work(officer.actor) as ctx:
            ctx.tx.insert_new(declared_disaster, disaster_id=disaster_id, kind=request.kind,
                              townships=list(request.townships), response_level=request.response_level,
                              legal_basis=request.legal_basis, starts_on=date.fromisoformat(request.starts_on),
                              ends_on=None)
            ctx.audit("disaster.declared", disaster_id, kind=request.kind, level=request.response_level)
        return pb.DeclareDisasterResponse(disaster_id=disaster_id)

    def EndDisaster(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("county_approver")
        with self._app.work(officer.actor) as ctx:
            if not ctx.tx.update(declared_disaster, {"disaster_id": request.disaster_id},
                                 ends_on=ctx.today):
                raise Fault("DISASTER_NOT_FOUND", disaster_id=request.disaster_id)
            ctx.audit("disaster.ended", request.disaster_id)
        return pb.EndDisasterResponse()


def disaster_mount(app: App) -> Mount:
    """The servicer beside the department's common one."""
    return disaster_pb2_grpc.add_DisasterServiceServicer_to_server, DisasterServicer(app)
