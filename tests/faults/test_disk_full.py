"""No room for another row: the caller is told, nothing is half there, and with room again the work goes on.

A database whose pages are used up stands for a full disk: SQLite answers "database or disk is full" for both.
"""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from yimen.kernel.errors import Fault
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month
from yimen.store.tables import outbox

from services.intake.tables import application


def _limit(engine: sa.Engine, pages: int) -> None:
    """New connections of the engine may not let the file grow beyond `pages` (0: as it is now)."""

    def on_connect(connection: Any, _record: Any) -> None:
        now = connection.execute("pragma page_count").fetchone()[0]
        connection.execute(f"pragma max_page_count={pages or now}")

    event.listen(engine, "connect", on_connect)
    engine.dispose()


def test_an_application_that_does_not_fit_is_refused_whole_and_taken_when_there_is_room(world: Month) -> None:
    store = world.world.apps["intake"].store  # type: ignore[attr-defined]
    story = read(FILES / "c01_dibao_and_university.yaml")
    story.application.phone = "1" * 20_000  # more than the free space of the last pages
    _limit(store.engine, 0)
    with store.transaction(write=False) as tx:
        before = tx.count(outbox)
    with pytest.raises(Fault) as told:
        world.players.submit(story)
    assert told.value.code == "DATABASE_UNAVAILABLE"
    with store.transaction(write=False) as tx:
        assert tx.count(application) == 0 and tx.count(outbox) == before
    _limit(store.engine, 2**30)
    assert world.players.submit(story).receipt_no
    world.world.settle()
    with store.transaction(write=False) as tx:
        assert tx.count(application) == 1 and tx.count(outbox, published_at=None) == 0
