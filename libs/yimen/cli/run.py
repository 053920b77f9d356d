"""`yimen worker | server | migrate | bank`: the processes of a deployment."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from yimen.kernel.clock import Clock, FileClock, SystemClock


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(bank)


def bank(
    file: Annotated[Path, typer.Option(help="账本文件")],
    keys: Annotated[Path, typer.Option(help="密钥目录")],
    clock: Annotated[Path | None, typer.Option(help="演练时钟文件")] = None,
    listen: Annotated[str, typer.Option(help="监听地址")] = "127.0.0.1:50051",
) -> None:
    """替身银行:演练用,会拒付、延迟、退回和丢失应答。"""
    from yimen.rehearsal.bank import serve

    now: Clock = FileClock(clock) if clock else SystemClock()
    server = serve(file, keys, now, listen)
    print(f"listening {listen.rsplit(':', 1)[0]}:{server.port}", flush=True)
    wait_for_stop()
    server.stop()


def wait_for_stop() -> None:
    """Sleep until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
