"""A whole embedded platform, founded and empty; one for each file of tests."""

from __future__ import annotations

from typing import Any

import pytest
from yimen.rehearsal.county import County
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.world import EmbeddedWorld


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory, sample: County) -> Any:
    world = EmbeddedWorld(tmp_path_factory.mktemp("input"), start_moment())
    made = Month(world, sample, households=0, seed=1)
    made.prepare()
    yield made
    world.close()
