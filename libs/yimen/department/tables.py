"""The tables of every department: its cases, decisions, policy packs, and the year's use of capped aid."""

from __future__ import annotations

import sqlalchemy as sa
from yimen.store.types import Moment

METADATA = sa.MetaData()

aid_case = sa.Table(
    "aid_case", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("application_id", sa.String(36), nullable=False, index=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    # Empty where the item is for the whole household.
    sa.Column("person_id", sa.String(36), nullable=False),
    sa.Column("item", sa.String(40), nullable=False),
    # application, or category: it followed by itself.
    sa.Column("trigger", sa.String(12), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    # granted, refused, withdrawn, stopped_by_objection, terminated_uncooperative, stopped (after a review); empty while open.
    sa.Column("outcome", sa.String(24), nullable=False),
    sa.Column("township_code", sa.String(9), nullable=False),
    sa.Column("village_code", sa.String(12), nullable=False),
    sa.Column("area_kind", sa.String(5), nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("report_id", sa.String(36), nullable=False),
    # Cases of other departments in the same application whose category this one builds on.
    sa.Column("waits_for", sa.JSON, nullable=False),
    # officer id → what he has done in this case; the basis of the separation of duties.
    sa.Column("duties", sa.JSON, nullable=False),
    sa.Column("decide_level", sa.String(10), nullable=False),
    sa.Column("decision_id", sa.String(36), nullable=False),
    sa.Column("accepted_on", sa.Date, nullable=False),
    sa.Column("decided_on", sa.Date),
    sa.Column("closed_on", sa.Date),
    sa.Column("notice_until", sa.Date),
    # Why the county visits the home whatever is drawn: relative, complained; usually empty.
    sa.Column("full_visit", sa.String(12), nullable=False, server_default=""),
    # The household reported a change while this was under way: what is granted is reviewed at once.
    sa.Column("changed", sa.Boolean, nullable=False, server_default=sa.false()),
    # Of a standing benefit: since when the present decision holds, and the first day that its plan does not pay any more.
    # Empty until the first adjustment: both follow from the first decision then.
    sa.Column("effective_on", sa.Date),
    sa.Column("benefit_until", sa.Date),
)

# A standing benefit looked at again (R052, requirements 2.6); at most one open review of a case.
review = sa.Table(
    "review", METADATA,
    sa.Column("review_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    sa.Column("household_id", sa.String(36), nullable=False, index=True),
    # periodic, change_report, data_hit, complaint, category_change, standard_change, refused_work, birthday.
    sa.Column("cause", sa.String(20), nullable=False),
    # verifying, verified, pre_notice, deciding, completed.
    sa.Column("state", sa.String(12), nullable=False, index=True),
    sa.Column("opened_on", sa.Date, nullable=False),
    sa.Column("completed_on", sa.Date),
    sa.Column("report_id", sa.String(36), nullable=False),
    # officer id → what he has done in this review.
    sa.Column("duties", sa.JSON, nullable=False),
    # Why it ends whatever the facts say: deceased, moved_out, renounced, need_ended, uncooperative; usually empty.
    sa.Column("ground", sa.String(20), nullable=False),
    sa.Column("by_employment", sa.Boolean, nullable=False),
    sa.Column("decide_level", sa.String(10), nullable=False),
    # The draft, and what it comes to: unchanged, increase, decrease, stop, change_category; dismissed.
    sa.Column("decision_id", sa.String(36), nullable=False),
    sa.Column("result", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("effective_on", sa.Date),
)

# A decision with everything needed to say it again. Rows of a proposal have no `decided_at` yet.
decision = sa.Table(
    "decision", METADATA,
    sa.Column("decision_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    sa.Column("item", sa.String(40), nullable=False),
    sa.Column("outcome", sa.String(8), nullable=False),
    sa.Column("rule_id", sa.String(20), nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("category", sa.String(30), nullable=False),
    sa.Column("instalments", sa.Integer, nullable=False),
    sa.Column("every_months", sa.Integer, nullable=False),
    sa.Column("pack_version", sa.String(40), nullable=False),
    sa.Column("pack_hash", sa.String(64), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("facts_hash", sa.String(64), nullable=False),
    sa.Column("inputs", sa.JSON, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("proposed_at", Moment, nullable=False),
    # confirmed, or overruled by the approver with his own reason.
    sa.Column("result", sa.String(10), nullable=False),
    sa.Column("decided_at", Moment),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("authority_basis", sa.Text, nullable=False),
    sa.Column("minutes_ref", sa.String(60), nullable=False),
)

# A democratic appraisal of a disputed case (R040, K6). `held_on` is empty until it was held.
appraisal = sa.Table(
    "appraisal", METADATA,
    sa.Column("appraisal_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    # disputed, officer_asks.
    sa.Column("reason_code", sa.String(20), nullable=False),
    sa.Column("called_by", sa.String(80), nullable=False),
    sa.Column("held_on", sa.Date),
    sa.Column("attendees", sa.Integer, nullable=False),
    sa.Column("agree", sa.Integer, nullable=False),
    sa.Column("disagree", sa.Integer, nullable=False),
    sa.Column("minutes_ref", sa.String(60), nullable=False),
)

# Cases that the county decides itself, and which homes it visits before (K2, S3(5)).
county_visit = sa.Table(
    "county_visit", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    # drawn, relative, complained; empty: need not be visited.
    sa.Column("cause", sa.String(12), nullable=False),
    sa.Column("visited_on", sa.Date),
    sa.Column("visitors", sa.JSON, nullable=False),
    # consistent, differs, not_eligible.
    sa.Column("finding", sa.String(12), nullable=False),
)

# Administrative reconsideration (行政复议, requirements 2.8): its outcome binds the department and is carried out here.
reconsideration = sa.Table(
    "reconsideration", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("document_no", sa.String(80), primary_key=True),
    sa.Column("received_on", sa.Date, nullable=False),
    # Empty while open; upheld, reversed.
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("decided_on", sa.Date),
    # The decision that was reversed, and the one in its place.
    sa.Column("against", sa.String(36), nullable=False),
    sa.Column("decision_id", sa.String(36), nullable=False),
    # Facts as the reconsideration found them, where they differ.
    sa.Column("corrections", sa.JSON, nullable=False),
)

# The applicant asks that a decision be looked at again (异议复核, requirements 2.8): at the township, then at the county.
recheck = sa.Table(
    "recheck", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    # township, county.
    sa.Column("level", sa.String(10), primary_key=True),
    sa.Column("asked_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    # Empty while open; upheld, reversed.
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("decided_on", sa.Date),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("against", sa.String(36), nullable=False),
    sa.Column("decision_id", sa.String(36), nullable=False),
    sa.Column("corrections", sa.JSON, nullable=False),
)

# Somebody may have been given more than he was entitled to (requirements 2.7); at most one open investigation of a case.
recovery = sa.Table(
    "recovery", METADATA,
    sa.Column("recovery_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), nullable=False, index=True),
    # spot_check, tip, risk_warning, data_hit, officer.
    sa.Column("suspicion_code", sa.String(20), nullable=False),
    sa.Column("opened_on", sa.Date, nullable=False),
    sa.Column("opened_by", sa.String(80), nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    # Empty while open; unfounded, error_client, error_agency, fraud.
    sa.Column("finding", sa.String(20), nullable=False),
    # Since when what was declared was not so, and how it was.
    sa.Column("since", sa.Date),
    sa.Column("corrections", sa.JSON, nullable=False),
    sa.Column("decision_id", sa.String(36), nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("fine_fen", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("concluded_on", sa.Date),
    sa.Column("concluded_by", sa.String(80), nullable=False),
)

# Which decision a standing benefit was paid by since when, arrears included; the first adjustment writes the first row.
benefit_period = sa.Table(
    "benefit_period", METADATA,
    sa.Column("case_id", sa.String(36), primary_key=True),
    sa.Column("starts_on", sa.Date, primary_key=True),
    sa.Column("decision_id", sa.String(36), nullable=False),
)

# Many benefits changed or given at once, under one approval: a new standard (R166), a price subsidy (R062), an allowance
# (R080). Computed first, seen by the approver, then carried out case by case.
bulk_run = sa.Table(
    "bulk_run", METADATA,
    sa.Column("run_id", sa.String(36), primary_key=True),
    # standard_change; or grant, of `item`.
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("item", sa.String(40), nullable=False),
    # What it rests on: the standards' document, the month's index, the declaration.
    sa.Column("reference", sa.String(200), nullable=False),
    sa.Column("effective_on", sa.Date, nullable=False),
    # Facts that all rows share; townships, where it is not the whole county.
    sa.Column("request", sa.JSON, nullable=False),
    # waiting, computing, previewed, running, done, cancelled.
    sa.Column("state", sa.String(10), nullable=False, index=True),
    # The last case that was computed.
    sa.Column("computed_to", sa.String(36), nullable=False),
    sa.Column("opened_by", sa.String(80), nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("approved_by", sa.String(80), nullable=False),
    sa.Column("done_at", Moment),
)

bulk_row = sa.Table(
    "bulk_row", METADATA,
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), primary_key=True),
    # previewed, done, skipped: no longer standing or no longer different; failed: it could not be computed.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("result", sa.String(16), nullable=False),
    sa.Column("before_fen", sa.BigInteger, nullable=False),
    sa.Column("after_fen", sa.BigInteger, nullable=False),
    # Paid at once: arrears since the effective month, or the one-off amount.
    sa.Column("once_fen", sa.BigInteger, nullable=False),
    sa.Column("problem", sa.String(60), nullable=False),
    sa.Index("ix_bulk_row_state", "run_id", "state", "case_id"),
)

policy_pack = sa.Table(
    "policy_pack", METADATA,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("document_no", sa.String(80), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("effective_from", sa.Date, nullable=False, index=True),
    # proposed; endorsed by a second officer; approved: in force from its date on.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("proposed_by", sa.String(80), nullable=False),
    sa.Column("approved_by", sa.String(80), nullable=False),
    sa.Column("activated_by", sa.String(80), nullable=False, server_default=""),
    sa.Column("recorded_at", Moment, nullable=False),
    # By the department's key over what it has taken in; what does not fit it is not used.
    sa.Column("signature", sa.LargeBinary),
)

# Temporary aid of a household in a year, reserved before it is paid (R072).
annual_use = sa.Table(
    "annual_use", METADATA,
    sa.Column("household_id", sa.String(36), primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("used_fen", sa.BigInteger, nullable=False),
)

# What a case conference has asked of this department (R078).
conference_task = sa.Table(
    "conference_task", METADATA,
    sa.Column("task_id", sa.String(36), primary_key=True),
    sa.Column("conference_id", sa.String(36), nullable=False),
    sa.Column("application_id", sa.String(36), nullable=False, index=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("done_on", sa.Date),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("done_by", sa.String(80), nullable=False),
)
