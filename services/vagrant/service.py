"""`vagrant`: relief station for people without shelter, known or not (救助管理站)."""

from pathlib import Path

from yimen.department.assemble import department_service
from yimen.department.declaration import AidItem, Department
from yimen.policy.expression import BOOL
from yimen.policy.pack import Fact
from yimen.runtime.declaration import Channel

CONSENT = Fact(BOOL, "request", None, "本人自愿")

DEPARTMENT = Department(
    name="vagrant",
    title="救助管理站",
    purpose="Food, lodging, search for the family, return home; a temporary id where identity is unknown (4.7)",
    channel=Channel("vagrant_relief", "流浪乞讨人员救助资金"),
    folder=Path(__file__).parent,
    items=(
        AidItem("station_relief", "站内临时救助", subject="person", output="service", temporary_identity=True,
                exclusive=False, request_facts={"voluntary": CONSENT}, propose_days=1, decide_days=1),
        AidItem("return_home", "护送返乡", subject="person", output="goods", exclusive=False,
                request_facts={"voluntary": CONSENT}, propose_days=1, decide_days=1),
    ),
)

SERVICE = department_service(DEPARTMENT)
