"""Posting to those outside: only to an address over TLS, no redirects, a short wait, an error in a word."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from yimen.kernel.errors import Fault

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANSWER_S_MAX = 5.0


def require_address(url: str, field: str) -> None:
    """Raises Fault FIELD_WRONG unless it is https, or http on this machine."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("https", "http") or (
            parts.scheme == "http" and parts.hostname not in LOOPBACK):
        raise Fault("FIELD_WRONG", field=field, expected="https 地址")


def post(url: str, body: bytes, headers: Mapping[str, str]) -> str:
    """What went wrong in a word (an exception's name, `HTTP 503`); empty when the receiver has it."""
    try:
        answer = requests.post(url, data=body, headers=dict(headers), timeout=ANSWER_S_MAX, allow_redirects=False)
    except requests.RequestException as error:
        return type(error).__name__
    return "" if answer.ok and not answer.is_redirect else f"HTTP {answer.status_code}"
