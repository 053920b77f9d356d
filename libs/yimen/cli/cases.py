"""`yimen apply | case | play | replay`: for clerks, approvers and auditors."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from yimen.aid.v1 import aid_pb2
from yimen.cli.connect import Place, place
from yimen.intake.v1 import intake_pb2
from yimen.kernel.errors import Fault
from yimen.kernel.money import yuan
from yimen.kernel.workdays import WorkCalendar, published_days_off
from yimen.rehearsal.exchange import SandboxWriter
from yimen.rehearsal.households import read
from yimen.rehearsal.players import Players
from yimen.rehearsal.story import tell
from yimen.runtime.declaration import Service

OUTCOMES = {"grant": "给予", "refuse": "不予救助"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (apply, case, play, replay):
        app.command()(command)


def apply(
    file: Annotated[Path, typer.Argument(help="申请文件,格式见 deploy/county/households/")],
    key: Annotated[str, typer.Option(help="幂等键;默认用文件名")] = "",
) -> None:
    """向运行中的实例提交一份申请。"""
    household = read(file)
    with place(must_run=True) as here:
        writer = SandboxWriter(here.exchange_file)
        writer.add(household.records)
        writer.close()
        form = household.application
        where = form.happened_in or form.village_code
        answer = here.peers.stub("intake").Submit(
            intake_pb2.SubmitRequest(idempotency_key=key or household.key, window_id=f"W-{where[:9]}", application=form),
            token=here.tokens().role("window_clerk", where))
    typer.echo(f"受理号 {answer.receipt_no}({answer.state},窗口 {answer.window_id})")
    typer.echo(f"跟踪:yimen case {answer.receipt_no};让各岗位办一轮:yimen play")


def case(receipt_no: Annotated[str, typer.Argument(help="受理号")]) -> None:
    """一件申请的全过程:谁、何时、做了什么、为什么、依据哪条。"""
    with place() as here:
        intake = here.peers.stub("intake")
        titles = {item.item: item.title for item in intake.ListItems(intake_pb2.ListItemsRequest()).items}
        tell(intake.GetApplication(intake_pb2.GetApplicationRequest(receipt_no=receipt_no)), titles, Console())


def play(days: Annotated[int, typer.Option(help="推进演练时钟的天数;0 只办一轮", min=0, max=366)] = 0) -> None:
    """演练:各岗位办自己的待办(用开发签发的身份)。"""
    with place(must_run=True) as here:
        players = Players(here, here.tokens(), seed=0, diligent=True)
        done = players.work(here.clock.now().date())
        here.settle()
        for _ in range(days):
            here.clock.move_to(here.clock.now() + timedelta(days=1))
            here.settle()
            if WorkCalendar(published_days_off).is_workday(here.clock.now().date()):
                done += players.work(here.clock.now().date())
                here.settle()
        now = here.clock.now()
    typer.echo(f"办理 {done} 项待办,时钟 {now:%Y-%m-%d %H:%M}。")
    for code, times in players.refused.items():
        typer.echo(f"未能办理 {times} 项:{code}")


def replay(decision_id: Annotated[str, typer.Argument(help="决定编号")]) -> None:
    """按当时的事实和政策版本重放一个决定。"""
    with place() as here:
        service, answer = decided_again(here, decision_id)
        _show(answer, service.title)
    raise typer.Exit(0 if answer.same else 1)


def decided_again(here: Place, decision_id: str) -> tuple[Service, aid_pb2.ReplayDecisionResponse]:
    """The department that made a decision, and the decision made again. Raises Fault DECISION_NOT_FOUND."""
    for name, service in here.services.items():
        if not service.is_department:
            continue
        try:
            return service, here.peers.department(name).ReplayDecision(aid_pb2.ReplayDecisionRequest(decision_id=decision_id))
        except Fault as fault:
            if fault.code != "DECISION_NOT_FOUND":
                raise
    raise Fault("DECISION_NOT_FOUND", decision_id=decision_id)


def _show(answer: aid_pb2.ReplayDecisionResponse, title: str) -> None:
    console = Console()
    for label, one in (("原决定", answer.stored), ("重放", answer.replayed)):
        console.print(f"{label}:{OUTCOMES[one.outcome]} {yuan(one.amount_fen)}元  规则 {one.rule_id}  {one.reason}",
                      highlight=False)
    console.print(f"{title} 政策版本 {answer.stored.pack_version}({answer.stored.pack_hash[:12]}),依据 {answer.stored.clause}")
    console.print(f"事实:{answer.stored.inputs_json}", highlight=False)
    console.print("规则顺序:" + ",".join(answer.trail))
    console.print("一致,签名有效。" if answer.same else "[red]不一致![/]")
