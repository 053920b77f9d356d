"""Ed25519 keys: every service signs with its own, everybody knows everybody's public half.

A key folder holds `<name>.key` (private, only where that service runs) and `<name>.pub`.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

ISSUER = "issuer"
PRIVATE_MODE = 0o600


def make_pair(folder: Path, name: str) -> None:
    """Write a new pair unless it exists; the private file is readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    private = folder / f"{name}.key"
    if private.exists():
        return
    key = Ed25519PrivateKey.generate()
    private.touch(mode=PRIVATE_MODE)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


class KeyRing:
    """Public keys of the folder by name, and the private key of `own` where there is one."""

    def __init__(self, folder: Path, own: str) -> None:
        self._folder = folder
        self.own = own
        self._public: dict[str, Ed25519PublicKey] = {}
        private = folder / f"{own}.key"
        self._private = load_pem_private_key(private.read_bytes(), None) if private.exists() else None

    def private(self) -> Ed25519PrivateKey:
        """The own private key. Raises RuntimeError where the folder has none."""
        if not isinstance(self._private, Ed25519PrivateKey):
            raise RuntimeError(f"no private key {self.own}.key in the key folder")
        return self._private

    def public(self, name: str) -> Ed25519PublicKey | None:
        """The public key of `name`, or None when nobody of that name is known."""
        if name not in self._public:
            path = self._folder / f"{name}.pub"
            if "/" in name or not path.is_file():
                return None
            key = load_pem_public_key(path.read_bytes())
            assert isinstance(key, Ed25519PublicKey)
            self._public[name] = key
        return self._public[name]

    def sign(self, message: bytes) -> bytes:
        """64 bytes, by the own key."""
        return self.private().sign(message)

    def verify(self, name: str, message: bytes, signature: bytes) -> bool:
        """Whether `name` signed exactly this message."""
        key = self.public(name)
        if key is None:
            return False
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True
