"""One conformance suite for the unit of work, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.rehearsal.world import wait_until
from yimen.runtime.registry import services
from yimen.stack.components import drop_databases, make_databases
from yimen.store import audit, migrate
from yimen.store.bell import Bell
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
        assert tx.count(effect, subject="a") == 2
        assert tx.total(effect.c.number) == 8 and tx.largest(effect.c.number, subject="c") == 0
        assert tx.tally(effect.c.subject) == {"a": 2, "b": 1}
        assert tx.update(effect, {"subject": "a"}, number=9) == 2 and tx.delete(effect, number=9) == 2


def test_names_ask_for_equality_none_for_absence_and_a_collection_for_one_of_it(ready: Store) -> None:
    with ready.transaction() as tx:
        for number, subject in enumerate(("a", "b", "c"), 1):
            tx.insert(effect, subject=subject, number=number)
        assert [row["number"] for row in tx.find(effect, subject={"a", "c"}, order_by=effect.c.number)] == [1, 3]
        assert tx.find(effect, subject=[]) == [] and tx.find(effect, subject=None) == []
        assert [row["number"] for row in tx.find(effect, effect.c.number > 1, subject=["a", "b"])] == [2]
        assert tx.first(effect, order_by=effect.c.number.desc())["number"] == 3
        assert tx.update(effect, {"subject": "a"}, effect.c.number < 2, number=effect.c.number + 6) == 1
        assert tx.first(effect, subject="a")["number"] == 7
        with pytest.raises(KeyError):
            tx.find(effect, no_such_column=1)


def test_a_counter_begins_at_one_and_goes_back_with_its_transaction(ready: Store) -> None:
    with ready.transaction() as tx:
        assert (tx.advance(effect.c.number, subject="a"), tx.advance(effect.c.number, subject="a")) == (1, 2)
    with pytest.raises(ValueError, match="on purpose"), ready.transaction() as tx:
        assert tx.advance(effect.c.number, subject="a") == 3
        raise ValueError("on purpose")
    with ready.transaction() as tx:
        assert tx.advance(effect.c.number, subject="a") == 3


def test_of_many_rows_only_the_unseen_are_added(ready: Store) -> None:
    row = {"source": "s", "type": "t", "subject": "a", "subject_seq": 1, "received_at": NOW}
    with ready.transaction() as tx:
        assert tx.insert_unseen(inbox.c.event_id, [{"event_id": key, **row} for key in "ab"]) == {"a", "b"}
        assert tx.insert_unseen(inbox.c.event_id, [{"event_id": key, **row} for key in "abc"]) == {"c"}
        assert tx.insert_unseen(inbox.c.event_id, []) == set()


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


def test_a_steady_reader_may_read_a_few_rows_at_a_time(ready: Store) -> None:
    with ready.transaction() as tx:
        tx.insert_all(effect, [{"subject": "a", "number": number} for number in range(50)])
    with ready.transaction(write=False, steady=True) as tx:
        rows = tx.connection.execution_options(yield_per=7).execute(sa.select(effect.c.number))
        assert sorted(row.number for row in rows) == list(range(50))


def test_who_listens_hears_what_was_said_when_it_commits(ready: Store) -> None:
    heard = threading.Event()
    bell = Bell(ready.engine, [heard])
    bell.start()
    is_postgres = ready.engine.dialect.name == "postgresql"
    if is_postgres:
        wait_until(lambda: bell.is_heard and heard.is_set(), 10, "the bell is not heard")
    heard.clear()
    with pytest.raises(ValueError, match="on purpose"), ready.transaction() as tx:
        audit.record(tx, NOW, "a", "b", "c", {})
        raise ValueError("on purpose")
    assert not heard.wait(0.2)
    with ready.transaction() as tx:
        audit.record(tx, NOW, "a", "b", "c", {})
    assert heard.wait(10 if is_postgres else 0.1) == is_postgres
    bell.close()


def test_what_a_savepoint_gathered_goes_with_it(ready: Store) -> None:
    with ready.transaction() as tx:
        audit.record(tx, NOW, "a", "kept", "c", {})
        with pytest.raises(ValueError, match="on purpose"), tx.savepoint():
            audit.record(tx, NOW, "a", "gone", "c", {})
            raise ValueError("on purpose")
        with tx.savepoint():
            audit.record(tx, NOW, "a", "also kept", "c", {})
    with ready.transaction(write=False) as tx:
        assert [row["act"] for row in tx.find(audit_table, order_by=audit_table.c.row_id)] == ["kept", "also kept"]
