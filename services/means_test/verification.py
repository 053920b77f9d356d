"""The steps of one verification: open, collect answers, visit, resolve doubts, report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, cast

from yimen.intake.v1 import intake_pb2
from yimen.kernel import limits
from yimen.kernel.errors import Fault
from yimen.kernel.ids import canonical, derived, digest
from yimen.kernel.workdays import months_later
from yimen.means_test.v1 import events_pb2 as events
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.store.unit import Row

from services.means_test.report import build, find_doubts, parameters
from services.means_test.sources import ADAPTERS, Finding, open_exchange
from services.means_test.tables import doubt, report, source_query, verification

VERIFY_DAYS = 10  # working days after acceptance (S2 四)
QUERIES_PER_ROUND = 400


# ------------------------------------------------------------------------------------------------ opening
def open_verification(ctx: Context, event: Any, verification_id: str = "", review: bool = False) -> None:
    """Ask every source about every authorised member and put the home visit on the township's list."""
    declared = declaration(ctx.app, event.application_id, review)
    verification_id = verification_id or derived("verification", event.application_id)
    due = ctx.workdays_later(VERIFY_DAYS)
    new = ctx.tx.insert_new(
        verification, verification_id=verification_id, application_id=event.application_id,
        household_id=event.household_id, township_code=event.township_code, area_kind=event.area_kind,
        state="matching", visited=False, surveyors=[], idle_members=[], self_care_fails=None, visit_finding="", report_id="",
        review=review, started_at=ctx.now)
    if not new:
        return
    ctx.tx.insert_all(source_query, _questions(ctx, verification_id, zip(declared.person_ids, declared.application.members,
                                                                         strict=True)))
    ctx.open_task("home_visit", verification_id, "surveyor", event.township_code, due, application_id=event.application_id)
    ctx.audit("verification.opened", verification_id, sources=len(ADAPTERS), members=len(declared.person_ids))
    ctx.emit(events.VerificationRequested(verification_id=verification_id, application_id=event.application_id,
                                          household_id=event.household_id, township_code=event.township_code,
                                          due_on=due.isoformat()),
             subject=event.application_id, partition_key=event.household_id)


def declaration(app: App, application_id: str, current: bool) -> Any:
    """What the household declared, as applied or as last reported; a read that intake writes into its audit log."""
    return app.peers.stub("intake").GetDeclaration(intake_pb2.GetDeclarationRequest(
        application_id=application_id, current=current))


def declaration_of(app: App, row: Row) -> Any:
    """The declaration that a verification goes by."""
    return declaration(app, row["application_id"], row["review"])


def include_newcomers(ctx: Context, row: Row) -> None:
    """Members were reported to have joined while the verification runs: the sources are asked about them, and the home
    is seen again."""
    declared = declaration_of(ctx.app, row)
    known = {one["person_id"] for one in ctx.tx.find(source_query, verification_id=row["verification_id"])}
    newcomers = [(person_id, member) for person_id, member in
                 zip(declared.person_ids, declared.application.members, strict=True) if person_id not in known]
    if not newcomers:
        return
    ctx.tx.insert_all(source_query, _questions(ctx, row["verification_id"], newcomers))
    ctx.tx.update(verification, {"verification_id": row["verification_id"]}, state="matching", visited=False)
    ctx.close_tasks(row["verification_id"])
    ctx.open_task("home_visit", row["verification_id"], "surveyor", row["township_code"], ctx.workdays_later(VERIFY_DAYS),
                  application_id=row["application_id"])
    ctx.audit("verification.extended", row["verification_id"], members=len(newcomers))


