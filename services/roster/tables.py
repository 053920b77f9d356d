"""Tables of `roster`. Valid time says when something held, recorded time when it was known; nothing is overwritten."""

import sqlalchemy as sa
from yimen.store.types import Moment, RowId

from services.roster.domain import PURPOSE_MAX, REFERENCE_MAX

METADATA = sa.MetaData()

person = sa.Table(
    "person", METADATA,
    sa.Column("person_id", sa.String(36), primary_key=True),
    # Keyed hash of the ID number for matching; empty for a temporary identity.
    sa.Column("id_match", sa.String(64), nullable=False, index=True),
    sa.Column("id_sealed", sa.LargeBinary, nullable=False),
    sa.Column("name_sealed", sa.LargeBinary, nullable=False),
    sa.Column("birth_date", sa.Date),
    sa.Column("sex", sa.String(8), nullable=False),
    sa.Column("temporary", sa.Boolean, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
)

# What may change about a person: a new row each time, the newest one known counts.
person_state = sa.Table(
    "person_state", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("person_id", sa.String(36), nullable=False, index=True),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("school_stage", sa.String(12), nullable=False),
    sa.Column("disability_kind", sa.String(12), nullable=False),
    sa.Column("disability_level", sa.Integer, nullable=False),
    sa.Column("serious_illness", sa.Boolean, nullable=False),
    sa.Column("labour_capable", sa.Boolean, nullable=False),
    sa.Column("employed", sa.Boolean, nullable=False),
)

household = sa.Table(
    "household", METADATA,
    sa.Column("household_id", sa.String(36), primary_key=True),
    sa.Column("village_code", sa.String(12), nullable=False),
    sa.Column("area_kind", sa.String(5), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
)

membership = sa.Table(
    "membership", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    # One person, one household at a time (5.3 rule 2).
    sa.Column("person_id", sa.String(36), nullable=False, unique=True),
    sa.Column("relation", sa.String(20), nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
)

# Who has left a household, and when.
former_membership = sa.Table(
    "former_membership", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("person_id", sa.String(36), nullable=False, index=True),
    sa.Column("relation", sa.String(20), nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
)

category_record = sa.Table(
    "category_record", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("person_id", sa.String(36), nullable=False),
    sa.Column("category", sa.String(30), nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date),
    sa.Column("recorded_at", Moment, nullable=False),
    # A category comes from a decision and from nothing else (R047).
    sa.Column("decision_id", sa.String(36), nullable=False, unique=True),
    sa.Column("authority", sa.String(40), nullable=False),
    # When its end became known, and by which decision: before that moment it was known to run on.
    sa.Column("end_recorded_at", Moment),
    sa.Column("ended_by", sa.String(36), nullable=False, server_default=""),
)

benefit_record = sa.Table(
    "benefit_record", METADATA,
    sa.Column("decision_id", sa.String(36), primary_key=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("person_id", sa.String(36), nullable=False),
    sa.Column("item", sa.String(40), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("output", sa.String(20), nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    # The last day, once a later decision has ended or replaced it.
    sa.Column("valid_to", sa.Date),
)

# Each read across departments with its purpose (promise 12).
read_log = sa.Table(
    "read_log", METADATA,
    sa.Column("row_id", RowId, primary_key=True, autoincrement=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("reader", sa.String(80), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    # The case, or the reader's own reference.
    sa.Column("case_id", sa.String(REFERENCE_MAX), nullable=False),
    sa.Column("purpose", sa.String(PURPOSE_MAX), nullable=False),
    sa.Column("data", sa.String(120), nullable=False),
)
