"""The timeline of an application: who did what, why, by which clause."""

from __future__ import annotations

from yimen.runtime.context import Context

from services.intake.narrate import Entry
from services.intake.tables import timeline


def write_down(ctx: Context, application_id: str, entry: Entry, source: str = "", case_id: str = "") -> None:
    """One line; `source` is the service that said it, else this one."""
    source = source or ctx.service
    ctx.tx.append(timeline, application_id=application_id, case_id=case_id, at=ctx.now, actor=entry.actor or f"service:{source}",
                  service=source, what=entry.what, why=entry.why, clause=entry.clause)
