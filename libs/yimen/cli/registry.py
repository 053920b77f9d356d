"""`yimen registry`: who outside may ask the ledger by SPDCI Social Registry 1.0.0."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from yimen.cli.connect import place
from yimen.kernel.errors import Fault
from yimen.roster.v1 import roster_pb2 as pb

CONTRACT = "yimen.roster.v1.roster:Integrator"
registry_app = typer.Typer(no_args_is_help=True, help="台账的对外查询(SPDCI Social Registry 1.0.0):允许哪些机构。")
Sender = Annotated[str, typer.Argument(help="机构在 header.sender_id 中的名称")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(registry_app, name="registry")


@registry_app.command()
def admit(
    sender: Sender,
    key: Annotated[Path, typer.Option(help="机构的 Ed25519 公钥(PEM 文件)")],
    callback: Annotated[str, typer.Option(help="异步应答和通知的 https 地址")],
    may_list: Annotated[bool, typer.Option("--may-list", help="允许按条件查询,不限于本人同意的个人")] = False,
) -> None:
    """允许一个机构,或更换它的公钥和地址;打印台账的公钥。"""
    try:
        public_key = key.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault("FILE_WRONG", name=str(key), problem=type(error).__name__) from None
    with place() as here:
        answer = here.peers.stub("roster", CONTRACT).AdmitIntegrator(pb.AdmitIntegratorRequest(integrator=pb.Integrator(
            sender_id=sender, public_key=public_key, callback_url=callback, may_list=may_list)),
            token=here.tokens().role("county_admin"))
    typer.echo(answer.public_key, nl=False)


@registry_app.command("list")
def list_all() -> None:
    """已允许的机构。"""
    with place() as here:
        answer = here.peers.stub("roster", CONTRACT).ListIntegrators(pb.ListIntegratorsRequest(),
                                                                     token=here.tokens().role("county_admin"))
    for one in answer.integrators:
        typer.echo(f"{one.sender_id}  {'有效' if one.state == 'active' else '已停用'}  {one.callback_url}"
                   + ("  可按条件查询" if one.may_list else ""))
    typer.echo(f"{len(answer.integrators)} 个机构。")


@registry_app.command()
def dismiss(sender: Sender, reason: Annotated[str, typer.Option(help="理由")]) -> None:
    """停用一个机构:不再应答,也不再通知。"""
    with place() as here:
        here.peers.stub("roster", CONTRACT).DismissIntegrator(pb.DismissIntegratorRequest(sender_id=sender, reason=reason),
                                                              token=here.tokens().role("county_admin"))
    typer.echo(f"{sender}:已停用。")
