"""gRPC of what employment has beside its items: offers of work and training."""

from __future__ import annotations

from typing import Any

from yimen.department.cases import Desk
from yimen.department.officers import own_officer
from yimen.employment.v1 import employment_pb2 as pb
from yimen.employment.v1 import employment_pb2_grpc
from yimen.kernel.errors import Fault
from yimen.rpc.server import Mount
from yimen.runtime.app import App

from services.employment import offers

REASON_MAX = 200


class EmploymentServicer(employment_pb2_grpc.EmploymentServiceServicer):
    """Offers, by the department's own officers."""

    def __init__(self, app: App, desk: Desk) -> None:
        self._app, self._desk = app, desk

    def MakeOffer(self, request: Any, context: Any) -> Any:
        actor = own_officer(self._app, "county_officer").actor
        if request.kind not in offers.KINDS:
            raise Fault("FIELD_WRONG", field="kind", expected="/".join(offers.KINDS))
        if not 0 < len(request.offer_ref) <= offers.REFERENCE_MAX:
            raise Fault("FIELD_WRONG", field="offer_ref", expected=f"推荐单编号,不超过 {offers.REFERENCE_MAX} 字")
        household_id, person_id = offers.find_member(self._app, request.resident_id, request.offer_ref)
        with self._app.work(actor) as ctx:
            days = int(self._desk.shelf.active(ctx, ctx.today).parameters["offer_answer_days"])
            row = offers.make(ctx, household_id, person_id, request.kind, request.offer_ref, days)
        return pb.MakeOfferResponse(offer_id=row["offer_id"], answer_by=row["answer_by"].isoformat())

    def ConcludeOffer(self, request: Any, context: Any) -> Any:
        actor = own_officer(self._app, "county_officer").actor
        with self._app.work(actor) as ctx:
            count = offers.conclude(ctx, request.offer_id, request.outcome, request.reason[:REASON_MAX])
        return pb.ConcludeOfferResponse(refusals=count)

    def ListOffers(self, request: Any, context: Any) -> Any:
        actor = own_officer(self._app, "county_officer").actor
        _, person_id = offers.find_member(self._app, request.resident_id, "list_offers", anybody=True)
        with self._app.work(actor, write=False) as ctx:
            rows, count = offers.of_person(ctx, person_id), offers.refusals(ctx, person_id)
        return pb.ListOffersResponse(refusals=count, offers=[
            pb.Offer(offer_id=row["offer_id"], kind=row["kind"], offer_ref=row["offer_ref"],
                     offered_on=row["offered_on"].isoformat(), answer_by=row["answer_by"].isoformat(), outcome=row["outcome"],
                     concluded_on=row["concluded_on"].isoformat() if row["concluded_on"] else "") for row in rows])


def employment_mount(app: App, desk: Desk) -> Mount:
    """The servicer beside the department's common one."""
    return employment_pb2_grpc.add_EmploymentServiceServicer_to_server, EmploymentServicer(app, desk)
