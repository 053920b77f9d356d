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
    # treasury, available, reserved, batch, paid, imprest, purchase, debt; fine and penalised stand apart from the fund.
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("balance_fen", sa.BigInteger, nullable=False),
    # The budget line that its money belongs to; empty: the channel's own first year.
    sa.Column("line", sa.String(60), nullable=False, server_default=""),
)

# A department's programme at one level of government in one budget year. The county's line of the year in which the channel
# was opened has no row and is called like the channel.
budget_line = sa.Table(
    "budget_line", METADATA,
    sa.Column("line", sa.String(60), primary_key=True),
    sa.Column("channel", sa.String(40), nullable=False, index=True),
    sa.Column("year", sa.Integer, nullable=False),
    # central, province, city, county.
    sa.Column("level", sa.String(10), nullable=False),
)

# Money that a level has allocated to a line, by its document (R138).
allocation = sa.Table(
    "allocation", METADATA,
    sa.Column("allocation_id", sa.String(36), primary_key=True),
    sa.Column("line", sa.String(60), nullable=False, index=True),
    sa.Column("channel", sa.String(40), nullable=False),
    sa.Column("document_no", sa.String(80), nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("allocated_on", sa.Date, nullable=False),
)

transfer = sa.Table(
    "transfer", METADATA,
    sa.Column("transfer_id", sa.String(36), primary_key=True),
    sa.Column("from_account", sa.String(80), nullable=False, index=True),
    sa.Column("to_account", sa.String(80), nullable=False, index=True),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    # budget, fund_imprest, reserve, release, post, void, pay_imprest, return, purchase; debt, repay, offset, write_off;
    # impose, fine; reversal.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reference", sa.String(80), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False, index=True),
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
    # unfunded: its year has no budget yet; planned, released, returned, settled, void.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("line", sa.String(60), nullable=False, server_default=""),
    sa.Column("household_id", sa.String(36), nullable=False, server_default="", index=True),
    # What it is for, where several departments give for the same (requirements 5.3).
    sa.Column("purpose", sa.String(30), nullable=False, server_default=""),
    sa.Column("batch_id", sa.String(36), nullable=False, server_default=""),
    # A person must decide before it is paid.
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("ix_instalment_due", "channel", "state", "due_on"),
    sa.Index("ix_instalment_batch", "batch_id", "state", "instalment_id"),
)
# What can go into a batch, in the order in which it is taken: a large batch is read once, not again for every page.
sa.Index("ix_instalment_unbatched", instalment.c.channel, instalment.c.instalment_id,
         postgresql_where=sa.text("state = 'planned' and batch_id = ''"),
         sqlite_where=sa.text("state = 'planned' and batch_id = ''"))

# What falls due together, seen by a second person before it is paid (R167).
batch = sa.Table(
    "batch", METADATA,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("channel", sa.String(40), nullable=False, index=True),
    sa.Column("due_on", sa.Date, nullable=False),
    # preparing, prepared, reviewed, releasing, released, closed.
    sa.Column("state", sa.String(10), nullable=False, index=True),
    # Grows with every change; a review is of one revision.
    sa.Column("revision", sa.Integer, nullable=False),
    # The last instalment that was taken in, while it is prepared, or handed over, while it is released.
    sa.Column("done_to", sa.String(36), nullable=False),
    sa.Column("instalments", sa.Integer, nullable=False),
    sa.Column("total_fen", sa.BigInteger, nullable=False),
    sa.Column("prepared_by", sa.String(80), nullable=False),
    sa.Column("prepared_at", Moment, nullable=False),
    sa.Column("reviewed_by", sa.String(80), nullable=False),
    sa.Column("reviewed_at", Moment),
    sa.Column("released_by", sa.String(80), nullable=False),
    sa.Column("released_at", Moment),
)

# Why an instalment (or everything of a household) is not paid before somebody has decided.
hold = sa.Table(
    "hold", METADATA,
    sa.Column("hold_id", sa.String(36), primary_key=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    # Empty: whatever the household is owed.
    sa.Column("instalment_id", sa.String(36), nullable=False, index=True),
    # deceased, suspicion, duplicate, returned_twice.
    sa.Column("reason_code", sa.String(20), nullable=False),
    # Of a duplicate the other instalment.
    sa.Column("other_id", sa.String(36), nullable=False),
    # open, released, voided.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("placed_by", sa.String(80), nullable=False),
    sa.Column("placed_on", sa.Date, nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_on", sa.Date),
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
    # The message to the bank that carries it; committed before that is sent.
    sa.Column("message_id", sa.String(36), nullable=False, server_default="", index=True),
    # The day of the bank's statement on which it was found, once it was settled.
    sa.Column("reconciled_on", sa.Date),
    # Kept back for a debt by agreement; what is paid is `amount_fen`, what is settled both.
    sa.Column("offset_fen", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("debt_id", sa.String(36), nullable=False, server_default="", index=True),
)

# A day's statement of the bank, taken in entry by entry.
statement = sa.Table(
    "statement", METADATA,
    sa.Column("statement_id", sa.String(80), primary_key=True),
    sa.Column("booked_on", sa.Date, nullable=False),
    sa.Column("opening_fen", sa.BigInteger, nullable=False),
    sa.Column("closing_fen", sa.BigInteger, nullable=False),
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("matched", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("taken_in_at", Moment, nullable=False),
)

statement_entry = sa.Table(
    "statement_entry", METADATA,
    sa.Column("statement_id", sa.String(80), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("instruction_id", sa.String(80), nullable=False, index=True),
    # debit: paid out; credit: came back.
    sa.Column("direction", sa.String(6), nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    # matched, or what is wrong with it.
    sa.Column("finding", sa.String(24), nullable=False),
)

# Parts of a large file that an officer hands in, until the last has come.
bank_file_part = sa.Table(
    "bank_file_part", METADATA,
    sa.Column("upload_id", sa.String(64), primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("came_at", Moment, nullable=False),
)

# Where the bank and we do not agree; each has an owner and a day (a task), and ends with what was found.
discrepancy = sa.Table(
    "discrepancy", METADATA,
    sa.Column("discrepancy_id", sa.String(36), primary_key=True),
    # unknown_instruction, amount_differs, settled_twice, not_on_statement, unanswered.
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("instruction_id", sa.String(80), nullable=False, index=True),
    sa.Column("statement_id", sa.String(80), nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("found_on", sa.Date, nullable=False),
    # Empty while open; bank_error, own_error, explained.
    sa.Column("finding_code", sa.String(20), nullable=False),
    sa.Column("resolved_by", sa.String(80), nullable=False),
    sa.Column("resolved_on", sa.Date),
)

# What a household must give back (requirements 2.7), by an order that its department signed.
debt = sa.Table(
    "debt", METADATA,
    sa.Column("debt_id", sa.String(36), primary_key=True),
    sa.Column("channel", sa.String(40), nullable=False, index=True),
    sa.Column("line", sa.String(60), nullable=False),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    sa.Column("application_id", sa.String(36), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    sa.Column("township_code", sa.String(9), nullable=False),
    # error_client, fraud.
    sa.Column("cause", sa.String(20), nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("fine_fen", sa.BigInteger, nullable=False),
    # open, instalment, paid, written_off; rejected: the order was not its channel owner's.
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("order", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("signed_by", sa.String(40), nullable=False),
    sa.Column("opened_on", sa.Date, nullable=False),
    # By agreement: what is paid each month, and since when; what is kept back of each benefit payment.
    sa.Column("monthly_fen", sa.BigInteger, nullable=False),
    sa.Column("agreed_on", sa.Date),
    sa.Column("offset_fen", sa.BigInteger, nullable=False),
    sa.Column("closed_on", sa.Date),
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
