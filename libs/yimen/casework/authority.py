"""Who may decide: amount tiers and separation of duties (requirements 2.0, R071, R151)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yimen.kernel.errors import Fault

TOWNSHIP, COUNTY, PANEL = "township", "county", "panel"
LEVELS = (TOWNSHIP, COUNTY, PANEL)


@dataclass(frozen=True)
class Tiers:
    """Limits of 临时救助 in fen (R071). Each limit belongs to the lower tier: 以下(含)."""

    township_fen: int
    county_fen: int
    annual_cap_fen: int

    @classmethod
    def of(cls, annual_standard_fen: int, parameters: Mapping[str, Any]) -> Tiers:
        """From T (12 × the urban month standard) and the pack's multiples."""
        return cls(
            round(annual_standard_fen * parameters["tier_township_multiple"]),
            round(annual_standard_fen * parameters["tier_county_multiple"]),
            round(annual_standard_fen * parameters["annual_cap_multiple"]),
        )

    def level(self, amount_fen: int) -> str:
        """The level that decides this amount (K9: by the total of one decision)."""
        if amount_fen <= self.township_fen:
            return TOWNSHIP
        return COUNTY if amount_fen <= self.county_fen else PANEL

    def require_cap(self, used_fen: int, amount_fen: int) -> None:
        """Raises Fault ANNUAL_CAP_EXCEEDED when the year's total would pass the cap (R072)."""
        if used_fen + amount_fen > self.annual_cap_fen:
            raise Fault("ANNUAL_CAP_EXCEEDED", cap_fen=self.annual_cap_fen, left_fen=self.annual_cap_fen - used_fen)


def require_level(actual: str, required: str) -> None:
    """Raises Fault WRONG_LEVEL unless the officer sits at the level that must decide."""
    if actual != required:
        raise Fault("WRONG_LEVEL", required=required, actual=actual)


def require_other(actor: str, earlier: Mapping[str, str]) -> None:
    """`earlier` maps an officer to what he has done in the case. Raises Fault SEPARATION_OF_DUTIES."""
    if actor in earlier:
        raise Fault("SEPARATION_OF_DUTIES", earlier=earlier[actor])
