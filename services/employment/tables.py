"""The department's own tables: work and training that was offered (国务院令649号§42–45)."""

import sqlalchemy as sa

METADATA = sa.MetaData()

offer = sa.Table(
    "offer", METADATA,
    sa.Column("offer_id", sa.String(36), primary_key=True),
    sa.Column("household_id", sa.String(36), nullable=False),
    sa.Column("person_id", sa.String(36), nullable=False, index=True),
    # job, public_post, training.
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("offer_ref", sa.String(80), nullable=False),
    sa.Column("offered_on", sa.Date, nullable=False),
    sa.Column("answer_by", sa.Date, nullable=False),
    # accepted, refused, excused; empty while nobody has said.
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("concluded_on", sa.Date),
)
