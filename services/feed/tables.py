"""Tables of `feed`: the numbered entries, what was heard of each source, and webhooks."""

import sqlalchemy as sa
from yimen.store.types import Moment, RowId

METADATA = sa.MetaData()

# The feed itself; nothing is ever changed or removed but the mark that the broker has it.
entry = sa.Table(
    "entry", METADATA,
    sa.Column("sequence", RowId, primary_key=True, autoincrement=False),
    sa.Column("case_sequence", sa.Integer, nullable=False),
    sa.Column("event_id", sa.String(36), nullable=False, unique=True),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("source_seq", sa.Integer, nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("time", sa.String(40), nullable=False),
    sa.Column("traceparent", sa.String(64), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("streamed_at", Moment),
    sa.UniqueConstraint("subject", "case_sequence"),
)
sa.Index("entry_not_streamed", entry.c.sequence, postgresql_where=entry.c.streamed_at.is_(None),
         sqlite_where=entry.c.streamed_at.is_(None))

# One row: the last number given. Whoever writes entries holds it, so that numbers have no gap.
counter = sa.Table(
    "counter", METADATA,
    sa.Column("name", sa.String(8), primary_key=True),
    sa.Column("last", RowId, nullable=False),
)

# The last event of each source about each subject that has been taken in (promise 10).
heard = sa.Table(
    "heard", METADATA,
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("subject", sa.String(80), primary_key=True),
    sa.Column("subject_seq", sa.Integer, nullable=False),
)

webhook = sa.Table(
    "webhook", METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("url", sa.String(500), nullable=False),
    sa.Column("types", sa.JSON, nullable=False),
    # active or disabled.
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
    sa.Column("former_secret_sealed", sa.LargeBinary),
    sa.Column("former_until", Moment),
    sa.Column("next_sequence", RowId, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Moment, nullable=False),
    sa.Column("last_error", sa.String(80), nullable=False),
)
