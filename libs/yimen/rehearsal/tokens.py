"""The development issuer: tokens for the played officers, renewed when the clock moves on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from yimen.directory.v1 import directory_pb2
from yimen.kernel.clock import Clock
from yimen.security.identity import issue_officer_token
from yimen.security.keys import ISSUER, KeyRing


class Tokens:
    """Tokens by officer, and officers by what they can do where."""

    def __init__(self, keys: Path, clock: Clock, officers: list[directory_pb2.Officer]) -> None:
        self._keys, self._clock = KeyRing(keys, ISSUER), clock
        self._officers = {officer.officer_id: officer for officer in officers}
        self._tokens: dict[str, tuple[datetime, str]] = {}

    def of(self, officer_id: str) -> str:
        """A token of this officer that is valid now."""
        now = self._clock.now()
        issued = self._tokens.get(officer_id)
        if issued is None or issued[0] != now:
            one = self._officers[officer_id]
            token = issue_officer_token(self._keys, officer_id, list(one.roles), one.area, one.department, now)
            self._tokens[officer_id] = issued = (now, token)
        return issued[1]

    def role(self, role: str, township: str = "", department: str = "", number: int = 1) -> str:
        """A token of the officer who holds the role there."""
        return self.of(self.officer(role, township, department, number))

    def officer(self, role: str, township: str = "", department: str = "", number: int = 1) -> str:
        """The id of the officer who holds the role in the township, the department, or the county."""
        for name in (f"{role}-{township[:9]}-{number}", f"{role}-{department}", f"{role}-{department}-{number}",
                     f"{role}-{number}"):
            if name in self._officers:
                return name
        raise KeyError(f"nobody holds {role} at {township or department or 'county'}")
