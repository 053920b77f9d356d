"""`yimen parked | dlq | outbox`: events that did not get where they should, and what can be done about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from yimen.bus import deadletters, outbox, parking
from yimen.bus.events import decode
from yimen.bus.public import public_data
from yimen.cli.connect import Place, place
from yimen.kernel.clock import SystemClock
from yimen.kernel.errors import Fault
from yimen.stack.stack import FOLDER, State
from yimen.store import audit
from yimen.store.unit import Row, Store, Tx

parked_app = typer.Typer(no_args_is_help=True, help="搁置的事件:处理不了、等原因、排在后面的。")
dlq_app = typer.Typer(no_args_is_help=True, help="死信:谁也读不懂的消息。")
outbox_app = typer.Typer(no_args_is_help=True, help="发件箱:说了还没有发布的事件。")
Service = Annotated[str, typer.Argument(help="服务名")]
EventId = Annotated[str, typer.Argument(help="事件编号")]
Reason = Annotated[str, typer.Option(help="理由,写入审计日志")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, group in (("parked", parked_app), ("dlq", dlq_app), ("outbox", outbox_app)):
        app.add_typer(group, name=name)


@contextmanager
def _database(here: Place, service: str, write: bool = True) -> Iterator[Tx]:
    if service not in here.databases:
        raise Fault("SERVICE_UNKNOWN", name=service, known="、".join(here.databases))
    store = Store(here.databases[service])
    try:
        with store.transaction(write) as tx:
            yield tx
    finally:
        store.close()


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]], nothing: str) -> None:
    if not rows:
        typer.echo(nothing)
        return
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)


def _tell(row: Row, *names: str) -> None:
    """The named columns and the public part of the event; what is personal is not shown."""
    for name in names:
        typer.echo(f"{name}: {row[name]}")
    try:
        typer.echo(json.dumps(public_data(decode(row["type"], bytes(row["body"]))), ensure_ascii=False, indent=1))
    except Fault as fault:
        typer.echo(f"内容读不出:{fault.code}")


# ------------------------------------------------------------------------------------------------ parked
@parked_app.command("list")
def list_parked() -> None:
    """各服务搁置的事件。"""
    rows: list[tuple[Any, ...]] = []
    with place() as here:
        for name in here.databases:
            with _database(here, name, write=False) as tx:
                rows += [(name, row["type"], row["event_id"], row["subject"], row["state"], row["attempts"], row["reason"])
                         for row in parking.held(tx)]
    _table(("服务", "事件", "编号", "对象", "状态", "次数", "原因"), rows, "没有搁置的事件。")


@parked_app.command("show")
def show_parked(service: Service, event_id: EventId) -> None:
    """一个搁置的事件:状态、原因、下次重试、公开内容。"""
    with place() as here, _database(here, service, write=False) as tx:
        row = parking.one(tx, event_id)
        _tell(row, "type", "source", "subject", "subject_seq", "state", "reason", "attempts", "parked_at",
              "next_attempt_at", "traceparent")


@parked_app.command("retry")
def retry_parked(service: Service, event_id: EventId) -> None:
    """让搁置的事件立即重试(由该服务的 server 进程执行)。"""
    with place(must_run=True) as here, _database(here, service) as tx:
        parking.release(tx, event_id, SystemClock().now())
    typer.echo("已安排重试。")


@parked_app.command("discard")
def discard_parked(service: Service, event_id: EventId, reason: Reason) -> None:
    """放弃一个搁置的事件,须写明理由。"""
    with place(must_run=True) as here, _database(here, service) as tx:
        parking.discard(tx, event_id, reason, here.clock.now())
    typer.echo("已放弃,后续事件继续处理。")


# ------------------------------------------------------------------------------------------------ dead letters
def _state() -> State:
    state = State.load(FOLDER)
    if state is None:
        raise Fault("SETTING_MISSING", name="运行中的实例(先执行 make up)")
    return state


@dlq_app.command("list")
def list_dead() -> None:
    """各服务的死信。"""
    rows: list[tuple[Any, ...]] = []
    state = _state()
    for name in state.tenancy.databases:
        rows += [(name, one.type, one.event_id, one.subject, one.reason, one.problem or "可重投", one.died_at)
                 for one in deadletters.dead_letters(state.tenancy.broker_admin, name)]
    _table(("服务", "事件", "编号", "对象", "因何成为死信", "读不懂的原因", "时间"), rows, "没有死信。")


@dlq_app.command("show")
def show_dead(service: Service, event_id: EventId) -> None:
    """一封死信的信封;内容不显示。"""
    for one in deadletters.dead_letters(_state().tenancy.broker_admin, service):
        if one.event_id == event_id:
            for name, value in vars(one).items():
                typer.echo(f"{name}: {value}")
            return
    raise Fault("DEAD_LETTER_NOT_FOUND", event_id=event_id[:64])


@dlq_app.command("retry")
def retry_dead(service: Service, event_id: EventId) -> None:
    """把死信重新发布到它进入消息服务器的地方;冒名的和仍读不懂的不能重投。"""
    with place(must_run=True) as here:
        one = deadletters.send_again(_state().tenancy.broker_admin, service, event_id)
        with _database(here, service) as tx:
            audit.record(tx, here.clock.now(), audit.OPERATOR, "dead_letter.sent_again", event_id, {"type": one.type})
    typer.echo("已重新发布。")


@dlq_app.command("discard")
def discard_dead(service: Service, event_id: EventId, reason: Reason) -> None:
    """放弃一封死信,须写明理由。"""
    if not reason.strip():
        raise Fault("REASON_REQUIRED")
    with place(must_run=True) as here:
        one = deadletters.discard(_state().tenancy.broker_admin, service, event_id)
        with _database(here, service) as tx:
            audit.record(tx, here.clock.now(), audit.OPERATOR, "dead_letter.discarded", event_id,
                         {"type": one.type, "problem": one.problem, "reason": reason})
    typer.echo("已放弃。")


# ------------------------------------------------------------------------------------------------ outbox
@outbox_app.command("list")
def list_outbox() -> None:
    """各服务说了还没有发布的事件,最早的在前。"""
    rows: list[tuple[Any, ...]] = []
    with place() as here:
        for name in here.databases:
            with _database(here, name, write=False) as tx:
                rows += [(name, row["type"], row["event_id"], row["subject"], f"{row['created_at']:%m-%d %H:%M}")
                         for row in outbox.unpublished(tx)]
    _table(("服务", "事件", "编号", "对象", "说于"), rows, "发件箱已清空。")


@outbox_app.command("show")
def show_outbox(service: Service, event_id: EventId) -> None:
    """一个事件:发布了没有、公开内容。"""
    with place() as here, _database(here, service, write=False) as tx:
        _tell(outbox.one(tx, event_id), "type", "subject", "subject_seq", "audience", "created_at", "published_at",
              "traceparent")


@outbox_app.command("retry")
def retry_outbox(service: Service, event_id: EventId, reason: Reason) -> None:
    """把一个已发布的事件再发布一次;收到过的服务按编号认得它。"""
    if not reason.strip():
        raise Fault("REASON_REQUIRED")
    with place(must_run=True) as here, _database(here, service) as tx:
        outbox.publish_again(tx, event_id)
        audit.record(tx, here.clock.now(), audit.OPERATOR, "outbox.published_again", event_id, {"reason": reason})
    typer.echo("已安排再次发布。")


@outbox_app.command("discard")
def discard_outbox(service: Service, event_id: EventId, reason: Reason) -> None:
    """放弃一个发布不了的事件,须写明理由;由 event.discarded 顶替其编号,事件流不缺号。"""
    with place(must_run=True) as here, _database(here, service) as tx:
        outbox.discard(tx, event_id, reason, here.clock.now())
    typer.echo("已放弃,由 event.discarded 顶替。")
