"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from yimen.store.types import Moment

revision = 'department_0001'
down_revision = None
branch_labels = ('department',)
depends_on = None


def upgrade() -> None:
    op.create_table('aid_case',
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('item', sa.String(length=40), nullable=False),
    sa.Column('trigger', sa.String(length=12), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('outcome', sa.String(length=24), nullable=False),
    sa.Column('township_code', sa.String(length=9), nullable=False),
    sa.Column('village_code', sa.String(length=12), nullable=False),
    sa.Column('area_kind', sa.String(length=5), nullable=False),
    sa.Column('request', sa.JSON(), nullable=False),
    sa.Column('report_id', sa.String(length=36), nullable=False),
    sa.Column('waits_for', sa.JSON(), nullable=False),
    sa.Column('duties', sa.JSON(), nullable=False),
    sa.Column('decide_level', sa.String(length=10), nullable=False),
    sa.Column('decision_id', sa.String(length=36), nullable=False),
    sa.Column('accepted_on', sa.Date(), nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('notice_until', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('case_id')
    )
    op.create_index(op.f('ix_aid_case_application_id'), 'aid_case', ['application_id'], unique=False)
    op.create_index(op.f('ix_aid_case_household_id'), 'aid_case', ['household_id'], unique=False)
    op.create_index(op.f('ix_aid_case_state'), 'aid_case', ['state'], unique=False)
    op.create_table('annual_use',
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('used_fen', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('household_id', 'year')
    )
    op.create_table('decision',
    sa.Column('decision_id', sa.String(length=36), nullable=False),
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('item', sa.String(length=40), nullable=False),
    sa.Column('outcome', sa.String(length=8), nullable=False),
    sa.Column('rule_id', sa.String(length=20), nullable=False),
    sa.Column('clause', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('category', sa.String(length=30), nullable=False),
    sa.Column('instalments', sa.Integer(), nullable=False),
    sa.Column('every_months', sa.Integer(), nullable=False),
    sa.Column('pack_version', sa.String(length=40), nullable=False),
    sa.Column('pack_hash', sa.String(length=64), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('facts_hash', sa.String(length=64), nullable=False),
    sa.Column('inputs', sa.JSON(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.Column('proposed_at', Moment, nullable=False),
    sa.Column('result', sa.String(length=10), nullable=False),
    sa.Column('decided_at', Moment, nullable=True),
    sa.Column('decided_by', sa.String(length=80), nullable=False),
    sa.Column('authority_basis', sa.Text(), nullable=False),
    sa.Column('minutes_ref', sa.String(length=60), nullable=False),
    sa.PrimaryKeyConstraint('decision_id')
    )
    op.create_index(op.f('ix_decision_case_id'), 'decision', ['case_id'], unique=False)
    op.create_table('policy_pack',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('version', sa.String(length=40), nullable=False),
    sa.Column('document_no', sa.String(length=80), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('effective_from', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('proposed_by', sa.String(length=80), nullable=False),
    sa.Column('approved_by', sa.String(length=80), nullable=False),
    sa.Column('recorded_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('hash')
    )
    op.create_index(op.f('ix_policy_pack_effective_from'), 'policy_pack', ['effective_from'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_policy_pack_effective_from'), table_name='policy_pack')
    op.drop_table('policy_pack')
    op.drop_index(op.f('ix_decision_case_id'), table_name='decision')
    op.drop_table('decision')
    op.drop_table('annual_use')
    op.drop_index(op.f('ix_aid_case_state'), table_name='aid_case')
    op.drop_index(op.f('ix_aid_case_household_id'), table_name='aid_case')
    op.drop_index(op.f('ix_aid_case_application_id'), table_name='aid_case')
    op.drop_table('aid_case')
