"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from yimen.store.types import Moment

revision = 'means_test_0001'
down_revision = None
branch_labels = ('means_test',)
depends_on = None


def upgrade() -> None:
    op.create_table('doubt',
    sa.Column('doubt_id', sa.String(length=36), nullable=False),
    sa.Column('verification_id', sa.String(length=36), nullable=False),
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('major', sa.Boolean(), nullable=False),
    sa.Column('outcome', sa.String(length=12), nullable=False),
    sa.PrimaryKeyConstraint('doubt_id')
    )
    op.create_index(op.f('ix_doubt_verification_id'), 'doubt', ['verification_id'], unique=False)
    op.create_table('read_log',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.Column('reader', sa.String(length=80), nullable=False),
    sa.Column('report_id', sa.String(length=36), nullable=False),
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('purpose', sa.String(length=40), nullable=False),
    sa.Column('view', sa.String(length=10), nullable=False),
    sa.PrimaryKeyConstraint('row_id')
    )
    op.create_table('report',
    sa.Column('report_id', sa.String(length=36), nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('verification_id', sa.String(length=36), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=False),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('content_hash', sa.String(length=64), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.Column('doubts', sa.Integer(), nullable=False),
    sa.Column('major_doubt', sa.Boolean(), nullable=False),
    sa.Column('surveyors', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('report_id')
    )
    op.create_index(op.f('ix_report_household_id'), 'report', ['household_id'], unique=False)
    op.create_table('source_query',
    sa.Column('query_id', sa.String(length=36), nullable=False),
    sa.Column('verification_id', sa.String(length=36), nullable=False),
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('source', sa.String(length=30), nullable=False),
    sa.Column('authorised', sa.Boolean(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_attempt_at', Moment, nullable=False),
    sa.Column('answer_sealed', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('query_id')
    )
    op.create_index(op.f('ix_source_query_verification_id'), 'source_query', ['verification_id'], unique=False)
    op.create_table('verification',
    sa.Column('verification_id', sa.String(length=36), nullable=False),
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('township_code', sa.String(length=9), nullable=False),
    sa.Column('area_kind', sa.String(length=5), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('visited', sa.Boolean(), nullable=False),
    sa.Column('surveyors', sa.JSON(), nullable=False),
    sa.Column('self_care_fails', sa.Integer(), nullable=True),
    sa.Column('visit_finding', sa.String(length=12), nullable=False),
    sa.Column('report_id', sa.String(length=36), nullable=False),
    sa.Column('started_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('verification_id'),
    sa.UniqueConstraint('application_id')
    )
    op.create_index(op.f('ix_verification_household_id'), 'verification', ['household_id'], unique=False)
    op.create_index(op.f('ix_verification_state'), 'verification', ['state'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_verification_state'), table_name='verification')
    op.drop_index(op.f('ix_verification_household_id'), table_name='verification')
    op.drop_table('verification')
    op.drop_index(op.f('ix_source_query_verification_id'), table_name='source_query')
    op.drop_table('source_query')
    op.drop_index(op.f('ix_report_household_id'), table_name='report')
    op.drop_table('report')
    op.drop_table('read_log')
    op.drop_index(op.f('ix_doubt_verification_id'), table_name='doubt')
    op.drop_table('doubt')
