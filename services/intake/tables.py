"""Tables of `intake`."""

import sqlalchemy as sa
from yimen.store.types import Moment, RowId

METADATA = sa.MetaData()

application = sa.Table(
    "application", METADATA,
    sa.Column("application_id", sa.String(36), primary_key=True),
    sa.Column("idempotency_key", sa.String(80), nullable=False, unique=True),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("receipt_no", sa.String(40), nullable=False, unique=True),
    # submitted, supplement_required, accepted, closed, intake_refused, withdrawn.
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("window_id", sa.String(20), nullable=False),
    sa.Column("routed", sa.Boolean, nullable=False),
    sa.Column("village_code", sa.String(12), nullable=False),
    sa.Column("area_kind", sa.String(5), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("person_ids", sa.JSON, nullable=False),
    # The form as it was handed in, encrypted.
    sa.Column("form_sealed", sa.LargeBinary, nullable=False),
    sa.Column("submitted_at", Moment, nullable=False),
    sa.Column("accepted_on", sa.Date),
    sa.Column("closed_at", Moment),
)

# What a household has reported to have changed since (R053).
change_report = sa.Table(
    "change_report", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("change_id", sa.String(36), nullable=False, unique=True),
    sa.Column("idempotency_key", sa.String(80), nullable=False, unique=True),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("application_id", sa.String(36), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("kinds", sa.JSON, nullable=False),
    sa.Column("occurred_on", sa.Date, nullable=False),
    sa.Column("reported_at", Moment, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("person_ids", sa.JSON, nullable=False),
    # The household as it is now, encrypted.
    sa.Column("form_sealed", sa.LargeBinary, nullable=False),
)

# What somebody has seen of a family that did not ask (R054).
lead = sa.Table(
    "lead", METADATA,
    sa.Column("lead_id", sa.String(36), primary_key=True),
    # Keyed hash of the ID number, else of name and village.
    sa.Column("person_match", sa.String(64), nullable=False, index=True),
    # Name, ID number, what was seen, where the informant is answered.
    sa.Column("content_sealed", sa.LargeBinary, nullable=False),
    sa.Column("village_code", sa.String(12), nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False, index=True),
    sa.Column("sources", sa.JSON, nullable=False),
    # created, triaged, contacted, closed.
    sa.Column("state", sa.String(10), nullable=False, index=True),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("consents", sa.Boolean, nullable=False),
    # applied, referred, no_need, unreachable; empty while open.
    sa.Column("outcome", sa.String(12), nullable=False),
    sa.Column("reference", sa.String(80), nullable=False),
    sa.Column("feedback", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("closed_at", Moment),
)

# A lead that was said twice under one key is one.
lead_key = sa.Table(
    "lead_key", METADATA,
    sa.Column("idempotency_key", sa.String(80), primary_key=True),
    sa.Column("lead_id", sa.String(36), nullable=False),
)

item_status = sa.Table(
    "item_status", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("application_id", sa.String(36), nullable=False, index=True),
    sa.Column("item", sa.String(40), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    # application, or category: it followed without being asked for.
    sa.Column("trigger", sa.String(12), nullable=False),
    sa.Column("state", sa.String(30), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("closed_at", Moment),
)

timeline = sa.Table(
    "timeline", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("application_id", sa.String(36), nullable=False, index=True),
    sa.Column("case_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", sa.String(80), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
)

# What window and applicant are told of each item (R018: two receivers).
feedback = sa.Table(
    "feedback", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("application_id", sa.String(36), nullable=False, index=True),
    # The case; or the later decision that is told.
    sa.Column("case_id", sa.String(36), nullable=False),
    sa.Column("receiver", sa.String(12), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("case_id", "receiver"),
)

# What departments offer, as they published it.
aid_item = sa.Table(
    "aid_item", METADATA,
    sa.Column("item", sa.String(40), primary_key=True),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("title", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(10), nullable=False),
    sa.Column("means_test", sa.Boolean, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("by_application", sa.Boolean, nullable=False),
    sa.Column("temporary_identity", sa.Boolean, nullable=False),
    sa.Column("grants_category", sa.Boolean, nullable=False),
    sa.Column("request_facts", sa.JSON, nullable=False),
    sa.Column("optional_facts", sa.JSON, nullable=False, server_default="[]"),
)

receipt_counter = sa.Table(
    "receipt_counter", METADATA,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("township_code", sa.String(9), primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)

# A case conference, and what it asked of whom (R078).
conference = sa.Table(
    "conference", METADATA,
    sa.Column("conference_id", sa.String(36), primary_key=True),
    sa.Column("application_id", sa.String(36), nullable=False, index=True),
    sa.Column("minutes_ref", sa.String(80), nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    # Services.
    sa.Column("participants", sa.JSON, nullable=False),
    sa.Column("held_on", sa.Date, nullable=False),
    sa.Column("closed_on", sa.Date),
)

conference_task = sa.Table(
    "conference_task", METADATA,
    sa.Column("task_id", sa.String(36), primary_key=True),
    sa.Column("conference_id", sa.String(36), nullable=False, index=True),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("done_on", sa.Date),
    sa.Column("result", sa.Text, nullable=False),
)
