"""What a handler, a timer or a servicer works with: one transaction and the words to act in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import Message
from yimen.bus import outbox
from yimen.bus.events import ANY_OWNER, DEPARTMENT_OWNER, kind_of
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.kernel.workdays import WorkCalendar
from yimen.store import audit
from yimen.store.tables import task, timer
from yimen.store.unit import Row, Tx
from yimen.telemetry.tracing import current_traceparent

if TYPE_CHECKING:
    from yimen.runtime.app import App

T = TypeVar("T")


class Context:
    """State, outbox, audit, tasks and timers of one transaction; `actor` is in whose name it is done."""

    def __init__(self, app: App, tx: Tx, actor: str) -> None:
        self.app, self.tx, self.actor = app, tx, actor
        # Answers of peers that one unit of work needs more than once.
        self._memo: dict[tuple[str, ...], Any] = {}

    def once(self, key: tuple[str, ...], ask: Callable[[], T]) -> T:
        """What `ask` answered the first time in this unit of work."""
        if key not in self._memo:
            self._memo[key] = ask()
        answer: T = self._memo[key]
        return answer

    @property
    def service(self) -> str:
        """The service's name."""
        return self.app.name

    @property
    def now(self) -> datetime:
        """The county's time."""
        return self.app.clock.now()

    @property
    def today(self) -> date:
        """The county's day."""
        return self.now.date()

    @property
    def calendar(self) -> WorkCalendar:
        """Working days."""
        return self.app.published.calendar()

    def workdays_later(self, days: int, start: date | None = None) -> date:
        """The last day of a limit of `days` working days from `start` (today)."""
        return self.calendar.add(start or self.today, days)

    # ---------------------------------------------------------------------------------------------- saying
    def emit(self, message: Message, subject: str, partition_key: str = "", audience: str = "") -> None:
        """Say that something has happened; it is published after the commit.

        `audience` names the departments that it concerns, separated by commas: the others do not receive it.

        Raises RuntimeError for an event that this service may not say.
        """
        owner = kind_of(type(message)).owner
        department = owner == DEPARTMENT_OWNER and self.app.service.is_department
        if owner not in (self.service, ANY_OWNER) and not department:
            raise RuntimeError(f"{self.service} may not say an event of {owner}")
        self.app.may_have_spoken = True
        outbox.say(self.tx, self.service, message, subject, partition_key or subject, audience,
                   self.now, current_traceparent())

    def audit(self, act: str, subject: str, /, **detail: Any) -> None:
        """Leave a row in the sealed log; ids and codes only."""
        audit.record(self.tx, self.now, self.actor, act, subject, detail)

    # ---------------------------------------------------------------------------------------------- tasks
    def open_task(self, kind: str, subject: str, role: str, area: str, due_on: date, /, **detail: str) -> str:
        """Put something on an officer's list; when its day passes undone, `item.overdue` is said."""
        task_id = derived("task", self.service, kind, subject, self.tx.count(task, kind=kind, subject=subject))
        self.tx.insert(task, task_id=task_id, kind=kind, subject=subject, owner_role=role, owner_area=area,
                       due_on=due_on, detail=detail, opened_at=self.now, overdue_said=False)
        return task_id

    def close_tasks(self, subject: str, *kinds: str) -> int:
        """Take what is done (or has become needless) off the lists; all kinds when none is named."""
        chosen = {"kind": kinds} if kinds else {}
        return self.tx.update(task, {"subject": subject, "done_at": None, **chosen}, done_at=self.now, done_by=self.actor)

    # ---------------------------------------------------------------------------------------------- timers
    def schedule(self, kind: str, subject: str, due_at: datetime, /, **payload: Any) -> None:
        """Wake up at a time; the same kind and subject again moves the time."""
        timer_id, told = derived("timer", self.service, kind, subject), current_traceparent()
        if not self.tx.insert_new(timer, timer_id=timer_id, kind=kind, subject=subject, payload=payload,
                                  due_at=due_at, fired_at=None, traceparent=told):
            self.tx.update(timer, {"timer_id": timer_id}, due_at=due_at, payload=payload, fired_at=None, traceparent=told,
                           attempts=0, next_attempt_at=None)

    def cancel(self, kind: str, subject: str) -> None:
        """It has become needless."""
        self.tx.delete(timer, timer_id=derived("timer", self.service, kind, subject), fired_at=None)

    def require(self, row: Row | None, code: str, **details: object) -> Row:
        """The row, or the Fault that says it does not exist."""
        if row is None:
            raise Fault(code, **details)
        return row
