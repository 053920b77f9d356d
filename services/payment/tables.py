"""Tables of `payment`. Transfers are immutable; balances are kept beside them and proven by their sum."""

import sqlalchemy as sa
from yimen.store.types import Moment

METADATA = sa.MetaData()

channel = sa.Table(
    "channel", METADATA,
    sa.Column("channel", sa.String(40), primary_key=True),
    # The department whose grants alone may move its money.
    sa.Column("owner", sa.String(40), nullable=False),
    sa.Column("title", sa.String(60), nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
)

account = sa.Table(
    "account", METADATA,
    sa.Column("account_id", sa.String(80), primary_key=True),
    sa.Column("channel", sa.String(40), nullable=False, index=True),
    # treasury, available, reserved, paid, imprest.
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("balance_fen", sa.BigInteger, nullable=False),
)

transfer = sa.Table(
    "transfer", METADATA,
    sa.Column("transfer_id", sa.String(36), primary_key=True),
    sa.Column("from_account", sa.String(80), nullable=False, index=True),
    sa.Column("to_account", sa.String(80), nullable=False, index=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    # budget, fund_imprest, reserve, post, void, pay_imprest.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reference", sa.String(80), nullable=False),
    sa.Column("at", Moment, nullable=False),
)

plan = sa.Table(
    "plan", METADATA,
    sa.Column("grant_id", sa.String(36), primary_key=True),
    sa.Column("channel", sa.String(40), nullable=False),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    sa.Column("application_id", sa.String(36), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False),
    # reserved, rejected.
    sa.Column("state", sa.String(10), nullable=False),
    # The grant exactly as it was signed, kept as the voucher.
    sa.Column("grant", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("signed_by", sa.String(40), nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
)

instalment = sa.Table(
    "instalment", METADATA,
    sa.Column("instalment_id", sa.String(36), primary_key=True),
    sa.Column("grant_id", sa.String(36), nullable=False, index=True),
    sa.Column("channel", sa.String(40), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False, index=True),
    # planned, released, returned, settled, void.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
)

# Committed here before the bank is called; its id is the payment's identity at the bank.
instruction = sa.Table(
    "instruction", METADATA,
    sa.Column("instruction_id", sa.String(36), primary_key=True),
    sa.Column("instalment_id", sa.String(36), nullable=False, index=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("account_sealed", sa.LargeBinary, nullable=False),
    # committed, sending, pending, settled, returned.
    sa.Column("state", sa.String(10), nullable=False, index=True),
    sa.Column("reason_code", sa.String(30), nullable=False),
    sa.Column("next_query_at", Moment, nullable=False),
    sa.Column("queried_on", sa.Date),
)

payee = sa.Table(
    "payee", METADATA,
    sa.Column("household_id", sa.String(36), primary_key=True),
    sa.Column("account_sealed", sa.LargeBinary, nullable=False),
    sa.Column("name_sealed", sa.LargeBinary, nullable=False),
)

# The fund that a township pays urgent aid from (R074), and how much it may hold.
imprest_fund = sa.Table(
    "imprest_fund", METADATA,
    sa.Column("channel", sa.String(40), primary_key=True),
    sa.Column("township_code", sa.String(9), primary_key=True),
    sa.Column("limit_fen", sa.BigInteger, nullable=False),
)

# What was paid from it before its papers were there (R069).
imprest_advance = sa.Table(
    "imprest_advance", METADATA,
    sa.Column("grant_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    sa.Column("channel", sa.String(40), nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False, index=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("papers_due_on", sa.Date, nullable=False),
    sa.Column("papers_on", sa.Date),
)
