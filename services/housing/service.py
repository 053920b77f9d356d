"""`housing`: rent subsidy by category, dilapidated rural houses (住房和城乡建设局)."""

from pathlib import Path

from yimen.department.assemble import department_service
from yimen.department.declaration import AidItem, Department
from yimen.policy.expression import TEXT
from yimen.policy.pack import Fact
from yimen.runtime.declaration import Channel

DEPARTMENT = Department(
    name="housing",
    title="住房和城乡建设局",
    purpose="Rent subsidy by area formula, rural house renovation; consumes the shared report (requirements 4.4)",
    channel=Channel("housing_aid", "城镇保障性安居工程和农村危房改造补助"),
    folder=Path(__file__).parent,
    items=(
        AidItem("rent_subsidy", "租赁补贴", by_application=False, follows=frozenset({"dibao", "dibao_edge"})),
        AidItem("house_renovation", "农村危房改造", output="works", uses_category=True, notice=True,
                request_facts={"graded_as": Fact(TEXT, "request", None, "鉴定等级 A–D")}),
    ),
)

SERVICE = department_service(DEPARTMENT)
