"""`basic_living`: 低保, 特困, 单人户, 临时救助 (民政局)."""

from pathlib import Path

from yimen.department.assemble import department_service
from yimen.department.declaration import DELEGABLE, TIERED, AidItem, Department
from yimen.policy.expression import NUMBER, TEXT
from yimen.policy.pack import Fact
from yimen.runtime.declaration import Channel

NEED = Fact(NUMBER, "request", 1, "所需金额")
CAUSE = Fact(TEXT, "request", None, "困难原因")

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
        AidItem("temporary_aid", "支出型临时救助", means_test=True, notice=True, decided_by=TIERED, exclusive=False,
                request_facts={"months_of_need": Fact(NUMBER, "request", 1, "困难持续月数"), "cause": CAUSE}),
        AidItem("urgent_aid", "急难型临时救助", urgent=True, decided_by=TIERED, exclusive=False,
                request_facts={"need_fen": NEED, "cause": CAUSE}),
    ),
    own_facts={"approved_fen": Fact(NUMBER, "own", 1, "批准金额")},
)

SERVICE = department_service(DEPARTMENT)
