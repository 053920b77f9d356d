"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from yimen.store.types import Moment

revision = 'disclosure_0001'
down_revision = None
branch_labels = ('disclosure',)
depends_on = None


def upgrade() -> None:
    op.create_table('notice',
    sa.Column('notice_id', sa.String(length=36), nullable=False),
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('township_code', sa.String(length=9), nullable=False),
    sa.Column('village_code', sa.String(length=12), nullable=False),
    sa.Column('title', sa.String(length=60), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('member_count', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('posted_from', sa.Date(), nullable=True),
    sa.Column('posted_until', sa.Date(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('photo_ref', sa.String(length=60), nullable=False),
    sa.Column('poster', sa.String(length=80), nullable=False),
    sa.PrimaryKeyConstraint('notice_id'),
    sa.UniqueConstraint('case_id')
    )
    op.create_index(op.f('ix_notice_state'), 'notice', ['state'], unique=False)
    op.create_index(op.f('ix_notice_village_code'), 'notice', ['village_code'], unique=False)
    op.create_table('objection',
    sa.Column('objection_id', sa.String(length=36), nullable=False),
    sa.Column('notice_id', sa.String(length=36), nullable=False),
    sa.Column('reason_code', sa.String(length=40), nullable=False),
    sa.Column('anonymous', sa.Boolean(), nullable=False),
    sa.Column('contact_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('outcome', sa.String(length=10), nullable=False),
    sa.Column('filed_at', Moment, nullable=False),
    sa.Column('resolved_at', Moment, nullable=True),
    sa.PrimaryKeyConstraint('objection_id')
    )
    op.create_index(op.f('ix_objection_notice_id'), 'objection', ['notice_id'], unique=False)
    op.create_table('standing_list',
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('village_code', sa.String(length=12), nullable=False),
    sa.Column('title', sa.String(length=60), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('member_count', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('case_id')
    )
    op.create_index(op.f('ix_standing_list_village_code'), 'standing_list', ['village_code'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_standing_list_village_code'), table_name='standing_list')
    op.drop_table('standing_list')
    op.drop_index(op.f('ix_objection_notice_id'), table_name='objection')
    op.drop_table('objection')
    op.drop_index(op.f('ix_notice_village_code'), table_name='notice')
    op.drop_index(op.f('ix_notice_state'), table_name='notice')
    op.drop_table('notice')
