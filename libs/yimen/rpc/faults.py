"""Faults over gRPC as `google.rpc.Status` with `ErrorInfo` (domain `yimen`, reason = our code)."""

from __future__ import annotations

from typing import cast

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from yimen.kernel.errors import CATALOGUE, Fault

DOMAIN = "yimen"


def abort(context: grpc.ServicerContext, fault: Fault) -> None:
    """End the call with the fault as a rich status."""
    info = error_details_pb2.ErrorInfo(reason=fault.code, domain=DOMAIN, metadata=fault.details)
    detail = any_pb2.Any()
    detail.Pack(info)
    status = status_pb2.Status(code=code_pb2.Code.Value(fault.status.grpc), message=fault.message, details=[detail])
    context.abort_with_status(rpc_status.to_status(status))


def from_rpc_error(peer: str, error: grpc.RpcError) -> Fault:
    """The fault that a peer raised; PEER_UNAVAILABLE when it could not answer at all."""
    status = rpc_status.from_call(cast(grpc.Call, error))
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info) and info.reason in CATALOGUE:
            return Fault(info.reason, **dict(info.metadata))
    return Fault("PEER_UNAVAILABLE", peer=peer)
