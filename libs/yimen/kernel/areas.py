"""Area codes: GB/T 2260 county (6 digits), township (9), village (12). A prefix contains what is below it."""

from __future__ import annotations

from yimen.kernel.errors import Fault

COUNTY_LENGTH = 6
TOWNSHIP_LENGTH = 9
VILLAGE_LENGTH = 12
LEVELS = {COUNTY_LENGTH: "county", TOWNSHIP_LENGTH: "township", VILLAGE_LENGTH: "village"}


def level(code: str) -> str:
    """`county`, `township` or `village`. Raises Fault AREA_UNKNOWN unless it has 6, 9 or 12 digits."""
    if not (code.isascii() and code.isdigit()) or len(code) not in LEVELS:
        raise Fault("AREA_UNKNOWN", code=code[:VILLAGE_LENGTH])
    return LEVELS[len(code)]


def require_village(code: str) -> None:
    """Raises Fault AREA_UNKNOWN unless it has the form of a village's code."""
    if level(code) != LEVELS[VILLAGE_LENGTH]:
        raise Fault("AREA_UNKNOWN", code=code)


def township_of(code: str) -> str:
    """The township that a village or township code lies in."""
    return code[:TOWNSHIP_LENGTH]


def contains(area: str, code: str) -> bool:
    """Whether `code` is `area` or lies in it."""
    return bool(area) and code.startswith(area)
