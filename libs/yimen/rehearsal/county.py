"""The sample county: 46 townships with villages, windows, officers and roles; standards; channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from yimen.directory.v1 import directory_pb2
from yimen.kernel.errors import Fault
from yimen.payment.v1 import payment_pb2
from yimen.rpc.client import Peers
from yimen.runtime.declaration import Service

# The sample county's files: in a checkout beside libs/, in an installation beside this package.
SAMPLE = next((root / "deploy/county" for root in Path(__file__).parents[2:4] if (root / "deploy/county").is_dir()),
              Path("deploy/county"))
COUNTY_FILE = SAMPLE / "county.yaml"
# Officers of each township and how many of each role; surveyors go in pairs.
TOWNSHIP_ROLES = (("window_clerk", 1), ("surveyor", 2), ("township_officer", 1), ("township_head", 2),
                  ("notice_custodian", 1))
COUNTY_ROLES = ("county_officer", "county_approver")


@dataclass(frozen=True)
class County:
    """The county as its file describes it."""

    code: str
    name: str
    townships: tuple[tuple[str, str, str], ...]  # code, name, urban or rural
    villages_each: int
    standards: tuple[dict[str, Any], ...]
    budgets: dict[str, int]
    # What other levels allocate, by department.
    allocations: dict[str, list[dict[str, Any]]]
    imprest_fen: int
    delegation: dict[str, Any]
    calendar_years: tuple[int, ...]

    def villages(self, township: str) -> list[str]:
        """Codes of the villages of a township."""
        return [f"{township}{number:03d}" for number in range(1, self.villages_each + 1)]

    def standards_on(self, day: date) -> dict[str, int]:
        """Fen by name, as published for a day."""
        known = sorted(self.standards, key=lambda one: str(one["effective_from"]))
        return {one["name"]: one["amount_fen"] for one in known if str(one["effective_from"]) <= day.isoformat()}

    def delegates(self, department: str, item: str, day: date) -> bool:
        """Whether the county's written instrument lets the townships decide this item (R101)."""
        written = self.delegation
        return (written["department"] == department and item in written["items"]
                and str(written["effective_from"]) <= day.isoformat() <= str(written["effective_to"]))

    def kind(self, code: str) -> str:
        """urban or rural."""
        return next(kind for township, _, kind in self.townships if code.startswith(township))


def load(path: Path) -> County:
    """Read the county file. Raises Fault FILE_WRONG."""
    try:
        raw = yaml.safe_load(path.read_text())
        townships = tuple((f"{raw['code']}{number:03d}", name, "urban" if name in raw["urban_townships"] else "rural")
                          for number, name in enumerate(raw["townships"], start=1))
        return County(str(raw["code"]), raw["name"], townships, raw["villages_each"], tuple(raw["standards"]),
                      raw["budgets_fen"], raw["allocations"], raw["imprest_fen"], raw["delegation"], tuple(raw["calendar_years"]))
    except (OSError, KeyError, yaml.YAMLError) as error:
        raise Fault("FILE_WRONG", name=path.name, problem=type(error).__name__) from None


def officers(county: County, departments: list[str]) -> Iterator[directory_pb2.Officer]:
    """Everybody who acts in the rehearsal; ids say role and place, never a name."""
    for township, _, _ in county.townships:
        for role, count in TOWNSHIP_ROLES:
            for number in range(1, count + 1):
                yield directory_pb2.Officer(officer_id=f"{role}-{township}-{number}", roles=[role], area=township)
    for department in departments:
        for role in COUNTY_ROLES:
            yield directory_pb2.Officer(officer_id=f"{role}-{department}", roles=[role], area=county.code,
                                        department=department)
        for number in (1, 2):
            yield directory_pb2.Officer(officer_id=f"policy_officer-{department}-{number}", roles=["policy_officer"],
                                        area=county.code, department=department)
    for role, count in (("finance_officer", 2), ("supervisor", 2), ("county_admin", 1), ("coordination_panel", 1)):
        for number in range(1, count + 1):
            yield directory_pb2.Officer(officer_id=f"{role}-{number}", roles=[role], area=county.code)


def outsiders(county: County) -> Iterator[directory_pb2.Officer]:
    """Who reads and is not of the county's own staff; the audit office keeps its own list."""
    yield directory_pb2.Officer(officer_id="auditor-1", roles=["auditor"], area=county.code)


def areas(county: County) -> Iterator[directory_pb2.Area]:
    """County, townships, villages; one window per township and per village (R002)."""
    yield directory_pb2.Area(code=county.code, name=county.name, level="county", kind="urban")
    for code, name, kind in county.townships:
        yield directory_pb2.Area(code=code, name=name, level="township", parent=county.code, kind=kind,
                                 window_id=f"W-{code}")
        for number, village in enumerate(county.villages(code), start=1):
            yield directory_pb2.Area(code=village, name=f"{name}第{number}村(居)", level="village", parent=code,
                                     kind=kind, window_id=f"W-{village}")


def found(county: County, peers: Peers, tokens: Any, services: dict[str, Service]) -> None:
    """Load the county into a fresh platform: organisation, delegation, channels with budgets, imprest funds."""
    departments = [service.name for service in services.values() if service.is_department]
    directory, admin = peers.stub("directory"), tokens.role("county_admin")
    everybody = list(officers(county, departments))
    directory.LoadCounty(directory_pb2.LoadCountyRequest(
        areas=list(areas(county)), officers=everybody, calendar_years=list(county.calendar_years),
        standards=[directory_pb2.Standard(**standard) for standard in county.standards]), token=admin, timeout_s=60.0)
    directory.RegisterDelegation(directory_pb2.RegisterDelegationRequest(
        townships=[code for code, _, _ in county.townships], **county.delegation), token=admin)
    payment, finance = peers.stub("payment"), tokens.role("finance_officer")
    for service in services.values():
        if service.channel is not None:
            budget = county.budgets.get(service.name, county.budgets["default"])
            payment.OpenChannel(payment_pb2.OpenChannelRequest(
                channel=service.channel.name, owner=service.name, title=service.channel.title,
                budget_fen=budget, year=county.calendar_years[0],
                parts=[payment_pb2.BudgetPart(**part) for part in county.allocations.get(service.name, ())]), token=finance)
    relief = services["basic_living"].channel
    assert relief is not None
    for code, _, _ in county.townships:
        payment.FundImprest(payment_pb2.FundImprestRequest(
            channel=relief.name, township_code=code, amount_fen=county.imprest_fen, reference="opening"), token=finance)
