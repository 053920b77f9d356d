"""Header and signature: every message is signed by its sender over header and message (SPDCI 1.0.0, `signature`).

    Signature: namespace="dci", kidId="{sender_id}|{key_id}|ed25519", algorithm="ed25519", created="…", expires="…",
    headers="(created) (expires) digest", signature="base64"

What is signed are the three lines `(created): …`, `(expires): …`, `digest: SHA-256=base64`; the digest is taken of the
canonical JSON (RFC 8785: sorted names, no blanks, UTF-8) of `{"header": …, "message": …}`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from yimen.kernel.ids import canonical

from services.roster.spdci.messages import VERSION, Header, Rejected, moment

OURSELVES, KEY_ID, ALGORITHM = "roster", "1", "ed25519"
LIFE = timedelta(minutes=5)
LIFE_MAX, SKEW_MAX = timedelta(hours=24), timedelta(minutes=15)
_FIELD = re.compile(r'(\w+)="([^"]*)"')


class Unsigned(Exception):
    """The signature is missing, out of time, of somebody else, or wrong."""


def _content(created: str, expires: str, header: Any, message: Any) -> bytes:
    text = canonical({"header": header, "message": message})
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"(created): {created}\n(expires): {expires}\ndigest: SHA-256={digest}".encode()


def sign(sender: str, key: Callable[[bytes], bytes], now: datetime, header: Any, message: Any) -> str:
    """The signature of a message that goes out."""
    created, expires = str(int(now.timestamp())), str(int((now + LIFE).timestamp()))
    signature = base64.b64encode(key(_content(created, expires, header, message))).decode()
    return (f'Signature: namespace="dci", kidId="{sender}|{KEY_ID}|{ALGORITHM}", algorithm="{ALGORITHM}", '
            f'created="{created}", expires="{expires}", headers="(created) (expires) digest", signature="{signature}"')


def check(public_key: str, text: Any, sender: str, now: datetime, header: Any, message: Any) -> None:
    """Raises Unsigned."""
    fields = dict(_FIELD.findall(text)) if isinstance(text, str) and public_key else {}
    try:
        created, expires = int(fields["created"]), int(fields["expires"])
        signature = base64.b64decode(fields["signature"], validate=True)
        if fields["kidId"].split("|")[0] != sender or fields["algorithm"] != ALGORITHM:
            raise Unsigned
    except (KeyError, ValueError, binascii.Error):
        raise Unsigned from None
    late = created - SKEW_MAX.total_seconds() > now.timestamp() or now.timestamp() > expires
    if late or expires - created > LIFE_MAX.total_seconds():
        raise Unsigned
    key = load_pem_public_key(public_key.encode())
    assert isinstance(key, Ed25519PublicKey)
    try:
        key.verify(signature, _content(fields["created"], fields["expires"], header, message))
    except InvalidSignature:
        raise Unsigned from None


def check_header(header: Header, action: str, now: datetime, number: int) -> None:
    """Raises Rejected with the header's reason codes; `number` is how many single requests there are."""
    if header.version != VERSION:
        raise Rejected("rjct.version.invalid", f"只支持 {VERSION}")
    if header.action != action:
        raise Rejected("rjct.action.invalid", f"此地址的 action 应为 {action}")
    if header.is_msg_encrypted:
        raise Rejected("rjct.action.not_supported", "不支持加密的消息体,请用 TLS")
    if abs(header.message_ts - now) > SKEW_MAX:
        raise Rejected("rjct.message_ts.invalid", "message_ts 与现在相差超过 15 分钟")
    if header.total_count is not None and header.total_count != number:
        raise Rejected("rjct.total_count.invalid", f"total_count 应为 {number}")


def outgoing(sign_with: Callable[[bytes], bytes], now: datetime, action: str, message_id: str, receiver: str, message: Any,
             status: str = "succ", reason: Rejected | None = None, count: int = 0) -> dict[str, Any]:
    """A whole message of ours: header, message, signature."""
    header: dict[str, Any] = {
        "version": VERSION, "message_id": message_id, "message_ts": moment(now), "action": action, "status": status,
        "total_count": count, "completed_count": count if status == "succ" else 0, "sender_id": OURSELVES,
        "receiver_id": receiver, "is_msg_encrypted": False, "meta": {},
    }
    if reason is not None:
        header |= {"status_reason_code": reason.code, "status_reason_message": reason.message}
    return {"signature": sign(OURSELVES, sign_with, now, header, message), "header": header, "message": message}