def _questions(ctx: Context, verification_id: str, members: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [{"query_id": derived("query", verification_id, person_id, source), "verification_id": verification_id,
             "person_id": person_id, "source": source, "authorised": member.authorised, "attempts": 0,
             "next_attempt_at": ctx.now, "answer_sealed": None} for person_id, member in members for source in ADAPTERS]


# ------------------------------------------------------------------------------------------------ matching
def ask_sources(app: App) -> int:
    """Ask what is outstanding and due; returns how many verifications moved. Sources that are away are asked
    again later."""
    now = app.machine_now()
    with app.work("", write=False) as ctx:
        due = ctx.tx.find(source_query, answer_sealed=None, order_by=source_query.c.query_id,
                          limit=QUERIES_PER_ROUND)
    due = [row for row in due if row["attempts"] == 0 or row["next_attempt_at"] <= now]
    by_verification: dict[str, list[Row]] = {}
    for row in due:
        by_verification.setdefault(row["verification_id"], []).append(row)
    for verification_id, rows in by_verification.items():
        _ask_for_one(app, verification_id, rows)
    return len(by_verification)


def _ask_for_one(app: App, verification_id: str, rows: list[Row]) -> None:
    with app.work("", write=False) as ctx:
        row = ctx.require(ctx.tx.first(verification, verification_id=verification_id), "INTERNAL")
    declared = declaration_of(app, row)
    numbers = dict(zip(declared.person_ids, (m.resident_id for m in declared.application.members), strict=True))
    answers: dict[str, list[Finding] | None] = {}
    exchange = open_exchange(app.settings.exchange_url)
    for query in rows:
        try:
            answers[query["query_id"]] = ADAPTERS[query["source"]].ask(exchange, numbers[query["person_id"]],
                                                                       query["authorised"])
        except Fault as fault:
            # No authorisation: the source is not asked and its answer stays empty for ever (R016).
            answers[query["query_id"]] = [] if fault.code == "AUTHORISATION_MISSING" else None
    with app.work(f"service:{app.name}") as ctx:
        ctx.tx.update_each(source_query, source_query.c.query_id, source_query.c.answer_sealed, {
            query_id: ctx.app.vault.encrypt(json.dumps([vars(f) for f in found], ensure_ascii=False))
            for query_id, found in answers.items() if found is not None
        })
        for query_id in (one for one, found in answers.items() if found is None):
            _ask_later(ctx, query_id)
        ctx.audit("sources.answered", verification_id, answers=len(answers))
        _after_answers(ctx, verification_id, declared)


def _ask_later(ctx: Context, query_id: str) -> None:
    row = ctx.require(ctx.tx.first(source_query, query_id=query_id), "INTERNAL")
    pause = min(limits.PARK_RETRY_S_FIRST * 2 ** row["attempts"], limits.PARK_RETRY_S_MAX)
    ctx.tx.update(source_query, {"query_id": query_id}, attempts=row["attempts"] + 1,
                  next_attempt_at=ctx.app.machine_now() + timedelta(seconds=pause))


def _after_answers(ctx: Context, verification_id: str, declared: Any) -> None:
    left = ctx.tx.count(source_query, verification_id=verification_id, answer_sealed=None)
    row = locked(ctx, verification_id)
    if left or row["state"] != "matching":
        return
    for found in find_doubts(declared, findings(ctx, verification_id)):
        doubt_id = derived("doubt", verification_id, found.person_id, found.kind)
        if ctx.tx.insert_new(doubt, doubt_id=doubt_id, verification_id=verification_id, person_id=found.person_id,
                             kind=found.kind, major=found.major, outcome=""):
            ctx.open_task("resolve_doubt", doubt_id, "surveyor", row["township_code"],
                          ctx.workdays_later(VERIFY_DAYS), kind=found.kind, application_id=row["application_id"])
    ctx.tx.update(verification, {"verification_id": verification_id}, state="visiting")
    try_to_finish(ctx, verification_id, declared)


def locked(ctx: Context, verification_id: str) -> Row:
    """Raises Fault VERIFICATION_NOT_FOUND."""
    return ctx.require(ctx.tx.first(verification, verification_id=verification_id, lock=True),
                       "VERIFICATION_NOT_FOUND", verification_id=verification_id)


def findings(ctx: Context, verification_id: str) -> dict[str, list[Finding]]:
    """All answers by person."""
    found: dict[str, list[Finding]] = {}
    for row in ctx.tx.find(source_query, source_query.c.answer_sealed.is_not(None),
                           verification_id=verification_id, order_by=source_query.c.query_id):
        items = [Finding(**item) for item in json.loads(ctx.app.vault.decrypt(row["answer_sealed"]))]
        found.setdefault(row["person_id"], []).extend(items)
    return found


# ------------------------------------------------------------------------------------------------ ending without a report
def stop(ctx: Context, row: Row) -> None:
    """Ask nobody any more and leave no task behind."""
    verification_id = row["verification_id"]
    ctx.tx.update(verification, {"verification_id": verification_id}, state="stopped")
    ctx.tx.delete(source_query, verification_id=verification_id, answer_sealed=None)
    ctx.close_tasks(verification_id)
    for one in ctx.tx.find(doubt, verification_id=verification_id, outcome=""):
        ctx.close_tasks(one["doubt_id"])
    ctx.audit("verification.stopped", verification_id)


def warn(ctx: Context, verification_id: str, letter_ref: str) -> date:
    """Returns the last day on which the household may still cooperate; the first warning's, when there are several."""
    row = _running(ctx, verification_id, "书面告知")
    if row["warned_until"] is not None:
        return cast(date, row["warned_until"])
    until = ctx.workdays_later(int(parameters()["warning_days"]))
    ctx.tx.update(verification, {"verification_id": verification_id}, warned_until=until, letter_ref=letter_ref)
    ctx.audit("household.warned", verification_id, letter=letter_ref, until=until.isoformat())
    ctx.emit(events.HouseholdWarned(
        verification_id=verification_id, application_id=row["application_id"], household_id=row["household_id"],
        until=until.isoformat(), actor=ctx.actor), subject=row["application_id"], partition_key=row["household_id"])
    return until


def refuse(ctx: Context, verification_id: str, finding_code: str) -> None:
    """Raises Fault CASE_STATE, WARNING_FIRST or WARNING_RUNS."""
    row = _running(ctx, verification_id, "终止核查")
    if row["warned_until"] is None:
        raise Fault("WARNING_FIRST")
    if ctx.today <= row["warned_until"]:
        raise Fault("WARNING_RUNS", until=row["warned_until"])
    stop(ctx, row)
    ctx.emit(events.VerificationRefused(
        verification_id=verification_id, application_id=row["application_id"], household_id=row["household_id"],
        finding_code=finding_code, actor=ctx.actor, review=row["review"]),
        subject=row["application_id"], partition_key=row["household_id"])


def _running(ctx: Context, verification_id: str, act: str) -> Row:
    row = locked(ctx, verification_id)
    if row["visited"] or row["state"] in ("done", "stopped"):
        raise Fault("CASE_STATE", state=row["state"] if not row["visited"] else "visited", act=act)
    return row


# ------------------------------------------------------------------------------------------------ report
def try_to_finish(ctx: Context, verification_id: str, declared: Any) -> bool:
    """Issue the report when answers, visit and doubts are all there."""
    row = locked(ctx, verification_id)
    doubts = ctx.tx.find(doubt, verification_id=verification_id)
    if row["state"] != "visiting" or not row["visited"] or any(not d["outcome"] for d in doubts):
        return False
    confirmed = {(d["person_id"], d["kind"]) for d in doubts if d["outcome"] == "confirmed"}
    content = build(declared, findings(ctx, verification_id), row, confirmed, ctx.today,
                    ctx.app.published.standards(ctx.today))
    content_hash = digest(content)
    report_id = derived("report", verification_id)
    major = any(d["major"] for d in doubts)
    ctx.tx.insert(
        report, report_id=report_id, household_id=row["household_id"], verification_id=verification_id,
        issued_on=ctx.today, valid_until=months_later(ctx.today, int(parameters()["report_validity_months"])),
        content_sealed=ctx.app.vault.encrypt(canonical(content)), content_hash=content_hash,
        signature=ctx.app.keys.sign(content_hash.encode()), doubts=len(doubts), major_doubt=major,
        surveyors=row["surveyors"])
    ctx.tx.update(verification, {"verification_id": verification_id}, state="done", report_id=report_id)
    ctx.close_tasks(verification_id)
    ctx.audit("report.issued", report_id, doubts=len(doubts))
    announce(ctx, row["application_id"], row["household_id"], verification_id, report_id, row["surveyors"],
             len(doubts), major, reused=False, review=row["review"])
    return True


def announce(ctx: Context, application_id: str, household_id: str, verification_id: str, report_id: str,
             surveyors: list[str], doubts: int, major: bool, reused: bool, review: bool = False) -> None:
    """Tell every department that the report is ready for this application, or for the reviews of this household."""
    ctx.emit(events.VerificationCompleted(
        verification_id=verification_id, application_id=application_id, household_id=household_id,
        report_id=report_id, completed_on=ctx.today.isoformat(), reused=reused, doubts=doubts, major_doubt=major,
        surveyors=surveyors, review=review), subject=application_id, partition_key=household_id)
