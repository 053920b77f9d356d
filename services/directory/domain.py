"""Which role may do which act at which level (requirements 2.0; R149 as data). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from yimen.kernel import areas

ROLES: dict[str, str] = {
    "village_assistant": "协管员:可代为申请、协助入户,不得决定",
    "window_clerk": "统一受理窗口:受理、一次性告知、转办",
    "surveyor": "驻村工作组:入户调查",
    "township_officer": "乡镇业务人员:提出审核意见、异议复查",
    "township_head": "乡镇审批人:赋权范围内确认、限额内先行救助",
    "notice_custodian": "公示管理员:张贴与确认公示",
    "county_officer": "县级部门经办",
    "county_approver": "县级部门审批",
    "coordination_panel": "县级困难群众基本生活保障工作协调机构",
    "policy_officer": "部门政策管理员",
    "finance_officer": "财政支付:编制、审核(另一人)、发放、对账",
    "supervisor": "监督检查",
    "auditor": "审计:只读账目",
    "county_admin": "机构名录管理员",
}

# act → role by level. An act at a level without a role cannot be done there.
MATRIX: dict[str, dict[str, str]] = {
    "decide": {"township": "township_head", "county": "county_approver", "panel": "coordination_panel"},
    "grant_advance": {"township": "township_head", "county": "county_approver", "panel": "coordination_panel"},
}

# Acts at township level that need a written delegation (R101); imprest advances do not (R071, R074).
DELEGATED_ACTS = frozenset({"decide"})
# Decided by the township in its own right within the tiers of R071.
OWN_RIGHT_ITEMS = frozenset({"temporary_aid", "urgent_aid"})


URBAN, RURAL = "dibao_urban_standard_fen", "dibao_rural_standard_fen"
# Of the urban standard the rural one is at least this share, by 2025 (R060, S1(7)); in hundredths of a percent.
RATIO_LEAST_BP = 7_500


def ratio_bp(standards: Mapping[str, int]) -> int:
    """Rural as a share of urban in hundredths of a percent, rounded down; 0 where one is missing."""
    urban, rural = standards.get(URBAN, 0), standards.get(RURAL, 0)
    return rural * 10_000 // urban if urban and rural else 0


@dataclass(frozen=True)
class Verdict:
    """Whether and on what basis; a refusal carries the code of its Fault."""

    allowed: bool
    basis: str
    refusal_code: str = ""


def check(act: str, level: str, item: str, area: str, department: str, officer: Mapping[str, object] | None,
          delegations: Sequence[Mapping[str, object]], day: date) -> Verdict:
    """May this officer do this act? `delegations` are those of the department."""
    if officer is None:
        return Verdict(False, "", "OFFICER_UNKNOWN")
    role = MATRIX.get(act, {}).get(level)
    roles = officer["roles"]
    assert isinstance(roles, list)
    if role is None or role not in roles:
        return Verdict(False, "", "ROLE_MISSING")
    if officer["department"] not in ("", department):
        return Verdict(False, "", "WRONG_DEPARTMENT")
    if not areas.contains(str(officer["area"]), area):
        return Verdict(False, "", "OUTSIDE_AREA")
    if level == "township" and act in DELEGATED_ACTS and item not in OWN_RIGHT_ITEMS:
        instrument = delegation_for(item, area, delegations, day)
        if instrument is None:
            return Verdict(False, "", "NO_DELEGATION")
        return Verdict(True, f"书面赋权 {instrument['document_no']}(R101)")
    return Verdict(True, f"岗位 {role}({level})")


def delegation_for(item: str, area: str, delegations: Sequence[Mapping[str, object]],
                   day: date) -> Mapping[str, object] | None:
    """The instrument in force that covers this item in this township, if any."""
    for row in delegations:
        start, end, revoked = row["effective_from"], row["effective_to"], row["revoked_on"]
        items, townships = row["items"], row["townships"]
        assert isinstance(start, date) and isinstance(end, date)
        assert isinstance(items, list) and isinstance(townships, list)
        live = start <= day <= end and (revoked is None or (isinstance(revoked, date) and day < revoked))
        if live and item in items and areas.township_of(area) in townships:
            return row
    return None
