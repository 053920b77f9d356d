"""The department's gRPC contract: who → may he → what → store → emit, in this order in each method."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import aid_pb2, aid_pb2_grpc
from yimen.aid.v1 import events_pb2 as aid
from yimen.casework import authority
from yimen.casework.states import Act, State
from yimen.department import visits
from yimen.department.cases import Desk
from yimen.department.standing_servicer import COLLECTIVE_LEVELS, StandingServicer
from yimen.department.tables import aid_case
from yimen.kernel.errors import Fault
from yimen.kernel.ids import canonical
from yimen.policy.explain import reasoning
from yimen.policy.pack import Decision
from yimen.rpc.server import Mount, caller
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.runtime.app import App

VISIT_MODES = ("on_site", "phone", "video")
APPRAISAL_REASONS = ("disputed", "officer_asks")


class DepartmentServicer(StandingServicer):
    """One department's desk over gRPC."""

    # ------------------------------------------------------------------------------------------ guards
    def _case(self, case_id: str) -> Row:
        with self._app.work("", write=False) as ctx:
            return self._desk.case(ctx, case_id, lock=False)

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

    # ------------------------------------------------------------------------------------------ reading
    def GetCase(self, request: Any, context: Any) -> Any:
        with self._app.work(caller().actor, write=False) as ctx:
            case = self._desk.case(ctx, request.case_id, lock=False)
            made = self._desk.decision(ctx, case["decision_id"]) if case["decision_id"] else None
            decisions = self._desk.decisions(ctx, case["case_id"])
        return aid_pb2.GetCaseResponse(
            case_id=case["case_id"], item=case["item"], state=case["state"], household_id=case["household_id"],
            application_id=case["application_id"], township_code=case["township_code"],
            decide_level=case["decide_level"], decision=_stored(made) if made else None,
            decision_ids=[row["decision_id"] for row in decisions])

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
