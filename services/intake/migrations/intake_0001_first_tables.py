"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from yimen.store.types import Moment

revision = 'intake_0001'
down_revision = None
branch_labels = ('intake',)
depends_on = None


def upgrade() -> None:
    op.create_table('aid_item',
    sa.Column('item', sa.String(length=40), nullable=False),
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('title', sa.String(length=60), nullable=False),
    sa.Column('subject', sa.String(length=10), nullable=False),
    sa.Column('means_test', sa.Boolean(), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('by_application', sa.Boolean(), nullable=False),
    sa.Column('temporary_identity', sa.Boolean(), nullable=False),
    sa.Column('grants_category', sa.Boolean(), nullable=False),
    sa.Column('request_facts', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('item')
    )
    op.create_table('application',
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('idempotency_key', sa.String(length=80), nullable=False),
    sa.Column('body_hash', sa.String(length=64), nullable=False),
    sa.Column('receipt_no', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('window_id', sa.String(length=20), nullable=False),
    sa.Column('routed', sa.Boolean(), nullable=False),
    sa.Column('village_code', sa.String(length=12), nullable=False),
    sa.Column('area_kind', sa.String(length=5), nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('person_ids', sa.JSON(), nullable=False),
    sa.Column('form_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('submitted_at', Moment, nullable=False),
    sa.Column('accepted_on', sa.Date(), nullable=True),
    sa.Column('closed_at', Moment, nullable=True),
    sa.PrimaryKeyConstraint('application_id'),
    sa.UniqueConstraint('idempotency_key'),
    sa.UniqueConstraint('receipt_no')
    )
    op.create_index(op.f('ix_application_household_id'), 'application', ['household_id'], unique=False)
    op.create_table('feedback',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('receiver', sa.String(length=12), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('row_id'),
    sa.UniqueConstraint('case_id', 'receiver')
    )
    op.create_index(op.f('ix_feedback_application_id'), 'feedback', ['application_id'], unique=False)
    op.create_table('item_status',
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('item', sa.String(length=40), nullable=False),
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('trigger', sa.String(length=12), nullable=False),
    sa.Column('state', sa.String(length=30), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('closed_at', Moment, nullable=True),
    sa.PrimaryKeyConstraint('case_id')
    )
    op.create_index(op.f('ix_item_status_application_id'), 'item_status', ['application_id'], unique=False)
    op.create_table('receipt_counter',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('township_code', sa.String(length=9), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('day', 'township_code')
    )
    op.create_table('timeline',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.Column('actor', sa.String(length=80), nullable=False),
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('clause', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('row_id')
    )
    op.create_index(op.f('ix_timeline_application_id'), 'timeline', ['application_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_timeline_application_id'), table_name='timeline')
    op.drop_table('timeline')
    op.drop_table('receipt_counter')
    op.drop_index(op.f('ix_item_status_application_id'), table_name='item_status')
    op.drop_table('item_status')
    op.drop_index(op.f('ix_feedback_application_id'), table_name='feedback')
    op.drop_table('feedback')
    op.drop_index(op.f('ix_application_household_id'), table_name='application')
    op.drop_table('application')
    op.drop_table('aid_item')
