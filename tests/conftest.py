"""Fixtures for all tests: the servers once for all, a real stack for one module at a time (30 processes are enough)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from yimen.kernel.clock import FileClock
from yimen.rehearsal import county
from yimen.rehearsal.county import County
from yimen.rehearsal.month import Month, start_moment
from yimen.rehearsal.world import EmbeddedWorld
from yimen.stack.components import Components, obtain
from yimen.stack.stack import Stack

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _from_the_root() -> Iterator[None]:
    before = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(before)


@pytest.fixture(scope="session")
def sample() -> County:
    return county.load(ROOT / county.COUNTY_FILE)


@pytest.fixture(scope="session")
def components() -> Iterator[Components]:
    """RabbitMQ and PostgreSQL, found or started once for all tests that need them."""
    found = obtain()
    os.environ["YIMEN_POSTGRES_URL"], os.environ["YIMEN_AMQP_ADMIN_URL"] = found.postgres, found.broker
    yield found
    found.stop()


@pytest.fixture
def world(tmp_path: Path, sample: County) -> Iterator[Month]:
    """A fresh embedded platform with the sample county founded and no household yet."""
    place = EmbeddedWorld(tmp_path, start_moment())
    month = Month(place, sample, households=0, seed=1)
    month.prepare()
    yield month
    place.close()


@pytest.fixture(scope="module")
def stack(components: Components, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real stack: every worker and server its own process, on a clock that the tests move."""
    folder = tmp_path_factory.mktemp("stack")
    clock = FileClock(folder / "clock")
    clock.move_to(datetime.combine(start_moment().date(), start_moment().timetz()))
    running = Stack.start(folder, f"test{os.getpid()}", folder / "clock", components=components)
    yield running
    running.down()
    if components.ctl:
        assert f"yimen_test{os.getpid()}" not in components.rabbitmqctl("list_users"), "broker users are left behind"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fire-seed", type=int, default=1, help="the first seed of tests/faults")
    parser.addoption("--fire-seeds", type=int, default=1, help="how many seeds of tests/faults")
    parser.addoption("--fire-previous", default="", help="the commit whose code half of the processes begin with")
    parser.addoption("--recompute-families", type=int, default=300, help="how many benefits a new standard recomputes")
    parser.addoption("--money-instructions", type=int, default=600, help="how many payments of the batch in tests/faults/test_money.py")
    parser.addoption("--fire-long", action="store_true", help="many faults at random instead of each once")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of its own, which would come before
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m "not stack"` leaves out what needs servers."""
    for item in items:
        if {"stack", "components"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)
        if item.get_closest_marker("stack"):
            # One real stack at a time; what needs none runs beside it.
            item.add_marker(pytest.mark.xdist_group("stack"))
