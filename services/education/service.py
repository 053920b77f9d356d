"""`education`: term grants by category, university entry (教育局)."""

from pathlib import Path

from yimen.department.assemble import department_service
from yimen.department.declaration import AidItem, Department
from yimen.policy.expression import TEXT
from yimen.policy.pack import Fact
from yimen.runtime.declaration import Channel

DEPARTMENT = Department(
    name="education",
    title="教育局",
    purpose="Assessed by school year, paid by term; university entry (requirements 4.3)",
    channel=Channel("student_aid", "学生资助补助经费"),
    folder=Path(__file__).parent,
    items=(
        AidItem("term_grant", "学期生活补助", subject="person", by_application=False,
                follows=frozenset({"destitute", "dibao", "single_person_dibao"})),
        AidItem("university_entry", "大学新生入学补助", subject="person", uses_category=True,
                request_facts={"place": Fact(TEXT, "request", None, "in_province 或 out_of_province")}),
    ),
)

SERVICE = department_service(DEPARTMENT)
