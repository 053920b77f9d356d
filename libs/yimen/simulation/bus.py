"""The broker of the simulation: a queue per service that gives no more than RabbitMQ gives.

At least once; in order within a subject, but for what was not confirmed and is published again. Relay, broker and consumer are
separate steps, so that a process can die between any two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from yimen.bus import outbox
from yimen.bus.envelope import Envelope, from_outbox
from yimen.kernel.errors import Fault
from yimen.runtime.app import App
from yimen.simulation.mishaps import Crash, Mishaps

BATCH_MAX = 20
ROUNDS_MAX = 2_000


class SimulatedBus:
    """Queues between the living processes; `apps` is looked at anew each time, since processes are replaced."""

    def __init__(self, apps: Mapping[str, App], mishaps: Mishaps, restart: Callable[[str], None]) -> None:
        self._apps, self._mishaps, self._restart = apps, mishaps, restart
        self._queues: dict[str, list[Envelope]] = {name: [] for name in apps}
        # What the broker holds back until the next step.
        self._late: dict[str, list[Envelope]] = {name: [] for name in apps}

    def step(self) -> None:
        """Late events arrive."""
        for name, late in self._late.items():
            self._queues[name] = late + self._queues[name]
            self._late[name] = []

    def pump(self) -> int:
        """Relay and deliver until nobody has anything to say. Raises RuntimeError after ROUNDS_MAX rounds."""
        travelled = 0
        for _ in range(ROUNDS_MAX):
            moved = sum(self._surviving(name, self._relay) + self._surviving(name, self._deliver)
                        for name in self._apps)
            if not moved:
                moved = sum(self._surviving(name, self._retry) for name in self._apps)
            travelled += moved
            if not moved:
                return travelled
        raise RuntimeError("the services never come to rest")

    def waiting(self) -> int:
        """Events in queues, late ones included."""
        return sum(len(queue) for queues in (self._queues, self._late) for queue in queues.values())

    def _surviving(self, name: str, work: Callable[[str], int]) -> int:
        try:
            return work(name)
        except Crash as crash:
            self._restart(crash.service)
        except Fault as fault:
            if fault.code != "DATABASE_UNAVAILABLE":
                raise
        return 1  # there may be more to do

    # ------------------------------------------------------------------------------------------ publishing
    def _relay(self, name: str) -> int:
        app = self._apps[name]
        if not app.may_have_spoken:
            return 0
        with app.store.transaction(write=False) as tx:
            rows = outbox.unpublished(tx)
        if not rows:
            app.may_have_spoken = False
            return 0
        batch = [from_outbox(name, row) for row in rows]
        for queue, member in self._apps.items():
            self._queues[queue] += [event for event in batch if member.processor.subscribes(event)]
        self._mishaps.crash("crash_before_mark", name)
        with app.store.transaction() as tx:
            outbox.mark_published(tx, (event.event_id for event in batch), app.machine_now())
        return len(batch)

    # ------------------------------------------------------------------------------------------ consuming
    def _deliver(self, name: str) -> int:
        batch = self._queues[name][:BATCH_MAX]
        if not batch:
            return 0
        arrived, late = self._with_mishaps(name, batch)
        if arrived:
            self._apps[name].processor.handle_batch(arrived)
        # Acknowledged only after the handling: whoever dies in it gets everything again.
        self._queues[name] = self._queues[name][len(batch):]
        self._late[name] += late
        return len(batch)

    def _with_mishaps(self, name: str, batch: Sequence[Envelope]) -> tuple[list[Envelope], list[Envelope]]:
        """What arrives now, and what comes late; what follows a late event in the same case stays behind it."""
        arrived: list[Envelope] = []
        late: list[Envelope] = []
        held = {event.subject for event in self._late[name]}
        for event in batch:
            if event.subject in held or self._mishaps.strikes("delay", name):
                held.add(event.subject)
                late.append(event)
                continue
            arrived.append(event)
            if self._mishaps.strikes("duplicate", name):
                arrived.append(event)
        if arrived and self._mishaps.strikes("reorder", name):
            arrived = self._reordered(arrived)
        if arrived and self._mishaps.strikes("reorder_in_case", name):
            arrived.sort(key=lambda event: self._mishaps.draw(event.event_id))
        return arrived, late

    def _reordered(self, batch: list[Envelope]) -> list[Envelope]:
        """Another order of the cases; within each case the order stays."""
        subjects = sorted({event.subject for event in batch}, key=lambda subject: self._mishaps.draw(subject))
        return [event for subject in subjects for event in batch if event.subject == subject]

    def _retry(self, name: str) -> int:
        processor = self._apps[name].processor
        return processor.retry_parked(everything=True) if processor.may_hold_parked else 0
