"""Tables of `directory`."""

import sqlalchemy as sa
from yimen.store.types import Moment

METADATA = sa.MetaData()

area = sa.Table(
    "area", METADATA,
    sa.Column("code", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(40), nullable=False),
    sa.Column("level", sa.String(10), nullable=False),
    sa.Column("parent", sa.String(12), nullable=False, index=True),
    sa.Column("kind", sa.String(5), nullable=False),
    # Exactly one active window per township and per village (R002).
    sa.Column("window_id", sa.String(20), nullable=False),
)

officer = sa.Table(
    "officer", METADATA,
    sa.Column("officer_id", sa.String(40), primary_key=True),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("area", sa.String(12), nullable=False, index=True),
    sa.Column("department", sa.String(40), nullable=False),
)

# A written instrument of the county government (R101); without one a township decides nothing.
delegation = sa.Table(
    "delegation", METADATA,
    sa.Column("delegation_id", sa.String(36), primary_key=True),
    sa.Column("document_no", sa.String(80), nullable=False),
    sa.Column("department", sa.String(40), nullable=False),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Column("townships", sa.JSON, nullable=False),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("effective_to", sa.Date, nullable=False),
    sa.Column("revoked_on", sa.Date),
)

# Dated standards with their source (R158, R166).
standard = sa.Table(
    "standard", METADATA,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("effective_from", sa.Date, primary_key=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
)

# New standards on their way: proposed by one, approved by another (R166).
standard_proposal = sa.Table(
    "standard_proposal", METADATA,
    sa.Column("proposal_id", sa.String(36), primary_key=True),
    # name → fen.
    sa.Column("amounts", sa.JSON, nullable=False),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("calculation_ref", sa.String(80), nullable=False),
    # proposed, approved.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("proposed_by", sa.String(80), nullable=False),
    sa.Column("approved_by", sa.String(80), nullable=False),
    sa.Column("minutes_ref", sa.String(60), nullable=False),
    sa.Column("proposed_at", Moment, nullable=False),
)

day_off = sa.Table(
    "day_off", METADATA,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("year", sa.Integer, nullable=False, index=True),
)
