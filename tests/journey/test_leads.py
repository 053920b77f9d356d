"""Somebody has seen a family in need (R054, requirements 2.5): it is asked before it is an application."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from yimen.common.v1 import task_pb2
from yimen.intake.v1 import intake_pb2, leads_pb2
from yimen.kernel.clock import CHINA
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month

from services.supervision.tables import overdue
from tests.journey.town import code_of

HOUSEHOLD = read(FILES / "c04_rural_family.yaml")
TOWNSHIP = HOUSEHOLD.application.village_code[:9]


@pytest.fixture
def month(world: Month) -> Month:
    return world


def _leads(month: Month) -> Any:
    return month.world.peers.stub("intake", "yimen.intake.v1.leads:Lead")


def _create(month: Month, key: str, source: str = "informant", **other: str) -> Any:
    head = HOUSEHOLD.application.members[0]
    fields = {"village_code": HOUSEHOLD.application.village_code, "name": head.name, "resident_id": head.resident_id,
              "description": "屋顶漏雨,两个孩子上学", **other}
    answer = _leads(month).CreateLead(leads_pb2.CreateLeadRequest(idempotency_key=key, source=source, **fields),
                                      token=month.tokens.role("window_clerk", TOWNSHIP))
    month.world.settle()
    return answer


def _submit(month: Month, lead_id: str) -> Any:
    return month.world.peers.stub("intake").Submit(intake_pb2.SubmitRequest(
        idempotency_key="from-lead", application=HOUSEHOLD.application, lead_id=lead_id),
        token=month.tokens.role("window_clerk", TOWNSHIP))


def test_a_lead_becomes_an_application_only_when_the_family_agrees(month: Month) -> None:
    desk, officer = _leads(month), month.tokens.role("township_officer", TOWNSHIP)
    lead_id = _create(month, "one").lead_id
    assert _create(month, "one").lead_id == lead_id  # said twice
    second = _create(month, "two", "hotline")
    assert (second.lead_id, second.known) == (lead_id, True)  # the same person, another source
    assert code_of(lambda: _submit(month, lead_id)) == "CONSENT_MISSING"
    triage = leads_pb2.TriageLeadRequest(lead_id=lead_id)
    assert code_of(lambda: desk.TriageLead(triage, token=month.tokens.role("township_officer", "990101001"))) == "OUTSIDE_AREA"
    assert desk.TriageLead(triage, token=officer).contact_by == "2026-03-05"  # three working days
    assert code_of(lambda: desk.TriageLead(triage, token=officer)) == "CASE_STATE"
    desk.ContactLead(leads_pb2.ContactLeadRequest(lead_id=lead_id, consents=True),
                     token=month.tokens.role("surveyor", TOWNSHIP))
    receipt = _submit(month, lead_id).receipt_no
    month.world.settle()
    listed = desk.ListLeads(leads_pb2.ListLeadsRequest(township_code=TOWNSHIP), token=officer).leads
    assert [(one.state, one.outcome, one.reference, list(one.sources)) for one in listed] == [
        ("closed", "applied", receipt, ["hotline", "informant"])]
    assert not desk.ListLeads(leads_pb2.ListLeadsRequest(township_code=TOWNSHIP, open_only=True), token=officer).leads
    later = _create(month, "three", "volunteer")
    assert not later.known and later.lead_id != lead_id  # the first one has ended


def test_every_lead_ends_with_a_code_and_an_answer(month: Month) -> None:
    desk, officer = _leads(month), month.tokens.role("township_officer", TOWNSHIP)
    lead_id = _create(month, "one", resident_id="").lead_id
    close = leads_pb2.CloseLeadRequest(lead_id=lead_id, outcome="no_need", feedback="暂无困难")
    assert code_of(lambda: desk.CloseLead(close, token=officer)) == "CASE_STATE"  # nobody has gone there yet
    desk.TriageLead(leads_pb2.TriageLeadRequest(lead_id=lead_id, urgent=True), token=officer)
    desk.ContactLead(leads_pb2.ContactLeadRequest(lead_id=lead_id), token=officer)
    for wrong, code in (
            (leads_pb2.CloseLeadRequest(lead_id=lead_id, outcome="rich", feedback="x"), "FIELD_WRONG"),
            (leads_pb2.CloseLeadRequest(lead_id=lead_id, outcome="no_need"), "REASON_REQUIRED"),
            (leads_pb2.CloseLeadRequest(lead_id=lead_id, outcome="applied", reference="SL-1", feedback="x"),
             "APPLICATION_NOT_FOUND"),
            (leads_pb2.CloseLeadRequest(lead_id="nothing", outcome="no_need", feedback="x"), "LEAD_NOT_FOUND")):
        assert code_of(lambda wrong=wrong: desk.CloseLead(wrong, token=officer)) == code  # type: ignore[misc]
    desk.CloseLead(close, token=officer)
    assert code_of(lambda: _create(month, "x", "neighbour")) == "FIELD_WRONG"
    assert code_of(lambda: _create(month, "x", description="")) == "FIELD_WRONG"
    assert code_of(lambda: _create(month, "x", village_code="123")) == "AREA_UNKNOWN"


def test_a_lead_that_nobody_looks_at_is_overdue(month: Month) -> None:
    _create(month, "one")
    month.world.clock.move_to(datetime(2026, 3, 4, 9, tzinfo=CHINA))
    month.world.settle()
    tasks = month.world.peers.tasks("intake").ListTasks(task_pb2.ListTasksRequest(kinds=["triage_lead"])).tasks
    assert [one.due_on for one in tasks] == ["2026-03-03"]  # one working day
    world: Any = month.world
    with world.apps["supervision"].store.transaction(write=False) as tx:
        assert [row["task_kind"] for row in tx.find(overdue, task_kind="triage_lead")] == ["triage_lead"]
