"""`yimen decide | explain | example`: what the rules say, with and without anybody having applied."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
import yaml
from google.protobuf.json_format import ParseDict, ParseError
from yimen.aid.v1 import aid_pb2
from yimen.cli.cases import decided_again
from yimen.cli.connect import place
from yimen.department import preview
from yimen.department.assemble import department_of
from yimen.intake.v1 import intake_pb2
from yimen.kernel.clock import SystemClock
from yimen.kernel.errors import Fault
from yimen.kernel.money import in_fen, yuan
from yimen.rehearsal import county
from yimen.rehearsal.households import with_id_numbers
from yimen.runtime.declaration import Occasion
from yimen.runtime.registry import find, services

FILE_BYTES_MAX = 1_000_000
EXAMPLE = county.SAMPLE / "example_household.json"
KEYS = ("date", "application", "categories", "standards", "parameters", "delegated", "own_facts")
REMEDY = "如不服本决定,可自知道之日起60日内申请行政复议,也可以依法提起行政诉讼(行政复议法§20;社会救助暂行办法§65)。"
example_app = typer.Typer(no_args_is_help=True, help="示例文件。")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(decide)
    app.command()(explain)
    app.add_typer(example_app, name="example")


@example_app.command()
def household() -> None:
    """一户的示例文件(JSON),yimen decide 读的就是它;各字段的含义写在其中的“_说明”里。"""
    typer.echo(EXAMPLE.read_text().rstrip())


@example_app.command()
def items(service: Annotated[str, typer.Option(help="部门服务名")] = "") -> None:
    """各部门的救助事项,以及申请时须填写的内容。"""
    for name, one in services().items():
        if one.is_department and service in ("", name):
            for item in department_of(one).items:
                asked = ",".join(f"{fact}({known.title or known.type})" for fact, known in item.request_facts.items())
                how = "须申请" if item.by_application else "免申即享"
                typer.echo(f"{name} {item.name} {item.title}:{how}{';填写 ' + asked if asked else ''}")


def decide(
    file: Annotated[Path, typer.Argument(help="户文件(JSON 或 YAML),格式见 yimen example household")],
    service: Annotated[str, typer.Option(help="部门服务名")],
    pack: Annotated[Path | None, typer.Option(help="用这个政策包草案,而不是随服务发布的政策包")] = None,
) -> None:
    """按一个部门的政策判定一户,不登记、不留痕;输出 JSON。"""
    declared = find(service)
    if not declared.is_department:
        departments = "、".join(name for name, one in services().items() if one.is_department)
        raise Fault("SERVICE_UNKNOWN", name=service, known=departments)
    draft = preview.pack_from(department_of(declared), pack) if pack else None
    answer = preview.decide(services(), service, read_question(file, service), draft)
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=1))


def read_question(file: Path, service: str) -> preview.Question:
    """The household file. Raises Fault FILE_WRONG with what is wrong; what begins with `_` is a remark."""
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise Fault("PAYLOAD_TOO_LARGE", size=file.stat().st_size, limit=FILE_BYTES_MAX)
        raw = in_fen(yaml.safe_load(file.read_text()))
        raw = {key: value for key, value in raw.items() if not str(key).startswith("_")}
        # A file of `yimen apply` says more than is asked here.
        unknown = sorted(set(raw) - {*KEYS, "title", "day", "records", "expect", "script", "later"})
        if unknown:
            raise ValueError(f"不认识 {unknown[0]};可用 {'、'.join(KEYS)}")
        with_id_numbers(file.stem, raw["application"])
        form = ParseDict(raw["application"], intake_pb2.Application())
        sample = county.load(county.COUNTY_FILE)
        on = raw.get("date", SystemClock().now().date())
        day = on if isinstance(on, date) else date.fromisoformat(str(on))
        standards = {**sample.standards_on(day), **{str(k): int(v) for k, v in (raw.get("standards") or {}).items()}}
        parameters, own = dict(raw.get("parameters") or {}), dict(raw.get("own_facts") or {})
    except (OSError, KeyError, TypeError, AttributeError, yaml.YAMLError, ParseError, ValueError, OverflowError) as error:
        problem = f"缺少 {error}" if isinstance(error, KeyError) else str(error)
        raise Fault("FILE_WRONG", name=file.name, problem=problem[:200]) from None
    said = raw.get("delegated")
    occasion = Occasion(service, day, standards, tuple(raw.get("categories") or ()), preview.catalogue(services()))
    return preview.Question(form, occasion, lambda item: sample.delegates(service, item, day) if said is None else bool(said),
                            parameters, own)


def explain(decision_id: Annotated[str, typer.Argument(help="决定编号")]) -> None:
    """一个决定的说理书:逐步写明事实、规则、数字和依据,可交给申请人。"""
    with place() as here:
        service, answer = decided_again(here, decision_id)
        typer.echo(told(answer, service.title, department_of(service).item(answer.stored.item).title))
    raise typer.Exit(0 if answer.same else 1)


def told(answer: aid_pb2.ReplayDecisionResponse, office: str, item: str) -> str:
    """The reasoning of a decision, for the applicant: 说理书."""
    made = answer.stored
    granted = "给予" if made.outcome == "grant" else "不予救助"
    lines = [f"决定说理书  {made.decision_id}", "", f"机关:{office}  事项:{item}",
             f"结论:{granted}{_money(made)}", f"依据:{made.clause}", f"政策:{answer.document_no}(版本 {made.pack_version})",
             f"作出:{made.decided_at[:10] or '尚未决定,以下为拟办意见'}", "", "一、判定经过(按规则顺序,第一条成立的规则决定结果)"]
    for number, step in enumerate(answer.steps, start=1):
        lines.append(f"  {number}. [{step.rule_id}] {step.question} —— {'成立' if step.holds else '不成立'}")
        if step.holds:
            lines.append(f"     依据:{step.basis}")
    lines += ["", f"二、理由\n  {made.reason}"]
    if answer.amount_calculation:
        lines += ["", f"三、金额计算\n  {answer.amount_calculation}"]
    if made.result == "overruled":
        lines += ["", "审批机关未采纳以上意见,其理由见送达的书面决定。"]
    lines += ["", REMEDY]
    if not answer.same:
        lines.append("注意:按保存的事实和政策版本重放,结果与原决定不一致或签名无效!")
    return "\n".join(lines)


def _money(made: aid_pb2.Decision) -> str:
    if not made.amount_fen:
        return ""
    if made.instalments <= 1:
        return f",一次性 {yuan(made.amount_fen)}元"
    every = "每月" if made.every_months == 1 else f"每 {made.every_months} 个月"
    return f",{every} {yuan(made.amount_fen)}元"
