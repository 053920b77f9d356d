"""`yimen services | doctor | audit verify`: for those who operate a service."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from yimen.cli.connect import place
from yimen.kernel.errors import Fault
from yimen.runtime.registry import find
from yimen.runtime.registry import services as known_services
from yimen.runtime.settings import from_environment, read_settings
from yimen.security.keys import KeyRing
from yimen.stack.doctor import examine
from yimen.stack.stack import FOLDER, Stack, State
from yimen.store import audit, tables
from yimen.store.unit import Store
from yimen.supervision.v1 import supervision_pb2

audit_app = typer.Typer(no_args_is_help=True, help="审计日志。")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(services)
    app.command()(doctor)
    app.add_typer(audit_app, name="audit")


def services() -> None:
    """有哪些服务。"""
    table = Table(box=None, pad_edge=False)
    for heading in ("服务", "名称", "资金渠道", "职责"):
        table.add_column(heading)
    for service in known_services().values():
        table.add_row(service.name, service.title, service.channel.title if service.channel else "", service.purpose)
    Console().print(table)


def doctor(name: Annotated[str, typer.Argument(help="服务名;默认全部。没有运行中的实例时,按环境变量检查这个服务")] = "") -> None:
    """检查部署:密钥、数据库、表结构、时钟、消息服务器、权限、队列、死信、对方服务、积压,并说明怎么办。"""
    state = State.load(FOLDER)
    if state is None and not name:
        raise Fault("SETTING_MISSING", name="运行中的实例(先执行 make up),或服务名和它的环境变量")
    table = Table(box=None, pad_edge=False)
    for heading in ("", "服务", "检查", "结果", "怎么办"):
        table.add_column(heading, overflow="fold")
    sick = 0
    for service in [find(name)] if name else known_services().values():
        settings = read_settings(Stack(state).environment(service.name), service.name) if state else \
            from_environment(service.name)
        findings = list(examine(service, settings))
        sick += sum(not one.well for one in findings)
        for one in findings:
            if name or not one.well:
                table.add_row("✓" if one.well else "✗", one.service, one.check, one.found, one.advice)
    if table.row_count:
        Console().print(table)
    typer.echo(f"{sick} 处需要处理。" if sick else "一切正常。")
    if sick:
        raise typer.Exit(1)


@audit_app.command("verify")
def verify(name: Annotated[str, typer.Argument(help="服务名;默认全部")] = "") -> None:
    """核验审计链:有无被改动、删除、插入或截断。"""
    broken = False
    with place() as here:
        for service in [name] if name else list(here.services):
            if service not in here.databases:
                raise Fault("SERVICE_UNKNOWN", name=service, known="、".join(here.databases))
            answer = here.peers.stub("supervision").ListAnchors(supervision_pb2.ListAnchorsRequest(service=service))
            anchors = [audit.Seal(one.seal_no, one.rows, one.hash) for one in answer.anchors]
            problems, seals, rows = _verify_one(here.databases[service], KeyRing(here.keys, "auditor"), service, anchors)
            broken = broken or bool(problems)
            typer.echo(f"{service}:{'完整' if not problems else '不完整'},封条 {seals},日志 {rows} 行,外部锚点 {len(anchors)}")
            for problem in problems:
                typer.echo(f"  {problem}")
    if broken:
        raise typer.Exit(1)


def _verify_one(url: str, ring: KeyRing, service: str, anchors: list[audit.Seal]) -> tuple[list[str], int, int]:
    store = Store(url)
    with store.transaction(write=False) as tx:
        problems = audit.verify(tx, lambda message, signature: ring.verify(service, message, bytes(signature)), anchors)
        counts = tx.count(tables.audit_seal), tx.count(tables.audit)
    store.close()
    return problems, *counts
