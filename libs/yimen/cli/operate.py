"""`yimen services | parked | audit verify`: for those who operate a service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from yimen.bus import parking
from yimen.cli.connect import place
from yimen.kernel.clock import CHINA
from yimen.kernel.errors import Fault
from yimen.runtime.registry import services as known_services
from yimen.security.keys import KeyRing
from yimen.store import audit, tables
from yimen.store.unit import Store
from yimen.supervision.v1 import supervision_pb2

audit_app = typer.Typer(no_args_is_help=True, help="审计日志。")
parked_app = typer.Typer(no_args_is_help=True, help="搁置的事件。")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(services)
    app.add_typer(audit_app, name="audit")
    app.add_typer(parked_app, name="parked")


def services() -> None:
    """有哪些服务。"""
    table = Table(box=None, pad_edge=False)
    for heading in ("服务", "名称", "资金渠道", "职责"):
        table.add_column(heading)
    for service in known_services().values():
        table.add_row(service.name, service.title, service.channel.title if service.channel else "", service.purpose)
    Console().print(table)


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


@parked_app.command("list")
def list_parked() -> None:
    """列出各服务搁置的事件。"""
    table = Table(box=None, pad_edge=False)
    for heading in ("服务", "事件", "编号", "对象", "状态", "次数", "原因"):
        table.add_column(heading)
    with place() as here:
        for name, url in here.databases.items():
            store = Store(url)
            with store.transaction(write=False) as tx:
                for row in parking.held(tx):
                    table.add_row(name, row["type"], row["event_id"], row["subject"], row["state"], str(row["attempts"]),
                                  row["reason"])
            store.close()
    Console().print(table)


@parked_app.command("retry")
def retry(service: Annotated[str, typer.Argument(help="服务名")],
          event_id: Annotated[str, typer.Argument(help="事件编号")]) -> None:
    """让搁置的事件立即重试(由该服务的 server 进程执行)。"""
    with place(must_run=True) as here:
        store = Store(here.databases[service])
        with store.transaction() as tx:
            parking.release(tx, event_id, datetime.now(CHINA))
        store.close()
    typer.echo("已安排重试。")


@parked_app.command("discard")
def discard(service: Annotated[str, typer.Argument(help="服务名")],
            event_id: Annotated[str, typer.Argument(help="事件编号")],
            reason: Annotated[str, typer.Option(help="理由,写入审计日志")]) -> None:
    """放弃一个搁置的事件,须写明理由。"""
    with place(must_run=True) as here:
        store = Store(here.databases[service])
        with store.transaction() as tx:
            parking.discard(tx, event_id, reason, here.clock.now())
        store.close()
    typer.echo("已放弃,后续事件继续处理。")
