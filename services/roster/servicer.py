"""gRPC of `roster`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from yimen.kernel import areas, limits, resident_id
from yimen.kernel.errors import Fault
from yimen.kernel.ids import derived
from yimen.roster.v1 import roster_pb2 as pb
from yimen.roster.v1 import roster_pb2_grpc
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.context import Context
from yimen.security.identity import Principal
from yimen.store.unit import Row

from services.roster import domain, resolve
from services.roster.coverage import coverage
from services.roster.tables import (
    benefit_record,
    category_record,
    former_membership,
    household,
    membership,
    person,
    person_state,
    read_log,
)

COVERAGE_READERS = ("county_officer", "county_approver", "township_officer", "supervisor", "auditor")
STATE_FIELDS = ("school_stage", "disability_kind", "disability_level", "serious_illness", "labour_capable", "employed")


class RosterServicer(roster_pb2_grpc.RosterServiceServicer):
    """The shared ledger."""

    def __init__(self, app: App) -> None:
        self._app = app

    # ------------------------------------------------------------------------------------------ writing
    def RegisterHousehold(self, request: Any, context: Any) -> Any:
        caller().require_service("intake")
        if not request.members:
            raise Fault("NO_MEMBERS")
        if len(request.members) > limits.MEMBERS_MAX:
            raise Fault("TOO_MANY_MEMBERS", limit=limits.MEMBERS_MAX)
        numbers = [resident_id.check(m.resident_id, place) if m.resident_id else ""
                   for place, m in enumerate(request.members, start=1)]
        with self._app.work(caller().actor) as ctx:
            person_ids = [self._person(ctx, member, number, request.village_code)
                          for member, number in zip(request.members, numbers, strict=True)]
            household_id = self._household(ctx, request, person_ids)
        return pb.RegisterHouseholdResponse(household_id=household_id, person_ids=person_ids)

    def _person(self, ctx: Context, member: Any, number: str, village_code: str) -> str:
        match = self._app.vault.match(number) if number else ""
        known = ctx.tx.first(person, id_match=match) if match else None
        # A person without a known identity is a new one each time, until merged (requirements 4.7).
        basis = match or f"temporary:{village_code}:{ctx.tx.count(person)}"
        person_id = known["person_id"] if known else derived("person", basis)
        if known is None:
            born = resident_id.birth_date(number) if number else None
            ctx.tx.insert(person, person_id=person_id, id_match=match, id_sealed=self._app.vault.encrypt(number),
                          name_sealed=self._app.vault.encrypt(member.name), birth_date=born,
                          sex=resident_id.sex(number) if number else member.sex or "unknown",
                          temporary=not number, recorded_at=ctx.now)
        state = {name: getattr(member, name) for name in STATE_FIELDS}
        last = ctx.tx.first(person_state, person_id=person_id, order_by=person_state.c.row_id.desc())
        if last is None or any(last[name] != value for name, value in state.items()):
            ctx.tx.insert(person_state, person_id=person_id, valid_from=ctx.today, recorded_at=ctx.now, **state)
        return person_id

    def _household(self, ctx: Context, request: Any, person_ids: list[str]) -> str:
        known = {row["person_id"]: row["household_id"]
                 for row in ctx.tx.find(membership, person_id=person_ids)}
        household_id = known.get(person_ids[0]) or derived("household", person_ids[0])
        if request.known_household_id and household_id != request.known_household_id:
            raise Fault("FIELD_WRONG", field="members", expected="第一位成员须为该户现有成员")
        for place, person_id in enumerate(person_ids, start=1):
            if known.get(person_id, household_id) != household_id:
                raise Fault("MEMBER_IN_TWO_HOUSEHOLDS", position=place, household_id=known[person_id])
        if ctx.tx.insert_new(household, household_id=household_id, village_code=request.village_code,
                             area_kind=request.area_kind, version=1, recorded_at=ctx.now):
            ctx.audit("household.registered", household_id, members=len(person_ids))
        if request.known_household_id:
            self._end_others(ctx, household_id, person_ids)
        for place, (person_id, member) in enumerate(zip(person_ids, request.members, strict=True)):
            ctx.tx.insert_new(membership, household_id=household_id, person_id=person_id, relation=member.relation,
                              place=place, valid_from=ctx.today)
        return household_id

    def _end_others(self, ctx: Context, household_id: str, staying: list[str]) -> None:
        """Who is not named has left the household; that he belonged to it is kept."""
        for row in ctx.tx.find(membership, membership.c.person_id.not_in(staying), household_id=household_id):
            ctx.tx.append(former_membership, household_id=household_id, person_id=row["person_id"], relation=row["relation"],
                          valid_from=row["valid_from"], valid_to=ctx.today, recorded_at=ctx.now)
            ctx.tx.delete(membership, person_id=row["person_id"])
            ctx.audit("member.left", household_id, person_id=row["person_id"])

    # ------------------------------------------------------------------------------------------ reading
    def GetHousehold(self, request: Any, context: Any) -> Any:
        reader = caller()
        rights = domain.rights_of(reader)
        domain.require_purpose(request.case_id, request.purpose)
        with self._app.work(reader.actor) as ctx:
            home = ctx.require(ctx.tx.first(household, household_id=request.household_id),
                               "HOUSEHOLD_NOT_FOUND", household_id=request.household_id)
            on = date.fromisoformat(request.on) if request.on else ctx.today
            known_at = datetime.fromisoformat(request.known_at) if request.known_at else ctx.now
            members = ctx.tx.find(membership, household_id=request.household_id,
                                  order_by=membership.c.place)
            answer = pb.GetHouseholdResponse(
                household_id=home["household_id"], village_code=home["village_code"], area_kind=home["area_kind"],
                version=home["version"],
                members=self._visible(ctx, members, rights, known_at),
                categories=[_category(row) for row in self._categories(ctx, request.household_id, on, known_at)],
            )
            self._log(ctx, reader, request, ",".join(sorted(rights & {"name", "identity", "category", "study",
                                                                      "disability", "labour"})))
        return answer

    def ListHouseholds(self, request: Any, context: Any) -> Any:
        reader = caller()
        rights = domain.rights_of(reader) - {domain.NAME, domain.IDENTITY}  # nobody needs names to try a policy
        domain.require_purpose(request.case_id, request.purpose)
        limit = min(request.limit or limits.HOUSEHOLDS_PAGE_MAX, limits.HOUSEHOLDS_PAGE_MAX)
        with self._app.work(reader.actor) as ctx:
            homes = ctx.tx.find(household, household.c.household_id > request.after, order_by=household.c.household_id,
                                limit=limit)
            answer = pb.ListHouseholdsResponse(total=ctx.tx.count(household))
            for home in homes:
                members = ctx.tx.find(membership, household_id=home["household_id"], order_by=membership.c.place)
                categories = self._categories(ctx, home["household_id"], ctx.today, ctx.now)
                answer.households.add(household_id=home["household_id"], area_kind=home["area_kind"], version=home["version"],
                                      members=self._visible(ctx, members, rights, ctx.now),
                                      categories=[_category(row) for row in categories])
                ctx.tx.append(read_log, at=ctx.now, reader=reader.actor, household_id=home["household_id"],
                              case_id=request.case_id, purpose=request.purpose, data="whole roster")
        return answer

    def _visible(self, ctx: Context, members: list[Row], rights: frozenset[str], known_at: datetime) -> list[Any]:
        ids = [row["person_id"] for row in members]
        people = {row["person_id"]: row for row in ctx.tx.find(person, person_id=ids)}
        # The newest state that was known at the time; later rows overwrite earlier ones in this dictionary.
        states = {row["person_id"]: row for row in ctx.tx.find(
            person_state, person_state.c.recorded_at <= known_at, person_id=ids,
            order_by=person_state.c.row_id)}
        return [self._shown(row, people[row["person_id"]], states[row["person_id"]], rights)
                for row in members if row["person_id"] in states]

    def _shown(self, row: Row, one: Row, state: Row, rights: frozenset[str]) -> Any:
        shown = pb.Person(person_id=row["person_id"], relation=row["relation"], sex=one["sex"],
                          temporary=one["temporary"],
                          birth_date=one["birth_date"].isoformat() if one["birth_date"] else "")
        if domain.NAME in rights:
            shown.name = self._app.vault.decrypt(one["name_sealed"])
        if domain.IDENTITY in rights:
            shown.resident_id = self._app.vault.decrypt(one["id_sealed"])
        show_state(shown, state, rights)
        return shown

    def _categories(self, ctx: Context, household_id: str, on: date, known_at: datetime) -> list[Row]:
        c = category_record.c
        rows = ctx.tx.find(category_record, c.household_id == household_id, c.valid_from <= on,
                           c.recorded_at <= known_at, order_by=c.row_id)
        # An end that was not known yet at that moment is none.
        return [row for row in rows if row["valid_to"] is None or on <= row["valid_to"]
                or (row["end_recorded_at"] is not None and row["end_recorded_at"] > known_at)]

    def ListBenefits(self, request: Any, context: Any) -> Any:
        reader = caller()
        rights = domain.rights_of(reader)
        domain.require_purpose(request.case_id, request.purpose)
        if not rights & {domain.BENEFITS_AMOUNT, domain.BENEFITS_ITEM}:
            raise Fault("READ_NOT_ALLOWED", reader=reader.service, data="在享救助")
        with self._app.work(reader.actor) as ctx:
            rows = [row for row in ctx.tx.find(benefit_record, household_id=request.household_id,
                                               order_by=benefit_record.c.recorded_at)
                    if row["valid_from"] <= ctx.today and (row["valid_to"] is None or ctx.today <= row["valid_to"])]
            self._log(ctx, reader, request, "benefits")
        return pb.ListBenefitsResponse(benefits=[
            pb.Benefit(
                item=row["item"], service=row["service"], person_id=row["person_id"], output=row["output"],
                amount_fen=row["amount_fen"] if domain.BENEFITS_AMOUNT in rights or row["service"] == reader.service else 0,
                decision_id=row["decision_id"], **{"from": row["valid_from"].isoformat()},
            ) for row in rows
        ])

    def ResolveIdentities(self, request: Any, context: Any) -> Any:
        reader = caller()
        if domain.NAME not in domain.rights_of(reader):
            raise Fault("READ_NOT_ALLOWED", reader=reader.service, data="身份")
        domain.require_purpose(request.case_id, request.purpose)
        if len(request.resident_ids) > limits.RESOLVE_IDS_MAX:
            raise Fault("TOO_MANY_IDS", limit=limits.RESOLVE_IDS_MAX)
        with self._app.work(reader.actor) as ctx:
            answers = resolve.identities(ctx, self._app.vault, list(request.resident_ids))
            resolve.log(ctx, reader.actor, request, {one.household_id for one in answers if one.household_id})
        return pb.ResolveIdentitiesResponse(identities=answers)

    def GetCoverage(self, request: Any, context: Any) -> Any:
        officer = caller()
        officer.require_role(*COVERAGE_READERS)
        if request.township_code:
            areas.level(request.township_code)
        with self._app.work("", write=False) as ctx:
            seen = coverage(ctx.tx, ctx.today, request.township_code)
        return pb.GetCoverageResponse(
            in_need=seen.in_need, temporary=seen.temporary, nothing=seen.nothing,
            lines=[pb.LineCoverage(line=line, households=count) for line, count in seen.lines.items()])

    def ListReads(self, request: Any, context: Any) -> Any:
        reader = caller()
        reader.require_role("supervisor")
        with self._app.work(reader.actor, write=False) as ctx:
            rows = ctx.tx.find(read_log, household_id=request.household_id, order_by=read_log.c.row_id)
        return pb.ListReadsResponse(reads=[
            pb.ReadRecord(at=row["at"].isoformat(), reader=row["reader"], case_id=row["case_id"],
                          purpose=row["purpose"], data=row["data"]) for row in rows
        ])

    def _log(self, ctx: Context, reader: Principal, request: Any, data: str) -> None:
        ctx.tx.append(read_log, at=ctx.now, reader=reader.actor, household_id=request.household_id,
                      case_id=request.case_id, purpose=request.purpose, data=data)


def show_state(shown: Any, state: Mapping[str, Any], rights: frozenset[str]) -> None:
    """Put into the answer what this reader may know of a person's study, health and work (5.2)."""
    if domain.STUDY in rights:
        shown.school_stage = state["school_stage"]
    if domain.DISABILITY in rights:
        shown.disability_kind, shown.disability_level = state["disability_kind"], state["disability_level"]
        shown.serious_illness = state["serious_illness"]
    if domain.LABOUR in rights:
        shown.labour_capable, shown.employed = state["labour_capable"], state["employed"]


def _category(row: Row) -> Any:
    return pb.Category(
        category=row["category"], person_id=row["person_id"], valid_from=row["valid_from"].isoformat(),
        valid_to=row["valid_to"].isoformat() if row["valid_to"] else "", decision_id=row["decision_id"],
        authority=row["authority"], recorded_at=row["recorded_at"].isoformat(),
    )


def roster_mount(app: App) -> Mount:
    """The servicer for the server."""
    return roster_pb2_grpc.add_RosterServiceServicer_to_server, RosterServicer(app)
