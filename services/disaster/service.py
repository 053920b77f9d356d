"""`disaster`: relief in declared disasters, without means test (应急管理局)."""

from pathlib import Path

from yimen.department.assemble import department_service
from yimen.department.declaration import AidItem, Department
from yimen.policy.expression import TEXT
from yimen.policy.pack import Fact
from yimen.runtime.declaration import Channel

from services.disaster.declared import OWN_FACTS, disaster_mount, find_declared
from services.disaster.tables import METADATA

DISASTER_ID = Fact(TEXT, "request", None, "受灾事件编号")

DEPARTMENT = Department(
    name="disaster",
    title="应急管理局",
    purpose="Emergency relief and rebuilding after a declared disaster (requirements 4.6)",
    channel=Channel("disaster_relief", "自然灾害救灾资金"),
    folder=Path(__file__).parent,
    items=(
        AidItem("disaster_emergency", "灾害应急救助", purpose="emergency_living", exclusive=False,
                request_facts={"disaster_id": DISASTER_ID}),
        AidItem("house_rebuilding", "倒损民房重建", exclusive=False, notice=True,
                request_facts={"disaster_id": DISASTER_ID, "damage": Fact(TEXT, "request", None, "collapsed/severe/general")}),
    ),
    own_facts=OWN_FACTS,
    find_own_facts=find_declared,
    tables=(METADATA,),
    migrations=(Path(__file__).parent / "migrations",),
    servicers=lambda app: [disaster_mount(app)],
)

SERVICE = department_service(DEPARTMENT)
