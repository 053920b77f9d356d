"""gRPC of tips: the supervisor's; a window may take one in."""

from __future__ import annotations

from typing import Any

from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.supervision.v1 import tips_pb2 as pb
from yimen.supervision.v1 import tips_pb2_grpc

from services.supervision import tips

RECEIVERS = ("supervisor", "window_clerk", "county_officer")
SHOWN = ("tip_id", "via", "named", "case_id", "about_unit", "state", "unit", "outcome")


class TipServicer(tips_pb2_grpc.TipServiceServicer):
    """Tips."""

    def __init__(self, app: App) -> None:
        self._app = app

    def ReceiveTip(self, request: Any, context: Any) -> Any:
        with self._app.work(_of(*RECEIVERS)) as ctx:
            row = tips.receive(ctx, request)
        return pb.ReceiveTipResponse(tip_id=row["tip_id"], due_on=row["due_on"].isoformat())

    def AssignTip(self, request: Any, context: Any) -> Any:
        with self._app.work(_of("supervisor")) as ctx:
            tips.assign(ctx, request.tip_id, request.unit)
        return pb.AssignTipResponse()

    def ConcludeTip(self, request: Any, context: Any) -> Any:
        with self._app.work(_of("supervisor")) as ctx:
            waits = tips.conclude(ctx, request.tip_id, request.second_checker, request.outcome, request.finding)
        return pb.ConcludeTipResponse(to_be_answered=waits)

    def AnswerTip(self, request: Any, context: Any) -> Any:
        with self._app.work(_of("supervisor")) as ctx:
            tips.answer(ctx, request.tip_id, request.answer)
        return pb.AnswerTipResponse()

    def ListTips(self, request: Any, context: Any) -> Any:
        with self._app.work(_of("supervisor", "auditor"), write=False) as ctx:
            rows = tips.listed(ctx, request.open_only, request.after)
        return pb.ListTipsResponse(
            tips=[pb.Tip(received_on=row["received_on"].isoformat(), due_on=row["due_on"].isoformat(),
                         **{name: row[name] for name in SHOWN}) for row in rows],
            next_after=rows[-1]["tip_id"] if len(rows) == tips.LISTED_MAX else "")

    def ReadInformant(self, request: Any, context: Any) -> Any:
        with self._app.work(_of("supervisor")) as ctx:
            found = tips.informant(ctx, request.tip_id, request.reason)
        return pb.ReadInformantResponse(**found)


def _of(*roles: str) -> str:
    officer = caller()
    officer.require_role(*roles)
    return str(officer.actor)


def tips_mount(app: App) -> Mount:
    """The servicer for the server."""
    return tips_pb2_grpc.add_TipServiceServicer_to_server, TipServicer(app)
