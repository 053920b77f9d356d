"""`basic_living`: 低保, 特困, 单人户, 临时救助 (民政局)."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from yimen.aid.v1 import events_pb2 as aid
from yimen.bus.envelope import Envelope
from yimen.casework.reviews import Result
from yimen.department.assemble import department_service
from yimen.department.cases import Desk
from yimen.department.declaration import DELEGABLE, TIERED, AidItem, Department
from yimen.employment.v1 import employment_pb2 as employment
from yimen.policy.expression import NUMBER, TEXT
from yimen.policy.pack import Fact
from yimen.runtime.context import Context
from yimen.runtime.declaration import Channel
from yimen.store.unit import Row

from services.basic_living import care, community_work, follow_up, work_offers
from services.basic_living.emergency import OWN_FACTS, find_emergency
from services.basic_living.extras import Extras
from services.basic_living.follow_up import REFERENCE
from services.basic_living.servicer import basic_living_mount
from services.basic_living.servicer_care import care_mounts
from services.basic_living.tables import METADATA

NEED = Fact(NUMBER, "request", 1, "所需金额")
CAUSE = Fact(TEXT, "request", None, "困难原因")

RECIPIENTS = Fact(NUMBER, "request", 1, "保障人数")
# Whom a benefit for everybody in need goes to (R062, R080).
STANDING = frozenset({"dibao", "destitute", "single_person_dibao"})

OFFERS, EXTRAS = work_offers.Offers(lambda: _desk()), Extras(lambda: _desk())

DEPARTMENT = Department(
    name="basic_living",
    title="民政局",
    purpose="Minimum living guarantee, support for the destitute, temporary aid (requirements 4.1)",
    channel=Channel("basic_living_relief", "困难群众救助补助资金"),
    folder=Path(__file__).parent,
    proposer_role="township_officer",
    items=(
        AidItem("dibao", "最低生活保障", means_test=True, notice=True, standing_list=True, decided_by=DELEGABLE,
                grants_category=True),
        AidItem("destitute_support", "特困人员救助供养", subject="person", means_test=True, notice=True,
                standing_list=True, decided_by=DELEGABLE, grants_category=True),
        AidItem("single_person_dibao", "单人户低保", subject="person", means_test=True, notice=True,
                standing_list=True, decided_by=DELEGABLE, grants_category=True),
        AidItem("differentiated_extra", "低保分类增发", subject="person", by_application=False, follows=frozenset({"dibao"})),
        AidItem("temporary_aid", "支出型临时救助", purpose="emergency_living", means_test=True, notice=True, decided_by=TIERED,
                exclusive=False,
                request_facts={"months_of_need": Fact(NUMBER, "request", 1, "困难持续月数"), "cause": CAUSE},
                optional_facts={"same_cause_ref": REFERENCE}),
        AidItem("urgent_aid", "急难型临时救助", purpose="emergency_living", urgent=True, decided_by=TIERED, exclusive=False,
                request_facts={"need_fen": NEED, "cause": CAUSE}, optional_facts={"same_cause_ref": REFERENCE}),
        AidItem("price_subsidy", "价格临时补贴", by_application=False, for_all_in=STANDING, exclusive=False,
                request_facts={"cpi_bp": Fact(NUMBER, "request", 1, "居民消费价格同比涨幅(万分之一)"),
                               "food_bp": Fact(NUMBER, "request", 1, "食品价格同比涨幅(万分之一)"),
                               "low_income_index_bp": Fact(NUMBER, "request", 1, "低收入居民物价指数同比涨幅(万分之一)"),
                               "recipients": RECIPIENTS}),
        AidItem("living_allowance", "临时生活补贴", by_application=False, for_all_in=STANDING, exclusive=False,
                request_facts={"emergency": Fact(TEXT, "request", None, "突发公共事件的宣布文号"), "recipients": RECIPIENTS}),
    ),
    own_facts={"approved_fen": Fact(NUMBER, "own", 1, "批准金额"), **OWN_FACTS, **follow_up.OWN_FACTS,
               **work_offers.OWN_FACTS},
    own_defaults={"in_public_emergency": False, **follow_up.DEFAULTS, **work_offers.DEFAULTS},
    find_own_facts=lambda ctx, case: own_facts(ctx, case),
    tables=(METADATA,),
    migrations=(Path(__file__).parent / "migrations",),
    servicers=lambda app: [basic_living_mount(app, _desk()), *care_mounts(app, _desk())],
    timers={community_work.TIMER: community_work.timer(lambda: _desk())},
    handlers={employment.OfferAccepted: OFFERS.on_accepted, employment.OfferRefused: OFFERS.on_refused,
              aid.BenefitAdjusted: lambda ctx, event, envelope: on_adjusted(ctx, event, envelope)},
)


@cache
def _desk() -> Desk:
    """Keeps the packs that it has compiled."""
    return Desk(DEPARTMENT)


def on_adjusted(ctx: Context, event: aid.BenefitAdjusted, envelope: Envelope) -> None:
    """What rests on another benefit of this department ends with it."""
    EXTRAS.on_adjusted(ctx, event, envelope)
    if event.service == ctx.service and event.item == care.ITEM and event.kind == Result.STOP:
        care.end_with_case(ctx, event.case_id, date.fromisoformat(event.effective_on))


def own_facts(ctx: Context, case: Row) -> dict[str, Any]:
    """What the department's own tables know about a case."""
    limit = int(_desk().shelf.active(ctx, ctx.today).parameters.get(work_offers.LIMIT, 0))
    return {**find_emergency(ctx, case), **follow_up.find_same_cause(ctx, case),
            **(work_offers.find_refusing(ctx, case, limit) if limit else work_offers.DEFAULTS)}


SERVICE = department_service(DEPARTMENT)
