"""`yimen policy`: a department's own policy: look, compare, try, propose, approve, activate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from yimen.aid.v1 import aid_pb2
from yimen.cli.connect import Place, place
from yimen.department.assemble import department_of
from yimen.department.preview import pack_from, shipped_pack
from yimen.kernel.errors import Fault
from yimen.kernel.money import yuan
from yimen.policy import travel
from yimen.policy.diff import differences
from yimen.policy.pack import Pack, check_examples, load_cases, written
from yimen.security.keys import KeyRing

policy_app = typer.Typer(no_args_is_help=True, help="政策包:各部门管自己的政策。")
Service = Annotated[str, typer.Argument(help="部门服务名")]
File = Annotated[Path, typer.Argument(help="政策包文件(YAML)")]
Version = Annotated[str, typer.Argument(help="版本或散列值")]
Officer = Annotated[str, typer.Option("--officer", help="经办人编号;演练县用开发签发的身份")]
STRETCH = 500
CHANGES_SHOWN = 10
STATES = {"proposed": "待批准", "endorsed": "已批准,待启用", "approved": "已启用"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(policy_app, name="policy")


@contextmanager
def _desk(service: str, officer: str = "", must_run: bool = False) -> Iterator[tuple[Place, Any, str]]:
    """Where we are, the department's contract, and the officer's token."""
    with place(must_run=must_run) as here:
        if service not in here.services or not here.services[service].is_department:
            departments = "、".join(name for name, one in here.services.items() if one.is_department)
            raise Fault("SERVICE_UNKNOWN", name=service, known=departments)
        token = ""
        if officer:
            try:
                token = here.tokens().of(officer)
            except KeyError:
                raise Fault("OFFICER_UNKNOWN", officer_id=officer[:80]) from None
        yield here, here.peers.department(service), token


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault("FILE_WRONG", name=file.name, problem=type(error).__name__) from None


def _first_officer(service: str, number: int) -> str:
    return f"policy_officer-{service}-{number}"


# ------------------------------------------------------------------------------------------------ looking
@policy_app.command()
def check(service: Service, file: File) -> None:
    """检查一个政策包草案:名称、类型、除数、金额、案例;不需要运行中的实例。"""
    from yimen.runtime.registry import find

    department = department_of(find(service))
    pack = pack_from(department, file)
    problems, changed = check_examples(pack, load_cases(department.folder / "cases"))
    for one in problems:
        typer.echo(f"错误:{one}")
    for one in changed:
        typer.echo(f"案例结果不同:{one}")
    if problems or changed:
        typer.echo("有意改变结果时,把新的案例写进草案的 examples(格式同 cases/ 中的文件),随政策包一起批准。")
    before = shipped_pack(department, pack.file.effective)
    typer.echo(f"与随服务发布的 {before.file.version} 比,有 {len(differences(before.file, pack.file))} 处不同。")
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{pack.file.pack} {pack.file.version} 可以提出(散列值 {pack.hash[:12]})。")


@policy_app.command()
def show(service: Service, version: Annotated[str, typer.Option(help="版本或散列值;默认为生效的")] = "",
         date: Annotated[str, typer.Option(help="看哪一天生效的,YYYY-MM-DD")] = "",
         source: Annotated[bool, typer.Option(help="输出政策包原文")] = False) -> None:
    """生效的(或指定的)政策包:参数、来源、规则。"""
    with _desk(service) as (here, desk, _):
        answer = desk.GetPack(aid_pb2.GetPackRequest(pack=version, date=date))
        if source:
            typer.echo(answer.yaml.rstrip())
            return
        pack = Pack(answer.yaml, department_of(here.services[service]).facts())
        typer.echo(f"{pack.file.document}(版本 {answer.pack.version},自 {answer.pack.effective_from} 起,"
                   f"{STATES[answer.pack.state]},散列值 {answer.pack.hash[:12]})")
        table = Table(box=None, pad_edge=False)
        for heading in ("参数", "名称", "值", "单位", "来源"):
            table.add_column(heading, overflow="fold")
        for name, one in pack.file.parameters.items():
            edge = {True: "(含)", False: "(不含)", None: ""}[one.inclusive]
            table.add_row(name, one.title, f"{written(name, one.value)}{edge}", one.unit, one.source)
        Console().print(table)
        for item, rules in pack.file.items.items():
            typer.echo(f"\n{item} {rules.title}")
            for rule in rules.rules:
                given = "给予" if rule.outcome == "grant" else "不予"
                typer.echo(f"  {rule.id} {given} 当 {rule.when}" + (f";金额 {rule.amount}" if rule.amount else "")
                           + f"({rule.basis})")


@policy_app.command()
def diff(service: Service, before: Annotated[str, typer.Argument(help="版本、散列值或文件")],
         after: Annotated[str, typer.Argument(help="版本、散列值或文件")]) -> None:
    """两个政策包的不同之处。"""
    with _desk(service) as (here, desk, _):
        facts = department_of(here.services[service]).facts()

        def read(which: str) -> Pack:
            if Path(which).is_file():
                return Pack(_text(Path(which)), facts)
            return Pack(desk.GetPack(aid_pb2.GetPackRequest(pack=which)).yaml, facts)

        lines = differences(read(before).file, read(after).file)
    typer.echo("\n".join(lines) or "两个政策包相同。")


@policy_app.command()
def history(service: Service) -> None:
    """登记过的全部政策包:谁提出、谁批准、何时生效。"""
    with _desk(service) as (_, desk, __):
        packs = desk.ListPacks(aid_pb2.ListPacksRequest()).packs
    table = Table(box=None, pad_edge=False)
    for heading in ("版本", "生效", "状态", "提出", "批准", "启用", "登记时间", "散列值"):
        table.add_column(heading, overflow="fold")
    for one in packs:
        table.add_row(one.version, one.effective_from, STATES.get(one.state, one.state), one.proposed_by, one.approved_by or "—",
                      one.activated_by or "—", one.recorded_at[:16], one.hash[:12])
    Console().print(table)


# ------------------------------------------------------------------------------------------------ trying
@policy_app.command("simulate")
def simulate_pack(service: Service, file: File, officer: Officer = "") -> None:
    """试算:在本部门登记过的全部案件上,再在台账的全部家庭上;谁增、谁减、谁进、谁出,每月和每年多花多少。"""
    text = _text(file)
    with _desk(service, officer or _first_officer(service, 1)) as (_, desk, token), Progress(
            console=Console(stderr=True), transient=True) as progress:
        totals = {title: _through(desk, text, token, roster, progress.add_task(title, total=None), progress)
                  for title, roster in (("登记过的案件", False), ("台账全部家庭(按规则应得,不论是否申请)", True))}
    for title, total in totals.items():
        typer.echo(f"{title} {total.cases}:增加 {total.gain},减少 {total.lose},新进 {total.enter},退出 {total.leave},"
                   f"缺少事实无法试算 {total.undetermined}")
        typer.echo(f"  每月 {_signed(total.month_delta_fen)}元,每年 {_signed(12 * total.month_delta_fen)}元;"
                   f"一次性事项合计 {_signed(total.once_delta_fen)}元")
        for one in total.changes:
            typer.echo(f"  {one.case_id} {one.item}:{one.rule_before} {yuan(one.before_fen)}元 → {one.rule_after} "
                       f"{yuan(one.after_fen)}元")


def _through(desk: Any, text: str, token: str, roster: bool, bar: Any, progress: Progress) -> Any:
    """All stretches added up; of the changes the first ones."""
    total, after = aid_pb2.SimulatePackResponse(), ""
    while True:
        some = desk.SimulatePack(aid_pb2.SimulatePackRequest(yaml=text, after=after, limit=STRETCH, roster=roster),
                                 token=token, timeout_s=60.0)
        for name in ("cases", "gain", "lose", "enter", "leave", "undetermined", "month_delta_fen", "once_delta_fen"):
            setattr(total, name, getattr(total, name) + getattr(some, name))
        total.changes.extend(some.changes[: max(0, CHANGES_SHOWN - len(total.changes))])
        progress.update(bar, completed=total.cases, total=max(some.total, total.cases))
        after = some.next
        if not after:
            return total


def _signed(fen: int) -> str:
    return ("+" if fen > 0 else "") + yuan(fen)


# ------------------------------------------------------------------------------------------------ changing
@policy_app.command()
def sign(service: Service, file: File,
         keys: Annotated[Path | None, typer.Option(help="密钥目录;默认为当前实例的")] = None) -> None:
    """用部门的密钥在政策包文件末尾签名;内容再有改动就不被接受。"""
    text = _text(file)
    if keys is None:
        with _desk(service) as (here, _, __):
            keys = here.keys
    ring = KeyRing(keys, service)
    try:
        file.write_text(travel.seal(text, service, ring.sign))
    except RuntimeError as error:
        raise Fault("SETTING_MISSING", name=f"{keys}/{service}.key({error})") from None
    typer.echo(f"{file.name} 已由 {service} 签名。")


@policy_app.command()
def propose(service: Service, file: File, officer: Officer = "") -> None:
    """提出一个已签名的政策包;由另一名人员批准。"""
    text = _text(file)
    with _desk(service, officer or _first_officer(service, 1), must_run=True) as (_, desk, token):
        answer = desk.ProposePack(aid_pb2.ProposePackRequest(yaml=text), token=token, timeout_s=60.0)
    typer.echo(f"已提出,散列值 {answer.pack_hash}。请另一名人员试算后批准:yimen policy approve {service} {answer.pack_hash[:12]}")


@policy_app.command()
def approve(service: Service, version: Version, officer: Officer = "") -> None:
    """批准一个政策包;不能是提出的人。"""
    with _desk(service, officer or _first_officer(service, 2), must_run=True) as (_, desk, token):
        answer = desk.ApprovePack(aid_pb2.ApprovePackRequest(pack_hash=_hash(desk, version)), token=token)
    typer.echo(f"已批准。启用后自 {answer.effective_from} 起生效:yimen policy activate {service} {version}")


@policy_app.command()
def activate(service: Service, version: Version, officer: Officer = "") -> None:
    """启用一个已批准的政策包;到生效日才用它判定。"""
    with _desk(service, officer or _first_officer(service, 1), must_run=True) as (_, desk, token):
        answer = desk.ActivatePack(aid_pb2.ActivatePackRequest(pack_hash=_hash(desk, version)), token=token)
    typer.echo(f"已启用,自 {answer.effective_from} 起生效;此前仍按原政策包。")


def _hash(desk: Any, which: str) -> str:
    """The whole hash of a version or of the beginning of a hash. Raises Fault PACK_NOT_FOUND."""
    packs = desk.ListPacks(aid_pb2.ListPacksRequest()).packs
    found = [one.hash for one in packs if one.version == which or (len(which) >= 8 and one.hash.startswith(which))]
    if not found:
        raise Fault("PACK_NOT_FOUND", hash=which[:64])
    return str(found[0])
