"""`yimen up | down | worker | server | migrate | setup | bank`: the processes of a deployment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from yimen.kernel.clock import Clock, FileClock, SystemClock
from yimen.kernel.errors import Fault
from yimen.telemetry import logs
from yimen.telemetry.metrics import ENDPOINT_VARIABLE
from yimen.telemetry.tracing import FILE_VARIABLE, SPANS

Names = Annotated[list[str], typer.Argument(help="服务名,可多个")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, down, worker, server, migrate, setup, bank):
        app.command()(command)


def worker(names: Names) -> None:
    """运行服务的事件处理进程(nameko)。"""
    # The worker patches its process before anything else is imported, so it starts as a fresh one.
    os.execv(sys.executable, [sys.executable, "-m", "yimen.bus.worker", *names])


def server(names: Names) -> None:
    """运行服务的接口进程:gRPC、发件箱投递、到期事项。"""
    # As a process of its own it carries nothing of the command line's modules.
    os.execv(sys.executable, [sys.executable, "-m", "yimen.runtime.server", *names])


def migrate(names: Names) -> None:
    """把服务的数据库升级到最新版本。"""
    from yimen.runtime.boot import boot

    logs.set_up("+".join(names))
    for name in names:
        boot(name, broker=False).migrate()
        typer.echo(f"{name}:数据库已是最新版本")


def setup(names: Names) -> None:
    """由管理员在消息服务器上建立服务的交换机、队列和绑定(YIMEN_AMQP_ADMIN_URL)。"""
    from yimen.bus.topology import declare_at
    from yimen.runtime.registry import find

    url = os.environ.get("YIMEN_AMQP_ADMIN_URL", "")
    if not url:
        raise Fault("SETTING_MISSING", name="YIMEN_AMQP_ADMIN_URL")
    declare_at(url, [find(name) for name in names])
    typer.echo("、".join(names) + ":交换机、队列和绑定已就绪")


def up(
    folder: Annotated[Path, typer.Option(help="数据目录")] = Path("var/stack"),
    instance: Annotated[str, typer.Option(help="实例名,出现在数据库名中")] = "dev",
    real_time: Annotated[bool, typer.Option(help="用真实时间,而不是演练时钟")] = False,
) -> None:
    """启动全部服务(每个服务一个 worker 进程和一个 server 进程)。"""
    from yimen.rehearsal import county
    from yimen.rehearsal.tokens import Tokens
    from yimen.stack.stack import Stack, State

    console = Console()
    if State.load(folder) is not None:
        console.print("已在运行;先执行 yimen down。")
        raise typer.Exit(1)
    if not real_time and not os.environ.get(ENDPOINT_VARIABLE):
        os.environ.setdefault(FILE_VARIABLE, str((folder / SPANS).resolve()))
    with console.status("寻找或启动 RabbitMQ 和 PostgreSQL,启动服务…"):
        stack = Stack.start(folder, instance, None if real_time else _rehearsal_clock(folder))
        sample = county.load(county.COUNTY_FILE)
        departments = [s.name for s in stack.services.values() if s.is_department]
        tokens = Tokens(stack.keys, stack.clock, list(county.officers(sample, departments)))
        county.found(sample, stack.peers, tokens, stack.services)
    state = stack.state
    console.print(f"{len(stack.services)} 个服务、{len(state.pids)} 个进程在运行({state.components.origin});"
                  f"日志在 {folder}/*.log,已导入{sample.name}。")
    if not state.tenancy.separate_users:
        console.print("注意:无法管理消息服务器的用户,各服务共用一个用户。")
    if not real_time:
        console.print(f"演练时钟停在 {stack.clock.now():%Y-%m-%d %H:%M};推进并让各岗位办件:yimen play --days 30")
    for name, address in state.web.items():
        console.print(f"{stack.services[name].title}的对外查询:http://{address}/registry(先执行 yimen registry admit)")
    console.print("提交申请:yimen apply deploy/county/households/c01_dibao_and_university.yaml")


def _rehearsal_clock(folder: Path) -> Path:
    from yimen.rehearsal.month import start_moment

    folder.mkdir(parents=True, exist_ok=True)
    FileClock(folder / "clock").move_to(start_moment())
    return folder / "clock"


def down(folder: Annotated[Path, typer.Option(help="数据目录")] = Path("var/stack")) -> None:
    """停止 up 启动的一切,并取回在服务器上建立的库和用户。"""
    from yimen.stack.stack import Stack, State

    state = State.load(folder)
    if state is None:
        typer.echo("没有在运行的实例。")
        return
    Stack(state).down()
    typer.echo("已停止。")


def bank(
    file: Annotated[Path, typer.Option(help="账本文件")],
    keys: Annotated[Path, typer.Option(help="密钥目录")],
    clock: Annotated[Path | None, typer.Option(help="演练时钟文件")] = None,
    listen: Annotated[str, typer.Option(help="监听地址")] = "127.0.0.1:50051",
) -> None:
    """替身银行:演练用,会拒付、延迟、退回和丢失应答。"""
    from yimen.rehearsal.bank import serve

    now: Clock = FileClock(clock) if clock else SystemClock()
    running = serve(file, keys, now, listen)
    print(f"listening {listen.rsplit(':', 1)[0]}:{running.port}", flush=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    running.stop()
