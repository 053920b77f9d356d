"""`yimen helm | broker`: what a Kubernetes deployment and a broker's administrator need, from the registry of services."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from yimen.bus.topology import broker_definitions
from yimen.cli.generated import keep
from yimen.kernel.errors import Fault
from yimen.runtime.declaration import Service
from yimen.runtime.registry import services

FOLDER = Path("deploy/helm/services")
HEAD = "# Made from the declaration of `{name}` by `yimen helm --write`; a test fails when they drift.\n"
BANK, EXCHANGE_USER = "bank", "means_test"
PASSWORD_BYTES = 24


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(helm)
    app.command()(broker)


def values_of(service: Service) -> dict[str, Any]:
    """The chart's values for one service."""
    return {"service": {
        "name": service.name, "title": service.title,
        "peers": sorted(set(service.peers) - {BANK}),
        "callers": sorted(other.name for other in services().values() if service.name in other.peers),
        "usesBank": BANK in service.peers, "usesExchange": service.name == EXCHANGE_USER,
        "web": service.web is not None,
    }}


def files() -> dict[Path, str]:
    """One file of values for each service."""
    def text(service: Service) -> str:
        return HEAD.format(name=service.name) + yaml.safe_dump(values_of(service), sort_keys=False, allow_unicode=True)

    return {FOLDER / f"{name}.yaml": text(service) for name, service in services().items()}


def helm(
    write: Annotated[bool, typer.Option(help=f"写入 {FOLDER}")] = False,
    check: Annotated[bool, typer.Option(help="与登记的服务比对,不一致则失败")] = False,
) -> None:
    """由服务登记生成 Helm 图表的各服务取值。"""
    keep(files(), write, check, "yimen helm")
    if check:
        typer.echo(f"{FOLDER} 与 {len(services())} 个服务一致。")


def broker(
    passwords: Annotated[Path, typer.Option(help="口令文件(JSON,服务名到口令);缺的会生成并写回,仅本人可读")],
    vhost: Annotated[str, typer.Option(help="虚拟主机")] = "yimen",
) -> None:
    """生成消息服务器的用户和权限:每个服务只能往自己的交换机发布属于自己的事件(rabbitmqctl import_definitions)。"""
    known: dict[str, str] = _read(passwords)
    missing = [name for name in services() if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in missing}
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps(known, indent=1) + "\n")
    typer.echo(json.dumps(broker_definitions(vhost, services().values(), known, "yimen_"), indent=1))


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text())
        return {str(name): str(password) for name, password in known.items()}
    except (ValueError, AttributeError) as error:
        raise Fault("FILE_WRONG", name=str(path), problem=type(error).__name__) from None
