"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from yimen.store.types import Moment

revision = 'roster_0001'
down_revision = None
branch_labels = ('roster',)
depends_on = None


def upgrade() -> None:
    op.create_table('benefit_record',
    sa.Column('decision_id', sa.String(length=36), nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('item', sa.String(length=40), nullable=False),
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('output', sa.String(length=20), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('recorded_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('decision_id')
    )
    op.create_index(op.f('ix_benefit_record_household_id'), 'benefit_record', ['household_id'], unique=False)
    op.create_table('category_record',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('category', sa.String(length=30), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('recorded_at', Moment, nullable=False),
    sa.Column('decision_id', sa.String(length=36), nullable=False),
    sa.Column('authority', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('row_id'),
    sa.UniqueConstraint('decision_id')
    )
    op.create_index(op.f('ix_category_record_household_id'), 'category_record', ['household_id'], unique=False)
    op.create_table('household',
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('village_code', sa.String(length=12), nullable=False),
    sa.Column('area_kind', sa.String(length=5), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('recorded_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('household_id')
    )
    op.create_table('membership',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('relation', sa.String(length=20), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('row_id'),
    sa.UniqueConstraint('person_id')
    )
    op.create_index(op.f('ix_membership_household_id'), 'membership', ['household_id'], unique=False)
    op.create_table('person',
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('id_match', sa.String(length=64), nullable=False),
    sa.Column('id_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('name_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('sex', sa.String(length=8), nullable=False),
    sa.Column('temporary', sa.Boolean(), nullable=False),
    sa.Column('recorded_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('person_id')
    )
    op.create_index(op.f('ix_person_id_match'), 'person', ['id_match'], unique=False)
    op.create_table('person_state',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('recorded_at', Moment, nullable=False),
    sa.Column('school_stage', sa.String(length=12), nullable=False),
    sa.Column('disability_kind', sa.String(length=12), nullable=False),
    sa.Column('disability_level', sa.Integer(), nullable=False),
    sa.Column('serious_illness', sa.Boolean(), nullable=False),
    sa.Column('labour_capable', sa.Boolean(), nullable=False),
    sa.Column('employed', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('row_id')
    )
    op.create_index(op.f('ix_person_state_person_id'), 'person_state', ['person_id'], unique=False)
    op.create_table('read_log',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.Column('reader', sa.String(length=80), nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('purpose', sa.String(length=40), nullable=False),
    sa.Column('data', sa.String(length=120), nullable=False),
    sa.PrimaryKeyConstraint('row_id')
    )
    op.create_index(op.f('ix_read_log_household_id'), 'read_log', ['household_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_read_log_household_id'), table_name='read_log')
    op.drop_table('read_log')
    op.drop_index(op.f('ix_person_state_person_id'), table_name='person_state')
    op.drop_table('person_state')
    op.drop_index(op.f('ix_person_id_match'), table_name='person')
    op.drop_table('person')
    op.drop_index(op.f('ix_membership_household_id'), table_name='membership')
    op.drop_table('membership')
    op.drop_table('household')
    op.drop_index(op.f('ix_category_record_household_id'), table_name='category_record')
    op.drop_table('category_record')
    op.drop_index(op.f('ix_benefit_record_household_id'), table_name='benefit_record')
    op.drop_table('benefit_record')
