"""Money that was given without entitlement: what an investigation can come to, and what it costs (requirements 2.7). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from yimen.kernel.errors import Fault

# Where a suspicion comes from.
SUSPICIONS = ("spot_check", "tip", "risk_warning", "data_hit", "officer")
INVESTIGATE_DAYS = 30  # [A]
FINE_TIMES_LEAST, FINE_TIMES_MOST = 1, 3  # 国务院令649号§68


class Finding(StrEnum):
    """What it was."""

    UNFOUNDED = "unfounded"
    ERROR_CLIENT = "error_client"
    # Corrected from now on; nothing is asked back.
    ERROR_AGENCY = "error_agency"
    FRAUD = "fraud"


TITLES = {Finding.UNFOUNDED: "查无实据", Finding.ERROR_CLIENT: "家庭申报有误", Finding.ERROR_AGENCY: "经办有误",
          Finding.FRAUD: "骗取救助"}
OWING = (Finding.ERROR_CLIENT, Finding.FRAUD)


@dataclass(frozen=True)
class Paid:
    """Payments by one decision: how many, of how much, and what the household was entitled to instead; in fen."""

    starts_on: date
    payments: int
    paid_fen: int
    entitled_fen: int


def overpaid_fen(periods: Sequence[Paid]) -> int:
    """Paid − entitled of each payment; where less was paid than due nothing is set off."""
    return sum(one.payments * max(0, one.paid_fen - one.entitled_fen) for one in periods)


def require_fine(finding: Finding, overpaid: int, fine_fen: int) -> None:
    """Raises Fault FINE_OUT_OF_RANGE: only of fraud, and then from one to three times what was taken (649号§68); 0 is no fine."""
    least, most = FINE_TIMES_LEAST * overpaid, FINE_TIMES_MOST * overpaid
    if fine_fen and (finding is not Finding.FRAUD or not least <= fine_fen <= most):
        raise Fault("FINE_OUT_OF_RANGE", least_fen=least if finding is Finding.FRAUD else 0,
                    most_fen=most if finding is Finding.FRAUD else 0)
