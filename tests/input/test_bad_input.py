"""Bad input gets a typed error with a stable code and leaves no half-state (on a whole embedded platform)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from yimen.aid.v1 import aid_pb2
from yimen.aid.v1 import events_pb2 as aid
from yimen.directory.v1 import directory_pb2
from yimen.disclosure.v1 import disclosure_pb2
from yimen.intake.v1 import intake_pb2
from yimen.kernel.errors import Fault
from yimen.means_test.v1 import means_test_pb2
from yimen.payment.v1 import batches_pb2, payment_pb2
from yimen.policy.travel import seal
from yimen.rehearsal.households import FILES, read
from yimen.rehearsal.month import Month
from yimen.roster.v1 import roster_pb2
from yimen.security.identity import issue_officer_token
from yimen.security.keys import KeyRing, make_pair

TOWNSHIP = "990101001"


def _form(name: str = "c10_private_car") -> Any:
    return read(FILES / f"{name}.yaml").application


def _submit(month: Month, form: Any, key: str, window: str = f"W-{TOWNSHIP}") -> Any:
    return month.world.peers.stub("intake").Submit(
        intake_pb2.SubmitRequest(idempotency_key=key, window_id=window, application=form),
        token=month.tokens.role("window_clerk", TOWNSHIP))


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(Fault) as raised:
        call()
    assert len(raised.value.message) > 10
    return raised.value.code


def _changed(change: Callable[[Any], object], name: str = "c10_private_car") -> Any:
    form = _form(name)
    change(form)
    return form


@pytest.mark.parametrize("code, change", [
    ("ID_MALFORMED", lambda f: setattr(f.members[0], "resident_id", "12345")),
    ("ID_CHECKSUM_WRONG", lambda f: setattr(f.members[0], "resident_id", "990101198812010012"[:17] + "3")),
    ("ID_DATE_WRONG", lambda f: setattr(f.members[0], "resident_id", "990101198813320017")),
    ("ID_REPEATED", lambda f: f.members.append(f.members[0])),
    ("NO_MEMBERS", lambda f: f.members.pop()),
    ("TOO_MANY_MEMBERS", lambda f: f.members.extend([f.members[0]] * 30)),
    ("NO_ITEMS", lambda f: f.items.pop()),
    ("UNKNOWN_ITEM", lambda f: setattr(f.items[0], "item", "moon_landing")),
    ("ITEM_NOT_BY_APPLICATION", lambda f: setattr(f.items[0], "item", "premium_aid")),
    ("ITEM_FACT_MISSING", lambda f: setattr(f.items[0], "item", "temporary_aid")),
    ("ITEM_FACT_WRONG", lambda f: (setattr(f.items[0], "item", "urgent_aid"),
                                   f.items[0].request.update({"need_fen": "much", "cause": "fire"}))),
    ("FIELD_WRONG", lambda f: f.items[0].request.update({"certificate_of_poverty": "yes"})),
    ("MEMBER_INDEX_WRONG", lambda f: setattr(f.items[0], "member_index", 9)),
    ("AREA_UNKNOWN", lambda f: setattr(f, "village_code", "110101001001")),
    ("FIELD_WRONG", lambda f: setattr(f, "area_kind", "moon")),
    ("FIELD_WRONG", lambda f: setattr(f, "agent", "村委会")),
    ("FIELD_WRONG", lambda f: setattr(f.members[0], "unemployment_reason", "lazy")),
    ("FIELD_WRONG", lambda f: f.obligors.add(relation="child", household_size=0, parents_supported=1, supports=[0])),
    ("FIELD_WRONG", lambda f: f.obligors.add(relation="child", household_size=2, parents_supported=1, supports=[7])),
    ("FIELD_WRONG", lambda f: f.obligors.add(relation="child", household_size=2, parents_supported=0, supports=[0])),
    ("TEMPORARY_IDENTITY_NOT_ALLOWED", lambda f: setattr(f.members[0], "resident_id", "")),
    ("PAYLOAD_TOO_LARGE", lambda f: setattr(f.members[0], "name", "长" * 100_000)),
])
def test_a_wrong_form_is_refused_with_its_code(month: Month, code: str, change: Callable[[Any], object]) -> None:
    assert _code(lambda: _submit(month, _changed(change), f"wrong-{code}")) == code
    # No half-state: the same key is free for the corrected form.
    with month.world.apps["intake"].store.transaction(write=False) as tx:  # type: ignore[attr-defined]
        from services.intake.tables import application

        assert tx.count(application, idempotency_key=f"wrong-{code}") == 0


def test_the_message_names_the_place_and_not_the_number(month: Month) -> None:
    form = _changed(lambda f: setattr(f.members[0], "resident_id", "990101198812010013"))
    with pytest.raises(Fault) as raised:
        _submit(month, form, "place")
    assert "第1位" in raised.value.message and "990101198812" not in raised.value.message


def test_a_key_with_the_same_body_gives_the_first_result_and_with_another_body_is_refused(month: Month) -> None:
    first = _submit(month, _form(), "once")
    assert _submit(month, _form(), "once") == first
    assert _code(lambda: _submit(month, _form("c07_above_edge"), "once")) == "KEY_REUSED"


def test_a_member_of_another_household_is_refused(month: Month) -> None:
    _submit(month, _form("c04_rural_family"), "family")
    stolen = _form("c04_rural_family").members[2]
    form = _changed(lambda f: f.members.append(stolen), "c14_expenditure_aid")
    assert _code(lambda: _submit(month, form, "stolen")) == "MEMBER_IN_TWO_HOUSEHOLDS"


def test_the_wrong_window_routes_and_does_not_refuse(month: Month) -> None:
    answer = _submit(month, _form("c11_destitute_elder"), "elsewhere", window=f"W-{TOWNSHIP}")
    assert answer.state == "routed" and answer.window_id == "W-990101020"


def test_a_missing_authorisation_is_told_once_and_nobody_is_queried(month: Month) -> None:
    form = _changed(lambda f: setattr(f.members[1], "authorised", False), "c02_exactly_at_standard")
    receipt = _submit(month, form, "unsigned").receipt_no
    clerk = month.tokens.role("window_clerk", "990101002")
    answer = month.world.peers.stub("intake").Accept(intake_pb2.AcceptRequest(receipt_no=receipt), token=clerk)
    assert answer.state == "supplement_required" and list(answer.missing) == ["第2位成员的核对授权书(R016)"]
    month.world.settle()
    from services.means_test.sources import ADAPTERS, open_exchange

    source = ADAPTERS["tax"]
    exchange = open_exchange(f"sandbox:{month.world.exchange_file}")
    assert _code(lambda: source.ask(exchange, "990101198812010013", authorised=False)) == "AUTHORISATION_MISSING"


# ------------------------------------------------------------------------------------------------ authority
def _token(month: Month, officer: str, roles: list[str], area: str, department: str = "", life_s: int = 3600,
           keys: KeyRing | None = None) -> str:
    ring = keys or KeyRing(month.world.keys, "issuer")
    return issue_officer_token(ring, officer, roles, area, department, month.world.clock.now(), life_s)


@pytest.fixture(scope="module")
def deciding(month: Month) -> str:
    """A case of 低保 that waits for its decision at the township; returns its id."""
    form = read(FILES / "c01_dibao_and_university.yaml")
    month.exchange.add(form.records)
    answer = month.players.submit(form)
    from yimen.kernel.ids import derived

    case_id = derived("case", answer.application_id, "dibao", "")
    diligent = type(month.players)(month.world, month.tokens, 1, diligent=True)
    for _ in range(40):
        month.world.settle()
        state = month.world.peers.department("basic_living").GetCase(aid_pb2.GetCaseRequest(case_id=case_id)).state \
            if _ > 1 else ""
        if state == "deciding":
            return case_id
        diligent.work(month.world.clock.now().date())
        month.world.clock.move_to(month.world.clock.now() + timedelta(days=1))
    raise AssertionError("the case never came to its decision")


@pytest.mark.parametrize("code, officer, roles, area, department", [
    ("ROLE_MISSING", "surveyor-990101001-1", ["surveyor"], TOWNSHIP, ""),
    ("WRONG_LEVEL", "county_approver-basic_living", ["county_approver"], "990101", "basic_living"),
    ("WRONG_DEPARTMENT", "county_approver-medical", ["county_approver"], "990101", "medical"),
    ("OUTSIDE_AREA", "township_head-990101002-1", ["township_head"], "990101002", ""),
    ("OFFICER_UNKNOWN", "invented", ["township_head"], TOWNSHIP, ""),
])
def test_a_decision_by_the_wrong_officer_is_refused(month: Month, deciding: str, code: str, officer: str,
                                                    roles: list[str], area: str, department: str) -> None:
    token = _token(month, officer, roles, area, department)
    request = aid_pb2.DecideRequest(case_id=deciding, confirm=True, minutes_ref="M1")
    assert _code(lambda: month.world.peers.department("basic_living").Decide(request, token=token)) == code


@pytest.mark.parametrize("officer", ["surveyor-990101001-1", "surveyor-990101001-2", "township_officer-990101001-1"])
def test_who_has_surveyed_or_proposed_does_not_propose(month: Month, deciding: str, officer: str) -> None:
    token = _token(month, officer, ["township_officer"], TOWNSHIP)
    request = aid_pb2.ProposeRequest(case_id=deciding)
    assert _code(lambda: month.world.peers.department("basic_living").Propose(request, token=token)) == "SEPARATION_OF_DUTIES"


def test_who_has_proposed_does_not_decide(month: Month, deciding: str) -> None:
    # He holds both posts in the directory; the earlier act alone keeps him out.
    officer = directory_pb2.Officer(officer_id="both-990101001", roles=["township_officer", "township_head"], area=TOWNSHIP)
    month.world.peers.stub("directory").LoadCounty(directory_pb2.LoadCountyRequest(officers=[officer]),
                                                   token=month.tokens.role("county_admin"))
    from yimen.department.tables import aid_case

    with month.world.apps["basic_living"].store.transaction() as tx:  # type: ignore[attr-defined]
        duties = tx.find(aid_case, case_id=deciding)[0]["duties"]
        tx.update(aid_case, {"case_id": deciding}, duties={**duties, "both-990101001": "提出意见"})
    token = _token(month, "both-990101001", ["township_officer", "township_head"], TOWNSHIP)
    request = aid_pb2.DecideRequest(case_id=deciding, confirm=True, minutes_ref="M1")
    assert _code(lambda: month.world.peers.department("basic_living").Decide(request, token=token)) == "SEPARATION_OF_DUTIES"


def test_minutes_and_reasons_are_asked_for(month: Month, deciding: str) -> None:
    head = month.tokens.role("township_head", TOWNSHIP)
    department = month.world.peers.department("basic_living")
    assert _code(lambda: department.Decide(aid_pb2.DecideRequest(case_id=deciding, confirm=True), token=head)) == "MINUTES_REQUIRED"
    refuse = aid_pb2.DecideRequest(case_id=deciding, confirm=False, minutes_ref="M1")
    assert _code(lambda: department.Decide(refuse, token=head)) == "REASON_REQUIRED"


def test_outside_a_delegation_the_township_decides_nothing(month: Month, deciding: str) -> None:
    peers, admin = month.world.peers, month.tokens.role("county_admin")
    from yimen.kernel.ids import derived

    delegation_id = derived("delegation", month.county.delegation["document_no"])
    peers.stub("directory").RevokeDelegation(
        directory_pb2.RevokeDelegationRequest(delegation_id=delegation_id, reason="试点结束"), token=admin)
    request = aid_pb2.DecideRequest(case_id=deciding, confirm=True, minutes_ref="M1")
    head = month.tokens.role("township_head", TOWNSHIP)
    assert _code(lambda: peers.department("basic_living").Decide(request, token=head)) == "NO_DELEGATION"


def test_stale_forged_and_missing_tokens_are_refused(month: Month, deciding: str, tmp_path: Path) -> None:
    department, request = month.world.peers.department("basic_living"), aid_pb2.ProposeRequest(case_id=deciding)
    stale = _token(month, "township_officer-990101001-1", ["township_officer"], TOWNSHIP, life_s=0)
    assert _code(lambda: department.Propose(request, token=stale)) == "TOKEN_STALE"
    make_pair(tmp_path, "issuer")
    forged = _token(month, "x", ["township_officer"], TOWNSHIP, keys=KeyRing(tmp_path, "issuer"))
    assert _code(lambda: department.Propose(request, token=forged)) == "TOKEN_FORGED"
    assert _code(lambda: department.Propose(request, token="nonsense")) == "TOKEN_FORGED"
    assert _code(lambda: department.Propose(request)) == "ROLE_MISSING"  # a service's own token is no officer's


# ------------------------------------------------------------------------------------------------ rights
def test_reads_outside_the_matrix_are_refused_and_reads_inside_are_logged(month: Month) -> None:
    roster, request = month.world.peers.stub("roster"), roster_pb2.GetHouseholdRequest(household_id="x", case_id="c", purpose="p")
    assert _code(lambda: roster.GetHousehold(request, token=month.tokens.role("window_clerk", TOWNSHIP))) == "READ_NOT_ALLOWED"
    apps = month.world.apps  # type: ignore[attr-defined]
    no_purpose = roster_pb2.GetHouseholdRequest(household_id="x")
    assert _code(lambda: apps["medical"].peers.stub("roster").GetHousehold(no_purpose)) == "PURPOSE_REQUIRED"
    report = means_test_pb2.GetReportRequest(report_id="x", case_id="c", purpose="p")
    assert _code(lambda: apps["vagrant"].peers.stub("means_test").GetReport(report)) == "READ_NOT_ALLOWED"
    assert _code(lambda: apps["medical"].peers.stub("intake").GetDeclaration(
        intake_pb2.GetDeclarationRequest(application_id="x"))) == "SERVICE_NOT_ALLOWED"


# ------------------------------------------------------------------------------------------------ money
def _grant(month: Month, channel: str, signed_by: str, amount: int = 100, forge: bool = False) -> str:
    """What payment answers to a grant that `signed_by` says."""
    app = month.world.apps[signed_by]  # type: ignore[attr-defined]
    grant = aid.Grant(grant_id=f"g-{channel}-{signed_by}-{amount}-{forge}", channel=channel, service=signed_by,
                      case_id=f"c-{channel}-{signed_by}-{amount}-{forge}", household_id="h", instalment_fen=amount,
                      instalments=1, first_due_on="2026-03-02", via="bank", every_months=1).SerializeToString()
    signature = app.keys.sign(b"something else" if forge else grant)
    with app.work("test") as ctx:
        ctx.emit(aid.AidGranted(case_id="c", service=signed_by, household_id="h", decision_id=f"d-{channel}-{amount}-{forge}",
                                granted_on="2026-03-02",
                                signed_grant=aid.SignedGrant(grant=grant, signature=signature, signed_by=signed_by)),
                 subject=f"grant-{channel}-{signed_by}-{amount}-{forge}")
    month.world.settle()
    from yimen.store.tables import outbox

    from services.payment.tables import plan

    with month.world.apps["payment"].store.transaction(write=False) as tx:  # type: ignore[attr-defined]
        row = tx.first(plan, grant_id=f"g-{channel}-{signed_by}-{amount}-{forge}")
        assert row is not None
        if row["state"] == "reserved":
            return "reserved"
        said = tx.first(outbox, subject=row["case_id"])
        assert said is not None
        from yimen.payment.v1 import events_pb2

        return str(events_pb2.PaymentRejected.FromString(said["body"]).reason_code)


@pytest.fixture
def known_household(month: Month) -> None:
    """The roster waits for a household that it does not know; payment alone is looked at here."""


def test_money_leaves_only_on_the_owners_valid_grant_within_its_balance(month: Month, known_household: None) -> None:
    assert _grant(month, "medical_aid", "medical") == "reserved"
    assert _grant(month, "medical_aid", "education") == "CHANNEL_NOT_OWNED"
    assert _grant(month, "medical_aid", "medical", amount=200, forge=True) == "GRANT_SIGNATURE_WRONG"
    assert _grant(month, "medical_aid", "medical", amount=10**12) == "BALANCE_TOO_LOW"
    assert _grant(month, "moon_fund", "medical") == "CHANNEL_NOT_FOUND"


def test_wrong_calls_to_payment_and_disclosure(month: Month) -> None:
    payment, disclosure = month.world.peers.stub("payment"), month.world.peers.stub("disclosure")
    finance, clerk = month.tokens.role("finance_officer"), month.tokens.role("window_clerk", TOWNSHIP)
    assert _code(lambda: payment.OpenChannel(payment_pb2.OpenChannelRequest(channel="x", budget_fen=0), token=finance)) == "AMOUNT_WRONG"
    batches = month.world.peers.stub("payment", "yimen.payment.v1.batches:Batch")
    assert _code(lambda: batches.PrepareBatch(batches_pb2.PrepareBatchRequest(channel="medical_aid", due_on="2026-03-02"),
                                              token=clerk)) == "ROLE_MISSING"
    assert _code(lambda: payment.CorrectAccount(payment_pb2.CorrectAccountRequest(instalment_id="x", bank_account="12"),
                                                token=clerk)) == "FIELD_WRONG"
    assert _code(lambda: payment.CorrectAccount(payment_pb2.CorrectAccountRequest(instalment_id="x", bank_account="6" * 19),
                                                token=clerk)) == "INSTALMENT_NOT_FOUND"
    assert _code(lambda: disclosure.FileObjection(disclosure_pb2.FileObjectionRequest(notice_id="x", reason_code="y"),
                                                  token=clerk)) == "NOTICE_NOT_FOUND"


# ------------------------------------------------------------------------------------------------ policy
def test_a_pack_is_proposed_with_its_simulation_and_approved_by_a_second_officer(month: Month) -> None:
    source = Path("services/medical/policy/medical-2026.yaml").read_text()
    desk = month.world.peers.department("medical")
    first = month.tokens.role("policy_officer", department="medical", number=1)
    second = month.tokens.role("policy_officer", department="medical", number=2)
    ring = KeyRing(month.world.keys, "medical")

    def request(text: str, signer: str = "medical") -> aid_pb2.ProposePackRequest:
        return aid_pb2.ProposePackRequest(yaml=seal(text, signer, ring.sign))

    past = request(source.replace('"2026.2"', '"2026.0"'))
    assert _code(lambda: desk.ProposePack(past, token=first)) == "PACK_EFFECTIVE_IN_PAST"
    later = source.replace('supersedes: "2026.1"', 'supersedes: "2026.2"').replace('version: "2026.2"', 'version: "2026.3"')
    later = later.replace("effective: 2026-01-01", "effective: 2026-07-01")
    assert _code(lambda: desk.ProposePack(request(later.replace('supersedes: "2026.2"', 'supersedes: "2026.1"')),
                                          token=first)) == "PACK_STALE"
    unknown = request(later.replace("cat_destitute", "cat_destitut"))
    assert _code(lambda: desk.ProposePack(unknown, token=first)) == "PACK_INVALID"
    foreign = month.tokens.role("policy_officer", department="education", number=1)
    assert _code(lambda: desk.ProposePack(request(later), token=foreign)) == "WRONG_DEPARTMENT"
    assert _code(lambda: desk.ProposePack(request(later), token=month.tokens.role(
        "window_clerk", "990101001"))) == "ROLE_MISSING"
    assert _code(lambda: desk.ProposePack(aid_pb2.ProposePackRequest(yaml=later), token=first)) == "PACK_UNSIGNED"
    tampered = aid_pb2.ProposePackRequest(yaml=request(later).yaml.replace("0.7", "0.9"))
    assert _code(lambda: desk.ProposePack(tampered, token=first)) == "PACK_TAMPERED"
    assert _code(lambda: desk.ProposePack(request(later, "education"), token=first)) == "PACK_TAMPERED"
    proposed = desk.ProposePack(request(later), token=first)
    approve = aid_pb2.ApprovePackRequest(pack_hash=proposed.pack_hash)
    activate = aid_pb2.ActivatePackRequest(pack_hash=proposed.pack_hash)
    assert _code(lambda: desk.ActivatePack(activate, token=first)) == "PACK_STATE"
    assert _code(lambda: desk.ApprovePack(approve, token=first)) == "SEPARATION_OF_DUTIES"
    assert desk.ApprovePack(approve, token=second).effective_from == "2026-07-01"
    assert _code(lambda: desk.ApprovePack(approve, token=second)) == "PACK_STATE"
    assert _code(lambda: desk.ApprovePack(aid_pb2.ApprovePackRequest(pack_hash="0" * 64), token=second)) == "PACK_NOT_FOUND"
    overlapping = request(later.replace('version: "2026.3"', 'version: "2026.4"'))
    assert _code(lambda: desk.ProposePack(overlapping, token=first)) == "PACK_OVERLAPS"
    assert _code(lambda: desk.ActivatePack(activate, token=foreign)) == "WRONG_DEPARTMENT"
    assert desk.ActivatePack(activate, token=first).effective_from == "2026-07-01"
