"""`yimen offer`: work and training that the employment department offers (requirements 4.5)."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from yimen.cli.connect import Place, place
from yimen.cli.standing import Officer, token_of
from yimen.employment.v1 import employment_pb2 as pb

offer_app = typer.Typer(no_args_is_help=True, help="就业推荐:人社推荐岗位或培训,结果告知民政。")
DEPARTMENT = "employment"
ResidentId = Annotated[str, typer.Option(prompt="身份证号", help="不写在命令行上时会询问")]
OUTCOMES = {"accepted": "已接受", "refused": "无正当理由拒绝", "excused": "有正当理由未接受", "": "待登记"}
KINDS = {"job": "岗位", "public_post": "公益性岗位", "training": "培训"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(offer_app, name="offer")


def _offers(here: Place) -> Any:
    return here.peers.stub(DEPARTMENT, "yimen.employment.v1.employment:Employment")


@offer_app.command("make")
def make(
    resident_id: ResidentId, reference: Annotated[str, typer.Option(help="推荐单编号")],
    kind: Annotated[str, typer.Option(help="job、public_post、training")] = "job", officer: Officer = "",
) -> None:
    """向低保、低保边缘家庭中有劳动能力的成员推荐。"""
    with place(must_run=True) as here:
        answer = _offers(here).MakeOffer(pb.MakeOfferRequest(resident_id=resident_id, kind=kind, offer_ref=reference),
                                         token=token_of(here, officer, "county_officer", department=DEPARTMENT))
    typer.echo(f"推荐 {answer.offer_id},{answer.answer_by} 前登记结果。")


@offer_app.command("conclude")
def conclude(
    offer_id: Annotated[str, typer.Argument(help="推荐编号")],
    outcome: Annotated[str, typer.Option(help="accepted、refused、excused")],
    reason: Annotated[str, typer.Option(help="未接受的理由")] = "", officer: Officer = "",
) -> None:
    """登记结果;连续无正当理由拒绝的后果由民政按其政策决定。"""
    with place(must_run=True) as here:
        answer = _offers(here).ConcludeOffer(pb.ConcludeOfferRequest(offer_id=offer_id, outcome=outcome, reason=reason),
                                             token=token_of(here, officer, "county_officer", department=DEPARTMENT))
    typer.echo(f"已登记,此人连续拒绝 {answer.refusals} 次。")


@offer_app.command("list")
def listoffers(resident_id: ResidentId, officer: Officer = "") -> None:
    """一个人的历次推荐;查询台账留痕。"""
    with place(must_run=True) as here:
        answer = _offers(here).ListOffers(pb.ListOffersRequest(resident_id=resident_id),
                                          token=token_of(here, officer, "county_officer", department=DEPARTMENT))
    for one in answer.offers:
        typer.echo(f"{one.offer_id}  {one.offered_on} {KINDS[one.kind]}({one.offer_ref}),{OUTCOMES[one.outcome]}")
    typer.echo(f"连续拒绝 {answer.refusals} 次。")
