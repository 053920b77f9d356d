"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from yimen.store.types import Moment

revision = 'common_0001'
down_revision = None
branch_labels = ('common',)
depends_on = None


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('row_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.Column('actor', sa.String(length=80), nullable=False),
    sa.Column('act', sa.String(length=60), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('seal_no', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('row_id')
    )
    op.create_index(op.f('ix_audit_seal_no'), 'audit', ['seal_no'], unique=False)
    op.create_table('audit_seal',
    sa.Column('seal_no', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('previous', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('seal_no')
    )
    op.create_table('inbox',
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('event_id', sa.String(length=36), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('type', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('subject_seq', sa.Integer(), nullable=False),
    sa.Column('received_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('position'),
    sa.UniqueConstraint('event_id')
    )
    op.create_table('outbox',
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('event_id', sa.String(length=36), nullable=False),
    sa.Column('type', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('subject_seq', sa.Integer(), nullable=False),
    sa.Column('partition_key', sa.String(length=80), nullable=False),
    sa.Column('audience', sa.String(length=40), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('traceparent', sa.String(length=64), nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('published_at', Moment, nullable=True),
    sa.PrimaryKeyConstraint('position'),
    sa.UniqueConstraint('event_id'),
    sa.UniqueConstraint('subject', 'subject_seq')
    )
    op.create_index('outbox_unpublished', 'outbox', ['position'], unique=False, postgresql_where=sa.text('published_at IS NULL'), sqlite_where=sa.text('published_at IS NULL'))
    op.create_table('parked',
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('event_id', sa.String(length=36), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('type', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('subject_seq', sa.Integer(), nullable=False),
    sa.Column('partition_key', sa.String(length=80), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('traceparent', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_attempt_at', Moment, nullable=False),
    sa.Column('parked_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('position'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index(op.f('ix_parked_next_attempt_at'), 'parked', ['next_attempt_at'], unique=False)
    op.create_index(op.f('ix_parked_subject'), 'parked', ['subject'], unique=False)
    op.create_table('task',
    sa.Column('task_id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('owner_role', sa.String(length=40), nullable=False),
    sa.Column('owner_area', sa.String(length=12), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('opened_at', Moment, nullable=False),
    sa.Column('done_at', Moment, nullable=True),
    sa.Column('done_by', sa.String(length=80), nullable=True),
    sa.Column('overdue_said', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('task_id')
    )
    op.create_index(op.f('ix_task_subject'), 'task', ['subject'], unique=False)
    op.create_index('task_open', 'task', ['owner_role', 'due_on'], unique=False, postgresql_where=sa.text('done_at IS NULL'), sqlite_where=sa.text('done_at IS NULL'))
    op.create_table('timer',
    sa.Column('timer_id', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('due_at', Moment, nullable=False),
    sa.Column('fired_at', Moment, nullable=True),
    sa.PrimaryKeyConstraint('timer_id')
    )
    op.create_index('timer_due', 'timer', ['due_at'], unique=False, postgresql_where=sa.text('fired_at IS NULL'), sqlite_where=sa.text('fired_at IS NULL'))


def downgrade() -> None:
    op.drop_index('timer_due', table_name='timer', postgresql_where=sa.text('fired_at IS NULL'), sqlite_where=sa.text('fired_at IS NULL'))
    op.drop_table('timer')
    op.drop_index('task_open', table_name='task', postgresql_where=sa.text('done_at IS NULL'), sqlite_where=sa.text('done_at IS NULL'))
    op.drop_index(op.f('ix_task_subject'), table_name='task')
    op.drop_table('task')
    op.drop_index(op.f('ix_parked_subject'), table_name='parked')
    op.drop_index(op.f('ix_parked_next_attempt_at'), table_name='parked')
    op.drop_table('parked')
    op.drop_index('outbox_unpublished', table_name='outbox', postgresql_where=sa.text('published_at IS NULL'), sqlite_where=sa.text('published_at IS NULL'))
    op.drop_table('outbox')
    op.drop_table('inbox')
    op.drop_table('audit_seal')
    op.drop_index(op.f('ix_audit_seal_no'), table_name='audit')
    op.drop_table('audit')
