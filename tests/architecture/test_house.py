"""The house keeps its plan: registry, compose, near-copies, limits, and no personal data on the way out."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from yimen.bus import topology
from yimen.bus.events import ANY_OWNER, DEPARTMENT_OWNER, event_kinds
from yimen.cli.compose import compose_text
from yimen.runtime.registry import services

ROOT = Path(__file__).resolve().parents[2]
RUN_LINES = 12  # a shared run of this many code lines is a copy
FILE_LINES_MAX = 400


def test_stack_tests_run_one_at_a_time(request: pytest.FixtureRequest) -> None:
    """Two real stacks at once use up the connections of one PostgreSQL; xdist groups them by their node id."""
    if getattr(request.config.option, "loadgroup", False):
        stack = [item.nodeid for item in request.session.items if item.get_closest_marker("stack")]
        assert all(nodeid.endswith("@stack") for nodeid in stack)


def test_the_rooms_keep_apart() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_service_folder_is_a_service_and_stands_in_both_readmes() -> None:
    folders = {path.name for path in (ROOT / "services").iterdir() if (path / "service.py").is_file()}
    assert folders == set(services()) and len(folders) == 15
    for readme in ("README.md", "README.zh.md"):
        text = (ROOT / readme).read_text()
        assert [name for name in folders if f"`{name}`" not in text] == []


def test_compose_is_what_the_registry_says() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert text == compose_text(), "run `yimen compose --write`"
    parsed = yaml.safe_load(text)["services"]
    for name in services():
        dashed = name.replace("_", "-")
        assert {dashed, f"{dashed}-worker"} <= set(parsed)


def test_every_event_has_an_owner_that_exists_and_a_meaning() -> None:
    owners = {*services(), ANY_OWNER, DEPARTMENT_OWNER}
    for kind in event_kinds().values():
        assert kind.owner in owners and len(kind.meaning) > 20, kind.type


def test_every_event_is_heard_by_supervision_and_goes_into_the_feed() -> None:
    for name in ("supervision", "feed"):
        assert {kind.message for kind in event_kinds().values()} == set(services()[name].handlers)


def test_a_services_user_may_publish_only_to_its_own_exchange() -> None:
    for name, other in combinations(services(), 2):
        allowed = topology.permissions_of(name)
        assert re.fullmatch(allowed.write, topology.exchange_of(name))
        for forbidden in (topology.exchange_of(other), topology.EVENTS, topology.DEAD, topology.queue_of(other)):
            assert not re.search(allowed.write, forbidden) and not re.search(allowed.read, forbidden)


def test_a_services_user_may_say_only_the_events_that_are_its_own() -> None:
    for name, service in services().items():
        for kind in event_kinds().values():
            may = bool(re.fullmatch(topology.topics_of(service), f"{kind.type}.all"))
            assert may == (kind.owner in {name, ANY_OWNER} or (kind.owner == DEPARTMENT_OWNER and service.is_department))


def _code_lines(path: Path) -> list[str]:
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [line for line in lines if len(line) > 4 and not line.startswith(("#", '"""', "from ", "import ", "sa.Column"))]


def test_no_service_is_a_copy_of_another() -> None:
    runs: dict[tuple[str, ...], str] = {}
    copies = []
    for path in sorted((ROOT / "services").glob("*/*.py")):
        lines = _code_lines(path)
        for start in range(len(lines) - RUN_LINES + 1):
            run = tuple(lines[start : start + RUN_LINES])
            other = runs.setdefault(run, str(path))
            if Path(other).parent != path.parent:
                copies.append(f"{path} repeats {other}")
    assert copies == []


def test_files_stay_small_enough_to_hold_in_the_head() -> None:
    code = [*(ROOT / "libs").rglob("*.py"), *(ROOT / "services").rglob("*.py")]
    long = {str(path): count for path in code if (count := len(path.read_text().splitlines())) > FILE_LINES_MAX}
    assert long == {}


def test_nobody_asks_the_machine_for_the_time_but_the_clock() -> None:
    asked = []
    for path in [*(ROOT / "libs/yimen").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        if path.name in ("clock.py", "logs.py", "operate.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("now", "today"):
                owner = ast.unparse(node.func.value)
                if owner in ("datetime", "date", "datetime.datetime"):
                    asked.append(f"{path.name}:{node.lineno}")
    assert asked == []


def test_no_policy_number_stands_in_a_departments_code() -> None:
    for name, service in services().items():
        if not service.is_department:
            continue
        source = (ROOT / "services" / name / "service.py").read_text()
        numbers = {node.value for node in ast.walk(ast.parse(source))
                   if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)}
        assert all(number <= 5 for number in numbers), f"{name}: {numbers}"
