"""Ids that follow from what they name, so that doing a thing twice names the same thing twice."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

_NAMESPACE = uuid.UUID("6f6e652d-646f-4f72-8d79-696d656e0001")
RECEIPT_PREFIX = "SL"


def derived(kind: str, *parts: object) -> str:
    """A UUID that is a function of its parts; equal parts give the equal id on every machine."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join([kind, *(str(part) for part in parts)])))


def canonical(value: Any) -> str:
    """JSON with one form for equal values; the form that is hashed and signed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def receipt_no(day: str, township: str, serial: int) -> str:
    """What the applicant is given: `SL-20260302-990101003-0007`."""
    return f"{RECEIPT_PREFIX}-{day.replace('-', '')}-{township}-{serial:04d}"
