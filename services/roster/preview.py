"""The household of a form that nobody handed in, as a reader would see it."""

from __future__ import annotations

from typing import Any

from yimen.kernel.resident_id import birth_date
from yimen.roster.v1 import roster_pb2 as pb
from yimen.runtime.declaration import Occasion

from services.roster import domain
from services.roster.servicer import show_state


def household(form: Any, occasion: Occasion) -> pb.GetHouseholdResponse:
    """Members are named by their place in the form, from `0`; the categories are held by the household."""
    rights = domain.READ_RIGHTS.get(occasion.reader, domain.OTHER_DEPARTMENTS)
    answer = pb.GetHouseholdResponse(village_code=form.village_code, area_kind=form.area_kind, version=1)
    for place, member in enumerate(form.members):
        born = birth_date(member.resident_id).isoformat() if member.resident_id else ""
        shown = answer.members.add(person_id=str(place), relation=member.relation, birth_date=born,
                                   temporary=not member.resident_id)
        show_state(shown, {
            "school_stage": member.school_stage or "none", "disability_kind": member.disability_kind or "none",
            "disability_level": member.disability_level, "serious_illness": member.serious_illness,
            "labour_capable": member.labour_capable, "employed": member.employed}, rights)
    answer.categories.extend(pb.Category(category=category) for category in occasion.categories)
    return answer
