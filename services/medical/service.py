"""`medical`: premium aid and cost aid (医疗保障局)."""

from pathlib import Path

from yimen.department.assemble import department_service
from yimen.department.declaration import AidItem, Department
from yimen.policy.expression import NUMBER
from yimen.policy.pack import Fact
from yimen.runtime.declaration import Channel

DEPARTMENT = Department(
    name="medical",
    title="医疗保障局",
    purpose="Graded premium aid by category, direct cost aid after insurance (requirements 4.2)",
    channel=Channel("medical_aid", "医疗救助基金"),
    folder=Path(__file__).parent,
    items=(
        AidItem("premium_aid", "资助参保", subject="person", by_application=False,
                follows=frozenset({"destitute", "dibao", "dibao_edge", "single_person_dibao"})),
        AidItem("medical_cost_aid", "住院费用直接救助", subject="person", uses_category=True, exclusive=False,
                request_facts={"in_policy_self_pay_fen": Fact(NUMBER, "request", 0, "基本和大病保险后的政策内自付")}),
    ),
)

SERVICE = department_service(DEPARTMENT)
