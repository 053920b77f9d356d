"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from yimen.store.types import Moment

revision = 'payment_0001'
down_revision = None
branch_labels = ('payment',)
depends_on = None


def upgrade() -> None:
    op.create_table('account',
    sa.Column('account_id', sa.String(length=80), nullable=False),
    sa.Column('channel', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('balance_fen', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('account_id')
    )
    op.create_index(op.f('ix_account_channel'), 'account', ['channel'], unique=False)
    op.create_table('channel',
    sa.Column('channel', sa.String(length=40), nullable=False),
    sa.Column('owner', sa.String(length=40), nullable=False),
    sa.Column('title', sa.String(length=60), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('channel')
    )
    op.create_table('instalment',
    sa.Column('instalment_id', sa.String(length=36), nullable=False),
    sa.Column('grant_id', sa.String(length=36), nullable=False),
    sa.Column('channel', sa.String(length=40), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('instalment_id')
    )
    op.create_index(op.f('ix_instalment_due_on'), 'instalment', ['due_on'], unique=False)
    op.create_index(op.f('ix_instalment_grant_id'), 'instalment', ['grant_id'], unique=False)
    op.create_table('instruction',
    sa.Column('instruction_id', sa.String(length=36), nullable=False),
    sa.Column('instalment_id', sa.String(length=36), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('account_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('reason_code', sa.String(length=30), nullable=False),
    sa.Column('next_query_at', Moment, nullable=False),
    sa.Column('queried_on', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('instruction_id')
    )
    op.create_index(op.f('ix_instruction_instalment_id'), 'instruction', ['instalment_id'], unique=False)
    op.create_index(op.f('ix_instruction_state'), 'instruction', ['state'], unique=False)
    op.create_table('payee',
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('account_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('name_sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('household_id')
    )
    op.create_table('plan',
    sa.Column('grant_id', sa.String(length=36), nullable=False),
    sa.Column('channel', sa.String(length=40), nullable=False),
    sa.Column('case_id', sa.String(length=36), nullable=False),
    sa.Column('application_id', sa.String(length=36), nullable=False),
    sa.Column('household_id', sa.String(length=36), nullable=False),
    sa.Column('township_code', sa.String(length=9), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('grant', sa.LargeBinary(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.Column('signed_by', sa.String(length=40), nullable=False),
    sa.Column('recorded_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('grant_id')
    )
    op.create_index(op.f('ix_plan_case_id'), 'plan', ['case_id'], unique=False)
    op.create_table('transfer',
    sa.Column('transfer_id', sa.String(length=36), nullable=False),
    sa.Column('from_account', sa.String(length=80), nullable=False),
    sa.Column('to_account', sa.String(length=80), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('reference', sa.String(length=80), nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('transfer_id')
    )
    op.create_index(op.f('ix_transfer_from_account'), 'transfer', ['from_account'], unique=False)
    op.create_index(op.f('ix_transfer_to_account'), 'transfer', ['to_account'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_transfer_to_account'), table_name='transfer')
    op.drop_index(op.f('ix_transfer_from_account'), table_name='transfer')
    op.drop_table('transfer')
    op.drop_index(op.f('ix_plan_case_id'), table_name='plan')
    op.drop_table('plan')
    op.drop_table('payee')
    op.drop_index(op.f('ix_instruction_state'), table_name='instruction')
    op.drop_index(op.f('ix_instruction_instalment_id'), table_name='instruction')
    op.drop_table('instruction')
    op.drop_index(op.f('ix_instalment_grant_id'), table_name='instalment')
    op.drop_index(op.f('ix_instalment_due_on'), table_name='instalment')
    op.drop_table('instalment')
    op.drop_table('channel')
    op.drop_index(op.f('ix_account_channel'), table_name='account')
    op.drop_table('account')
