"""Tables of `supervision`."""

import sqlalchemy as sa
from yimen.store.types import Moment, RowId

METADATA = sa.MetaData()

case_record = sa.Table(
    "case_record", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("application_id", sa.String(36), nullable=False, index=True),
    sa.Column("service", sa.String(40), nullable=False, index=True),
    sa.Column("item", sa.String(40), nullable=False),
    sa.Column("trigger", sa.String(12), nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False),
    sa.Column("opened_on", sa.Date, nullable=False),
    sa.Column("category", sa.String(30), nullable=False),
    # Empty while open; granted, refused, withdrawn, stopped_by_objection.
    sa.Column("outcome", sa.String(24), nullable=False),
    sa.Column("decided_on", sa.Date),
    sa.Column("household_id", sa.String(36), nullable=False, server_default="", index=True),
    # Whether the applicant said that a relative works here.
    sa.Column("relative_declared", sa.Boolean, nullable=False, server_default=sa.false()),
)

# A relative that an officer or cadre has declared; whom it names is sealed (R134).
relative = sa.Table(
    "relative", METADATA,
    sa.Column("relative_id", sa.String(36), primary_key=True),
    sa.Column("officer_id", sa.String(80), nullable=False, index=True),
    # spouse, parent, child, sibling, grandparent, grandchild.
    sa.Column("relation", sa.String(12), nullable=False),
    sa.Column("number_match", sa.String(64), nullable=False),
    sa.Column("number_sealed", sa.LargeBinary, nullable=False),
    sa.Column("declared_on", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
)

relative_match = sa.Table(
    "relative_match", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("relative_id", sa.String(36), primary_key=True),
    sa.Column("matched_on", sa.Date, nullable=False),
)

surveyed = sa.Table(
    "surveyed", METADATA,
    sa.Column("application_id", sa.String(36), primary_key=True),
    sa.Column("surveyors", sa.JSON, nullable=False),
)

# What must be checked in the field: the month's sample, and three pools in full (R131, R132).
field_check = sa.Table(
    "field_check", METADATA,
    sa.Column("check_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    # sample, relative_registered, complained, major_doubt, credit.
    sa.Column("pool", sa.String(20), nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("finding", sa.String(20), nullable=False),
    sa.Column("checkers", sa.JSON, nullable=False),
    sa.Column("checked_at", Moment),
)

# Who has taken aid by fraud (R142); one record of each recovery.
credit_record = sa.Table(
    "credit_record", METADATA,
    sa.Column("recovery_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    sa.Column("application_id", sa.String(36), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("recorded_on", sa.Date, nullable=False),
    sa.Column("expires_on", sa.Date, nullable=False),
    # What is to be given back, empty when nothing is; and whether it still is.
    sa.Column("debt_id", sa.String(36), nullable=False, index=True),
    sa.Column("owed", sa.Boolean, nullable=False),
    # in_force, repaired, revoked, expired.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("ended_on", sa.Date),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document_no", sa.Text, nullable=False),
)

# Fraud that was handed to an organ of justice (R141).
justice_transfer = sa.Table(
    "justice_transfer", METADATA,
    sa.Column("recovery_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False),
    sa.Column("application_id", sa.String(36), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    # police, procuratorate, supervisory_commission.
    sa.Column("organ", sa.String(24), nullable=False),
    sa.Column("document_no", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("transferred_on", sa.Date, nullable=False),
    sa.Column("transferred_by", sa.String(80), nullable=False),
    sa.Column("answer_by", sa.Date, nullable=False),
    # accepted, not_accepted, convicted, acquitted; empty while nobody has answered.
    sa.Column("answer", sa.String(12), nullable=False),
    sa.Column("answer_document_no", sa.Text, nullable=False),
    sa.Column("answered_on", sa.Date),
)

# What somebody says is not as it should be (requirements 2.9); who, what and the answer are sealed.
tip = sa.Table(
    "tip", METADATA,
    sa.Column("tip_id", sa.String(36), primary_key=True),
    # phone, letter, web, petition.
    sa.Column("via", sa.String(10), nullable=False),
    sa.Column("named", sa.Boolean, nullable=False),
    sa.Column("case_id", sa.String(36), nullable=False),
    # A township's code or a department's service: it does not look into it.
    sa.Column("about_unit", sa.String(40), nullable=False),
    # received, assigned, concluded, answered.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    # upheld, partly, not_upheld, unclear; empty while open.
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("concluded_on", sa.Date),
    sa.Column("answered_on", sa.Date),
    sa.Column("informant_sealed", sa.LargeBinary, nullable=False),
    sa.Column("content_sealed", sa.LargeBinary, nullable=False),
    sa.Column("finding_sealed", sa.LargeBinary),
    sa.Column("answer_sealed", sa.LargeBinary),
)

overdue = sa.Table(
    "overdue", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("service", sa.String(40), nullable=False, index=True),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("task_kind", sa.String(40), nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("area", sa.String(12), nullable=False),
)

anchor = sa.Table(
    "anchor", METADATA,
    sa.Column("service", sa.String(40), primary_key=True),
    sa.Column("seal_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
)
