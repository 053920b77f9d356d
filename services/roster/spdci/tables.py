"""Tables of the integrators' desk; they stand in the ledger's own database."""

import sqlalchemy as sa
from yimen.store.types import Moment

from services.roster.tables import METADATA

integrator = sa.Table(
    "integrator", METADATA,
    sa.Column("sender_id", sa.String(60), primary_key=True),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("callback_url", sa.String(500), nullable=False),
    sa.Column("may_list", sa.Boolean, nullable=False),
    # active or dismissed.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("admitted_at", Moment, nullable=False),
)

# Messages that have come in: none is taken twice.
spdci_message = sa.Table(
    "spdci_message", METADATA,
    sa.Column("sender_id", sa.String(60), primary_key=True),
    sa.Column("message_id", sa.String(100), primary_key=True),
    sa.Column("received_at", Moment, nullable=False, index=True),
)

# What was asked and what is answered; both may name people, so both are sealed.
spdci_transaction = sa.Table(
    "spdci_transaction", METADATA,
    sa.Column("correlation_id", sa.String(36), primary_key=True),
    sa.Column("sender_id", sa.String(60), nullable=False),
    sa.Column("transaction_id", sa.String(100), nullable=False),
    # search, subscribe, unsubscribe or notify.
    sa.Column("txn_type", sa.String(12), nullable=False),
    sa.Column("reference_ids", sa.JSON, nullable=False),
    sa.Column("request_sealed", sa.LargeBinary, nullable=False),
    sa.Column("answer_sealed", sa.LargeBinary),
    # received → answered → delivered, or undeliverable.
    sa.Column("state", sa.String(14), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False, index=True),
)
sa.Index("spdci_transaction_open", spdci_transaction.c.state, spdci_transaction.c.next_attempt_at)

spdci_subscription = sa.Table(
    "spdci_subscription", METADATA,
    sa.Column("code", sa.String(36), primary_key=True),
    sa.Column("sender_id", sa.String(60), nullable=False),
    sa.Column("reference_id", sa.String(100), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    # The identifier as the integrator wrote it; told back with each notice.
    sa.Column("identifier_sealed", sa.LargeBinary, nullable=False),
    sa.Column("purpose", sa.String(200), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
)
