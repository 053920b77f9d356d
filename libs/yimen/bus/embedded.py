"""The bus without a broker: hands outbox rows to the same processors, in one process.

It gives what the real bus gives and no more: at least once, order within a subject, every event to every
subscriber. It knows no time of its own; who drives it decides when the clock moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from yimen.bus import outbox
from yimen.bus.envelope import from_outbox
from yimen.bus.processor import Host, Processor

ROUNDS_MAX = 10_000


class Member(Host, Protocol):
    """A service on the embedded bus."""

    processor: Processor
    # Set by whoever writes to the outbox; saves a look at an empty one.
    may_have_spoken: bool


class EmbeddedBus:
    """Delivers between the services of one process."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members

    def relay(self, source: Member) -> int:
        """Deliver one batch of a service's outbox to all subscribers, then mark it published."""
        if not source.may_have_spoken:
            return 0
        source.may_have_spoken = False
        with source.store.transaction(write=False) as tx:
            rows = outbox.unpublished(tx)
        if not rows:
            return 0
        source.may_have_spoken = True  # there may be more than one batch
        batch = [from_outbox(source.name, row) for row in rows]
        for member in self._members:
            mine = [event for event in batch if member.processor.subscribes(event)]
            if mine:
                member.processor.handle_batch(mine)
        with source.store.transaction() as tx:
            outbox.mark_published(tx, (event.event_id for event in batch), source.machine_now())
        return len(batch)

    def pump(self) -> int:
        """Deliver until nobody has anything to say; returns how many events travelled.

        Raises RuntimeError after ROUNDS_MAX rounds: services that answer each other for ever.
        """
        travelled = 0
        for _ in range(ROUNDS_MAX):
            moved = sum(self.relay(member) for member in self._members)
            if not moved:
                moved = sum(member.processor.retry_parked(everything=True) for member in self._members
                            if member.processor.may_hold_parked)
            travelled += moved
            if not moved:
                return travelled
        raise RuntimeError("the services never come to rest")
