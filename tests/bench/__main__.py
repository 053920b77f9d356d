"""`make bench`: ratios against peers in one run; never a part of the tests."""

from __future__ import annotations

import sys

from tests.bench import audit, decide, hop, journey, money, resolve, simulate
from tests.bench.report import write

BENCHES = {"decide": decide.run, "simulate": simulate.run, "audit": audit.run, "resolve": resolve.run, "hop": hop.run, "money": money.run, "journey": journey.run}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(BENCHES)
    write([row for name in chosen for row in BENCHES[name]()])
