"""`yimen compose`: docker-compose.yml, generated from the registry of services."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from yimen.kernel.errors import Fault
from yimen.runtime.registry import services

FILE = Path("docker-compose.yml")
HEAD = """# Generated from the registry of services by `yimen compose --write`; a test fails when they drift.
# Passwords come from the environment (.env); the defaults are for a first look on one machine only.
"""
PASSWORD = "${YIMEN_PASSWORD:-yimen}"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compose)


def compose(
    write: Annotated[bool, typer.Option(help="写入 docker-compose.yml")] = False,
    check: Annotated[bool, typer.Option(help="与登记的服务比对,不一致则失败")] = False,
) -> None:
    """由服务登记生成 docker-compose.yml。"""
    if write:
        FILE.write_text(compose_text())
    elif check:
        if not FILE.exists() or FILE.read_text() != compose_text():
            raise Fault("FILE_WRONG", name=str(FILE), problem="与登记的服务不一致,执行 yimen compose --write")
        typer.echo(f"{FILE} 与 {len(services())} 个服务一致。")
    else:
        typer.echo(compose_text(), nl=False)


def compose_text() -> str:
    """The file: RabbitMQ, one PostgreSQL with a database and a role per service, every worker and server."""
    names = list(services())
    content: dict[str, Any] = {
        "name": "yimen",
        "services": {**_components(), **{key: value for name in names for key, value in _pair(name).items()}},
        "volumes": {"postgres": {}, "rabbitmq": {}, "keys": {}, "exchange": {}, "bank": {}},
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    return HEAD + text


def _components() -> dict[str, Any]:
    return {
        "postgres": {
            "image": "postgres:15", "environment": {"POSTGRES_PASSWORD": PASSWORD},
            "volumes": ["postgres:/var/lib/postgresql/data"], "ports": ["127.0.0.1:5432:5432"],
            "healthcheck": {"test": ["CMD", "pg_isready", "-U", "postgres"], "interval": "5s", "retries": 20},
        },
        "rabbitmq": {
            "image": "rabbitmq:3.13", "volumes": ["rabbitmq:/var/lib/rabbitmq"], "ports": ["127.0.0.1:5672:5672"],
            "healthcheck": {"test": ["CMD", "rabbitmq-diagnostics", "-q", "ping"], "interval": "5s", "retries": 20},
        },
        # Once: keys, databases with their roles, broker users with their permissions, tables, topology.
        "prepare": {
            "build": {"context": ".", "dockerfile": "deploy/docker/Dockerfile", "args": {"SERVICE": "directory"}},
            "command": ["python", "-m", "yimen.stack.prepare"],
            "environment": {"YIMEN_POSTGRES_URL": f"postgresql://postgres:{PASSWORD}@postgres:5432/postgres",
                            "YIMEN_AMQP_ADMIN_URL": "amqp://guest:guest@rabbitmq:5672//", "YIMEN_PASSWORD": PASSWORD,
                            "YIMEN_KEYS": "/keys"},
            "volumes": ["keys:/keys"],
            "depends_on": {"postgres": {"condition": "service_healthy"}, "rabbitmq": {"condition": "service_healthy"}},
        },
        "bank": {
            "build": {"context": ".", "dockerfile": "deploy/docker/Dockerfile", "args": {"SERVICE": "payment"}},
            "command": ["yimen", "bank", "--file", "/bank/bank.db", "--keys", "/keys", "--listen", "0.0.0.0:50051"],
            "volumes": ["keys:/keys", "bank:/bank"],
            "depends_on": {"prepare": {"condition": "service_completed_successfully"}},
        },
    }


def _pair(name: str) -> dict[str, Any]:
    dashed = name.replace("_", "-")
    environment = {
        "YIMEN_DATABASE_URL": f"postgresql+psycopg://yimen_compose_{name}:{PASSWORD}@postgres:5432/yimen_compose_{name}",
        "YIMEN_AMQP_URL": "amqp://guest:guest@rabbitmq:5672//", "YIMEN_KEYS": "/keys",
        "YIMEN_BANK": "bank:50051", "YIMEN_EXCHANGE_URL": "sandbox:/exchange/exchange.db",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "${OTEL_EXPORTER_OTLP_ENDPOINT:-}",
    }
    web = {"ports": ["127.0.0.1:8080:8080"]} if services()[name].web else {}
    if web:
        environment["YIMEN_WEB_LISTEN"] = "0.0.0.0:8080"
    common = {
        "build": {"context": ".", "dockerfile": "deploy/docker/Dockerfile", "args": {"SERVICE": name}},
        "environment": environment, "restart": "unless-stopped", "volumes": ["keys:/keys", "exchange:/exchange"],
        "depends_on": {"prepare": {"condition": "service_completed_successfully"}},
    }
    return {dashed: {**common, **web, "command": ["yimen", "server", name]},
            f"{dashed}-worker": {**common, "command": ["yimen", "worker", name]}}
