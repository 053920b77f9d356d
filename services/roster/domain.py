"""The read rights of requirements 5.2 as one table; what is not in it may not be read. Pure."""

from __future__ import annotations

from yimen.kernel.errors import Fault
from yimen.security.identity import Principal

NAME, IDENTITY, CATEGORY, STUDY, DISABILITY, LABOUR = "name", "identity", "category", "study", "disability", "labour"
BENEFITS_AMOUNT, BENEFITS_ITEM = "benefits_amount", "benefits_item"

REFERENCE_MAX, PURPOSE_MAX = 100, 200

# reader → what it may see of a household. `identity` is the ID number; ages are `name`-level facts.
READ_RIGHTS: dict[str, frozenset[str]] = {
    "intake": frozenset({NAME, CATEGORY, BENEFITS_ITEM}),
    "means_test": frozenset({NAME, IDENTITY, CATEGORY, DISABILITY, STUDY, LABOUR}),
    "basic_living": frozenset({NAME, IDENTITY, CATEGORY, DISABILITY, STUDY, LABOUR, BENEFITS_AMOUNT}),
    "medical": frozenset({NAME, CATEGORY, DISABILITY, BENEFITS_AMOUNT}),
    "education": frozenset({NAME, CATEGORY, STUDY, DISABILITY, BENEFITS_ITEM}),
    "housing": frozenset({NAME, CATEGORY, DISABILITY, BENEFITS_ITEM}),
    "employment": frozenset({NAME, CATEGORY, DISABILITY, LABOUR, BENEFITS_ITEM}),
    "disaster": frozenset({NAME, CATEGORY, BENEFITS_ITEM}),
    "vagrant": frozenset({NAME, CATEGORY, DISABILITY}),
    "payment": frozenset({NAME, CATEGORY, BENEFITS_AMOUNT}),
    "disclosure": frozenset({NAME, CATEGORY}),
    "supervision": frozenset({NAME, CATEGORY, BENEFITS_AMOUNT}),
}
# A department that joins later sees who is in the household and in which category, until the county says more.
OTHER_DEPARTMENTS = frozenset({NAME, CATEGORY, BENEFITS_ITEM})


def rights_of(reader: Principal) -> frozenset[str]:
    """What the calling service may read. Raises Fault READ_NOT_ALLOWED for anybody who is not a service."""
    if not reader.service:
        raise Fault("READ_NOT_ALLOWED", reader="officer", data="台账")
    return READ_RIGHTS.get(reader.service, OTHER_DEPARTMENTS)


def require_purpose(case_id: str, purpose: str) -> None:
    """Raises Fault PURPOSE_REQUIRED: no read across departments without case and purpose (5.2)."""
    if not case_id or not purpose:
        raise Fault("PURPOSE_REQUIRED")
    if len(case_id) > REFERENCE_MAX or len(purpose) > PURPOSE_MAX:
        raise Fault("FIELD_WRONG", field="purpose", expected=f"不超过 {PURPOSE_MAX} 字,case_id 不超过 {REFERENCE_MAX} 字")
