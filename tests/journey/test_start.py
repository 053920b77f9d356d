"""What a process does when the things that it stands on are missing, and how the commands answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from yimen.kernel import limits
from yimen.rehearsal.world import make_keys
from yimen.runtime.registry import services

PATIENCE = "from yimen.kernel import limits; limits.START_ATTEMPTS_MAX = 3; limits.START_WAIT_S = 0.1; "
SERVER = PATIENCE + ("import runpy, sys; sys.argv = ['server', 'roster'];"
                     "runpy.run_module('yimen.runtime.server', run_name='__main__')")


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **environment})


def test_a_database_that_is_down_at_start_is_waited_for_with_a_clear_log_and_then_given_up(tmp_path: Path) -> None:
    make_keys(tmp_path, list(services()), 1)
    done = _run(SERVER, YIMEN_DATABASE_URL="postgresql+psycopg://x:geheim@127.0.0.1:1/x", YIMEN_KEYS=str(tmp_path),
                YIMEN_AMQP_URL="amqp://x:geheim@127.0.0.1:1//")
    waits = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [line["attempt"] for line in waits if line["message"] == "waiting"] == [1, 2, 3]
    assert done.returncode == 9 and "DATABASE_UNAVAILABLE" in done.stderr and "geheim" not in done.stderr


def test_a_broker_that_is_down_at_start_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    make_keys(tmp_path, list(services()), 1)
    done = _run(SERVER, YIMEN_DATABASE_URL=f"sqlite:///{tmp_path}/x.db", YIMEN_KEYS=str(tmp_path),
                YIMEN_AMQP_URL="amqp://x:geheim@127.0.0.1:1//")
    assert done.returncode == 9 and "BROKER_UNAVAILABLE" in done.stderr and "geheim" not in done.stderr


def test_a_missing_setting_is_named(tmp_path: Path) -> None:
    done = _run(SERVER, YIMEN_KEYS=str(tmp_path), YIMEN_DATABASE_URL="")
    assert done.returncode == 2 and "YIMEN_DATABASE_URL" in done.stderr


@pytest.mark.parametrize("arguments, code, word", [
    (["server", "moon"], 2, "SERVICE_UNKNOWN"),
    (["apply", "nowhere.yaml"], 2, "FILE_WRONG"),
    (["setup", "roster"], 2, "YIMEN_AMQP_ADMIN_URL"),
])
def test_a_command_that_cannot_be_done_says_what_to_do(arguments: list[str], code: int, word: str) -> None:
    done = subprocess.run([sys.executable, "-m", "yimen.cli.main", *arguments], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "YIMEN_AMQP_ADMIN_URL": "", "YIMEN_KEYS": "x"})
    assert done.returncode == code and word in done.stderr


def test_patience_is_a_named_limit() -> None:
    assert limits.START_ATTEMPTS_MAX * limits.START_WAIT_S >= 20
