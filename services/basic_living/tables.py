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

posthoc_check = sa.Table(
    "posthoc_check", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("emergency_id", sa.String(36), nullable=False, index=True),
    # ok, amount_wrong, not_in_need; empty while open.
    sa.Column("finding", sa.String(12), nullable=False),
    sa.Column("checked_on", sa.Date),
    sa.Column("checker", sa.String(80), nullable=False),
)
