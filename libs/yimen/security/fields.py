"""Personal fields at rest: encrypted for reading back, keyed-hashed for matching (requirements 5.1)."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


def make_field_key(folder: Path, name: str, rehearsal_seed: int | None = None) -> None:
    """Write a new secret unless it exists; readable by its owner only.

    With a seed the secret follows from it: a rehearsal then gives every person the same id each time.
    """
    path = folder / f"{name}.secret"
    if not path.exists():
        path.touch(mode=0o600)
        seeded = hashlib.sha256(f"rehearsal:{rehearsal_seed}:{name}".encode()).digest()
        path.write_bytes(os.urandom(KEY_BYTES) if rehearsal_seed is None else seeded)


class FieldVault:
    """AES-256-GCM and HMAC-SHA-256 under a service's own secret. No other service can read its fields."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError("the field secret has 32 bytes")
        self._cipher = AESGCM(hashlib.sha256(b"encrypt" + secret).digest())
        self._match_key = hashlib.sha256(b"match" + secret).digest()

    @classmethod
    def load(cls, folder: Path, name: str) -> FieldVault:
        """The secret of a service from its key folder."""
        return cls((folder / f"{name}.secret").read_bytes())

    def encrypt(self, text: str) -> bytes:
        """A new nonce each time: equal texts give unequal bytes."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), None)

    def decrypt(self, sealed: bytes) -> str:
        """The text; raises cryptography's InvalidTag when the bytes were touched."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()

    def match(self, text: str) -> str:
        """A hash by which equal texts find each other and nobody else can guess them."""
        return hmac.new(self._match_key, text.encode(), hashlib.sha256).hexdigest()
