"""Bank files that an officer hands in: whole, or in parts when they are larger than a message."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from yimen.kernel.errors import Fault
from yimen.runtime.app import App

from services.payment.reconcile import TakenIn, take_in_path
from services.payment.tables import bank_file_part

PARTS_MAX, SHA256_CHARACTERS = 4_000, 64


def take_in_file(app: App, content: bytes) -> TakenIn:
    """A file of the bank, recognised by its namespace. Raises Fault BANK_FILE_WRONG; nothing of a wrong file is taken in."""
    return _take_in_parts(app, [content])


def keep_part(app: App, upload_id: str, part: int, content: bytes) -> None:
    """A part of a large file that is not the last. Raises Fault FIELD_WRONG beyond PARTS_MAX."""
    if not 0 <= part < PARTS_MAX or not upload_id or len(upload_id) > SHA256_CHARACTERS:
        raise Fault("FIELD_WRONG", field="part", expected=f"0–{PARTS_MAX - 1},upload_id 为文件的 SHA-256")
    with app.work(f"service:{app.name}") as ctx:
        ctx.tx.delete(bank_file_part, bank_file_part.c.came_at < ctx.now - timedelta(days=1))  # what nobody has completed
        ctx.tx.insert_new(bank_file_part, upload_id=upload_id, part=part, content=content, came_at=ctx.now)


def take_in_upload(app: App, upload_id: str, last: int, content: bytes) -> TakenIn:
    """The last part has come. Raises Fault BANK_FILE_WRONG, also when a part is missing or the whole is another file."""
    def parts() -> Iterator[bytes]:
        for number in range(last):
            with app.work("", write=False) as ctx:
                row = ctx.tx.first(bank_file_part, upload_id=upload_id, part=number)
            if row is None:
                raise Fault("BANK_FILE_WRONG", where="文件", problem=f"缺少第 {number + 1} 部分,请重新提交")
            yield row["content"]
        yield content

    found = _take_in_parts(app, parts(), upload_id)
    with app.work(f"service:{app.name}") as ctx:
        ctx.tx.delete(bank_file_part, upload_id=upload_id)
    return found


def _take_in_parts(app: App, parts: Iterable[bytes], sha256: str = "") -> TakenIn:
    seen = hashlib.sha256()
    with tempfile.NamedTemporaryFile(prefix="yimen-bank-", suffix=".xml") as spooled:
        for one in parts:
            seen.update(one)
            spooled.write(one)
        spooled.flush()
        if sha256 and seen.hexdigest() != sha256:
            raise Fault("BANK_FILE_WRONG", where="文件", problem="内容与 SHA-256 不符,请重新提交")
        return take_in_path(app, Path(spooled.name))
