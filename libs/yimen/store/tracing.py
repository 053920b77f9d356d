"""A span for each statement: operation and table, never parameters."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from yimen.telemetry.tracing import SpanKind, Telemetry

_SHAPE = re.compile(r"^\s*(\w+)(?:.*?(?:from|into|update)\s+\"?(\w+))?", re.IGNORECASE | re.DOTALL)


def trace_statements(engine: Engine, telemetry: Telemetry) -> None:
    """Listen on the engine; costs nothing when spans go nowhere."""
    if not telemetry.recording:
        return

    # A SQLite database is a file; its folder is nobody's business.
    namespace = PurePath(engine.url.database or "").name

    def before(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        found = _SHAPE.match(statement)
        operation, table = (found[1].upper(), found[2] or "") if found else ("SQL", "")
        if operation == "UPDATE" and found:
            table = statement.split()[1].strip('"')
        stack = ExitStack()
        stack.enter_context(telemetry.span(f"{operation} {table}".strip(), SpanKind.CLIENT, {
            "db.system.name": engine.dialect.name, "db.namespace": namespace, "db.operation.name": operation,
            "db.collection.name": table}))
        context.yimen_span = stack

    def after(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if stack := getattr(context, "yimen_span", None):
            stack.close()

    def failed(error: Any) -> None:
        if stack := getattr(error.execution_context, "yimen_span", None):
            stack.close()

    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "after_cursor_execute", after)
    sa.event.listen(engine, "handle_error", failed)
