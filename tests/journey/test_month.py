"""The stories of a county's month, asserted to the fen: embedded, and on the real stack with processes killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from yimen.rehearsal.county import County
from yimen.rehearsal.households import FILES, read_all
from yimen.rehearsal.month import LAST_DAY, Month, start_moment
from yimen.rehearsal.promises import Evidence, check_all
from yimen.rehearsal.world import EmbeddedWorld, World
from yimen.stack.stack import Stack

from tests.feed.stream_checks import check_stream
from tests.journey.expectations import differences
from tests.journey.operations import check_dead_letters, check_doctor, check_publishing_again
from tests.journey.paths import walk

DRAWN = 6  # drawn households beside the hand-written ones


def _evidence(world: World, texts: list[Path], month: Month) -> Evidence:
    planted = [text for story in month.stories for member in story.application.members
               for text in (member.name, member.resident_id) if len(text) > 1]
    planted += [story.application.bank_account for story in month.stories if story.application.bank_account]
    return Evidence(world.services, world.databases, world.keys, world.bank_file, LAST_DAY, texts, planted)


def _check(month: Month, texts: list[Path]) -> None:
    evidence = _evidence(month.world, texts, month)
    try:
        assert differences(month, evidence) == []
        assert [row for name in evidence.services for row in evidence.rows(name, "select * from parked")] == []
        assert {number: found for number, found in check_all(evidence).items() if found} == {}
    finally:
        evidence.close()


def test_the_month_comes_out_as_written_in_one_process(tmp_path: Path, sample: County) -> None:
    world = EmbeddedWorld(tmp_path, start_moment())
    try:
        month = Month(world, sample, DRAWN, seed=7, stories=read_all(FILES))
        month.prepare()
        month.run()
        world.seal()
        _check(month, [])
        _walk(month)
    finally:
        world.close()


@pytest.mark.timeout(900)
def test_the_month_comes_out_as_written_on_the_real_stack_with_processes_killed(stack: Stack, sample: County) -> None:
    month = Month(stack, sample, DRAWN, seed=7, stories=read_all(FILES))
    month.prepare()
    # kill -9 of workers in a batch and of servers in a relay batch, while the work goes on.
    kills = {"2026-03-02": ("worker", "means_test"), "2026-03-05": ("server", "basic_living"),
             "2026-03-18": ("worker", "payment"), "2026-03-20": ("server", "intake"), "2026-04-01": ("server", "payment")}

    def before_officers(day: str) -> None:
        if day in kills:
            kind, name = kills[day]
            stack.kill(kind, name)
            stack.start_process(kind, name)
            if kind == "server":
                stack.wait_ready()

    month.before_settling = before_officers
    month.run()
    _check(month, sorted(stack.folder.glob("*.log")))
    for log in stack.folder.glob("*-server.log"):
        for line in log.read_text().splitlines():
            assert line.startswith("{") and json.loads(line)["service"], f"not a structured log line in {log.name}"
    month.before_settling = lambda day: None
    _walk(month)


def _walk(month: Month) -> None:
    """The other paths of a case, and the promises again."""
    evidence = _evidence(month.world, [], month)
    try:
        evidence.today = walk(month, evidence)
        assert [row for name in evidence.services for row in evidence.rows(name, "select * from parked")] == []
        assert {number: found for number, found in check_all(evidence).items() if found} == {}
    finally:
        evidence.close()


@pytest.mark.timeout(300)
def test_integrators_read_the_month_from_the_stream_and_nothing_else(stack: Stack, sample: County) -> None:
    check_stream(stack, sample)


@pytest.mark.timeout(300)
def test_an_operator_finds_what_is_wrong_and_what_to_do(stack: Stack) -> None:
    check_doctor(stack)
    check_dead_letters(stack)
    check_publishing_again(stack)
