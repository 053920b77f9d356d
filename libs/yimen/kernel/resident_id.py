"""GB 11643 resident identity numbers: check and read, without a database of birth places.

Test people use the unassigned area prefix 99, so that no generated number can be a real person's.
"""

from __future__ import annotations

import re
from datetime import date

from stdnum.cn import ric
from yimen.kernel.errors import Fault

_SHAPE = re.compile(r"^\d{17}[\dX]$")


def check(number: str, position: int) -> str:
    """The number in its normal form.

    `position` is the member's place in the form (from 1); it stands in the error instead of the number.
    Raises Fault ID_MALFORMED, ID_DATE_WRONG or ID_CHECKSUM_WRONG.
    """
    normal = number.strip().upper()
    if not _SHAPE.match(normal):
        raise Fault("ID_MALFORMED", position=position)
    try:
        birth_date(normal)
    except ValueError:
        raise Fault("ID_DATE_WRONG", position=position) from None
    if check_digit(normal[:-1]) != normal[-1]:
        raise Fault("ID_CHECKSUM_WRONG", position=position)
    return normal


def check_digit(body: str) -> str:
    """The 18th character of 17 digits, `0`–`9` or `X`."""
    # stdnum wants the number whole and passes over its last character.
    return str(ric.calc_check_digit(body + "0"))


def birth_date(number: str) -> date:
    """Digits 7–14. Raises ValueError when there is no such day."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def sex(number: str) -> str:
    """`male` when the 17th digit is odd, else `female`."""
    return "male" if int(number[16]) % 2 else "female"


def make(area: str, born: date, serial: int) -> str:
    """A number with the right check digit; for test people only."""
    body = f"{area[:6]:0<6}{born:%Y%m%d}{serial % 1000:03d}"
    return body + check_digit(body)


def day_of_age(born: date, age: int) -> date:
    """The first day on which `age_on` gives `age`; who was born on 29 February is older on 1 March of other years."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def age_on(born: date, day: date) -> int:
    """Completed years; the birthday itself counts (民法典 §1259 满)."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
