"""`yimen monitoring`: dashboards, alerts and the list of metrics, made from the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml
from yimen.cli.generated import keep
from yimen.telemetry import monitoring as made

FOLDER = Path("deploy/monitoring")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(monitoring)


def files() -> dict[Path, str]:
    """Everything that is made, by path."""
    return {
        FOLDER / "metrics.md": made.catalogue(),
        FOLDER / "alerts.yaml": yaml.safe_dump(made.rules(), sort_keys=False, allow_unicode=True, width=120),
        FOLDER / "dashboards" / "service.json": json.dumps(made.by_service(), ensure_ascii=False, indent=1) + "\n",
        FOLDER / "dashboards" / "journey.json": json.dumps(made.by_journey(), ensure_ascii=False, indent=1) + "\n",
    }


def monitoring(
    write: Annotated[bool, typer.Option(help=f"写入 {FOLDER}")] = False,
    check: Annotated[bool, typer.Option(help="与代码比对,不一致则失败")] = False,
) -> None:
    """由指标清单生成 Grafana 看板、Prometheus 告警和指标说明。"""
    keep(files(), write, check, "yimen monitoring")
    if check:
        typer.echo(f"{FOLDER} 与指标清单一致。")
