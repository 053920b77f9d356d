"""Proposals become notices; confirmed items join the standing list; notices end with their legal period."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.disclosure.v1 import events_pb2 as events
from yimen.kernel.clock import CHINA
from yimen.kernel.ids import derived
from yimen.kernel.resident_id import age_on
from yimen.policy.pack import Pack
from yimen.roster.v1 import roster_pb2
from yimen.runtime.context import Context
from yimen.security.masking import mask_name
from yimen.store.unit import Row

from services.disclosure.tables import notice, objection, standing_list

ADULT_AGE = 18
PURPOSE = "public_notice"


@cache
def parameters() -> dict[str, Any]:
    """The county's rules of publicity, from the pack beside this file."""
    return Pack((Path(__file__).parent / "policy" / "disclosure-2026.yaml").read_text(), {}).parameters


def public_fields(ctx: Context, household_id: str, case_id: str) -> tuple[str, int]:
    """The name that may be shown and the number of members. A minor's name is never shown, a guardian's is."""
    home = ctx.app.peers.stub("roster").GetHousehold(roster_pb2.GetHouseholdRequest(
        household_id=household_id, case_id=case_id, purpose=PURPOSE))
    adults = [m.name for m in home.members
              if m.name and m.birth_date and age_on(date.fromisoformat(m.birth_date), ctx.today) >= ADULT_AGE]
    name = adults[0] if adults else "(未成年人,监护人代)"
    return (mask_name(name) if adults and parameters()["mask_names"] else name), len(home.members)


def on_proposed(ctx: Context, event: aid.AidProposed, _: Envelope) -> None:
    """Prepare the notice and ask the custodian to post it at township and village (R125)."""
    if not event.notice:
        return
    name, members = public_fields(ctx, event.household_id, event.case_id)
    notice_id = derived("notice", event.case_id)
    if not ctx.tx.insert_new(
        notice, notice_id=notice_id, case_id=event.case_id, service=event.service,
        application_id=event.application_id, household_id=event.household_id,
        township_code=event.township_code, village_code=event.village_code,
        title=event.title, name=name, member_count=members, amount_fen=event.amount_fen, state="to_post",
        posted_from=None, posted_until=None, closed_on=None, photo_ref="", poster=""):
        return
    ctx.open_task("post_notice", notice_id, "notice_custodian", event.township_code,
                  ctx.workdays_later(int(parameters()["posting_days"])), application_id=event.application_id)


def post(ctx: Context, row: Row, photo_ref: str) -> date:
    """The boards carry it: its legal period begins. Returns the last day."""
    until = ctx.today + timedelta(days=int(parameters()["notice_days"]))
    ctx.tx.update(notice, {"notice_id": row["notice_id"]}, state="posted", posted_from=ctx.today,
                  posted_until=until, photo_ref=photo_ref, poster=ctx.actor)
    ctx.close_tasks(row["notice_id"])
    ctx.open_task("keep_posted", row["notice_id"], "notice_custodian", row["township_code"], until + timedelta(days=1))
    # The day after the last full day, so that the period is never short by hours.
    ctx.schedule("notice_end", row["notice_id"], datetime.combine(until + timedelta(days=1), time(0, 0), CHINA))
    ctx.audit("notice.posted", row["notice_id"], until=until.isoformat())
    ctx.emit(events.NoticePublished(notice_id=row["notice_id"], case_id=row["case_id"],
                                    application_id=row["application_id"], until=until.isoformat(),
                                    township_code=row["township_code"], actor=ctx.actor,
                                    **{"from": ctx.today.isoformat()}),
             subject=row["case_id"], partition_key=row["household_id"], audience=row["service"])
    return until


def end_notice(ctx: Context, notice_id: str, _: dict[str, Any]) -> None:
    """The period is over; an open objection holds the notice until it is resolved."""
    row = ctx.tx.first(notice, notice_id=notice_id, lock=True)
    if row is not None and row["state"] == "posted":
        close(ctx, row, upheld=False)


def close(ctx: Context, row: Row, upheld: bool) -> None:
    """Take the notice down and tell the department."""
    ctx.tx.update(notice, {"notice_id": row["notice_id"]}, state="withdrawn" if upheld else "closed",
                  closed_on=ctx.today)
    ctx.close_tasks(row["notice_id"])
    ctx.cancel("notice_end", row["notice_id"])
    ctx.audit("notice.closed", row["notice_id"], upheld=upheld)
    ctx.emit(events.NoticeClosed(notice_id=row["notice_id"], case_id=row["case_id"],
                                 application_id=row["application_id"], objection_upheld=upheld,
                                 until=row["posted_until"].isoformat(), **{"from": row["posted_from"].isoformat()}),
             subject=row["case_id"], partition_key=row["household_id"], audience=row["service"])


def on_case_closed(ctx: Context, event: aid.CaseClosed, _: Envelope) -> None:
    """A case that ends while it is announced, because it is withdrawn, is announced no more."""
    row = ctx.tx.first(notice, case_id=event.case_id, state=("to_post", "posted", "objected"), lock=True)
    if row is None:
        return
    ctx.tx.update(notice, {"notice_id": row["notice_id"]}, state="withdrawn", closed_on=ctx.today)
    for one in ctx.tx.find(objection, notice_id=row["notice_id"], outcome=""):
        ctx.close_tasks(one["objection_id"])
        ctx.tx.update(objection, {"objection_id": one["objection_id"]}, outcome="dismissed", resolved_at=ctx.now)
    ctx.close_tasks(row["notice_id"])
    ctx.cancel("notice_end", row["notice_id"])
    ctx.audit("notice.withdrawn", row["notice_id"])


def open_objections(ctx: Context, notice_id: str) -> int:
    """How many objections still wait for their answer."""
    return ctx.tx.count(objection, notice_id=notice_id, outcome="")


def on_adjusted(ctx: Context, event: aid.BenefitAdjusted, _: Envelope) -> None:
    """The standing list says the new amount, or the household leaves it, from the day on which it holds."""
    if event.standing_list:
        ctx.schedule("list_turn", event.case_id, datetime.combine(date.fromisoformat(event.effective_on), time(), CHINA),
                     ends=event.kind == "stop", amount_fen=event.amount_fen)


def turn_list(ctx: Context, case_id: str, change: dict[str, Any]) -> None:
    """The day has come."""
    if change["ends"]:
        ctx.tx.delete(standing_list, case_id=case_id)
    else:
        ctx.tx.update(standing_list, {"case_id": case_id}, amount_fen=change["amount_fen"])


def on_granted(ctx: Context, event: aid.AidGranted, _: Envelope) -> None:
    """The standing list carries name, number of members and amount (K5), at the place of residence."""
    if event.standing_list:
        name, members = public_fields(ctx, event.household_id, event.case_id)
        ctx.tx.insert_new(standing_list, case_id=event.case_id, village_code=event.village_code, title=event.title,
                          name=name, member_count=members, amount_fen=event.amount_fen,
                          since=date.fromisoformat(event.granted_on))
