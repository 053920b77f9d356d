"""The department's gRPC contract: who → may he → what → store → emit, in this order in each method."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from yimen.aid.v1 import aid_pb2, aid_pb2_grpc
from yimen.aid.v1 import events_pb2 as aid
from yimen.casework import authority, reviews
from yimen.casework.recovery import SUSPICIONS, Finding
from yimen.casework.states import Act, State
from yimen.department import reconsider, recovery, visits
from yimen.department.bulk import ROWS_SHOWN_MAX
from yimen.department.cases import Desk
from yimen.department.policy import PolicyServicer
from yimen.department.tables import aid_case
from yimen.directory.v1 import directory_pb2
from yimen.kernel import areas
from yimen.kernel.errors import Fault
from yimen.kernel.ids import canonical
from yimen.kernel.money import AMOUNT_FEN_MAX
from yimen.policy.explain import reasoning
from yimen.policy.pack import Decision
from yimen.rpc.server import Mount, caller
from yimen.security.identity import Principal
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.runtime.app import App

VISIT_MODES = ("on_site", "phone", "video")
APPRAISAL_REASONS = ("disputed", "officer_asks")
REASON_MAX = 200
COLLECTIVE_LEVELS = (authority.TOWNSHIP, authority.PANEL)


class DepartmentServicer(PolicyServicer):
    """One department's desk over gRPC."""

    # ------------------------------------------------------------------------------------------ guards
    def _case(self, case_id: str) -> Row:
        with self._app.work("", write=False) as ctx:
            return self._desk.case(ctx, case_id, lock=False)

    def _authority(self, officer: Principal, act: str, case: Row, level: str) -> str:
        """The basis on which the officer may do it. Raises the directory's refusal."""
        answer = self._app.peers.stub("directory").CheckAuthority(directory_pb2.CheckAuthorityRequest(
            officer_id=officer.actor, act=act, department=self._app.name, item=case["item"],
            area=case["township_code"], level=level))
        if not answer.allowed:
            raise Fault(answer.refusal_code, item=case["item"], required=level, actual=officer.level,
                        department=self._desk.department.title, role=act)
        return str(answer.basis)

    # ------------------------------------------------------------------------------------------ casework
    def Propose(self, request: Any, context: Any) -> Any:
        officer = self._officer(self._desk.department.proposer_role)
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            authority.require_other(officer.actor, case["duties"])
            case = self._desk.propose(ctx, case)
        return aid_pb2.ProposeResponse(state=case["state"])

    def CallAppraisal(self, request: Any, context: Any) -> Any:
        officer = self._officer(self._desk.department.proposer_role)
        if request.reason_code not in APPRAISAL_REASONS:
            raise Fault("FIELD_WRONG", field="reason_code", expected="/".join(APPRAISAL_REASONS))
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            case = self._desk.call_appraisal(ctx, case, request.reason_code)
        return aid_pb2.CallAppraisalResponse(state=case["state"])

    def RecordAppraisal(self, request: Any, context: Any) -> Any:
        officer = self._officer(self._desk.department.proposer_role)
        if not request.minutes_ref:
            raise Fault("MINUTES_REQUIRED")
        votes = (request.agree, request.disagree)
        if request.attendees < 1 or min(votes) < 0 or sum(votes) > request.attendees:
            raise Fault("FIELD_WRONG", field="attendees", expected="不少于1人,且赞成与反对之和不超过到会人数")
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            case = self._desk.hold_appraisal(ctx, case, request.attendees, *votes, request.minutes_ref)
        return aid_pb2.RecordAppraisalResponse(state=case["state"])

    def Decide(self, request: Any, context: Any) -> Any:
        officer = self._officer("township_head", "county_approver", "coordination_panel")
        seen = self._case(request.case_id)
        if seen["state"] != State.DECIDING:
            raise Fault("CASE_STATE", state=seen["state"], act="审批")
        authority.require_level(officer.level, seen["decide_level"])
        officer.require_area(seen["township_code"])
        if seen["decide_level"] in COLLECTIVE_LEVELS and not request.minutes_ref:
            raise Fault("MINUTES_REQUIRED")
        if not request.confirm and not (request.reason_code and request.reason):
            raise Fault("REASON_REQUIRED")
        basis = self._authority(officer, "decide", seen, seen["decide_level"])
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            authority.require_other(officer.actor, case["duties"])
            visits.require_done(ctx, case)
            if request.confirm:
                case = self._desk.confirm(ctx, case, basis, request.minutes_ref)
            else:
                case = self._desk.overrule(ctx, case, basis, request.reason_code, request.reason, request.minutes_ref)
        return aid_pb2.DecideResponse(state=case["state"], decision_id=case["decision_id"])

    def RecordCountyVisit(self, request: Any, context: Any) -> Any:
        officer = self._officer("county_officer")
        if not request.second_visitor or request.second_visitor == officer.actor:
            raise Fault("VISIT_NEEDS_TWO")
        if request.finding not in visits.FINDINGS:
            raise Fault("FIELD_WRONG", field="finding", expected="/".join(visits.FINDINGS))
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            for visitor in (officer.actor, request.second_visitor):
                authority.require_other(visitor, case["duties"])
            visits.record(ctx, case, [officer.actor, request.second_visitor], request.finding)
            self._desk.ask_approver(ctx, case)
        return aid_pb2.RecordCountyVisitResponse(state=case["state"])

    def RecordOutput(self, request: Any, context: Any) -> Any:
        officer = self._officer(self._desk.department.proposer_role)
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            item = self._desk.department.item(case["item"])
            if request.kind != item.output:
                raise Fault("FIELD_WRONG", field="kind", expected=item.output)
            ctx.emit(aid.OutputRecorded(case_id=case["case_id"], application_id=case["application_id"],
                                        kind=request.kind, detail_code=request.detail_code, actor=officer.actor,
                                        service=self._app.name),
                     subject=case["case_id"], partition_key=case["household_id"])
            reason = self._desk.decision(ctx, case["decision_id"])["reason"]
            case = self._desk.close(ctx, case, Act.DELIVER_ONCE, "granted", reason)
        return aid_pb2.RecordOutputResponse(state=case["state"])

    # ------------------------------------------------------------------------------------------ urgent
    def GrantAdvance(self, request: Any, context: Any) -> Any:
        officer = self._officer("township_head", "county_approver", "coordination_panel")
        seen = self._case(request.case_id)
        officer.require_area(seen["township_code"])
        if request.verified_by not in VISIT_MODES:
            raise Fault("FIELD_WRONG", field="verified_by", expected="/".join(VISIT_MODES))
        with self._app.work("", write=False) as ctx:
            tiers = self._desk.tiers(ctx, seen)
        level = tiers.level(request.amount_fen)
        if level != officer.level:
            if officer.level == authority.TOWNSHIP:
                raise Fault("ADVANCE_ABOVE_TIER", limit_fen=tiers.township_fen, required=level)
            raise Fault("WRONG_LEVEL", required=level, actual=officer.level)
        if level == authority.PANEL and not request.minutes_ref:
            raise Fault("MINUTES_REQUIRED")
        basis = self._authority(officer, "grant_advance", seen, level)
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            case = {**case, "request": {**case["request"], "approved_fen": request.amount_fen}}
            made, facts = self._desk.evaluate(ctx, case)
            decision_id = self._desk.record(ctx, case, made, facts)
            case = {**case, "decision_id": decision_id}
            # Cash from the township's fund within its own tier; above it the county's channel pays.
            via = "imprest" if level == authority.TOWNSHIP else "bank"
            ctx.tx.update(aid_case, {"case_id": case["case_id"]}, decision_id=decision_id,
                          request=case["request"], duties={**case["duties"], officer.actor: "批准先行救助"})
            case = self._desk.confirm(ctx, case, basis, request.minutes_ref, Act.ADVANCE, via)
        return aid_pb2.GrantAdvanceResponse(state=case["state"], decision_id=decision_id)

    def FileSupplement(self, request: Any, context: Any) -> Any:
        officer = self._officer("township_officer")
        if not request.statement_ref:
            raise Fault("REASON_REQUIRED")
        with self._app.work(officer.actor) as ctx:
            case = self._desk.case(ctx, request.case_id)
            officer.require_area(case["township_code"])
            authority.require_other(officer.actor, case["duties"])
            ctx.emit(aid.SupplementFiled(case_id=case["case_id"], application_id=case["application_id"],
                                         actor=officer.actor, service=self._app.name),
                     subject=case["case_id"], partition_key=case["household_id"])
            reason = self._desk.decision(ctx, case["decision_id"])["reason"]
            case = self._desk.close(ctx, case, Act.SUPPLEMENT, "granted", reason)
        return aid_pb2.FileSupplementResponse(state=case["state"])

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

    # ------------------------------------------------------------------------------------------ reading
    def GetCase(self, request: Any, context: Any) -> Any:
        with self._app.work(caller().actor, write=False) as ctx:
            case = self._desk.case(ctx, request.case_id, lock=False)
            made = self._desk.decision(ctx, case["decision_id"]) if case["decision_id"] else None
        return aid_pb2.GetCaseResponse(
            case_id=case["case_id"], item=case["item"], state=case["state"], household_id=case["household_id"],
            application_id=case["application_id"], township_code=case["township_code"],
            decide_level=case["decide_level"], decision=_stored(made) if made else None,
        )

    def ReplayDecision(self, request: Any, context: Any) -> Any:
        with self._app.work(caller().actor, write=False) as ctx:
            row = self._desk.decision(ctx, request.decision_id)
            pack = self._desk.shelf.by_hash(ctx, row["pack_hash"])
        again = pack.decide(row["item"], row["facts"])
        why = reasoning(pack, again)
        signed = self._app.keys.verify(self._app.name, canonical(again.core()).encode(), row["signature"])
        return aid_pb2.ReplayDecisionResponse(
            stored=_stored(row), replayed=_replayed(again, row), same=signed,
            trail=[f"{rule} {'成立' if held else '不成立'}" for rule, held in again.trail],
            steps=[aid_pb2.ReasoningStep(rule_id=one.rule_id, question=one.question, holds=one.holds, basis=one.basis)
                   for one in why.steps],
            amount_calculation=why.amount, document_no=pack.file.document,
        )


