"""`employment`: placement and training, not money (人力资源和社会保障局)."""

from functools import cache
from pathlib import Path

from yimen.department.assemble import department_service
from yimen.department.cases import Desk
from yimen.department.declaration import AidItem, Department
from yimen.runtime.declaration import Channel

from services.employment.servicer import employment_mount
from services.employment.tables import METADATA

DEPARTMENT = Department(
    name="employment",
    title="人力资源和社会保障局",
    purpose="Placement and training for labour-capable unemployed (requirements 4.5)",
    channel=Channel("employment_aid", "就业补助资金"),
    folder=Path(__file__).parent,
    items=(
        AidItem("job_placement", "公益性岗位安置", subject="person", output="placement", uses_category=True,
                follows=frozenset({"dibao"})),
        AidItem("skills_training", "职业技能培训", subject="person", output="training", uses_category=True),
    ),
    tables=(METADATA,),
    migrations=(Path(__file__).parent / "migrations",),
    servicers=lambda app: [employment_mount(app, _desk())],
)


@cache
def _desk() -> Desk:
    """Keeps the packs that it has compiled."""
    return Desk(DEPARTMENT)


SERVICE = department_service(DEPARTMENT)
