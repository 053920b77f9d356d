"""`legal_aid`: a department from outside: one folder, nothing else changed (司法局)."""

from pathlib import Path

from yimen.department.assemble import department_service
from yimen.department.declaration import AidItem, Department
from yimen.runtime.declaration import Channel

DEPARTMENT = Department(
    name="legal_aid",
    title="司法局",
    purpose="Legal aid and a court-fee allowance (R111)",
    channel=Channel("legal_aid_fund", "法律援助专项资金"),
    folder=Path(__file__).parent,
    items=(
        AidItem("legal_counsel", "法律援助", subject="person", output="service", uses_category=True),
        AidItem("court_fee_allowance", "诉讼费用补助", subject="household", by_application=False,
                follows=frozenset({"dibao"})),
    ),
)

SERVICE = department_service(DEPARTMENT)
