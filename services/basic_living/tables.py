"""The department's own tables: public emergencies and what is checked after them."""

import sqlalchemy as sa

METADATA = sa.MetaData()

public_emergency = sa.Table(
    "public_emergency", METADATA,
    sa.Column("emergency_id", sa.String(36), primary_key=True),
    # Empty: the whole county.
    sa.Column("townships", sa.JSON, nullable=False),
    sa.Column("legal_basis", sa.Text, nullable=False),
    sa.Column("starts_on", sa.Date, nullable=False),
    # The last day, once it is known.
    sa.Column("ends_on", sa.Date),
    sa.Column("closed", sa.Boolean, nullable=False),
)

# Work that was offered to a member of a family with the minimum guarantee (649号§45).
work_offer = sa.Table(
    "work_offer", METADATA,
    sa.Column("household_id", sa.String(36), primary_key=True),
    sa.Column("person_id", sa.String(36), primary_key=True),
    sa.Column("offer_ref", sa.String(80), primary_key=True),
    sa.Column("offered_on", sa.Date, nullable=False),
    # accepted, refused, excused.
    sa.Column("outcome", sa.String(10), nullable=False),
)

# What the minimum guarantee gave on average in a month, as it was published (R061).
average_level = sa.Table(
    "average_level", METADATA,
    sa.Column("month", sa.String(7), primary_key=True),
    # urban, rural.
    sa.Column("area_kind", sa.String(5), primary_key=True),
    sa.Column("households", sa.Integer, nullable=False),
    sa.Column("persons", sa.Integer, nullable=False),
    sa.Column("total_fen", sa.BigInteger, nullable=False),
)

posthoc_check = sa.Table(
    "posthoc_check", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("emergency_id", sa.String(36), nullable=False, index=True),
    # ok, amount_wrong, not_in_need; empty while open.
    sa.Column("finding", sa.String(12), nullable=False),
    sa.Column("checked_on", sa.Date),
    sa.Column("checker", sa.String(80), nullable=False),
)
