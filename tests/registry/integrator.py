"""An integrator with its own key and its own idea of the standard: signs, checks, and listens for what comes back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

NAME = "clinic.county"
_NUMBERS = count(1)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def content(created: str, expires: str, body: dict[str, Any]) -> bytes:
    text = json.dumps({"header": body["header"], "message": body["message"]}, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"(created): {created}\n(expires): {expires}\ndigest: SHA-256={digest}".encode()


class Integrator:
    def __init__(self, name: str = NAME) -> None:
        self.name, self._key = name, Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def envelope(self, action: str, message: Any, /, life_s: int = 60, **header: Any) -> dict[str, Any]:
        """A whole message, signed."""
        body = {"header": {"version": "1.0.0", "message_id": f"m-{self.name}-{next(_NUMBERS)}", "message_ts": now(),
                           "action": action, "sender_id": self.name, "receiver_id": "roster", "is_msg_encrypted": False,
                           **header}, "message": message}
        created, expires = str(int(time.time())), str(int(time.time()) + life_s)
        signature = base64.b64encode(self._key.sign(content(created, expires, body))).decode()
        return {**body, "signature": f'Signature: namespace="dci", kidId="{self.name}|1|ed25519", algorithm="ed25519", '
                f'created="{created}", expires="{expires}", headers="(created) (expires) digest", signature="{signature}"'}


def is_signed_by(public_key: str, body: dict[str, Any]) -> bool:
    """Whether an answer is the ledger's own; raises InvalidSignature when it is not."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', body["signature"]))
    key = load_pem_public_key(public_key.encode())
    assert isinstance(key, Ed25519PublicKey) and int(fields["expires"]) > time.time()
    key.verify(base64.b64decode(fields["signature"]), content(fields["created"], fields["expires"], body))
    return True


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]], list[int]]]:
    """An address for callbacks, what has come there, and the statuses to answer with first."""
    arrived: list[tuple[str, dict[str, Any]]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = statuses.pop(0) if statuses else 200
            if status == 200:
                arrived.append((self.path, body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", arrived, statuses
    finally:
        server.shutdown()
        server.server_close()
