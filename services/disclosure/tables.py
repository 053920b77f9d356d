"""Tables of `disclosure`. A notice holds the fields that may be public and nothing else (requirements 6, K5)."""

import sqlalchemy as sa
from yimen.store.types import Moment

METADATA = sa.MetaData()

notice = sa.Table(
    "notice", METADATA,
    sa.Column("notice_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, unique=True),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("application_id", sa.String(36), nullable=False),
    sa.Column("household_id", sa.String(36), nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False),
    sa.Column("village_code", sa.String(12), nullable=False, index=True),
    sa.Column("title", sa.String(60), nullable=False),
    sa.Column("name", sa.String(40), nullable=False),
    sa.Column("member_count", sa.Integer, nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    # to_post, posted, objected, closed, withdrawn.
    sa.Column("state", sa.String(10), nullable=False, index=True),
    sa.Column("posted_from", sa.Date),
    # The last full day of the legal period.
    sa.Column("posted_until", sa.Date),
    sa.Column("closed_on", sa.Date),
    sa.Column("photo_ref", sa.String(60), nullable=False),
    sa.Column("poster", sa.String(80), nullable=False),
)

objection = sa.Table(
    "objection", METADATA,
    sa.Column("objection_id", sa.String(36), primary_key=True),
    sa.Column("notice_id", sa.String(36), nullable=False, index=True),
    sa.Column("reason_code", sa.String(40), nullable=False),
    sa.Column("anonymous", sa.Boolean, nullable=False),
    # Where a named objector is answered; need-to-know.
    sa.Column("contact_sealed", sa.LargeBinary, nullable=False),
    # Empty while open; upheld, dismissed.
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("filed_at", Moment, nullable=False),
    sa.Column("resolved_at", Moment),
)

standing_list = sa.Table(
    "standing_list", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("village_code", sa.String(12), nullable=False, index=True),
    sa.Column("title", sa.String(60), nullable=False),
    sa.Column("name", sa.String(40), nullable=False),
    sa.Column("member_count", sa.Integer, nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("since", sa.Date, nullable=False),
)
