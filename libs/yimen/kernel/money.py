"""Money is an integer number of fen (0.01 yuan); nothing here knows a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

FEN_PER_YUAN = 100
_YUAN = re.compile(r"-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]{1,2})?")
_WRITTEN_YUAN = re.compile(r"^\d[\d,]*(\.\d{1,2})?元$")
AMOUNT_FEN_MAX = 10_000_000_000_00  # no single amount of a county exceeds ten billion yuan


def round_fen(value: Decimal | Fraction | int | float | str) -> int:
    """Half-up to whole fen (requirements 3.5). Floats are read by their shortest decimal form."""
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    return int(Decimal(str(value)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def exact(ratio: Decimal | Fraction | int | float | str) -> Fraction:
    """A ratio as it is written: `0.2` is one fifth, not the float next to it."""
    return ratio if isinstance(ratio, Fraction) else Fraction(str(ratio))


def yuan(fen: int) -> str:
    """`123456` → `1,234.56`, as people read it."""
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{sign}{whole:,}.{rest:02d}"


def parse_yuan(text: str | int | float) -> int:
    """`"1,234.56"` → `123456` fen. Raises ValueError for anything that is not written like this: more decimals, `1e3`, `１２`."""
    if not _YUAN.fullmatch(str(text)):
        raise ValueError("not yuan with at most two decimals")
    return int(Decimal(str(text).replace(",", "")) * FEN_PER_YUAN)


def in_fen(value: Any) -> Any:
    """`"1600.00元"` is 160000 fen, in whatever lists and mappings it stands; other values stay as they are."""
    if isinstance(value, dict):
        return {key: in_fen(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_fen(item) for item in value]
    if isinstance(value, str) and _WRITTEN_YUAN.match(value):
        return parse_yuan(value.removesuffix("元"))
    return value
