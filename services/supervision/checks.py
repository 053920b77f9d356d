"""The pools of what is checked in the field, and the county's rules of oversight."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from yimen.kernel.ids import derived
from yimen.policy.pack import Pack
from yimen.runtime.context import Context

from services.supervision.tables import field_check


@cache
def parameters() -> dict[str, Any]:
    """The county's rules of oversight, from the pack beside this file."""
    return Pack((Path(__file__).parent / "policy" / "supervision-2026.yaml").read_text(), {}).parameters


def add_check(ctx: Context, case_id: str, pool: str, township: str, month: str = "") -> bool:
    """Put a case in a pool, once; two checkers of the county must go there."""
    check_id = derived("check", case_id, pool)
    new = ctx.tx.insert_new(field_check, check_id=check_id, case_id=case_id, pool=pool, township_code=township,
                            month=month or f"{ctx.today:%Y-%m}", finding="", checkers=[], checked_at=None)
    if new:
        ctx.open_task("field_check", check_id, "supervisor", township,
                      ctx.workdays_later(int(parameters()["check_days"])), case_id=case_id, pool=pool)
    return bool(new)
