"""The department's own table: declared disasters."""

import sqlalchemy as sa

METADATA = sa.MetaData()

declared_disaster = sa.Table(
    "declared_disaster", METADATA,
    sa.Column("disaster_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("townships", sa.JSON, nullable=False),
    sa.Column("response_level", sa.String(4), nullable=False),
    sa.Column("legal_basis", sa.Text, nullable=False),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date),
)
