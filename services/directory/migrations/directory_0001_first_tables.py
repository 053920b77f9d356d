"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = 'directory_0001'
down_revision = None
branch_labels = ('directory',)
depends_on = None


def upgrade() -> None:
    op.create_table('area',
    sa.Column('code', sa.String(length=12), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('level', sa.String(length=10), nullable=False),
    sa.Column('parent', sa.String(length=12), nullable=False),
    sa.Column('kind', sa.String(length=5), nullable=False),
    sa.Column('window_id', sa.String(length=20), nullable=False),
    sa.PrimaryKeyConstraint('code')
    )
    op.create_index(op.f('ix_area_parent'), 'area', ['parent'], unique=False)
    op.create_table('day_off',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('day')
    )
    op.create_index(op.f('ix_day_off_year'), 'day_off', ['year'], unique=False)
    op.create_table('delegation',
    sa.Column('delegation_id', sa.String(length=36), nullable=False),
    sa.Column('document_no', sa.String(length=80), nullable=False),
    sa.Column('department', sa.String(length=40), nullable=False),
    sa.Column('items', sa.JSON(), nullable=False),
    sa.Column('townships', sa.JSON(), nullable=False),
    sa.Column('effective_from', sa.Date(), nullable=False),
    sa.Column('effective_to', sa.Date(), nullable=False),
    sa.Column('revoked_on', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('delegation_id')
    )
    op.create_table('officer',
    sa.Column('officer_id', sa.String(length=40), nullable=False),
    sa.Column('roles', sa.JSON(), nullable=False),
    sa.Column('area', sa.String(length=12), nullable=False),
    sa.Column('department', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('officer_id')
    )
    op.create_index(op.f('ix_officer_area'), 'officer', ['area'], unique=False)
    op.create_table('standard',
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('effective_from', sa.Date(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', 'effective_from')
    )


def downgrade() -> None:
    op.drop_table('standard')
    op.drop_index(op.f('ix_officer_area'), table_name='officer')
    op.drop_table('officer')
    op.drop_table('delegation')
    op.drop_index(op.f('ix_day_off_year'), table_name='day_off')
    op.drop_table('day_off')
    op.drop_index(op.f('ix_area_parent'), table_name='area')
    op.drop_table('area')
