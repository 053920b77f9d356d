"""Who on the ledger has these ID numbers: many at once, in one look-up."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from yimen.kernel import resident_id
from yimen.kernel.errors import Fault
from yimen.roster.v1 import roster_pb2 as pb
from yimen.runtime.context import Context
from yimen.security.fields import FieldVault

from services.roster.tables import membership, person, read_log

_FOUND = (sa.select(person.c.id_match, person.c.person_id, membership.c.household_id)
          .join(membership, membership.c.person_id == person.c.person_id)
          .where(person.c.id_match.in_(sa.bindparam("matches", expanding=True))))


def identities(ctx: Context, vault: FieldVault, numbers: list[str]) -> list[Any]:
    """One answer for each number, in their order; a number that is wrong spoils only its own."""
    checked = [_check(number) for number in numbers]
    matches = [vault.match(number) if not problem else "" for number, problem in checked]
    rows = ctx.tx.connection.execute(_FOUND, {"matches": [match for match in matches if match]})
    found = {match: (person_id, household_id) for match, person_id, household_id in rows}
    return [_answer(problem, *found.get(match, ("", "")))
            for match, (_, problem) in zip(matches, checked, strict=True)]


def log(ctx: Context, reader: str, request: Any, households: set[str]) -> None:
    """Each household that was found has been read, and may ask by whom (R019)."""
    ctx.tx.insert_all(read_log, [
        {"at": ctx.now, "reader": reader, "household_id": household_id, "case_id": request.case_id,
         "purpose": request.purpose, "data": "identity match"}
        for household_id in sorted(households)
    ])


def _check(number: str) -> tuple[str, str]:
    try:
        return resident_id.check(number, 1), ""
    except Fault as fault:
        return "", fault.code


def _answer(problem: str, person_id: str, household_id: str) -> Any:
    return pb.Identity(problem=problem, person_id=person_id, household_id=household_id)
