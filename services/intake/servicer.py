"""gRPC of `intake`."""

from __future__ import annotations

import hashlib
from typing import Any

from google.protobuf.json_format import MessageToJson, Parse
from yimen.directory.v1 import directory_pb2
from yimen.intake.v1 import events_pb2 as events
from yimen.intake.v1 import intake_pb2 as pb
from yimen.intake.v1 import intake_pb2_grpc
from yimen.kernel import areas
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived, receipt_no
from yimen.payment.v1 import payment_pb2
from yimen.roster.v1 import roster_pb2
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.intake import domain, leads
from services.intake.narrate import Entry
from services.intake.tables import aid_item, application, change_report, feedback, item_status, receipt_counter, timeline
from services.intake.timeline import write_down

WINDOW_DAYS = 1
LEAD_ANSWER = "您反映的家庭已经提出申请,正在办理。"
SUPPLEMENT_DAYS = 20
CHANGE_REPORT_DAYS = 30  # [A]: R053 says in time and names no limit
WINDOW_STATES = ("submitted", "supplement_required")


class IntakeServicer(intake_pb2_grpc.IntakeServiceServicer):
    """The one window."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._windows: dict[str, str] = {}

    # ------------------------------------------------------------------------------------------ submitting
    def Submit(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("window_clerk", "village_assistant", "county_officer")
        if not request.idempotency_key:
            raise Fault("KEY_MISSING")
        body_hash = hashlib.sha256(request.application.SerializeToString(deterministic=True)).hexdigest()
        if earlier := self._earlier(request.idempotency_key, body_hash):
            return earlier
        form = request.application
        domain.check_form(form, self._app.today())
        with self._app.work("", write=False) as ctx:
            catalogue = {row["item"]: row for row in ctx.tx.find(aid_item)}
            domain.check_items(form, catalogue)
            if request.lead_id:
                leads.require_consent(leads.find(ctx, request.lead_id))
        place = domain.place_of(form, catalogue)
        window = self._window_of(areas.township_of(place))
        home = self._register(form)
        row = {
            "application_id": derived("application", request.idempotency_key),
            "idempotency_key": request.idempotency_key, "body_hash": body_hash, "state": "submitted",
            # Routed to the window of the hukou township instead of refused (R008).
            "window_id": window, "routed": bool(request.window_id) and request.window_id != window,
            "village_code": place, "area_kind": form.area_kind, "household_id": home.household_id,
            "person_ids": list(home.person_ids), "form_sealed": self._app.vault.encrypt(MessageToJson(form)),
            "accepted_on": None, "closed_at": None,
        }
        with self._app.work(officer.actor) as ctx:
            stored = self._store(ctx, row, [item.item for item in form.items])
            if stored and request.lead_id and (seen := leads.find(ctx, request.lead_id))["state"] == "contacted":
                leads.close(ctx, seen, "applied", stored["receipt_no"], LEAD_ANSWER)
        # Two submissions with one key at the same moment: the first one stands.
        return _submitted(stored) if stored else self._earlier(request.idempotency_key, body_hash)

    def _store(self, ctx: Context, row: dict[str, Any], items: list[str]) -> dict[str, Any] | None:
        township = areas.township_of(row["village_code"])
        row = {**row, "receipt_no": self._receipt(ctx, township), "submitted_at": ctx.now}
        if not ctx.tx.insert_new(application, **row):
            return None
        application_id = row["application_id"]
        ctx.open_task("accept", application_id, "window_clerk", township, ctx.workdays_later(WINDOW_DAYS),
                      receipt_no=row["receipt_no"])
        ctx.audit("application.submitted", application_id, items=items)
        self._line(ctx, application_id, "提交申请" + (",转至户籍地窗口" if row["routed"] else ""), clause="R008")
        ctx.emit(events.ApplicationSubmitted(application_id=application_id, receipt_no=row["receipt_no"],
                                             township_code=township, routed=row["routed"], actor=ctx.actor),
                 subject=application_id, partition_key=row["household_id"])
        return row

    def _earlier(self, key: str, body_hash: str) -> Any:
        with self._app.work("", write=False) as ctx:
            row = ctx.tx.first(application, idempotency_key=key)
        if row is None:
            return None
        if row["body_hash"] != body_hash:
            raise Fault("KEY_REUSED")
        return _submitted(row)

    def _window_of(self, township: str) -> str:
        if township not in self._windows:
            answer = self._app.peers.stub("directory").ListAreas(directory_pb2.ListAreasRequest())
            self._windows = {one.code: one.window_id for one in answer.areas if one.level == "township"}
        if township not in self._windows:
            raise Fault("AREA_UNKNOWN", code=township)
        return self._windows[township]

    def _register(self, form: Any, known: str = "") -> Any:
        """Finds or founds the household; a `known` one is as the form says it: who is not in it has left."""
        members = [
            roster_pb2.Person(name=m.name, resident_id=m.resident_id, relation=m.relation,
                              school_stage=m.school_stage or "none", disability_kind=m.disability_kind or "none",
                              disability_level=m.disability_level, serious_illness=m.serious_illness,
                              labour_capable=m.labour_capable, employed=m.employed)
            for m in form.members
        ]
        return self._app.peers.stub("roster").RegisterHousehold(roster_pb2.RegisterHouseholdRequest(
            village_code=form.village_code, area_kind=form.area_kind, members=members, known_household_id=known))

    def _receipt(self, ctx: Context, township: str) -> str:
        number = ctx.tx.advance(receipt_counter.c.last, day=ctx.today, township_code=township)
        return receipt_no(ctx.today.isoformat(), township, number)

    # ------------------------------------------------------------------------------------------ window
    def Accept(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("window_clerk")
        row = self._application(request.receipt_no)
        officer.require_area(row["village_code"])
        form = self._form(row)
        with self._app.work("", write=False) as ctx:
            catalogue = {r["item"]: r for r in ctx.tx.find(aid_item)}
        missing = domain.missing_papers(form, any(catalogue[i.item]["means_test"] for i in form.items))
        if not missing and form.bank_account:
            self._app.peers.stub("payment").RegisterAccount(payment_pb2.RegisterAccountRequest(
                household_id=row["household_id"], bank_account=form.bank_account, account_name=form.members[0].name))
        with self._app.work(officer.actor) as ctx:
            row = self._at_window(ctx, request.receipt_no, "受理")
            if missing:
                self._ask_for(ctx, row, missing)
                return pb.AcceptResponse(state="supplement_required", missing=missing)
            ctx.tx.update(application, {"application_id": row["application_id"]}, state="accepted",
                          accepted_on=ctx.today)
            ctx.close_tasks(row["application_id"])
            assigned = [self._assign(ctx, row, requested, catalogue[requested.item]) for requested in form.items]
            ctx.audit("application.accepted", row["application_id"], items=len(assigned))
            self._line(ctx, row["application_id"], f"受理,分办 {len(assigned)} 个事项", clause="R004")
            ctx.emit(
                events.ApplicationAccepted(
                    application_id=row["application_id"], receipt_no=row["receipt_no"],
                    household_id=row["household_id"], township_code=areas.township_of(row["village_code"]),
                    village_code=row["village_code"], accepted_on=ctx.today.isoformat(), items=assigned,
                    relative_declared=form.relative_declared, actor=officer.actor, area_kind=row["area_kind"],
                ),
                subject=row["application_id"], partition_key=row["household_id"],
                # A department that has no part in it does not hear of it.
                audience=",".join(sorted({one.service for one in assigned})),
            )
        return pb.AcceptResponse(state="accepted")

    def _ask_for(self, ctx: Context, row: Row, missing: list[str]) -> None:
        ctx.tx.update(application, {"application_id": row["application_id"]}, state="supplement_required")
        ctx.close_tasks(row["application_id"])
        ctx.open_task("supplement", row["application_id"], "window_clerk", areas.township_of(row["village_code"]),
                      ctx.workdays_later(SUPPLEMENT_DAYS), receipt_no=row["receipt_no"])
        self._line(ctx, row["application_id"], "一次性告知补正", "、".join(missing), "一次性告知")

    def _assign(self, ctx: Context, row: Row, requested: Any, item: Row) -> Any:
        person_id = row["person_ids"][requested.member_index] if item["subject"] == "person" else ""
        case_id = derived("case", row["application_id"], requested.item, person_id)
        ctx.tx.insert_new(item_status, case_id=case_id, application_id=row["application_id"], item=requested.item,
                          service=item["service"], trigger="application", state="已分办", reason="", closed_at=None)
        return events.AssignedItem(case_id=case_id, item=requested.item, service=item["service"], person_id=person_id,
                                   request=requested.request, means_test=item["means_test"], urgent=item["urgent"],
                                   grants_category=item["grants_category"])

    def RefuseIntake(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("window_clerk")
        if not (request.reason_code and request.reason):
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            row = self._at_window(ctx, request.receipt_no, "不予受理")
            officer.require_area(row["village_code"])
            ctx.tx.update(application, {"application_id": row["application_id"]}, state="intake_refused",
                          closed_at=ctx.now)
            ctx.close_tasks(row["application_id"])
            ctx.audit("application.intake_refused", row["application_id"], reason_code=request.reason_code)
            self._line(ctx, row["application_id"], "不予受理", request.reason, "R007")
            ctx.emit(events.IntakeRefused(application_id=row["application_id"], receipt_no=row["receipt_no"],
                                          reason_code=request.reason_code, actor=officer.actor),
                     subject=row["application_id"], partition_key=row["household_id"])
        return pb.RefuseIntakeResponse()

    def Supplement(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("window_clerk", "village_assistant")
        with self._app.work(officer.actor) as ctx:
            row = self._at_window(ctx, request.receipt_no, "补正")
            form = self._form(row)
            for index in request.signed_members:
                if not 0 <= index < len(form.members):
                    raise Fault("FIELD_WRONG", field="signed_members", expected="成员序号")
                form.members[index].authorised = form.members[index].committed = True
            ctx.tx.update(application, {"application_id": row["application_id"]}, state="submitted",
                          form_sealed=self._app.vault.encrypt(MessageToJson(form)))
            ctx.close_tasks(row["application_id"])
            ctx.open_task("accept", row["application_id"], "window_clerk", areas.township_of(row["village_code"]),
                          ctx.workdays_later(WINDOW_DAYS), receipt_no=row["receipt_no"])
            ctx.audit("application.supplemented", row["application_id"], members=len(request.signed_members))
            self._line(ctx, row["application_id"], f"补正 {len(request.signed_members)} 名成员的授权与承诺", clause="R016")
        return pb.SupplementResponse(state="submitted")

    def Withdraw(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("window_clerk", "village_assistant")
        with self._app.work(officer.actor) as ctx:
            row = ctx.require(ctx.tx.first(application, receipt_no=request.receipt_no, lock=True),
                              "APPLICATION_NOT_FOUND", receipt_no=request.receipt_no[:40])
            if row["state"] not in (*WINDOW_STATES, "accepted"):
                raise Fault("APPLICATION_STATE", state=row["state"], act="撤回")
            # An accepted application closes when its cases have stopped; one at the window closes at once.
            if row["state"] in WINDOW_STATES:
                ctx.tx.update(application, {"application_id": row["application_id"]}, state="withdrawn",
                              closed_at=ctx.now)
            ctx.close_tasks(row["application_id"])
            ctx.audit("application.withdrawn", row["application_id"])
            self._line(ctx, row["application_id"], "申请人撤回", request.reason)
            ctx.emit(events.ApplicationWithdrawn(application_id=row["application_id"], receipt_no=row["receipt_no"],
                                                 actor=officer.actor),
                     subject=row["application_id"], partition_key=row["household_id"])
        return pb.WithdrawResponse()

    # ------------------------------------------------------------------------------------------ afterwards
    def ReportChange(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("window_clerk", "village_assistant", "county_officer")
        if not request.idempotency_key:
            raise Fault("KEY_MISSING")
        form, body = request.application, request.application.SerializeToString(deterministic=True)
        body_hash = hashlib.sha256(body).hexdigest()
        if earlier := self._reported(request.idempotency_key, body_hash):
            return earlier
        row = self._application(request.receipt_no)
        officer.require_area(row["village_code"])
        occurred_on = domain.check_change(request.kinds, request.occurred_on, self._app.today())
        domain.check_form(form, self._app.today())
        home = self._register(form, row["household_id"])
        change_id = derived("change", request.idempotency_key)
        with self._app.work(officer.actor) as ctx:
            late = (ctx.today - occurred_on).days > CHANGE_REPORT_DAYS
            if ctx.tx.insert_new(
                    change_report, change_id=change_id, idempotency_key=request.idempotency_key, body_hash=body_hash,
                    application_id=row["application_id"], household_id=row["household_id"], kinds=list(request.kinds),
                    occurred_on=occurred_on, reported_at=ctx.now, late=late, person_ids=list(home.person_ids),
                    form_sealed=self._app.vault.encrypt(MessageToJson(form))):
                self._say_changed(ctx, row, change_id, request, late)
        return pb.ReportChangeResponse(change_id=change_id, late=late)

    def _reported(self, key: str, body_hash: str) -> Any:
        with self._app.work("", write=False) as ctx:
            row = ctx.tx.first(change_report, idempotency_key=key)
        if row is None:
            return None
        if row["body_hash"] != body_hash:
            raise Fault("KEY_REUSED")
        return pb.ReportChangeResponse(change_id=row["change_id"], late=row["late"])

    def _say_changed(self, ctx: Context, row: Row, change_id: str, request: Any, late: bool) -> None:
        ctx.audit("change.reported", change_id, kinds=list(request.kinds), late=late)
        self._line(ctx, row["application_id"], "家庭报告变化" + (",报告逾期" if late else ""), clause="R053")
        theirs = [one["application_id"] for one in ctx.tx.find(application, household_id=row["household_id"])]
        concerned = {one["service"] for one in ctx.tx.find(item_status, application_id=theirs)}
        ctx.emit(events.ChangeReported(
            change_id=change_id, application_id=row["application_id"], household_id=row["household_id"],
            kinds=request.kinds, occurred_on=request.occurred_on, reported_on=ctx.today.isoformat(), late=late,
            actor=ctx.actor), subject=row["application_id"], partition_key=row["household_id"],
            audience=",".join(sorted(concerned)))

    # ------------------------------------------------------------------------------------------ reading
    def GetApplication(self, request: Any, context: Any) -> Any:
        row = self._application(request.receipt_no)
        with self._app.work("", write=False) as ctx:
            same = row["application_id"]
            items = ctx.tx.find(item_status, application_id=same, order_by=item_status.c.case_id)
            lines = ctx.tx.find(timeline, application_id=same, order_by=timeline.c.row_id)
            titles = {r["item"]: r["title"] for r in ctx.tx.find(aid_item)}
            told = ctx.tx.find(feedback, application_id=same, order_by=feedback.c.row_id)
        return pb.GetApplicationResponse(
            receipt_no=row["receipt_no"], application_id=same, state=row["state"], household_id=row["household_id"],
            items=[pb.ItemStatus(case_id=i["case_id"], item=i["item"], service=i["service"], state=i["state"],
                                 reason=i["reason"], closed=i["closed_at"] is not None) for i in items],
            timeline=[pb.TimelineEntry(at=line["at"].isoformat(timespec="minutes"), actor=line["actor"],
                                       service=line["service"], what=_titled(line["what"], titles), why=line["why"],
                                       clause=line["clause"], case_id=line["case_id"]) for line in lines],
            feedback=[pb.Feedback(receiver=f["receiver"], text=f["text"], at=f["at"].isoformat(timespec="minutes"))
                      for f in told],
        )

    def GetDeclaration(self, request: Any, context: Any) -> Any:
        caller().require_service("means_test")
        with self._app.work(caller().actor) as ctx:
            row = ctx.require(ctx.tx.first(application, application_id=request.application_id),
                              "APPLICATION_NOT_FOUND", receipt_no="")
            if request.current:
                row = ctx.tx.first(change_report, household_id=row["household_id"],
                                   order_by=change_report.c.row_id.desc()) or row
            ctx.audit("declaration.read", request.application_id)
        return pb.GetDeclarationResponse(application=self._form(row), household_id=row["household_id"],
                                         person_ids=row["person_ids"])

    def ListItems(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(aid_item, order_by=(aid_item.c.service, aid_item.c.item))
        return pb.ListItemsResponse(items=[
            pb.CatalogueItem(item=r["item"], service=r["service"], title=r["title"], subject=r["subject"],
                             means_test=r["means_test"], request_facts=r["request_facts"], urgent=r["urgent"],
                             by_application=r["by_application"]) for r in rows
        ])

    # ------------------------------------------------------------------------------------------ helpers
    def _application(self, number: str) -> Row:
        with self._app.work("", write=False) as ctx:
            return ctx.require(ctx.tx.first(application, receipt_no=number),
                               "APPLICATION_NOT_FOUND", receipt_no=number[:40])

    def _at_window(self, ctx: Context, number: str, act: str) -> Row:
        row = ctx.require(ctx.tx.first(application, receipt_no=number, lock=True),
                          "APPLICATION_NOT_FOUND", receipt_no=number[:40])
        if row["state"] not in WINDOW_STATES:
            raise Fault("APPLICATION_STATE", state=row["state"], act=act)
        return row

    def _form(self, row: Row) -> Any:
        return Parse(self._app.vault.decrypt(row["form_sealed"]), pb.Application())

    def _line(self, ctx: Context, application_id: str, what: str, why: str = "", clause: str = "") -> None:
        write_down(ctx, application_id, Entry(what, why, clause, ctx.actor))


def _titled(text: str, titles: dict[str, str]) -> str:
    code = text.split(" ", 1)[0]
    return text.replace(code, titles[code], 1) if code in titles else text


def _submitted(row: Any) -> Any:
    return pb.SubmitResponse(application_id=row["application_id"], receipt_no=row["receipt_no"],
                             state="routed" if row["routed"] else row["state"], window_id=row["window_id"])


def intake_mount(app: App) -> Mount:
    """The servicer for the server."""
    return intake_pb2_grpc.add_IntakeServiceServicer_to_server, IntakeServicer(app)
