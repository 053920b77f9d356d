"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = 'disaster_0001'
down_revision = None
branch_labels = ('disaster',)
depends_on = None


def upgrade() -> None:
    op.create_table('declared_disaster',
    sa.Column('disaster_id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('townships', sa.JSON(), nullable=False),
    sa.Column('response_level', sa.String(length=4), nullable=False),
    sa.Column('legal_basis', sa.Text(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('disaster_id')
    )


def downgrade() -> None:
    op.drop_table('declared_disaster')
