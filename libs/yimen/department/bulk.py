"""Many benefits at once, under one approval: a new standard recomputes what was reckoned from the old one (R166); a price
subsidy (R062) or an emergency allowance (R080) goes to everybody in a category.

waiting → computing → previewed → (the approver) → running → done. Both passes go by pages, each page in one transaction with
where it has come to: whoever is killed goes on there, and no case is left out or met twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.casework import reviews as rules
from yimen.casework.reviews import Result
from yimen.department.declaration import AidItem
from yimen.department.facts import standards_on
from yimen.department.standing import Period, Standing, adjust, finish, history, paid_by, standing_of
from yimen.department.tables import aid_case, bulk_row, bulk_run
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.workdays import first_of_next_month
from yimen.policy.pack import Decision
from yimen.store.unit import Row

if TYPE_CHECKING:
    from yimen.department.cases import Desk
    from yimen.runtime.app import App
    from yimen.runtime.context import Context

STANDARD_CHANGE, GRANT = "standard_change", "grant"
TIMER = "bulk_start"
PAGE = 100
RUNS_SHOWN_MAX, ROWS_SHOWN_MAX = 100, 500
APPROVE_DAYS = 5  # working days [A]
# The fact of a grant that is each row's own: how many people of the household it is for.
RECIPIENTS = "recipients"


class Bulk:
    """The runs of one department's desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # ------------------------------------------------------------------------------------------ opening
    def on_standards(self, ctx: Context, proposal_id: str, names: set[str], effective_on: date, reference: str) -> None:
        """New standards: what stands and was reckoned from them is computed again, on the day from which they hold, so that
        whatever was decided by the old ones until then is met and nothing later."""
        pack = self._desk.shelf.active(ctx, ctx.today)
        asked = {name.replace("_urban_", "_").replace("_rural_", "_") for name in names} | names
        items = [item for item in self._desk.department.items if pack.has(item.name) and pack.needs(item.name) & asked]
        if not any(self._may_stand(item) for item in items):
            return
        run_id = derived("bulk", STANDARD_CHANGE, proposal_id)
        begins = effective_on <= ctx.today
        if self._insert(ctx, run_id, STANDARD_CHANGE, "", reference, effective_on, {}, begins) and not begins:
            ctx.schedule(TIMER, run_id, datetime.combine(effective_on, time(), CHINA))

    def _may_stand(self, item: AidItem) -> bool:
        return item.grants_category or item.output == "money"

    def open_grant(self, ctx: Context, item: AidItem, reference: str, request: Mapping[str, Any],
                   townships: list[str]) -> str:
        """Raises Fault FIELD_WRONG for an item or facts that cannot be given to many."""
        own = set(item.request_facts) - {RECIPIENTS}
        if not item.for_all_in:
            raise Fault("FIELD_WRONG", field="item", expected="/".join(
                one.name for one in self._desk.department.items if one.for_all_in) or "本部门没有可批量给付的事项")
        if set(request) != own:
            raise Fault("FIELD_WRONG", field="request", expected="/".join(sorted(own)))
        run_id = derived("bulk", item.name, reference)
        self._insert(ctx, run_id, GRANT, item.name, reference, ctx.today, {"facts": dict(request), "townships": townships}, True)
        return run_id

    def _insert(self, ctx: Context, run_id: str, kind: str, item: str, reference: str, effective_on: date,
                request: dict[str, Any], begins: bool) -> bool:
        new = ctx.tx.insert_new(
            bulk_run, run_id=run_id, kind=kind, item=item, reference=reference, effective_on=effective_on, request=request,
            state="computing" if begins else "waiting", computed_to="", opened_by=ctx.actor, opened_at=ctx.now,
            approved_by="", done_at=None)
        if new:
            ctx.audit("bulk.opened", run_id, kind=kind, item=item)
        return bool(new)

    def on_start(self, ctx: Context, run_id: str, _: dict[str, Any]) -> None:
        """The timer: the standards hold from today."""
        ctx.tx.update(bulk_run, {"run_id": run_id, "state": "waiting"}, state="computing")

    # ------------------------------------------------------------------------------------------ the loop
    def turn(self, app: App) -> bool:
        """One page of one run, in the server process; True when there was one."""
        with app.work("", write=False) as ctx:
            run = ctx.tx.first(bulk_run, state=("computing", "running"), order_by=bulk_run.c.opened_at)
        if run is None:
            return False
        with app.work(f"service:{app.name}") as ctx:
            run = ctx.tx.first(bulk_run, run_id=run["run_id"], lock=True)
            if run is not None and run["state"] == "computing":
                self._compute(ctx, run)
            elif run is not None and run["state"] == "running":
                self._carry_out(ctx, run)
        return True

    def _compute(self, ctx: Context, run: Row) -> None:
        cases = ctx.tx.find(aid_case, aid_case.c.case_id > run["computed_to"], outcome="granted",
                            order_by=aid_case.c.case_id, limit=PAGE)
        rows = [row for case in cases if (row := self._preview(ctx, run, case)) is not None]
        ctx.tx.insert_all(bulk_row, rows)
        if cases:
            ctx.tx.update(bulk_run, {"run_id": run["run_id"]}, computed_to=cases[-1]["case_id"])
        if len(cases) < PAGE:
            ctx.tx.update(bulk_run, {"run_id": run["run_id"]}, state="previewed")
            ctx.open_task("approve_bulk", run["run_id"], "county_approver", "", ctx.workdays_later(APPROVE_DAYS),
                          kind=run["kind"], item=run["item"])
            ctx.audit("bulk.previewed", run["run_id"])

    def _preview(self, ctx: Context, run: Row, case: Row) -> dict[str, Any] | None:
        before = standing_of(ctx, self._desk, case)
        if before is None:
            return None
        row = {"run_id": run["run_id"], "case_id": case["case_id"], "state": "previewed", "result": "", "once_fen": 0,
               "before_fen": before.amount[1], "after_fen": before.amount[1], "problem": ""}
        try:
            found = self._recomputed(ctx, run, before) if run["kind"] == STANDARD_CHANGE else self._given(ctx, run, before)
        except Fault as fault:
            if fault.code != "FACT_MISSING":
                raise
            return {**row, "state": "failed", "problem": fault.code}
        return None if found is None else {**row, **found}

    def _carry_out(self, ctx: Context, run: Row) -> None:
        rows = ctx.tx.find(bulk_row, run_id=run["run_id"], state="previewed", order_by=bulk_row.c.case_id, limit=PAGE)
        for row in rows:
            case = self._desk.case(ctx, row["case_id"])
            before = standing_of(ctx, self._desk, case)
            done = None
            if before is not None:
                act = self._adjust if run["kind"] == STANDARD_CHANGE else self._give
                done = act(ctx, run, before)
            ctx.tx.update(bulk_row, {"run_id": run["run_id"], "case_id": row["case_id"]},
                          **(done or {}), state="done" if done else "skipped")
        if len(rows) < PAGE:
            self._finish(ctx, run)

    def _finish(self, ctx: Context, run: Row) -> None:
        ctx.tx.update(bulk_run, {"run_id": run["run_id"]}, state="done", done_at=ctx.now)
        told = self.tally(ctx, run)
        ctx.audit("bulk.done", run["run_id"], **told)
        ctx.emit(aid.BulkCompleted(run_id=run["run_id"], kind=run["kind"], item=run["item"], service=ctx.service,
                                   reference=run["reference"], actor=run["approved_by"],
                                   **{name: told[name] for name in ("done", "skipped", "failed", "once_fen",
                                                                    "month_delta_fen")}),
                 subject=f"bulk:{run['run_id']}")

    # ------------------------------------------------------------------------------------------ a new standard
    def _by_new_standard(self, ctx: Context, run: Row, before: Row) -> tuple[Decision, dict[str, Any]] | None:
        """A decision's facts under the standards of the run's month; None where nothing was reckoned from them."""
        facts = before["facts"]
        published = standards_on(ctx, run["effective_on"], self._desk.case(ctx, before["case_id"])["area_kind"])
        known = {name: fen for name, fen in published.items() if name in facts}
        if all(facts[name] == fen for name, fen in known.items()):
            return None
        return self._desk.shelf.active(ctx, ctx.today).decide(before["item"], {**facts, **known}), {**facts, **known}

    def _owed(self, ctx: Context, run: Row, before: Standing) -> list[tuple[Period, Decision, dict[str, Any], int]]:
        """Months since the new standard that were paid too little, by the decision they were paid by, and how much."""
        if before.until <= before.effective_on:
            return []
        owed = []
        for period in history(ctx, self._desk, before, run["effective_on"], first_of_next_month(ctx.today)):
            found = self._by_new_standard(ctx, run, period.decision)
            if found and found[0].amount_fen > period.decision["amount_fen"]:
                owed.append((period, *found, (found[0].amount_fen - period.decision["amount_fen"]) * period.months()))
        return owed

    def _recomputed(self, ctx: Context, run: Row, before: Standing) -> dict[str, Any] | None:
        found = self._by_new_standard(ctx, run, before.decision)
        if found is None:
            return None
        made, _ = found
        result = rules.compare(before.amount, made.outcome, (made.category, made.amount_fen), 0)
        if result is Result.UNCHANGED:
            return None
        return {"result": result.value, "after_fen": made.amount_fen,
                "once_fen": sum(fen for *_, fen in self._owed(ctx, run, before))}

    def _adjust(self, ctx: Context, run: Row, before: Standing) -> dict[str, Any] | None:
        seen = self._recomputed(ctx, run, before)
        found = self._by_new_standard(ctx, run, before.decision)
        if seen is None or found is None:
            return None
        made, facts = found
        owed = self._owed(ctx, run, before)
        case_id = before.case["case_id"]
        decision_id = self._decided(ctx, run, before.case, made, facts)
        adjust(ctx, self._desk, before, self._desk.decision(ctx, decision_id), Result(seen["result"]), cause=STANDARD_CHANGE,
               reason=made.reason, effective_on=run["effective_on"], arrears_fen=seen["once_fen"])
        for period, earlier, used, _ in owed:
            same = period.decision["decision_id"] == before.decision["decision_id"]
            paid_by(ctx, case_id, period.starts_on,
                    decision_id if same else self._decided(ctx, run, before.case, earlier, used))
        return seen

    def _decided(self, ctx: Context, run: Row, case: Row, made: Decision, facts: dict[str, Any]) -> str:
        decision_id = self._desk.record(ctx, case, made, facts)
        finish(ctx, decision_id, "confirmed", f"{run['reference']};{run['approved_by']} 批准", "")
        return decision_id

    # ------------------------------------------------------------------------------------------ given to many
    def _case_of(self, ctx: Context, run: Row, before: Standing) -> dict[str, Any] | None:
        item = self._desk.department.item(run["item"])
        case, townships = before.case, run["request"]["townships"]
        if before.decision["category"] not in item.for_all_in or (townships and case["township_code"] not in townships):
            return None
        people = before.decision["facts"].get("member_count", 1) if not case["person_id"] else 1
        return {"case_id": derived("case", run["run_id"], case["case_id"]), "application_id": case["application_id"],
                "household_id": case["household_id"], "person_id": "", "item": item.name, "trigger": "bulk",
                "township_code": case["township_code"], "village_code": case["village_code"],
                "area_kind": case["area_kind"], "request": {**run["request"]["facts"], RECIPIENTS: people},
                "report_id": "", "accepted_on": ctx.today}

    def _given(self, ctx: Context, run: Row, before: Standing) -> dict[str, Any] | None:
        case = self._case_of(ctx, run, before)
        if case is None:
            return None
        made, _ = self._desk.evaluate(ctx, case)
        if made.outcome == "refuse":
            return None
        return {"result": GRANT, "before_fen": 0, "after_fen": 0, "once_fen": made.amount_fen}

    def _give(self, ctx: Context, run: Row, before: Standing) -> dict[str, Any] | None:
        case = self._case_of(ctx, run, before)
        given = self._desk.give(ctx, case, f"{run['reference']};{run['approved_by']} 批准") if case else None
        if given is None:
            return None
        return {"once_fen": self._desk.decision(ctx, given["decision_id"])["amount_fen"]}

    # ------------------------------------------------------------------------------------------ officers
    def find(self, ctx: Context, run_id: str) -> Row:
        """Raises Fault RUN_NOT_FOUND."""
        return ctx.require(ctx.tx.first(bulk_run, run_id=run_id, lock=True), "RUN_NOT_FOUND", run_id=run_id[:36])

    def approve(self, ctx: Context, run: Row) -> None:
        """The list was seen; carry it out. Raises Fault CASE_STATE."""
        if run["state"] != "previewed":
            raise Fault("CASE_STATE", state=run["state"], act="批准批量办理")
        ctx.tx.update(bulk_run, {"run_id": run["run_id"]}, state="running", approved_by=ctx.actor)
        ctx.close_tasks(run["run_id"])
        ctx.audit("bulk.approved", run["run_id"])

    def cancel(self, ctx: Context, run: Row, reason: str) -> None:
        """Nothing of it is carried out. Raises Fault CASE_STATE once it is running."""
        if run["state"] not in ("waiting", "computing", "previewed"):
            raise Fault("CASE_STATE", state=run["state"], act="取消批量办理")
        ctx.tx.update(bulk_run, {"run_id": run["run_id"]}, state="cancelled", done_at=ctx.now)
        ctx.cancel(TIMER, run["run_id"])
        ctx.close_tasks(run["run_id"])
        ctx.audit("bulk.cancelled", run["run_id"], reason=reason)

    def tally(self, ctx: Context, run: Row) -> dict[str, int]:
        """Rows by state, what is paid at once, and what more is paid each month."""
        told = dict.fromkeys(("previewed", "done", "skipped", "failed", "once_fen", "month_delta_fen"), 0)
        for state, count in ctx.tx.tally(bulk_row.c.state, run_id=run["run_id"]).items():
            told[state] = count
        counted = {"run_id": run["run_id"], "state": ("previewed", "done")}
        told["once_fen"] = ctx.tx.total(bulk_row.c.once_fen, **counted)
        told["month_delta_fen"] = ctx.tx.total(bulk_row.c.after_fen, **counted) - ctx.tx.total(
            bulk_row.c.before_fen, **counted)
        return told

    def runs(self, ctx: Context) -> list[Row]:
        """Newest first."""
        return ctx.tx.find(bulk_run, order_by=bulk_run.c.opened_at.desc(), limit=RUNS_SHOWN_MAX)

    def rows(self, ctx: Context, run_id: str, after: str) -> list[Row]:
        """A page of the list."""
        return ctx.tx.find(bulk_row, bulk_row.c.case_id > after, run_id=run_id, order_by=bulk_row.c.case_id,
                           limit=ROWS_SHOWN_MAX)

