"""Who calls: an officer by a token of the county's issuer, or a service by a token it signs itself.

Tokens are JWT with EdDSA. The development issuer is the same code with a key that `make up` and the demo
create; in production the county's identity provider signs and the services hold only its public key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from yimen.kernel import areas, limits
from yimen.kernel.errors import Fault
from yimen.security.keys import ISSUER, KeyRing

ALGORITHM = "EdDSA"
SERVICE_TOKEN_LIFE_S = 3600


@dataclass(frozen=True)
class Principal:
    """The caller of a command. `actor` is what audit rows and events carry: an id, never a name."""

    actor: str
    roles: frozenset[str] = frozenset()
    area: str = ""
    department: str = ""
    service: str = ""

    @property
    def level(self) -> str:
        """township, county, village; `panel` for the coordination body of the county."""
        if "coordination_panel" in self.roles:
            return "panel"
        return areas.level(self.area) if self.area else "service"

    def require_role(self, *roles: str) -> None:
        """Raises Fault ROLE_MISSING unless one of the roles is held."""
        if not self.roles.intersection(roles):
            raise Fault("ROLE_MISSING", role="/".join(roles))

    def require_area(self, code: str) -> None:
        """Raises Fault OUTSIDE_AREA unless `code` lies in the officer's area."""
        if not areas.contains(self.area, code):
            raise Fault("OUTSIDE_AREA")

    def require_service(self, *services: str) -> None:
        """Raises Fault SERVICE_NOT_ALLOWED unless the caller is one of the services."""
        if self.service not in services:
            raise Fault("SERVICE_NOT_ALLOWED", caller=self.service or "officer")


def issue_officer_token(keys: KeyRing, officer_id: str, roles: list[str], area: str, department: str,
                        now: datetime, life_s: int = limits.TOKEN_LIFE_S) -> str:
    """A token for an officer, signed by the issuer whose private key `keys` holds."""
    claims = {"sub": officer_id, "iss": ISSUER, "roles": roles, "area": area, "department": department,
              "iat": now, "exp": now + timedelta(seconds=life_s)}
    return jwt.encode(claims, keys.private(), algorithm=ALGORITHM)


def issue_service_token(keys: KeyRing, now: datetime) -> str:
    """A token in which a service names itself, signed by its own key."""
    claims = {"sub": keys.own, "iss": f"service:{keys.own}", "iat": now,
              "exp": now + timedelta(seconds=SERVICE_TOKEN_LIFE_S)}
    return jwt.encode(claims, keys.private(), algorithm=ALGORITHM)


def principal_of(claims: dict[str, Any], now: datetime) -> Principal:
    """Whom verified claims name. Raises Fault TOKEN_STALE; the injected clock decides, not the machine's."""
    if now.timestamp() >= float(claims.get("exp", 0)):
        raise Fault("TOKEN_STALE")
    if claims["iss"] == ISSUER:
        return Principal(claims["sub"], frozenset(claims["roles"]), claims["area"], claims["department"])
    return Principal(f"service:{claims['sub']}", service=claims["sub"])


def verified_claims(keys: KeyRing, token: str) -> dict[str, Any]:
    """The claims of a token whose signature is right. Raises Fault TOKEN_MISSING or TOKEN_FORGED."""
    if not token:
        raise Fault("TOKEN_MISSING")
    try:
        issuer = str(jwt.decode(token, options={"verify_signature": False}).get("iss", ""))
        name = issuer.removeprefix("service:")
        public = keys.public(name)
        if public is None or (name == ISSUER) != (issuer == ISSUER):
            raise Fault("TOKEN_FORGED")
        claims: dict[str, Any] = jwt.decode(
            token, public, algorithms=[ALGORITHM], issuer=issuer,
            options={"verify_exp": False, "verify_iat": False, "require": ["sub", "exp", "iss"]},
        )
    except jwt.InvalidTokenError:
        raise Fault("TOKEN_FORGED") from None
    if issuer != ISSUER and claims["sub"] != name:
        raise Fault("TOKEN_FORGED")
    return claims
