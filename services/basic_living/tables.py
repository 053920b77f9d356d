"""The department's own tables: public emergencies, work that was offered, average levels, community work, care."""

import sqlalchemy as sa

METADATA = sa.MetaData()

public_emergency = sa.Table(
    "public_emergency", METADATA,
    sa.Column("emergency_id", sa.String(36), primary_key=True),
    # Empty: the whole county.
    sa.Column("townships", sa.JSON, nullable=False),
    sa.Column("legal_basis", sa.Text, nullable=False),
    sa.Column("starts_on", sa.Date, nullable=False),
    # The last day, once it is known.
    sa.Column("ends_on", sa.Date),
    sa.Column("closed", sa.Boolean, nullable=False),
)

# Work that was offered to a member of a family with the minimum guarantee (649号§45).
work_offer = sa.Table(
    "work_offer", METADATA,
    sa.Column("household_id", sa.String(36), primary_key=True),
    sa.Column("person_id", sa.String(36), primary_key=True),
    sa.Column("offer_ref", sa.String(80), primary_key=True),
    sa.Column("offered_on", sa.Date, nullable=False),
    # accepted, refused, excused.
    sa.Column("outcome", sa.String(10), nullable=False),
)

# What the minimum guarantee gave on average in a month, as it was published (R061).
average_level = sa.Table(
    "average_level", METADATA,
    sa.Column("month", sa.String(7), primary_key=True),
    # urban, rural.
    sa.Column("area_kind", sa.String(5), primary_key=True),
    sa.Column("households", sa.Integer, nullable=False),
    sa.Column("persons", sa.Integer, nullable=False),
    sa.Column("total_fen", sa.BigInteger, nullable=False),
)

posthoc_check = sa.Table(
    "posthoc_check", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("emergency_id", sa.String(36), nullable=False, index=True),
    # ok, amount_wrong, not_in_need; empty while open.
    sa.Column("finding", sa.String(12), nullable=False),
    sa.Column("checked_on", sa.Date),
    sa.Column("checker", sa.String(80), nullable=False),
)

# Who takes part in community work in a month, and whether he came (R083).
community_work = sa.Table(
    "community_work", METADATA,
    sa.Column("month", sa.String(7), primary_key=True),
    sa.Column("person_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False, index=True),
    sa.Column("village_code", sa.String(12), nullable=False),
    # attended, excused, absent; empty while nobody has said.
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_on", sa.Date),
    sa.Column("recorded_by", sa.String(80), nullable=False),
)

# Institutions that take in the destitute (R067).
care_facility = sa.Table(
    "care_facility", METADATA,
    sa.Column("facility_id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False),
    sa.Column("beds", sa.Integer, nullable=False),
    sa.Column("nursing_beds", sa.Integer, nullable=False),
)

# Who cares for a destitute person, and where (R064–R066).
care = sa.Table(
    "care", METADATA,
    sa.Column("agreement_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    sa.Column("household_id", sa.String(36), nullable=False),
    # home, institution, hospital.
    sa.Column("mode", sa.String(12), nullable=False),
    sa.Column("carer_ref", sa.String(80), nullable=False),
    sa.Column("facility_id", sa.String(36), nullable=False, index=True),
    sa.Column("starts_on", sa.Date, nullable=False),
    # The last day; open while it goes on.
    sa.Column("ends_on", sa.Date),
    sa.Column("visited_on", sa.Date),
    # Of care at home: the day by which somebody goes there.
    sa.Column("visit_by", sa.Date),
    # Of a stay in hospital: all its days.
    sa.Column("fee_fen", sa.BigInteger, nullable=False),
    sa.Column("wishes_institution", sa.Boolean, nullable=False),
    sa.Column("document_no", sa.String(80), nullable=False),
)
