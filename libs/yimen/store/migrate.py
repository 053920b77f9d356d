"""Migrations: the chain of every service is the common tables, its runtime's tables, then its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from yimen.store.unit import Store

SCRIPTS = Path(__file__).parent / "alembic"
COMMON_VERSIONS = SCRIPTS / "versions"


def configuration(store: Store, locations: Sequence[Path], metadata: Sequence[sa.MetaData] = ()) -> Config:
    """Alembic's configuration for one service; `locations` are its version folders beside the common one."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(p) for p in [COMMON_VERSIONS, *locations]))
    config.attributes["engine"] = store.engine
    config.attributes["metadata"] = list(metadata)
    return config


def upgrade(store: Store, locations: Sequence[Path]) -> None:
    """Bring the database to the newest version of each folder; does nothing when it is there already."""
    command.upgrade(configuration(store, locations), "heads")


def drift(store: Store, locations: Sequence[Path], metadata: Sequence[sa.MetaData]) -> str:
    """How the declared tables differ from what the migrations make; empty when they agree."""
    try:
        command.check(configuration(store, locations, metadata))
    except CommandError as error:
        return str(error)
    return ""
