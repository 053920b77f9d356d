"""gRPC of `disclosure`."""

from __future__ import annotations

from typing import Any

from yimen.disclosure.v1 import disclosure_pb2 as pb
from yimen.disclosure.v1 import disclosure_pb2_grpc
from yimen.disclosure.v1 import events_pb2 as events
from yimen.kernel import areas
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context

from services.disclosure.handlers import close, open_objections, parameters, post
from services.disclosure.tables import notice, objection, standing_list

LINES_MAX = 500
PUBLIC_STATES = ("posted", "objected")


class DisclosureServicer(disclosure_pb2_grpc.DisclosureServiceServicer):
    """Notices, objections, lists."""

    def __init__(self, app: App) -> None:
        self._app = app

    def ConfirmPosting(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("notice_custodian")
        if not request.photo_ref:
            raise Fault("FIELD_WRONG", field="photo_ref", expected="公示栏照片编号")
        with self._app.work(officer.actor) as ctx:
            row = self._notice(ctx, request.notice_id)
            officer.require_area(row["township_code"])
            if row["state"] != "to_post":
                raise Fault("NOTICE_STATE", state=row["state"], act="确认张贴")
            until = post(ctx, row, request.photo_ref)
        return pb.ConfirmPostingResponse(ends_on=until.isoformat())

    def FileObjection(self, request: Any, context: Any) -> Any:
        # Anyone may object; whoever hands it in for him is a window or the hotline.
        officer = caller()
        if not request.reason_code:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            row = self._notice(ctx, request.notice_id)
            if row["state"] not in PUBLIC_STATES:
                raise Fault("NOTICE_STATE", state=row["state"], act="提出异议")
            number = ctx.tx.count(objection, notice_id=request.notice_id)
            objection_id = derived("objection", request.notice_id, number)
            due = ctx.workdays_later(int(parameters()["objection_answer_days"]))
            ctx.tx.insert(objection, objection_id=objection_id, notice_id=request.notice_id,
                          reason_code=request.reason_code, anonymous=request.anonymous,
                          contact_sealed=self._app.vault.encrypt(request.contact), outcome="", filed_at=ctx.now,
                          resolved_at=None)
            ctx.tx.update(notice, {"notice_id": request.notice_id}, state="objected")
            ctx.open_task("resolve_objection", objection_id, "township_officer", row["township_code"], due,
                          case_id=row["case_id"], reason_code=request.reason_code)
            ctx.audit("objection.filed", objection_id, notice_id=request.notice_id)
            ctx.emit(events.ObjectionFiled(objection_id=objection_id, notice_id=row["notice_id"],
                                           case_id=row["case_id"], application_id=row["application_id"],
                                           reason_code=request.reason_code, due_on=due.isoformat(),
                                           township_code=row["township_code"], household_id=row["household_id"]),
                     subject=row["case_id"], partition_key=row["household_id"], audience=row["service"])
        return pb.FileObjectionResponse(objection_id=objection_id)

    def ResolveObjection(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("township_officer")
        if not request.finding_code:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            mine = ctx.require(ctx.tx.first(objection, objection_id=request.objection_id, lock=True),
                               "OBJECTION_NOT_FOUND", objection_id=request.objection_id)
            row = self._notice(ctx, mine["notice_id"])
            officer.require_area(row["township_code"])
            if mine["outcome"]:
                raise Fault("NOTICE_STATE", state=mine["outcome"], act="答复异议")
            ctx.tx.update(objection, {"objection_id": request.objection_id}, resolved_at=ctx.now,
                          outcome="upheld" if request.upheld else "dismissed")
            ctx.close_tasks(request.objection_id)
            ctx.audit("objection.resolved", request.objection_id, upheld=request.upheld)
            ctx.emit(events.ObjectionResolved(objection_id=request.objection_id, case_id=row["case_id"],
                                              application_id=row["application_id"], upheld=request.upheld,
                                              finding_code=request.finding_code, actor=officer.actor),
                     subject=row["case_id"], partition_key=row["household_id"], audience=row["service"])
            self._after(ctx, row, request.upheld)
        return pb.ResolveObjectionResponse()

    def _after(self, ctx: Context, row: Any, upheld: bool) -> None:
        if row["state"] not in PUBLIC_STATES:
            return  # another objection was upheld, or the case has ended: it is down already
        if upheld:
            close(ctx, row, upheld=True)
        elif not open_objections(ctx, row["notice_id"]):
            ctx.tx.update(notice, {"notice_id": row["notice_id"]}, state="posted")
            if row["posted_until"] < ctx.today:
                close(ctx, row, upheld=False)

    def ListPublished(self, request: Any, context: Any) -> Any:
        areas.level(request.area)
        with self._app.work("", write=False) as ctx:
            if request.list == "standing":
                rows = ctx.tx.find(standing_list, standing_list.c.village_code.startswith(request.area),
                                   order_by=standing_list.c.since, limit=LINES_MAX)
                lines = [self._line(row, row["case_id"], row["since"].isoformat(), "") for row in rows]
            else:
                rows = ctx.tx.find(notice, notice.c.village_code.startswith(request.area),
                                   state=PUBLIC_STATES, order_by=notice.c.posted_from, limit=LINES_MAX)
                lines = [self._line(row, row["notice_id"], row["posted_from"].isoformat(),
                                    row["posted_until"].isoformat()) for row in rows]
        return pb.ListPublishedResponse(lines=lines)

    def _line(self, row: Any, notice_id: str, start: str, until: str) -> Any:
        return pb.PublishedLine(notice_id=notice_id, name=row["name"], member_count=row["member_count"],
                                title=row["title"], amount_fen=row["amount_fen"], village=row["village_code"],
                                until=until, objection_phone=str(parameters()["objection_phone"]), **{"from": start})

    def _notice(self, ctx: Context, notice_id: str) -> Any:
        return ctx.require(ctx.tx.first(notice, notice_id=notice_id, lock=True),
                           "NOTICE_NOT_FOUND", notice_id=notice_id)


def disclosure_mount(app: App) -> Mount:
    """The servicer for the server."""
    return disclosure_pb2_grpc.add_DisclosureServiceServicer_to_server, DisclosureServicer(app)
