"""The draw of the sample: by a published seed, so that anybody can repeat it (7.1). Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction


def sample_size(new: int, ratio: float) -> int:
    """`ceil(ratio × n)`: 10 → 3, 37 → 12, 1 → 1 at 30 % (C24)."""
    return math.ceil(Fraction(str(ratio)) * new)


def draw(by_township: Mapping[str, Sequence[str]], ratio: float, seed: str) -> dict[str, list[str]]:
    """For each township the cases whose hash with the seed comes first."""
    return {
        township: sorted(cases, key=lambda case: hashlib.sha256(f"{seed}:{case}".encode()).hexdigest())[
            : sample_size(len(cases), ratio)]
        for township, cases in sorted(by_township.items())
    }
