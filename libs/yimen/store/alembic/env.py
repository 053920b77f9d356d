"""Alembic's entry: runs on the engine that `yimen.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from yimen.store.types import Moment

engine = context.config.attributes["engine"]
metadata = context.config.attributes.get("metadata") or None


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Write our own column type by its name."""
    if kind == "type" and isinstance(item, Moment):
        autogen_context.imports.add("from yimen.store.types import Moment")  # type: ignore[attr-defined]
        return "Moment"
    return False


with engine.connect().execution_options(yimen_write=True) as connection:
    context.configure(connection=connection, target_metadata=metadata, render_item=render_item,
                      compare_type=False)
    with context.begin_transaction():
        context.run_migrations()
