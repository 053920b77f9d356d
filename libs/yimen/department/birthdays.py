"""A member reaches an age that counts (requirements 5.3 rule 9): what stands is looked at again on the birthday.

Which ages count the department's pack says, in its parameters `review_age_…`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from yimen.casework.reviews import BIRTHDAY
from yimen.department.facts import household_of
from yimen.department.standing import standing_of
from yimen.kernel.clock import CHINA
from yimen.kernel.resident_id import day_of_age

if TYPE_CHECKING:
    from yimen.department.cases import Desk
    from yimen.runtime.context import Context

TIMER, PARAMETER = "birthday", "review_age_"


def next_day(born: Iterable[date], ages: Iterable[int], after: date) -> date | None:
    """The first day after `after` on which one of them reaches one of the ages; None: never. Pure."""
    ages = list(ages)
    return min((day for one in born for age in ages if (day := day_of_age(one, age)) > after), default=None)


def schedule(ctx: Context, desk: Desk, case_id: str, since: date) -> None:
    """Look at the birth dates tomorrow: not now, so that a decision does not wait for the roster. `since` is the day of the facts
    that were decided by: who has grown older during the notice is seen, too."""
    if _ages(ctx, desk):
        _at(ctx, case_id, ctx.today + timedelta(days=1), since)


def on_day(ctx: Context, desk: Desk, case_id: str, since: date) -> None:
    """The timer: open a review when somebody has reached an age since, and sleep until the next birthday."""
    case = desk.case(ctx, case_id)
    if standing_of(ctx, desk, case) is None:
        return
    home, ages = household_of(ctx, case["household_id"], case_id), _ages(ctx, desk)
    born = [date.fromisoformat(member.birth_date) for member in home.members
            if member.birth_date and case["person_id"] in ("", member.person_id)]
    reached = next_day(born, ages, since)
    if reached is not None and reached <= ctx.today:
        desk.reviews.open(ctx, case, BIRTHDAY)
    following = next_day(born, ages, ctx.today)
    if following is not None:
        _at(ctx, case_id, following, ctx.today)


def _ages(ctx: Context, desk: Desk) -> list[int]:
    return [int(value) for name, value in desk.shelf.active(ctx, ctx.today).parameters.items() if name.startswith(PARAMETER)]


def _at(ctx: Context, case_id: str, day: date, since: date) -> None:
    ctx.schedule(TIMER, case_id, datetime.combine(day, time(), CHINA), since=since.isoformat())


def handler(desk: Desk) -> Any:
    """For the service's timers."""
    def fire(ctx: Context, subject: str, payload: dict[str, Any]) -> None:
        on_day(ctx, desk, subject, date.fromisoformat(payload["since"]))
    return fire
