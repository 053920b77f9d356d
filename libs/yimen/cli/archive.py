"""`yimen archive`: the complete electronic file of an application (档案管理, R056)."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from yimen.aid.v1 import aid_pb2
from yimen.cli.cases import decided_again
from yimen.cli.connect import Place, place
from yimen.cli.decide import told
from yimen.cli.standing import Officer, token_of
from yimen.department.assemble import department_of
from yimen.intake.v1 import conferences_pb2, intake_pb2
from yimen.kernel.errors import Fault

# How long it is kept, by what came of it (R056 [A]; 档案法 leaves the classes to the county).
RETENTION = {"granted": "长期(30年)", "": "长期(30年),未办结"}
RETENTION_OTHER = "短期(10年)"
INDEX = "目录.json"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of a ZIP: the same content is the same file


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(archive)


def archive(
    receipt_no: Annotated[str, typer.Argument(help="受理号")],
    file: Annotated[Path, typer.Argument(help="写到哪个 .zip 文件;不覆盖已有的")], officer: Officer = "auditor-1",
) -> None:
    """一份申请的完整电子档案:状态、全过程、每个决定的说理书、复核、会商,附目录、散列值和保管期限。"""
    if file.exists():
        raise Fault("FILE_WRONG", name=file.name, problem="文件已存在,请另选名称")
    with place() as here:
        answer = here.peers.stub("intake").GetApplication(intake_pb2.GetApplicationRequest(receipt_no=receipt_no))
        papers = dict(_papers(here, answer, officer))
    outcomes = {item.state for item in answer.items}
    kept = next((RETENTION[one] for one in ("granted", "") if one in outcomes), RETENTION_OTHER)
    index = {"受理号": receipt_no, "保管期限": kept, "依据": "R056",
             "文件": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in papers.items()}}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in {INDEX: _json(index), **papers}.items():
            target.writestr(zipfile.ZipInfo(name, FIRST_DAY), text, zipfile.ZIP_DEFLATED)
    typer.echo(f"已写入 {file}:{len(papers)} 份文件,保管期限 {kept}。")


def _papers(here: Place, answer: Any, officer: str) -> Iterator[tuple[str, str]]:
    yield "申请.json", _json(MessageToDict(answer, preserving_proto_field_name=True))
    found = here.peers.stub("intake", "yimen.intake.v1.conferences:Conference").ListConferences(
        conferences_pb2.ListConferencesRequest(receipt_no=answer.receipt_no), token=token_of(here, officer, "auditor"))
    if found.conferences:
        yield "会商.json", _json(MessageToDict(found, preserving_proto_field_name=True))
    for item in answer.items:
        desk, folder = here.peers.department(item.service), f"案件/{item.item}-{item.case_id}"
        case = desk.GetCase(aid_pb2.GetCaseRequest(case_id=item.case_id))
        yield f"{folder}/案件.json", _json(MessageToDict(case, preserving_proto_field_name=True))
        reviews = desk.ListReviews(aid_pb2.ListReviewsRequest(case_id=item.case_id)).reviews
        for decision_id in case.decision_ids:
            service, again = decided_again(here, decision_id)
            title = department_of(service).item(again.stored.item).title
            yield f"{folder}/决定-{decision_id}.txt", told(again, service.title, title) + "\n"
        if reviews:
            yield f"{folder}/复核.json", _json([MessageToDict(one, preserving_proto_field_name=True) for one in reviews])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
