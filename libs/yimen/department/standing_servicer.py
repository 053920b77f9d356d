"""gRPC of what stands: reviews, reconsideration, recovery, and benefits for many at once."""

from __future__ import annotations

from datetime import date
from typing import Any

from google.protobuf.json_format import MessageToDict
from yimen.aid.v1 import aid_pb2
from yimen.casework import authority, reviews
from yimen.casework.recovery import SUSPICIONS, Finding
from yimen.department import conferences, recheck, reconsider, recovery
from yimen.department.bulk import ROWS_SHOWN_MAX
from yimen.department.policy import PolicyServicer
from yimen.directory.v1 import directory_pb2
from yimen.kernel import areas
from yimen.kernel.errors import Fault
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.rpc.server import caller
from yimen.security.identity import Principal
from yimen.store.unit import Row

REASON_MAX = 200
COLLECTIVE_LEVELS = (authority.TOWNSHIP, authority.PANEL)


class StandingServicer(PolicyServicer):
    """What happens to a benefit after it was granted."""

    def _authority(self, officer: Principal, act: str, case: Row, level: str) -> str:
        """The basis on which the officer may do it. Raises the directory's refusal."""
        answer = self._app.peers.stub("directory").CheckAuthority(directory_pb2.CheckAuthorityRequest(
            officer_id=officer.actor, act=act, department=self._app.name, item=case["item"],
            area=case["township_code"], level=level))
        if not answer.allowed:
            raise Fault(answer.refusal_code, item=case["item"], required=level, actual=officer.level,
                        department=self._desk.department.title, role=act)
        return str(answer.basis)

    # ------------------------------------------------------------------------------------------ reviews
    def OpenReview(self, request: Any, context: Any) -> Any:
        officer = self._officer(self._desk.department.proposer_role)
        if request.cause not in reviews.ASKED_CAUSES:
            raise Fault("FIELD_WRONG", field="cause", expected="/".join(reviews.ASKED_CAUSES))
        if request.ground and request.ground not in reviews.ENTERED_GROUNDS:
            raise Fault("FIELD_WRONG", field="ground", expected="/".join(reviews.ENTERED_GROUNDS))
        if request.ground and not request.reason:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            ctx.audit("review.asked", case["case_id"], cause=request.cause, reason=request.reason[:REASON_MAX])
            row = self._desk.reviews.open(ctx, case, request.cause, request.ground)
            row = self._desk.reviews.find(ctx, row["review_id"])
        return aid_pb2.OpenReviewResponse(review_id=row["review_id"], state=row["state"])

    def ProposeReview(self, request: Any, context: Any) -> Any:
        officer = self._officer(self._desk.department.proposer_role)
        with self._app.work(officer.actor) as ctx:
            row = self._desk.reviews.find(ctx, request.review_id)
            officer.require_area(self._desk.case(ctx, row["case_id"])["township_code"])
            authority.require_other(officer.actor, row["duties"])
            row = self._desk.reviews.propose(ctx, row, request.by_employment)
        return aid_pb2.ProposeReviewResponse(state=row["state"], result=row["result"])

    def DecideReview(self, request: Any, context: Any) -> Any:
        officer = self._officer("township_head", "county_approver", "coordination_panel")
        with self._app.work("", write=False) as ctx:
            seen = self._desk.reviews.find(ctx, request.review_id)
            case = self._desk.case(ctx, seen["case_id"], lock=False)
        reviews.require_state(seen["state"], reviews.ReviewState.DECIDING, act="审批复核")
        authority.require_level(officer.level, seen["decide_level"])
        officer.require_area(case["township_code"])
        if seen["decide_level"] in COLLECTIVE_LEVELS and not request.minutes_ref:
            raise Fault("MINUTES_REQUIRED")
        if not request.confirm and not request.reason:
            raise Fault("REASON_REQUIRED")
        basis = self._authority(officer, "decide", case, seen["decide_level"])
        with self._app.work(officer.actor) as ctx:
            row = self._desk.reviews.find(ctx, request.review_id)
            authority.require_other(officer.actor, row["duties"])
            row = self._desk.reviews.decide(ctx, row, request.confirm, basis, request.reason, request.minutes_ref)
        return aid_pb2.DecideReviewResponse(state=row["state"], decision_id=row["decision_id"])

    def ListReviews(self, request: Any, context: Any) -> Any:
        with self._app.work(caller().actor, write=False) as ctx:
            rows = self._desk.reviews.of_case(ctx, request.case_id)
        return aid_pb2.ListReviewsResponse(reviews=[
            aid_pb2.Review(review_id=row["review_id"], case_id=row["case_id"], cause=row["cause"], state=row["state"],
                           result=row["result"], opened_on=row["opened_on"].isoformat(),
                           completed_on=row["completed_on"].isoformat() if row["completed_on"] else "",
                           effective_on=row["effective_on"].isoformat() if row["effective_on"] else "",
                           decision_id=row["decision_id"], reason=row["reason"]) for row in rows])

    # ------------------------------------------------------------------------------------------ reconsideration
    def ReceiveReconsideration(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_officer")
        if not request.document_no:
            raise Fault("FIELD_WRONG", field="document_no", expected="复议受理文号")
        with self._app.work(officer.actor) as ctx:
            due = reconsider.receive(ctx, self._desk.case(ctx, request.case_id), request.document_no)
        return aid_pb2.ReceiveReconsiderationResponse(due_on=due)

    def RecordReconsideration(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_approver")
        if request.outcome not in (reconsider.UPHELD, reconsider.REVERSED):
            raise Fault("FIELD_WRONG", field="outcome", expected="upheld/reversed")
        with self._app.work(officer.actor) as ctx:
            decision_id, arrears = reconsider.record(ctx, self._desk, self._desk.case(ctx, request.case_id),
                                                     request.document_no, request.outcome, _facts(request.corrections))
        return aid_pb2.RecordReconsiderationResponse(decision_id=decision_id, arrears_fen=arrears)

    # ------------------------------------------------------------------------------------------ recheck
    def RequestRecheck(self, request: Any, context: Any) -> Any:
        officer = self._officer("window_clerk")
        if not request.reason:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            row = recheck.ask(ctx, case, request.reason[:REASON_MAX])
        return aid_pb2.RequestRecheckResponse(level=row["level"], due_on=row["due_on"].isoformat())

    def DecideRecheck(self, request: Any, context: Any) -> Any:
        officer = self._officer(*recheck.DECIDERS.values())
        if request.outcome not in recheck.OUTCOMES:
            raise Fault("FIELD_WRONG", field="outcome", expected="/".join(recheck.OUTCOMES))
        if not request.reason:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            decision_id, arrears = recheck.decide(ctx, self._desk, case, officer.level, request.outcome,
                                                  _facts(request.corrections),
                                                  request.reason[:REASON_MAX])
        return aid_pb2.DecideRecheckResponse(decision_id=decision_id, arrears_fen=arrears)

    # ------------------------------------------------------------------------------------------ recovery
    def OpenRecovery(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_officer")
        if request.suspicion_code not in SUSPICIONS:
            raise Fault("FIELD_WRONG", field="suspicion_code", expected="/".join(SUSPICIONS))
        if not request.reason:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            row = recovery.open_one(ctx, self._desk.case(ctx, request.case_id), request.suspicion_code,
                                    request.reason[:REASON_MAX])
        return aid_pb2.OpenRecoveryResponse(recovery_id=row["recovery_id"], due_on=row["due_on"].isoformat())

    def ConcludeRecovery(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_approver")
        if request.finding not in set(Finding):
            raise Fault("FIELD_WRONG", field="finding", expected="/".join(Finding))
        if not request.reason:
            raise Fault("REASON_REQUIRED")
        if request.fine_fen < 0:
            raise Fault("AMOUNT_WRONG", limit_fen=AMOUNT_FEN_MAX)
        with self._app.work(officer.actor) as ctx:
            row = recovery.find(ctx, request.recovery_id)
            authority.require_other(officer.actor, {row["opened_by"]: "启动追回调查"})
            row = recovery.conclude(ctx, self._desk, row, Finding(request.finding), _optional_day("since", request.since),
                                    _facts(request.corrections), request.fine_fen, f"追回 {row['recovery_id']}",
                                    request.reason[:REASON_MAX], request.minutes_ref)
        return aid_pb2.ConcludeRecoveryResponse(amount_fen=row["amount_fen"], fine_fen=row["fine_fen"],
                                                decision_id=row["decision_id"])

    def ListRecoveries(self, request: Any, context: Any) -> Any:
        self._officer("county_officer", "county_approver")
        with self._app.work(caller().actor, write=False) as ctx:
            rows = recovery.of_case(ctx, request.case_id)
        return aid_pb2.ListRecoveriesResponse(recoveries=[
            aid_pb2.Recovery(recovery_id=row["recovery_id"], case_id=row["case_id"], suspicion_code=row["suspicion_code"],
                             opened_on=row["opened_on"].isoformat(), due_on=row["due_on"].isoformat(), finding=row["finding"],
                             amount_fen=row["amount_fen"], fine_fen=row["fine_fen"], decision_id=row["decision_id"],
                             reason=row["reason"]) for row in rows])

    # ------------------------------------------------------------------------------------------ conferences
    def CompleteConferenceTask(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_officer")
        with self._app.work(officer.actor) as ctx:
            conferences.complete(ctx, request.task_id, request.result[:REASON_MAX])
        return aid_pb2.CompleteConferenceTaskResponse()

    # ------------------------------------------------------------------------------------------ many at once
    def OpenBulk(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_officer")
        if not 0 < len(request.reference) <= REASON_MAX:
            raise Fault("FIELD_WRONG", field="reference", expected=f"依据文号,不超过 {REASON_MAX} 字")
        try:
            item = self._desk.department.item(request.item)
        except KeyError:
            raise Fault("UNKNOWN_ITEM", item=request.item[:40]) from None
        for code in request.townships:
            areas.level(code)
        with self._app.work(officer.actor) as ctx:
            run_id = self._desk.bulk.open_grant(ctx, item, request.reference, _facts(request.request),
                                                sorted(request.townships))
        return aid_pb2.OpenBulkResponse(run_id=run_id)

    def ApproveBulk(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_approver")
        with self._app.work(officer.actor) as ctx:
            run = self._desk.bulk.find(ctx, request.run_id)
            authority.require_other(officer.actor, {run["opened_by"]: "发起批量办理"})
            self._desk.bulk.approve(ctx, run)
        return aid_pb2.ApproveBulkResponse(state="running")

    def CancelBulk(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_officer", "county_approver")
        if not request.reason:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            self._desk.bulk.cancel(ctx, self._desk.bulk.find(ctx, request.run_id), request.reason[:REASON_MAX])
        return aid_pb2.CancelBulkResponse()

    def ListBulk(self, request: Any, context: Any) -> Any:
        self._officer("county_officer", "county_approver")
        with self._app.work(caller().actor, write=False) as ctx:
            answer = aid_pb2.ListBulkResponse()
            for run in self._desk.bulk.runs(ctx):
                told = self._desk.bulk.tally(ctx, run)
                answer.runs.add(
                    run_id=run["run_id"], kind=run["kind"], item=run["item"], reference=run["reference"], state=run["state"],
                    opened_by=run["opened_by"], approved_by=run["approved_by"], effective_on=run["effective_on"].isoformat(),
                    previewed=told["previewed"], done=told["done"], skipped=told["skipped"], failed=told["failed"],
                    once_fen=told["once_fen"], month_delta_fen=told["month_delta_fen"])
        return answer

    def ListBulkRows(self, request: Any, context: Any) -> Any:
        self._officer("county_officer", "county_approver")
        with self._app.work(caller().actor, write=False) as ctx:
            rows = self._desk.bulk.rows(ctx, request.run_id, request.after)
        return aid_pb2.ListBulkRowsResponse(
            rows=[aid_pb2.BulkRow(**{name: row[name] for name in ("case_id", "state", "result", "before_fen", "after_fen",
                                                                  "once_fen", "problem")}) for row in rows],
            next_after=rows[-1]["case_id"] if len(rows) == ROWS_SHOWN_MAX else "")


def _optional_day(field: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Fault("FIELD_WRONG", field=field, expected="YYYY-MM-DD,存在的日期") from None


def _facts(struct: Any) -> dict[str, Any]:
    """Whole numbers as such: a Struct knows only floats."""
    return {name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in MessageToDict(struct).items()}
