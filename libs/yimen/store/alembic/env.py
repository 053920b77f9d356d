"""Alembic's entry: runs on the engine that `yimen.store.migrate` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from yimen.store.types import Moment

engine = context.config.attributes["engine"]
metadata = context.config.attributes.get("metadata") or None


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write our own column type by its name."""
    if kind == "type" and isinstance(item, Moment):
        autogen_context.imports.add("from yimen.store.types import Moment")
        return "Moment"
    return False


with engine.connect().execution_options(yimen_write=True) as connection:
    context.configure(connection=connection, target_metadata=metadata, render_item=render_item,
                      compare_type=False)
    with context.begin_transaction():
        context.run_migrations()
