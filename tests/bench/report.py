"""Rows of a benchmark: name, unit, ours, peer, the peer's value, the ratio between them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path("var/bench/report.json")


@dataclass(frozen=True)
class Row:
    """One comparison within one run."""

    name: str
    unit: str
    ours: float
    peer: str
    peer_value: float
    smaller_is_better: bool = False

    @property
    def ratio(self) -> float:
        """How many times better ours is."""
        return self.peer_value / self.ours if self.smaller_is_better else self.ours / self.peer_value

    def as_json(self) -> dict[str, Any]:
        """As `report.json` has it."""
        return {"name": self.name, "unit": self.unit, "ours": round(self.ours, 1), "peer": self.peer,
                "peer_value": round(self.peer_value, 1), "ratio": round(self.ratio, 2)}


def write(rows: list[Row]) -> None:
    """The file, and a table on the terminal."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps([row.as_json() for row in rows], ensure_ascii=False, indent=1) + "\n")
    for row in rows:
        print(f"{row.name:<10} {row.ours:>12,.1f} {row.unit:<42} {row.peer}: {row.peer_value:,.1f}  ×{row.ratio:.2f}")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="yimen-bench-") as folder:
        yield Path(folder)
