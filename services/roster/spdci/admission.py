"""Who may come to the desk: the county's administrator admits and dismisses."""

from __future__ import annotations

import re
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from yimen.kernel.errors import Fault
from yimen.roster.v1 import roster_pb2 as pb
from yimen.roster.v1 import roster_pb2_grpc
from yimen.rpc.server import Mount, caller
from yimen.runtime.app import App
from yimen.runtime.outside import require_address

from services.roster.spdci.tables import integrator

SENDER = re.compile(r"[a-z][a-z0-9.-]{1,59}")
INTEGRATORS_MAX = 200


class IntegratorServicer(roster_pb2_grpc.IntegratorServiceServicer):
    """For the county's administrator only."""

    def __init__(self, app: App) -> None:
        self._app = app

    def AdmitIntegrator(self, request: Any, context: Any) -> Any:
        caller().require_role("county_admin")
        asked = request.integrator
        if not SENDER.fullmatch(asked.sender_id):
            raise Fault("FIELD_WRONG", field="sender_id", expected="小写字母开头,2 至 60 个小写字母、数字、. 或 -")
        require_address(asked.callback_url, "callback_url")
        _require_key(asked.public_key)
        values = {"public_key": asked.public_key, "callback_url": asked.callback_url, "may_list": asked.may_list,
                  "state": "active", "admitted_at": self._app.county_now()}
        with self._app.work(caller().actor) as ctx:
            if ctx.tx.count(integrator) >= INTEGRATORS_MAX:
                raise Fault("FIELD_WRONG", field="sender_id", expected=f"不超过 {INTEGRATORS_MAX} 个机构")
            # Admitted again: a new key or address takes the place of the old one.
            if not ctx.tx.insert_new(integrator, sender_id=asked.sender_id, **values):
                ctx.tx.update(integrator, {"sender_id": asked.sender_id}, **values)
            ctx.audit("integrator.admitted", asked.sender_id, may_list=asked.may_list)
        own = self._app.keys.public(self._app.name)
        assert own is not None
        return pb.AdmitIntegratorResponse(
            public_key=own.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    def DismissIntegrator(self, request: Any, context: Any) -> Any:
        caller().require_role("county_admin")
        if not request.reason.strip():
            raise Fault("REASON_REQUIRED")
        with self._app.work(caller().actor) as ctx:
            if not ctx.tx.update(integrator, {"sender_id": request.sender_id}, state="dismissed"):
                raise Fault("INTEGRATOR_NOT_FOUND", sender_id=request.sender_id[:60])
            ctx.audit("integrator.dismissed", request.sender_id, reason=request.reason)
        return pb.DismissIntegratorResponse()

    def ListIntegrators(self, request: Any, context: Any) -> Any:
        caller().require_role("county_admin")
        with self._app.work("", write=False) as ctx:
            rows = ctx.tx.find(integrator, order_by=integrator.c.sender_id)
        return pb.ListIntegratorsResponse(integrators=[
            pb.Integrator(sender_id=row["sender_id"], callback_url=row["callback_url"], may_list=row["may_list"],
                          state=row["state"], public_key=row["public_key"]) for row in rows])


def _require_key(text: str) -> None:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise Fault("FIELD_WRONG", field="public_key", expected="PEM 格式的 Ed25519 公钥")


def integrators_mount(app: App) -> Mount:
    """The servicer for the server."""
    return roster_pb2_grpc.add_IntegratorServiceServicer_to_server, IntegratorServicer(app)
