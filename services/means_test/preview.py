"""The report of a form that nobody handed in: everything stands as declared, nobody visited."""

from __future__ import annotations

from typing import Any

from yimen.intake.v1 import intake_pb2
from yimen.kernel.errors import Fault
from yimen.means_test.v1 import means_test_pb2 as pb
from yimen.runtime.declaration import Occasion

from services.means_test.report import build
from services.means_test.servicer import NO_VIEW, VERDICT, VIEWS, show


def report(form: Any, occasion: Occasion) -> pb.GetReportResponse:
    """Members are named by their place in the form, from `0`. Raises Fault READ_NOT_ALLOWED or STANDARD_MISSING."""
    if occasion.reader in NO_VIEW:
        raise Fault("READ_NOT_ALLOWED", reader=occasion.reader, data="核查报告")
    visit = {"self_care_fails": None, "idle_members": [], "visit_finding": "", "area_kind": form.area_kind}
    declared = intake_pb2.GetDeclarationResponse(application=form, person_ids=[str(n) for n in range(len(form.members))])
    content = build(declared, {}, visit, set(), occasion.on, occasion.standards)
    view = VIEWS.get(occasion.reader, VERDICT)
    answer = pb.GetReportResponse(issued_on=occasion.on.isoformat(), view=view, verdict=content["verdict"])
    show(answer, content, view)
    return answer
