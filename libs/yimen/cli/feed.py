"""`yimen feed`: the public feed: look at it, replay it, look for gaps, let integrators in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from yimen.bus import stream
from yimen.bus.asyncapi import document, owners_of
from yimen.bus.compatibility import problems
from yimen.bus.public import public_kinds
from yimen.cli.connect import Place, place
from yimen.feed.v1 import feed_pb2
from yimen.kernel.clock import SystemClock
from yimen.kernel.errors import Fault
from yimen.runtime.registry import services
from yimen.stack.integrators import admit
from yimen.stack.stack import FOLDER, State

SERVICE = "feed"
ASYNCAPI_FILE = Path("deploy/feed/asyncapi.json")
IDLE_S, FOLLOW_S = 3.0, 3600.0
PAGE = 500

feed_app = typer.Typer(no_args_is_help=True, help="公共事件流。")
webhook_app = typer.Typer(no_args_is_help=True, help="签名回调(Standard Webhooks)。")
Name = Annotated[str, typer.Argument(help="名称:小写字母、数字、- 或 _")]
Types = Annotated[str, typer.Option(help="事件类型,逗号分隔;默认全部")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    feed_app.add_typer(webhook_app, name="webhook")
    app.add_typer(feed_app, name="feed")


# ------------------------------------------------------------------------------------------------ reading
def _entries(here: Place, after: int = 0, subject: str = "") -> Iterator[feed_pb2.FeedEntry]:
    while True:
        page = here.peers.stub(SERVICE).ReadFeed(feed_pb2.ReadFeedRequest(after=after, limit=PAGE, subject=subject))
        yield from page.entries
        if len(page.entries) < PAGE:
            return
        after = page.entries[-1].sequence


def _broker() -> str:
    state = State.load(FOLDER)
    if state is None:
        raise Fault("SETTING_MISSING", name="运行中的实例(先执行 make up)")
    return state.tenancy.broker_admin


def _show(event: dict[str, Any]) -> None:
    typer.echo(f"{event['sequence']:>7} {event['casesequence']:>3} {event['time'][:16]} {event['type']:<28} {event['subject']}")


@feed_app.command()
def tail(
    lines: Annotated[int, typer.Option(help="先显示最后几条", min=0)] = 20,
    follow: Annotated[bool, typer.Option(help="继续等待新事件")] = False,
    subject: Annotated[str, typer.Option(help="只看这个案件或申请")] = "",
) -> None:
    """最近的事件:总序号、案内序号、时间、类型、对象。"""
    with place() as here:
        last = here.peers.stub(SERVICE).ReadFeed(feed_pb2.ReadFeedRequest(limit=1)).last
        after = 0 if subject else max(0, last - lines)
        for one in list(_entries(here, after, subject))[-lines:]:
            _show(json.loads(one.event_json))
    if follow:
        for _, event in stream.read(_broker(), SERVICE, "next", FOLLOW_S):
            if not subject or event["subject"] == subject:
                _show(event)


@feed_app.command()
def replay(
    offset: Annotated[str, typer.Option(help="从流中的位置开始:first、last 或数字")] = "first",
    since: Annotated[str, typer.Option(help="从这一时刻写入流的事件开始,如 2026-03-17T15:00:00+08:00")] = "",
) -> None:
    """从流中重放,每行一个 CloudEvents JSON。"""
    start: int | str | datetime = int(offset) if offset.isdigit() else offset
    try:
        start = datetime.fromisoformat(since) if since else start
    except ValueError:
        raise Fault("FIELD_WRONG", field="--since", expected="ISO 8601 时刻") from None
    if isinstance(start, str) and start not in ("first", "last"):
        raise Fault("FIELD_WRONG", field="--offset", expected="first、last 或数字")
    for _, event in stream.read(_broker(), SERVICE, start, IDLE_S):
        typer.echo(json.dumps(event, ensure_ascii=False))


@feed_app.command()
def gaps() -> None:
    """核对总序号和每案序号有无缺口;运行中的实例核对流本身,演练核对库中的事件。"""
    if State.load(FOLDER) is not None:
        events: Iterable[dict[str, Any]] = (event for _, event in stream.read(_broker(), SERVICE, "first", IDLE_S))
        wrong, count = find_gaps(events)
    else:
        with place() as here:
            wrong, count = find_gaps(json.loads(one.event_json) for one in _entries(here))
    for line in wrong:
        typer.echo(line)
    typer.echo(f"{count} 个事件," + ("有缺口。" if wrong else "没有缺口。"))
    if wrong:
        raise typer.Exit(1)


def find_gaps(events: Iterable[dict[str, Any]]) -> tuple[list[str], int]:
    """What is missing or out of order, and how many different events there were. A repetition is no gap."""
    wrong: list[str] = []
    last, count, by_case = 0, 0, dict[str, int]()
    for event in events:
        number, subject = int(event["sequence"]), event["subject"]
        if number <= last:
            continue
        if number != last + 1:
            wrong.append(f"缺 {last + 1} 至 {number - 1}")
        if event["casesequence"] != by_case.get(subject, 0) + 1:
            wrong.append(f"{subject}:{by_case.get(subject, 0)} 之后是 {event['casesequence']}")
        last, by_case[subject], count = number, event["casesequence"], count + 1
    return wrong, count


# ------------------------------------------------------------------------------------------------ letting in
@feed_app.command("admit")
def admit_integrator(name: Name, types: Types = "",
                     durable: Annotated[bool, typer.Option(help="另设一个持久队列")] = False) -> None:
    """为集成方建立消息账号:只能读公共事件流(和自己的队列)。只显示这一次。"""
    state = State.load(FOLDER)
    if state is None:
        raise Fault("SETTING_MISSING", name="运行中的实例(先执行 make up)")
    url = admit(state.components, state.tenancy, SERVICE, name, _types(types), durable)
    typer.echo(f"{url}\n流:{stream.stream_of(SERVICE)}" + (f"\n队列:{stream.queue_for(SERVICE, name)}" if durable else ""))


def _types(text: str) -> list[str]:
    chosen = [one.strip() for one in text.split(",") if one.strip()]
    if unknown := sorted(set(chosen) - set(public_kinds())):
        raise Fault("EVENT_TYPE_UNKNOWN", type=unknown[0][:64])
    return chosen


# ------------------------------------------------------------------------------------------------ webhooks
@webhook_app.command("add")
def add(name: Name, url: Annotated[str, typer.Argument(help="https 地址")], types: Types = "") -> None:
    """登记一个回调;密钥只显示这一次。"""
    with place(must_run=True) as here:
        answer = here.peers.stub(SERVICE).AddWebhook(
            feed_pb2.AddWebhookRequest(name=name, url=url, types=_types(types)), token=here.tokens().role("county_admin"))
    typer.echo(answer.secret)


@webhook_app.command("list")
def list_webhooks() -> None:
    """登记的回调和它们的进度。"""
    with place() as here:
        answer = here.peers.stub(SERVICE).ListWebhooks(feed_pb2.ListWebhooksRequest(),
                                                       token=here.tokens().role("county_admin"))
    for one in answer.webhooks:
        trouble = f",连续失败 {one.failures} 次({one.last_error})" if one.failures else ""
        typer.echo(f"{one.name} {one.state} {one.url},下一条 {one.next_sequence}{trouble}")


@webhook_app.command("rotate")
def rotate(name: Name) -> None:
    """换新密钥;旧密钥再同时签名一段时间。"""
    with place(must_run=True) as here:
        answer = here.peers.stub(SERVICE).RotateSecret(feed_pb2.RotateSecretRequest(name=name),
                                                       token=here.tokens().role("county_admin"))
    typer.echo(f"{answer.secret}\n旧密钥同时签名至 {answer.former_until}")


@webhook_app.command("enable")
def enable(name: Name) -> None:
    """恢复一个因连续失败而停用的回调。"""
    with place(must_run=True) as here:
        here.peers.stub(SERVICE).EnableWebhook(feed_pb2.EnableWebhookRequest(name=name),
                                               token=here.tokens().role("county_admin"))
    typer.echo("已恢复。")


@webhook_app.command("redeliver")
def redeliver(name: Name, from_sequence: Annotated[int, typer.Argument(help="从这个总序号起重新投递", min=1)]) -> None:
    """从某个序号起重新投递。"""
    with place(must_run=True) as here:
        answer = here.peers.stub(SERVICE).Redeliver(
            feed_pb2.RedeliverRequest(name=name, from_sequence=from_sequence), token=here.tokens().role("county_admin"))
    typer.echo(f"将重新投递 {answer.entries} 条。")


# ------------------------------------------------------------------------------------------------ contract
@feed_app.command()
def asyncapi(
    write: Annotated[bool, typer.Option(help=f"写入 {ASYNCAPI_FILE}")] = False,
    check: Annotated[bool, typer.Option(help="与契约比对,不一致则失败")] = False,
    against: Annotated[Path | None, typer.Option(help="与旧文档比对:只能增加,旧类型须与新类型并存 180 天")] = None,
) -> None:
    """由契约生成 AsyncAPI 3.0 文档。"""
    text = asyncapi_text()
    if against is not None:
        found = problems(json.loads(against.read_text()), json.loads(text), SystemClock().now().date())
        for line in found:
            typer.echo(line)
        if found:
            raise typer.Exit(1)
    elif write:
        ASYNCAPI_FILE.write_text(text)
    elif check:
        if not ASYNCAPI_FILE.exists() or ASYNCAPI_FILE.read_text() != text:
            raise Fault("FILE_WRONG", name=str(ASYNCAPI_FILE), problem="与契约不一致,执行 yimen feed asyncapi --write")
        typer.echo(f"{ASYNCAPI_FILE} 与 {len(public_kinds())} 个公共事件一致。")
    else:
        typer.echo(text, nl=False)


def asyncapi_text() -> str:
    """The document as it is written."""
    owners = owners_of({name: service.is_department for name, service in services().items()})
    return json.dumps(document(owners), ensure_ascii=False, indent=1) + "\n"
