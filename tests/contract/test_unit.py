"""One conformance suite for the unit of work, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.runtime.registry import services
from yimen.stack.components import drop_databases, make_databases
from yimen.store import audit, migrate
from yimen.store.tables import COMMON, inbox, task
from yimen.store.tables import audit as audit_table
from yimen.store.unit import Store
from yimen.testing.host import METADATA, effect

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=CHINA)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.stack)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        made = Store(f"sqlite:///{tmp_path}/unit.db")
        yield made
        made.close()
        return
    components, instance = request.getfixturevalue("components"), f"unit{os.getpid()}"
    drop_databases(components.postgres, instance, ["unit"])
    made = Store(make_databases(components.postgres, instance, ["unit"], "unit")["unit"])
    yield made
    made.close()
    drop_databases(components.postgres, instance, ["unit"])


@pytest.fixture
def ready(store: Store) -> Store:
    migrate.upgrade(store, [])
    METADATA.create_all(store.engine)
    return store


def _numbers(store: Store) -> list[int]:
    with store.transaction(write=False) as tx:
        return [row["number"] for row in tx.find(effect, order_by=effect.c.position)]


def test_a_block_that_raises_leaves_nothing_behind(ready: Store) -> None:
    with pytest.raises(ValueError, match="on purpose"), ready.transaction() as tx:
        tx.insert(effect, subject="a", number=1)
        raise ValueError("on purpose")
    assert _numbers(ready) == []


def test_a_savepoint_that_raises_undoes_only_itself(ready: Store) -> None:
    with ready.transaction() as tx:
        tx.insert(effect, subject="a", number=1)
        with pytest.raises(ValueError, match="on purpose"), tx.savepoint():
            tx.insert(effect, subject="a", number=2)
            raise ValueError("on purpose")
        tx.insert(effect, subject="a", number=3)
    assert _numbers(ready) == [1, 3]


def test_insert_new_says_whether_the_key_was_new(ready: Store) -> None:
    row = {"event_id": "e", "source": "s", "type": "t", "subject": "a", "subject_seq": 1, "received_at": NOW}
    with ready.transaction() as tx:
        assert (tx.insert_new(inbox, **row), tx.insert_new(inbox, **row)) == (1, 0)


def test_a_moment_comes_back_in_china_time(ready: Store) -> None:
    with ready.transaction() as tx:
        tx.insert(inbox, event_id="e", source="s", type="t", subject="a", subject_seq=1,
                  received_at=NOW.astimezone(UTC))
        found = tx.find(inbox)[0]["received_at"]
    assert found == NOW and found.utcoffset() == NOW.utcoffset()


def test_counting_adding_up_and_grouping(ready: Store) -> None:
    with ready.transaction() as tx:
        tx.insert_all(effect, [{"subject": "a", "number": 2}, {"subject": "a", "number": 5}, {"subject": "b", "number": 1}])
        assert tx.count(effect, effect.c.subject == "a") == 2
        assert tx.total(effect.c.number) == 8 and tx.largest(effect.c.number, effect.c.subject == "c") == 0
        assert tx.tally(effect.c.subject) == {"a": 2, "b": 1}
        assert tx.update(effect, effect.c.subject == "a", number=9) == 2 and tx.delete(effect, effect.c.number == 9) == 2


def test_colliding_writers_are_tried_again(ready: Store) -> None:
    attempts: list[int] = []

    def work(tx: object) -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise sa.exc.IntegrityError("collision", {}, Exception())
        return len(attempts)

    assert ready.run(work) == 2


def test_the_audit_chain_finds_what_was_changed_removed_or_cut_off(ready: Store) -> None:
    def sign(message: bytes) -> bytes:
        return b"signed:" + message

    def check(message: bytes, signature: bytes) -> bool:
        return bytes(signature) == sign(message)

    anchors = []
    for number in range(3):
        with ready.transaction() as tx:
            audit.record(tx, NOW, "officer-1", "case.confirm", f"case-{number}", {"amount_fen": 74000, "名": "甲"})
            audit.record(tx, NOW, "officer-2", "case.refuse", f"case-{number}", {})
        with ready.transaction() as tx:
            closed = audit.seal(tx, NOW, sign)
            assert closed is not None
            anchors.append(closed)

    def problems(change: sa.Executable | None) -> list[str]:
        with pytest.raises(ZeroDivisionError), ready.transaction() as tx:
            if change is not None:
                tx.connection.execute(change)
            found.append(audit.verify(tx, check, anchors))
            raise ZeroDivisionError  # undo the tampering
        return found[-1]

    found: list[list[str]] = []
    assert problems(None) == []
    assert problems(sa.update(audit_table).where(audit_table.c.subject == "case-1").values(actor="somebody"))
    assert problems(sa.delete(audit_table).where(audit_table.c.row_id == 1))
    assert problems(sa.insert(audit_table).values(at=NOW, actor="x", act="y", subject="z", detail={}, seal_no=2))
    assert problems(sa.delete(audit.audit_seal).where(audit.audit_seal.c.seal_no == 3))
    assert problems(sa.update(audit.audit_seal).where(audit.audit_seal.c.seal_no == 3).values(signature=b"forged"))


def test_a_database_that_is_away_is_a_fault_with_its_place_but_no_password() -> None:
    away = Store("postgresql+psycopg://someone:secret@127.0.0.1:1/nothing")
    with pytest.raises(Fault) as raised:
        away.ping()
    assert raised.value.code == "DATABASE_UNAVAILABLE" and "secret" not in raised.value.message


@pytest.mark.parametrize("name", sorted(services()))
def test_migrations_make_exactly_the_declared_tables(store: Store, name: str) -> None:
    service = services()[name]
    migrate.upgrade(store, service.migrations)
    assert migrate.drift(store, service.migrations, [COMMON, service.tables]) == ""
    with store.transaction(write=False) as tx:
        assert tx.count(task) == 0
