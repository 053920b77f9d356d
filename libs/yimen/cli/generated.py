"""Files that are made from the code: written, compared, or named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer
from yimen.kernel.errors import Fault


def keep(files: Mapping[Path, str], write: bool, check: bool, command: str) -> None:
    """Write them, or raise Fault FILE_WRONG where one differs, or say which they are."""
    for path, text in files.items():
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif check and (not path.exists() or path.read_text() != text):
            raise Fault("FILE_WRONG", name=str(path), problem=f"与代码不一致,执行 {command} --write")
        elif not check:
            typer.echo(str(path))
