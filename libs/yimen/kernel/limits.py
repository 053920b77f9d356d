"""Every limit of the platform's machinery, by name, with its unit last. Policy limits live in policy packs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

PAYLOAD_BYTES_MAX = 256 * 1024
MEMBERS_MAX = 20
ITEMS_MAX = 12
TASKS_PAGE_MAX = 200
HOUSEHOLDS_PAGE_MAX = 200
RESOLVE_IDS_MAX = 1000

BATCH_EVENTS_MAX = 200
BATCH_WAIT_MS_MAX = 20
PREFETCH_EVENTS = 400
DELIVERY_LIMIT = 20

RELAY_BATCH_MAX = 200
RELAY_IDLE_MS = 100
RELAY_GATHER_MS = 20
RELAY_CONFIRM_S_MAX = 15

# Of an event or a timer whose handler failed: the first pause, doubled each time.
RETRY_S_FIRST = 5
RETRY_S_MAX = 3600
PARK_BATCH_MAX = 100


def retry_pause_s(attempts: int) -> int:
    """Seconds until the next try after so many failures (at least one)."""
    return int(min(RETRY_S_FIRST * 2 ** min(attempts - 1, 32), RETRY_S_MAX))


TIMER_BATCH_MAX = 200
SEAL_ROWS_MAX = 1000

RPC_DEADLINE_S = 5.0
RPC_THREADS = 8
START_ATTEMPTS_MAX = 10
START_WAIT_S = 3.0
STOP_GRACE_S = 10.0
TOKEN_LIFE_S = 8 * 3600
TRANSACTION_ATTEMPTS_MAX = 5


def groups(everything: Iterable[T], size_max: int) -> Iterator[list[T]]:
    """The same in lists of at most `size_max`; never more than one of them at a time (`itertools.batched`, from 3.12 on)."""
    source = iter(everything)
    while group := list(islice(source, size_max)):
        yield group
