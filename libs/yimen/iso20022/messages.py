"""What the files carry, as far as a county and its bank need it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from yimen.kernel.errors import Fault

CURRENCY = "CNY"
PAIN_001, PAIN_002, CAMT_053 = "pain.001.001.09", "pain.002.001.12", "camt.053.001.08"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
SCHEMAS = Path(__file__).parent / "schemas"
FILE_BYTES_MAX = 512 * 1024 * 1024
PAYMENTS_MAX = 1_000_000
NAME_CHARACTERS_MAX = 140
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,2})?")

# The standard's codes of a payment's state.
ACCEPTED, PENDING, REJECTED = "ACSC", "PDNG", "RJCT"
STATES = {ACCEPTED: "settled", "ACCC": "settled", PENDING: "pending", "ACSP": "pending", "ACTC": "pending", "ACCP": "pending",
          "RCVD": "pending", REJECTED: "returned"}
# External reason codes and what we call them.
REASONS = {"AC04": "ACCOUNT_CLOSED", "AC01": "ACCOUNT_WRONG", "BE01": "NAME_MISMATCH", "AC06": "ACCOUNT_BLOCKED",
           "AM05": "DUPLICATE", "NARR": "OTHER"}
REASON_CODES = {name: code for code, name in REASONS.items()}


@dataclass(frozen=True)
class Payment:
    """One credit transfer. `end_to_end_id` is its identity on every message about it."""

    end_to_end_id: str
    account: str
    name: str
    amount_fen: int


@dataclass(frozen=True)
class StatusLine:
    """What became of a payment: settled, pending or returned, with a reason."""

    end_to_end_id: str
    state: str
    reason_code: str = ""


@dataclass(frozen=True)
class Entry:
    """A line of a statement: `debit` was paid out, `credit` came back."""

    end_to_end_id: str
    direction: str
    amount_fen: int
    reason_code: str = ""


@dataclass
class Statement:
    """The head of a day's statement; its entries are read one after the other."""

    statement_id: str
    account: str
    booked_on: date
    opening_fen: int
    closing_fen: int
    entries: int = field(default=0)


def yuan_text(fen: int) -> str:
    """`740.00`."""
    return f"{fen // 100}.{fen % 100:02d}"


def fen_of(text: str, currency: str, where: str) -> int:
    """Raises Fault BANK_FILE_WRONG unless it is yuan with at most two decimals in CNY."""
    if currency != CURRENCY:
        raise Fault("BANK_FILE_WRONG", where=where, problem=f"币种 {currency[:3]} 不是 {CURRENCY}")
    if not _AMOUNT.fullmatch(text):
        raise Fault("BANK_FILE_WRONG", where=where, problem="金额不是最多两位小数的元")
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)
