"""How a pack travels: its text with a last line that says who signed exactly this text. The line is a YAML comment."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from yimen.kernel.errors import Fault

_SEAL = re.compile(r"\n# signed-by: (\w+) ([A-Za-z0-9+/=]+)\n?\Z")


def seal(source: str, signer: str, sign: Callable[[bytes], bytes]) -> str:
    """The text with the signature of `signer` in place of any that it had."""
    text = _SEAL.sub("\n", source.rstrip() + "\n").rstrip()
    return f"{text}\n# signed-by: {signer} {base64.b64encode(sign(text.encode())).decode()}\n"


def unseal(text: str, verify: Callable[[str, bytes, bytes], bool]) -> tuple[str, str]:
    """The text without its last line, and who signed it. `verify(signer, message, signature)`.

    Raises Fault PACK_UNSIGNED, or PACK_TAMPERED when a byte has changed since.
    """
    found = _SEAL.search(text)
    if found is None:
        raise Fault("PACK_UNSIGNED")
    source = text[: found.start()]
    try:
        signature = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        raise Fault("PACK_TAMPERED", what=f"{found[1]} 签名的文件") from None
    if not verify(found[1], source.encode(), signature):
        raise Fault("PACK_TAMPERED", what=f"{found[1]} 签名的文件")
    return source + "\n", found[1]
