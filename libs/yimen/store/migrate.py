"""Migrations: the chain of every service is the common tables, its runtime's tables, then its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from yimen.store.unit import Store

# Alembic is imported where it is used: a worker or server never migrates, and starts sooner without it.
if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "alembic"
COMMON_VERSIONS = SCRIPTS / "versions"


def configuration(store: Store, locations: Sequence[Path], metadata: Sequence[sa.MetaData] = ()) -> Config:
    """Alembic's configuration over these version folders."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(path) for path in locations))
    config.attributes["engine"] = store.engine
    config.attributes["metadata"] = list(metadata)
    return config


def upgrade(store: Store, locations: Sequence[Path]) -> None:
    """Bring the database to the newest version of the common tables and of each folder."""
    from alembic import command

    command.upgrade(configuration(store, [COMMON_VERSIONS, *locations]), "heads")


def drift(store: Store, locations: Sequence[Path], metadata: Sequence[sa.MetaData]) -> str:
    """How the declared tables differ from what the migrations make; empty when they agree."""
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        command.check(configuration(store, [COMMON_VERSIONS, *locations], metadata))
    except CommandError as error:
        return str(error)
    return ""


def generate(location: Path, metadata: sa.MetaData, number: int, message: str) -> None:
    """Write the next migration of one folder: what brings its own earlier versions to `metadata`."""
    from alembic import command

    location.mkdir(parents=True, exist_ok=True)
    owner = location.parent.name if location != COMMON_VERSIONS else "common"
    scratch = Store("sqlite://")
    config = configuration(scratch, [location], [metadata])
    if number > 1:
        command.upgrade(config, "heads")
    command.revision(config, message, autogenerate=True, rev_id=f"{owner}_{number:04d}", version_path=str(location),
                     branch_label=owner if number == 1 else None, head="base" if number == 1 else "heads",
                     splice=number == 1)
