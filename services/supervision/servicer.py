"""gRPC of `supervision`."""

from __future__ import annotations

from datetime import date
from typing import Any

from yimen.casework.authority import require_other
from yimen.kernel.errors import Fault
from yimen.kernel.workdays import months_later
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.supervision.v1 import supervision_pb2 as pb
from yimen.supervision.v1 import supervision_pb2_grpc

from services.supervision import relatives
from services.supervision.checks import add_check, parameters
from services.supervision.domain import draw
from services.supervision.tables import anchor, case_record, field_check, overdue, surveyed

FINDINGS = ("ok", "amount_wrong", "not_eligible", "missing_procedure")
SAMPLE = "sample"


class SupervisionServicer(supervision_pb2_grpc.SupervisionServiceServicer):
    """Oversight."""

    def __init__(self, app: App) -> None:
        self._app = app

    def DrawSample(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("supervisor")
        start, end = _month(request.month)
        with self._app.work(officer.actor) as ctx:
            if ctx.today < end:
                raise Fault("MONTH_NOT_OVER", month=request.month)
            c = case_record.c
            new = ctx.tx.find(case_record, c.outcome == "granted", c.category != "", c.decided_on >= start,
                              c.decided_on < end, order_by=c.case_id)
            full = {row["case_id"] for row in ctx.tx.find(field_check, field_check.c.pool != SAMPLE)}
            # Cases that are checked anyway do not count toward the 30 % (7.1).
            by_township: dict[str, list[str]] = {}
            for row in new:
                if row["case_id"] not in full:
                    by_township.setdefault(row["township_code"], []).append(row["case_id"])
            for township, cases in draw(by_township, parameters()["sample_ratio"], request.seed).items():
                for case_id in cases:
                    add_check(ctx, case_id, SAMPLE, township, request.month)
            ctx.audit("sample.drawn", request.month, seed=request.seed, new=len(new))
            rows = ctx.tx.find(field_check, month=request.month, order_by=field_check.c.check_id)
        return pb.DrawSampleResponse(lines=[
            pb.SampleLine(case_id=r["case_id"], township_code=r["township_code"], pool=r["pool"]) for r in rows
        ])

    def RecordFieldCheck(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role("supervisor")
        if not request.second_checker or request.second_checker == officer.actor:
            raise Fault("VISIT_NEEDS_TWO")
        if request.finding not in FINDINGS:
            raise Fault("FIELD_WRONG", field="finding", expected="/".join(FINDINGS))
        with self._app.work(officer.actor) as ctx:
            row = ctx.require(ctx.tx.first(field_check, case_id=request.case_id, pool=request.pool, lock=True),
                              "CHECK_NOT_DUE", case_id=request.case_id, pool=request.pool)
            record = ctx.tx.first(case_record, case_id=request.case_id)
            visited = ctx.tx.first(surveyed, application_id=record["application_id"]) if record else None
            for checker in (officer.actor, request.second_checker):
                require_other(checker, dict.fromkeys(visited["surveyors"] if visited else [], "入户调查"))
            ctx.tx.update(field_check, {"check_id": row["check_id"]}, finding=request.finding,
                          checkers=[officer.actor, request.second_checker], checked_at=ctx.now)
            ctx.close_tasks(row["check_id"])
            if request.pool == relatives.POOL:
                ctx.close_tasks(request.case_id, "relative_undeclared")
            ctx.audit("field_check.recorded", request.case_id, pool=request.pool, finding=request.finding)
        return pb.RecordFieldCheckResponse()

    def DeclareRelative(self, request: Any, context: Any) -> Any:
        officer = caller()
        # Each for himself; for cadres who have no access the supervisor writes it down.
        if request.officer_id and request.officer_id != officer.actor:
            officer.require_role("supervisor")
        with self._app.work(officer.actor) as ctx:
            relative_id = relatives.declare(ctx, request.officer_id or officer.actor, request.relation, request.resident_id)
        return pb.DeclareRelativeResponse(relative_id=relative_id)

    def GetIndicators(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            where = []
            if request.month:
                start, end = _month(request.month)
                where = [case_record.c.opened_on >= start, case_record.c.opened_on < end]
            rows = ctx.tx.find(case_record, *where)
            late = ctx.tx.tally(overdue.c.service)
            subjects = sorted({row["subject"] for row in ctx.tx.find(overdue)})
            drawn = ctx.tx.count(field_check)
            checked = ctx.tx.count(field_check, field_check.c.checked_at.is_not(None))
        by_service: dict[str, list[Any]] = {}
        for row in rows:
            by_service.setdefault(row["service"], []).append(row)
        return pb.GetIndicatorsResponse(
            services=[_indicator(name, found, late.get(name, 0)) for name, found in sorted(by_service.items())],
            mean_days_to_decision=_mean_days([r for r in rows if r["trigger"] == "application"]),
            overdue_cases=subjects, sample_drawn=drawn, sample_checked=checked,
        )

    def ListAnchors(self, request: Any, context: Any) -> Any:
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(anchor, service=request.service, order_by=anchor.c.seal_no)
        return pb.ListAnchorsResponse(anchors=[
            pb.Anchor(service=r["service"], seal_no=r["seal_no"], hash=r["hash"], rows=r["rows"]) for r in rows
        ])


def _month(text: str) -> tuple[date, date]:
    try:
        start = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Fault("FIELD_WRONG", field="month", expected="YYYY-MM") from None
    return start, months_later(start, 1)


def _mean_days(rows: list[Any]) -> float:
    days = [(row["decided_on"] - row["opened_on"]).days for row in rows if row["decided_on"]]
    return round(sum(days) / len(days), 2) if days else 0.0


def _indicator(name: str, rows: list[Any], late: int) -> Any:
    granted = sum(1 for row in rows if row["outcome"] == "granted")
    refused = sum(1 for row in rows if row["outcome"] == "refused")
    return pb.ServiceIndicator(service=name, cases=len(rows), granted=granted, refused=refused,
                               open=sum(1 for row in rows if not row["outcome"]), mean_days=_mean_days(rows),
                               overdue=late)


def supervision_mount(app: App) -> Mount:
    """The servicer for the server."""
    return supervision_pb2_grpc.add_SupervisionServiceServicer_to_server, SupervisionServicer(app)