def _optional_day(field: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Fault("FIELD_WRONG", field=field, expected="YYYY-MM-DD,存在的日期") from None


def _facts(struct: Any) -> dict[str, Any]:
    """Whole numbers as such: a Struct knows only floats."""
    return {name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in MessageToDict(struct).items()}


def _stored(row: Row) -> aid_pb2.Decision:
    return aid_pb2.Decision(
        decision_id=row["decision_id"], item=row["item"], outcome=row["outcome"], rule_id=row["rule_id"],
        clause=row["clause"], amount_fen=row["amount_fen"], category=row["category"], reason=row["reason"],
        pack_version=row["pack_version"], pack_hash=row["pack_hash"], facts_hash=row["facts_hash"],
        inputs_json=json.dumps(row["inputs"], ensure_ascii=False),
        decided_at=row["decided_at"].isoformat() if row["decided_at"] else "", decided_by=row["decided_by"],
        signature=row["signature"], result=row["result"], instalments=row["instalments"], every_months=row["every_months"],
    )


def _replayed(made: Decision, row: Row) -> aid_pb2.Decision:
    return aid_pb2.Decision(
        decision_id=row["decision_id"], item=made.item, outcome=made.outcome, rule_id=made.rule_id, clause=made.clause,
        amount_fen=made.amount_fen, category=made.category, reason=made.reason, pack_version=made.pack_version,
        pack_hash=made.pack_hash, facts_hash=made.facts_hash, inputs_json=json.dumps(dict(made.inputs), ensure_ascii=False),
    )


def department_mount(app: App, desk: Desk) -> Mount:
    """The servicer for the department's server."""
    return aid_pb2_grpc.add_DepartmentServiceServicer_to_server, DepartmentServicer(app, desk)
