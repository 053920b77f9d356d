"""an event may concern several departments"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = 'common_0004'
down_revision = 'common_0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite keeps no lengths.
    if op.get_bind().dialect.name == 'postgresql':
        op.alter_column('outbox', 'audience', type_=sa.String(length=400))


def downgrade() -> None:
    """Nothing to undo: a wider column holds what the narrow one held."""
