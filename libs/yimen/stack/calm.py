"""Whether a running stack has come to rest: nothing unpublished, nothing undelivered, nothing due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from yimen.bus.envelope import concerns
from yimen.bus.events import kind_of
from yimen.store.tables import inbox, outbox, timer
from yimen.store.unit import Store

if TYPE_CHECKING:
    from yimen.stack.stack import Stack

_STORES: dict[str, Store] = {}
OWN_WORK = {
    "payment": "select count(*) from instruction where state in ('committed', 'sending')",
    "means_test": "select count(*) from source_query where answer_sealed is null",
}


def _store(url: str) -> Store:
    if url not in _STORES:
        _STORES[url] = Store(url)
    return _STORES[url]


def restless(stack: Stack) -> str:
    """Who still has something to do, in a word; empty when nobody has."""
    heard = dict.fromkeys(stack.services, 0)
    said: dict[tuple[str, str], int] = {}
    for name, service in stack.services.items():
        with _store(stack.databases[name]).transaction(write=False) as tx:
            if tx.count(outbox, published_at=None):
                return f"{name} relay"
            late = tx.count(timer, timer.c.due_at <= stack.clock.now(), fired_at=None)
            if late and service.timers:
                return f"{name} timers"
            if name in OWN_WORK and tx.connection.execute(sa.text(OWN_WORK[name])).scalar_one():
                return f"{name} loop"
            rows = tx.connection.execute(sa.select(outbox.c.type, outbox.c.audience, sa.func.count())
                                         .group_by(outbox.c.type, outbox.c.audience))
            for wire_type, audience, number in rows:
                said[wire_type, audience] = said.get((wire_type, audience), 0) + int(number)
            heard[name] = tx.count(inbox)
    for name, service in stack.services.items():
        kinds = {kind_of(message).wire_type: message in service.addressed for message in service.handlers}
        due = sum(number for (wire_type, audience), number in said.items()
                  if wire_type in kinds and (not kinds[wire_type] or concerns(audience, name)))
        if heard[name] < due:
            return f"{name} worker {heard[name]}/{due}"
    return ""


