"""Towns for the journeys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from yimen.rehearsal.county import County
from yimen.rehearsal.month import start_moment
from yimen.rehearsal.world import EmbeddedWorld

from tests.journey.town import CLOSED_BY, Town


@pytest.fixture
def town(tmp_path: Any, sample: County) -> Any:
    made: list[Any] = []

    def found(story: str, until: date = CLOSED_BY, change: Callable[[Any], None] | None = None) -> Town:
        world = EmbeddedWorld(tmp_path / story, start_moment())
        made.append(world)  # closed, bank and all, also when the town does not come about
        made.append(one := Town(world, sample, story, until, change))
        return one

    yield found
    for one in reversed(made):
        one.close()
