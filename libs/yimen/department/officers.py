"""Who may act at a department's own desk."""

from __future__ import annotations

from yimen.kernel.errors import Fault
from yimen.rpc.server import caller
from yimen.runtime.app import App
from yimen.security.identity import Principal


def own_officer(app: App, role: str) -> Principal:
    """The caller, of this department and in this role. Raises Fault ROLE_MISSING or WRONG_DEPARTMENT."""
    officer = caller()
    officer.require_role(role)
    if officer.department != app.name:
        raise Fault("WRONG_DEPARTMENT", department=app.service.title)
    return officer
