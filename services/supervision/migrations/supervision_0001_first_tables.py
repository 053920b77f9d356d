"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from yimen.store.types import Moment

revision = 'supervision_0001'
down_revision = None
branch_labels = ('supervision',)
depends_on = None


def upgrade() -> None:
    op.create_table('anchor',
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('seal_no', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('service', 'seal_no')
    )
    op.create_table('case_record',
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('item', sa.String(length=40), nullable=False),
    sa.Column('trigger', sa.String(length=12), nullable=False),
    sa.Column('township_code', sa.String(length=9), nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=False),
    sa.Column('category', sa.String(length=30), nullable=False),
    sa.Column('outcome', sa.String(length=24), nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('case_id')
    )
    op.create_index(op.f('ix_case_record_application_id'), 'case_record', ['application_id'], unique=False)
    op.create_index(op.f('ix_case_record_service'), 'case_record', ['service'], unique=False)
    op.create_table('field_check',
    sa.Column('check_id', sa.String(length=36), nullable=False),
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('pool', sa.String(length=20), nullable=False),
    sa.Column('township_code', sa.String(length=9), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('finding', sa.String(length=20), nullable=False),
    sa.Column('checkers', sa.JSON(), nullable=False),
    sa.Column('checked_at', Moment, nullable=True),
    sa.PrimaryKeyConstraint('check_id')
    )
    op.create_index(op.f('ix_field_check_case_id'), 'field_check', ['case_id'], unique=False)
    op.create_table('overdue',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('task_kind', sa.String(length=40), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('area', sa.String(length=12), nullable=False),
    sa.PrimaryKeyConstraint('row_id')
    )
    op.create_index(op.f('ix_overdue_service'), 'overdue', ['service'], unique=False)
    op.create_table('surveyed',
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('surveyors', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('application_id')
    )


def downgrade() -> None:
    op.drop_table('surveyed')
    op.drop_index(op.f('ix_overdue_service'), table_name='overdue')
    op.drop_table('overdue')
    op.drop_index(op.f('ix_field_check_case_id'), table_name='field_check')
    op.drop_table('field_check')
    op.drop_index(op.f('ix_case_record_service'), table_name='case_record')
    op.drop_index(op.f('ix_case_record_application_id'), table_name='case_record')
    op.drop_table('case_record')
    op.drop_table('anchor')
