"""What may be shown of a personal field (requirements section 6)."""

from __future__ import annotations

import re

_ID_LIKE = re.compile(r"(?<![0-9A-Za-z-])\d{17}[\dXx](?![0-9A-Za-z-])")
_PHONE_LIKE = re.compile(r"(?<![0-9A-Za-z-])1[3-9]\d{9}(?![0-9A-Za-z-])")


def mask_name(name: str) -> str:
    """`张某某`: the family name and one 某 for each further character (county option)."""
    return name[:1] + "某" * max(1, len(name) - 1)


def finds_personal_data(text: str) -> list[str]:
    """Shapes of personal data in a text, by kind; used by the checks on logs, spans and the feed."""
    found = []
    if _ID_LIKE.search(text):
        found.append("resident_id")
    if _PHONE_LIKE.search(text):
        found.append("phone")
    return found
