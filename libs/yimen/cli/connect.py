"""Where the commands look: the stack that `yimen up` started here, else the last demo's files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yimen.kernel.errors import Fault
from yimen.rehearsal import county
from yimen.rehearsal.tokens import Tokens
from yimen.rehearsal.world import EmbeddedWorld
from yimen.rpc.client import Peers
from yimen.runtime.declaration import Service
from yimen.stack.stack import FOLDER as STACK_FOLDER
from yimen.stack.stack import Stack, State
from yimen.telemetry.tracing import FILE_VARIABLE, SPANS

DEMO_FOLDER = Path("var/demo")


@dataclass
class Place:
    """A platform to talk to."""

    name: str
    peers: Peers
    services: dict[str, Service]
    databases: dict[str, str]
    keys: Path
    exchange_file: Path
    clock: Any
    settle: Callable[[], None]
    # Only a running stack takes commands; a finished demo is read.
    running: bool

    def tokens(self) -> Tokens:
        """Tokens of the development issuer for the officers of the sample county."""
        sample = county.load(county.COUNTY_FILE)
        departments = [service.name for service in self.services.values() if service.is_department]
        return Tokens(self.keys, self.clock, [*county.officers(sample, departments), *county.outsiders(sample)])


@contextmanager
def place(must_run: bool = False) -> Iterator[Place]:
    """The running stack, or the files of the last demo. Raises Fault SETTING_MISSING when there is neither."""
    state = State.load(STACK_FOLDER)
    if state is not None:
        if (STACK_FOLDER / SPANS).exists():
            os.environ.setdefault(FILE_VARIABLE, str((STACK_FOLDER / SPANS).resolve()))
        stack = Stack(state)
        yield Place("stack", stack.peers, stack.services, stack.databases, stack.keys, stack.exchange_file, stack.clock,
                    stack.settle, True)
        stack.peers.close()
        return
    if must_run or not (DEMO_FOLDER / "clock").exists():
        raise Fault("SETTING_MISSING", name="运行中的实例(先执行 make up)" + ("" if must_run else "或演练数据(make demo)"))
    world = EmbeddedWorld(DEMO_FOLDER, None)
    try:
        yield Place("demo", world.peers, world.services, world.databases, world.keys, world.exchange_file, world.clock,
                    world.settle, False)
    finally:
        world.close()
