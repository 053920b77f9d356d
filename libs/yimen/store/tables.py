"""The tables that every service has in its own database."""

from __future__ import annotations

import sqlalchemy as sa
from yimen.store.types import Moment, RowId

COMMON = sa.MetaData()
AUDIENCE_MAX = 400

# What the service has said and the relay must publish. `subject_seq` counts without a gap within a subject.
outbox = sa.Table(
    "outbox", COMMON,
    sa.Column("position", RowId, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.String(36), nullable=False, unique=True),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("subject_seq", sa.Integer, nullable=False),
    sa.Column("partition_key", sa.String(80), nullable=False),
    # The departments that the event concerns, separated by commas; empty: everybody who subscribes to the type.
    sa.Column("audience", sa.String(AUDIENCE_MAX), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("traceparent", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("published_at", Moment),
    sa.UniqueConstraint("subject", "subject_seq"),
)
sa.Index("outbox_unpublished", outbox.c.position, postgresql_where=outbox.c.published_at.is_(None),
         sqlite_where=outbox.c.published_at.is_(None))

# Ids of the events whose effect is in this database; a second delivery finds its id here.
inbox = sa.Table(
    "inbox", COMMON,
    sa.Column("position", RowId, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.String(36), nullable=False, unique=True),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("subject_seq", sa.Integer, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
)

# Events that could not be handled yet. `waiting`: its cause has not arrived. `failed`: the handler raised.
# `behind`: an earlier event of the same subject has failed, and order must hold.
parked = sa.Table(
    "parked", COMMON,
    sa.Column("position", RowId, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.String(36), nullable=False, unique=True),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False, index=True),
    sa.Column("subject_seq", sa.Integer, nullable=False),
    sa.Column("partition_key", sa.String(80), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("traceparent", sa.String(64), nullable=False),
    # When it was said, as its envelope has it.
    sa.Column("time", sa.String(40), nullable=False, server_default=""),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Moment, nullable=False, index=True),
    sa.Column("parked_at", Moment, nullable=False),
)

# Deadlines and other things to do at a time, on the injected clock.
timer = sa.Table(
    "timer", COMMON,
    sa.Column("timer_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("fired_at", Moment),
    # How often its handler has failed, and not before when (by the machine's clock) it is tried again.
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", Moment),
    # Of who set it: the trace in which it fires is linked to that one over the days between.
    sa.Column("traceparent", sa.String(64), nullable=False, server_default=""),
)
sa.Index("timer_due", timer.c.due_at, postgresql_where=timer.c.fired_at.is_(None),
         sqlite_where=timer.c.fired_at.is_(None))

# Who must do what until when; an open case always has one (promise 1).
task = sa.Table(
    "task", COMMON,
    sa.Column("task_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False, index=True),
    sa.Column("owner_role", sa.String(40), nullable=False),
    sa.Column("owner_area", sa.String(12), nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Column("done_by", sa.String(80)),
    # Whether `item.overdue` has been said of it.
    sa.Column("overdue_said", sa.Boolean, nullable=False),
)
sa.Index("task_open", task.c.owner_role, task.c.due_on, postgresql_where=task.c.done_at.is_(None),
         sqlite_where=task.c.done_at.is_(None))

# Reads and writes that somebody may have to answer for (R019); rows are chained by `audit_seal`.
audit = sa.Table(
    "audit", COMMON,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", sa.String(80), nullable=False),
    sa.Column("act", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("seal_no", sa.Integer, index=True),
)
audit_seal = sa.Table(
    "audit_seal", COMMON,
    sa.Column("seal_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("sealed_at", Moment, nullable=False),
)
