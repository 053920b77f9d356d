"""Tables of `means_test`. Raw answers of the sources never leave this database (requirements 5.2)."""

import sqlalchemy as sa
from yimen.store.types import Moment, RowId

METADATA = sa.MetaData()

verification = sa.Table(
    "verification", METADATA,
    sa.Column("verification_id", sa.String(36), primary_key=True),
    sa.Column("application_id", sa.String(36), nullable=False, index=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("township_code", sa.String(9), nullable=False),
    sa.Column("area_kind", sa.String(5), nullable=False),
    # matching: answers are outstanding; visiting: the home visit is; done; stopped.
    sa.Column("state", sa.String(12), nullable=False, index=True),
    sa.Column("visited", sa.Boolean, nullable=False),
    sa.Column("surveyors", sa.JSON, nullable=False),
    sa.Column("self_care_fails", sa.Integer),
    # Places of members found out of work without reason (requirements 3.2).
    sa.Column("idle_members", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("visit_finding", sa.String(12), nullable=False),
    # The last day on which a household that was warned in writing may still cooperate.
    sa.Column("warned_until", sa.Date),
    sa.Column("letter_ref", sa.String(60), nullable=False, server_default=""),
    sa.Column("report_id", sa.String(36), nullable=False),
    # For a review of standing benefits: by what the household reported last, not by the application.
    sa.Column("review", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("started_at", Moment, nullable=False),
)

# One question to one source about one person, under an authorisation (R016).
source_query = sa.Table(
    "source_query", METADATA,
    sa.Column("query_id", sa.String(36), primary_key=True),
    sa.Column("verification_id", sa.String(36), nullable=False, index=True),
    sa.Column("person_id", sa.String(36), nullable=False),
    sa.Column("source", sa.String(30), nullable=False),
    sa.Column("authorised", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Moment, nullable=False),
    # The source's answer, encrypted; empty until it came.
    sa.Column("answer_sealed", sa.LargeBinary),
)

doubt = sa.Table(
    "doubt", METADATA,
    sa.Column("doubt_id", sa.String(36), primary_key=True),
    sa.Column("verification_id", sa.String(36), nullable=False, index=True),
    sa.Column("person_id", sa.String(36), nullable=False),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("major", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.String(12), nullable=False),
)

report = sa.Table(
    "report", METADATA,
    sa.Column("report_id", sa.String(36), primary_key=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("verification_id", sa.String(36), nullable=False),
    sa.Column("issued_on", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    # The structured report, encrypted; signed over its canonical form.
    sa.Column("content_sealed", sa.LargeBinary, nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("doubts", sa.Integer, nullable=False),
    sa.Column("major_doubt", sa.Boolean, nullable=False),
    sa.Column("surveyors", sa.JSON, nullable=False),
)

read_log = sa.Table(
    "read_log", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("reader", sa.String(80), nullable=False),
    sa.Column("report_id", sa.String(36), nullable=False),
    sa.Column("case_id", sa.String(36), nullable=False),
    sa.Column("purpose", sa.String(40), nullable=False),
    sa.Column("view", sa.String(10), nullable=False),
)
